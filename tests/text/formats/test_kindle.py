"""Books for Kindle and Mobipocket: both formats and compressions, chapters, fields, and every way to fail."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest
from support import kindle

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.kindle.text_compression import PhraseDecoder, unpack_palmdoc
from crystalcli.text.readers import open_source

CHAPTERS = [
    ("The Lamp", "The lamp at Oldhaven burns fourteen litres of oil a night, said Märta. " * 40),
    ("The Tide", "Spring tide comes two days after the full moon. " * 60),
    ("The Rope", "Marta bought ninety fathoms of tarred rope in Sandwick."),
]


def read(path: Path) -> tuple[str, list[tuple[str, str, str]], str]:
    """Read a book: its text, its landmarks as (kind, label, the words that follow), its title."""
    text, marks = "", []
    _, reading = open_source(path)
    for piece in reading.pieces():
        if isinstance(piece, Landmark):
            marks.append((piece.start, piece.kind, piece.label))
        else:
            text += piece
    return text, [(kind, label, text[start : start + 12]) for start, kind, label in marks], reading.title


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def refusal(path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(path)
    return caught.value


def whole() -> str:
    return "\n\n".join(paragraph.strip() for _, paragraph in CHAPTERS)


FIELDS = (
    (kindle.AUTHOR, "Ann Märsh".encode()),
    (kindle.AUTHOR, b"Bo Reed"),
    (kindle.PUBLISHED, b"2019-05-04T00:00:00"),
    (kindle.SUBJECT, b"Sea"),
)
FIELD_MARKS = [("author", "Ann Märsh; Bo Reed"), ("date", "2019-05-04"), ("tags", "sea")]


def test_mobi_has_its_chapters_and_fields(tmp_path):
    data = kindle.mobi(CHAPTERS, "Harbour Tales", levels=(0, 1, 0), fields=FIELDS)
    text, marks, title = read(write(tmp_path / "a.mobi", data))
    assert text.strip() == whole()
    assert title == "Harbour Tales — Ann Märsh, Bo Reed"
    assert [mark[:2] for mark in marks[:3]] == FIELD_MARKS
    assert marks[3:] == [
        ("heading", "The Lamp", "The lamp at "),
        ("heading", "The Lamp › The Tide", "Spring tide "),
        ("heading", "The Rope", "Marta bought"),
    ]


def test_kf8_is_put_together_from_its_fragments(tmp_path):
    text, marks, title = read(write(tmp_path / "a.azw3", kindle.kf8(CHAPTERS, "Harbour Tales", fields=FIELDS)))
    expected = "\n\n".join(f"{heading}\n\n{paragraph.strip()}" for heading, paragraph in CHAPTERS)
    assert text.strip() == expected  # without its style sheet
    assert title == "Harbour Tales — Ann Märsh, Bo Reed"
    assert [mark[:2] for mark in marks[:3]] == FIELD_MARKS
    assert [mark for mark in marks if mark[0] == "heading"] == [
        ("heading", name, name[:8] + "\n\n" + words)
        for name, words in zip(("The Lamp", "The Tide", "The Rope"), ("Th", "Sp", "Ma"), strict=True)
    ]


def test_of_a_book_in_both_formats_the_new_one_is_read(tmp_path):
    old = kindle.mobi([("Old", "The old text.")], "Old", fields=[(121, bytes(4))])
    new = kindle.kf8(CHAPTERS, "New")
    records = [old_records(old), old_records(new)]
    first = len(records[0]) + 1
    head = records[0][0].replace(struct.pack(">LL", 121, 12) + bytes(4), struct.pack(">LLL", 121, 12, first))
    data = kindle.palm([head, *records[0][1:], b"BOUNDARY", *records[1]])
    text, _, title = read(write(tmp_path / "both.mobi", data))
    assert (text.split()[:2], title) == (["The", "Lamp"], "New")


def old_records(data: bytes) -> list[bytes]:
    from crystalcli.text.formats.kindle.palm_records import PalmRecords

    records = PalmRecords(data)
    return [records[number] for number in range(len(records))]


def test_phrases_are_unpacked_and_trailing_entries_left_out(tmp_path):
    letters = [(bytes((255 - n,)), True) for n in range(256)]
    letters[7] = (bytes((255 - 9, 255 - 8, 255 - 8)), False)  # phrase 7 is phrases 9, 8 and 8
    letters[8], letters[9] = (b"tide ", True), (b"Spring ", True)
    markup = b"<html><body><p>Told: @.</p></body></html>"
    # The code of phrase n is 255 - n, and phrase n is the letter 255 - n, but for three.
    record = markup.replace(b"@", bytes((255 - 7,)))
    trailers = b"abcd\x85" + b"x\x82"  # of five bytes, and of two
    codes = kindle.phrase_records(letters)
    head = kindle.header(1, len(markup), compression=17480, indexes={112: 2, 116: 2}, flags=6)
    text, _, _ = read(write(tmp_path / "a.azw", kindle.palm([head, record + trailers, *codes])))
    assert text.strip() == "Told: Spring tide tide ."


@pytest.mark.parametrize("size", [0, 1, 3, 5000])
def test_palmdoc_comes_back_as_it_was(size):
    data = ("aaaaaaaaaaaa Ärger, said the Mate. " * 200).encode()[:size]
    assert unpack_palmdoc(kindle.packed_palmdoc(data)) == data


def test_chapters_come_from_the_page_of_contents_without_an_index(tmp_path):
    body = b'<html><head><guide><reference type="toc" filepos=%010d /></guide></head><body>'
    start = len(body % 0)
    links = b"<p><a filepos=%010d>First <b>Part</b></a></p><p><a filepos=%010d>Second Part</a></p><mbp:pagebreak/>"
    first = start + len(links % (0, 0))
    one = b"<p>The lamp burns.</p><mbp:pagebreak/>"
    text = body % start + links % (first, first + len(one)) + one + b"<p>The tide comes.</p></body></html>"
    data = kindle.palm([kindle.header(1, len(text), compression=1), text])
    _, marks, _ = read(write(tmp_path / "a.prc", data))
    assert marks == [("heading", "First Part", "The lamp bur"), ("heading", "Second Part", "The tide com")]


def test_plain_palmdoc_is_read(tmp_path):
    text = "The lamp burns.\nThe tide comes – twice.".encode("cp1252")
    head = struct.pack(">HHLHHH", 2, 0, len(text), 1, 4096, 0) + bytes(2)
    data = kindle.palm([head, kindle.packed_palmdoc(text)], b"TEXtREAd", b"Lamp")
    assert read(write(tmp_path / "a.pdb", data)) == ("The lamp burns.\n\nThe tide comes – twice.\n", [], "Lamp")


def test_copy_protection_and_other_formats_are_named(tmp_path):
    locked = refusal(write(tmp_path / "a.azw3", kindle.mobi(CHAPTERS, encryption=2)))
    assert (str(locked), locked.code) == ("encrypted (copy protection)", Reason.CANNOT_DECRYPT)
    replica = kindle.palm([kindle.header(1, 8, compression=1), b"%MOP\0\0\0\0"])
    assert refusal(write(tmp_path / "a.azw4", replica)).code == Reason.UNSUPPORTED
    assert refusal(write(tmp_path / "b.kfx", b"CONT\2\0\0\0" + bytes(range(256)))).code == Reason.UNSUPPORTED


def bad_books() -> dict[str, bytes]:
    good = kindle.kf8(CHAPTERS)
    records = old_records(good)
    self_reference = kindle.phrase_records([(bytes((255,)), False)] + [(b"x", True)] * 255)
    doubling = [(bytes((255 - n - 1, 255 - n - 1)), False) for n in range(200)] + [(b"x" * 100, True)] * 56
    code_head = kindle.header(1, 9, compression=17480, indexes={112: 2, 116: 2})
    before = struct.pack(">H", 0x8000 | 500 << 3)
    return {
        "cut": good[:400],
        "no header": kindle.palm([b"", b""]),
        "no records": kindle.palm([]),
        "header of nothing": kindle.palm([bytes(300)]),
        "unknown compression": kindle.palm([kindle.header(1, 9, compression=7), b"x"]),
        "pair before the beginning": kindle.palm([kindle.header(1, 9), b"a" + before]),
        "phrase in itself": kindle.palm([code_head, bytes((255,)), *self_reference]),
        "phrases that double": kindle.palm([code_head, bytes((255,)), *kindle.phrase_records(doubling)]),
        "phrases without codes": kindle.palm([code_head, b"abc", b"HUFF", b"CDIC"]),
        "skeletons that are none": kindle.palm([records[0], *records[1:-8], b"x", *records[-7:]]),
    }


@pytest.mark.parametrize("name", bad_books())
def test_bad_books_are_refused_in_a_moment(tmp_path, name):
    began = time.process_time()
    error = refusal(write(tmp_path / "bad.mobi", bad_books()[name]))
    assert error.code in (Reason.DAMAGED, Reason.BOMB, Reason.NESTED_TOO_DEEPLY, Reason.UNSUPPORTED), error
    assert time.process_time() - began < 5


def test_a_code_without_length_does_not_hang():
    huff, cdic = kindle.phrase_records([(b"x", True)] * 256)
    table = huff[:24] + bytes(1024) + huff[24 + 1024 :]
    with pytest.raises(SourceError, match="cannot be unpacked"):
        PhraseDecoder(table, [cdic]).unpack(b"abc")
