"""The readers: that what comes out is what was written, where headings and pages are, and every way to fail."""

from __future__ import annotations

import codecs
import hashlib
import io
import logging
import os
import random
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crystalcli.errors import SourceError
from crystalcli.text.asked import Options
from crystalcli.text.reader_markdown import with_headings
from crystalcli.text.readers import kind_of, open_source
from crystalcli.types import HEADING_JOINT, Fingerprint, Landmark, Reading

relaxed = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Everything that Unicode calls text: no NUL, no halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200)
lines = st.lists(
    st.sampled_from(["a", "é", "日本", "🌍", "\r", "\n", "\r\n", "\t", " ", "\u2028", "\x0b"]), max_size=60
)
written = st.one_of(texts, lines.map("".join)).filter(lambda text: bool(text.strip()) and text[0] != "\ufeff")
# High letters alone never look like UTF-8, whose second bytes are below them.
western = st.text(st.sampled_from("abc \r\n.,àâçéèêîïôûüßæøñ"), min_size=1).filter(lambda text: bool(text.strip()))
sizes = st.integers(1, 40)


def opened(path: Path, **options: Any) -> tuple[Reading, list[str | Landmark]]:
    _, reading = open_source(path, Options(**options))
    return reading, list(reading.pieces())


def text_of(path: Path, **options: Any) -> str:
    pieces = [piece for piece in opened(path, **options)[1] if isinstance(piece, str)]
    assert all(pieces), "an empty piece"
    assert not any(a.endswith("\r") and b.startswith("\n") for a, b in pairwise(pieces))
    return "".join(pieces)


def marks_of(path: Path, **options: Any) -> list[Landmark]:
    """The landmarks, each of which must stand where it says."""
    marks: list[Landmark] = []
    given = 0
    for piece in opened(path, **options)[1]:
        if isinstance(piece, Landmark):
            assert piece.start == given
            marks.append(piece)
        else:
            given += len(piece)
    return marks


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def make(content: bytes | str, name: str = "file.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return make


# --- text comes back as it was written ------------------------------------------------------------


@relaxed
@given(written, sizes)
@example("\r\n" * 30 + "a", 1)
@example("a\r", 2)
@example("%PDF", 1)
def test_utf_8_comes_back(file: Callable[..., Path], text: str, size: int) -> None:
    assert text_of(file(text), piece=size) == text
    assert text_of(file(codecs.BOM_UTF8 + text.encode()), piece=size) == text
    assert "".join(p for p in opened(file(text, "a.md"), piece=size)[1] if isinstance(p, str)) == text


@relaxed
@given(written, sizes, st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]))
def test_utf_16_and_32_come_back_if_marked(file: Callable[..., Path], text: str, size: int, encoding: str) -> None:
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(
        encoding, codecs.BOM_UTF32_LE if encoding == "utf-32-le" else codecs.BOM_UTF32_BE
    )
    assert text_of(file(mark + text.encode(encoding)), piece=size) == text


@relaxed
@given(western, sizes)
@example("\xef", 1)
@example("\xef\xbb", 1)
def test_windows_1252_comes_back(file: Callable[..., Path], text: str, size: int) -> None:
    assert text_of(file(text.encode("cp1252")), piece=size) == text


def test_quotation_marks_of_windows_come_back(file: Callable[..., Path]) -> None:
    text = "“It’s a dash – and the price is 5 €”, said Zoë.\r\n"
    assert text_of(file(text.encode("cp1252"))) == text
    assert text_of(file(b"left open: \x81 \x8d \x9d \xe9")) == "left open: \x81 \x8d \x9d é"


def test_a_stray_byte_does_not_spoil_a_file_that_is_utf_8_otherwise(file: Callable[..., Path]) -> None:
    good = "naïve café, 日本語 “quoted”\n"
    for stray, read in ((b"\xe9", "é"), (b"\x93", "“"), ("日".encode()[:2], "æ—")):
        data = good.encode() + stray + b" " + good.encode() + stray
        for size in (1, 7, 1 << 18):
            assert text_of(file(data), piece=size) == good + read + " " + good + read


@relaxed
@given(st.binary(min_size=1, max_size=300), st.integers(1, 40))
def test_any_bytes_are_text_or_an_error_with_a_reason(file: Callable[..., Path], data: bytes, size: int) -> None:
    try:
        text = text_of(file(data), piece=size)
    except SourceError as error:
        assert str(error).startswith(("binary file", "empty", "not valid UTF-16", "not valid UTF-32", "damaged PDF: "))
    else:
        assert "\0" not in text
        text.encode("utf-8")  # no halves of surrogate pairs


def test_the_fingerprint_is_that_of_the_bytes(file: Callable[..., Path]) -> None:
    path = file("abc\r\n" * 1000)
    os.utime(path, ns=(1, 987_654_321))
    expected = Fingerprint(5000, 987_654_321, hashlib.sha256(b"abc\r\n" * 1000).digest())
    assert open_source(path)[0] == open_source(path, Options(piece=3))[0] == expected


# --- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\xff\xfe\n\0", " \u3000".encode()]
)
def test_nothing_to_read(file: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(SourceError, match=r"^empty$"):
        open_source(file(content))


@pytest.mark.parametrize(
    "content",
    [
        b"text\0text",
        b"a" * 300_000 + b"\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "\ufefftext\0".encode("utf-16"),
        "half a text".encode("utf-16-le"),  # without a mark no one can know
        random.Random(1).randbytes(2000).replace(b"\0", b""),
    ],
)
def test_bytes_that_are_no_text(file: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(SourceError, match=r"^binary file$"):
        open_source(file(content))


def test_a_mark_that_lies(file: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match=r"^not valid UTF-16 text$"):
        open_source(file(codecs.BOM_UTF16_LE + b"a\0b"))
    with pytest.raises(SourceError, match=r"^not valid UTF-16 text$"):
        open_source(file(codecs.BOM_UTF16_BE + b"\xd8\x00\x00a"))
    with pytest.raises(SourceError, match=r"^not valid UTF-32 text$"):
        open_source(file(codecs.BOM_UTF32_LE + b"\xff\xff\xff\xff"))


def test_what_the_system_refuses(tmp_path: Path, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"^no longer there$"):
        open_source(tmp_path / "missing")
    with pytest.raises(SourceError, match=r"^a folder$"):
        open_source(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match=r"^not a regular file$"):
        open_source(tmp_path / "pipe")
    path = file("text")
    _, reading = open_source(path)

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match=r"^permission denied$"):
        open_source(path)
    with pytest.raises(SourceError, match=r"^permission denied$"):
        list(reading.pieces())


def test_a_disk_that_fails_while_reading(file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    path = file("text")
    monkeypatch.setattr(Path, "open", lambda self, mode: Failing(self, mode))
    with pytest.raises(SourceError, match=r"^input/output error$"):
        open_source(path)


@pytest.mark.parametrize("change", [b"", b"X" * 20, b"0123456789" * 3, b"012345678\xff" * 2, b"0123456789" * 100_000])
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_a_file_that_changes_between_the_two_readings(file: Callable[..., Path], name: str, change: bytes) -> None:
    path = file(b"0123456789" * 2, name)
    _, reading = open_source(path, Options(piece=7))
    path.write_bytes(change)
    with pytest.raises(SourceError, match=r"^changed while it was being read$"):
        list(reading.pieces())


def test_a_file_that_changes_or_goes_while_its_pieces_are_read(file: Callable[..., Path]) -> None:
    path = file("0123456789" * 10_000)
    _, reading = open_source(path, Options(piece=8192))
    pieces = reading.pieces()
    assert next(pieces)
    with path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"X")
    with pytest.raises(SourceError, match=r"^changed while it was being read$"):
        list(pieces)
    _, reading = open_source(path)
    path.unlink()
    with pytest.raises(SourceError, match=r"^no longer there$"):
        list(reading.pieces())


def test_a_log_that_never_stops_growing_is_given_up(file: Callable[..., Path]) -> None:
    path = file("line\n" * 10_000)
    _, reading = open_source(path, Options(piece=1000))

    def read() -> Iterator[None]:
        for _ in reading.pieces():
            with path.open("ab") as log:
                log.write(b"line\n" * 1000)
            yield

    with pytest.raises(SourceError, match=r"^changed while it was being read$"):
        for count, _ in enumerate(read()):
            assert count < 60


# --- kinds and titles -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("README.md", "markdown"),
        ("a.MARKDOWN", "markdown"),
        ("a.mdx", "markdown"),
        ("a.rst", "rst"),
        ("a.txt", "text"),
        ("LICENSE", "text"),
        ("a.py", "code"),
        ("a.TSX", "code"),
        ("a.h", "code"),
        ("a.yaml", "code"),
        ("Makefile", "code"),
        ("Dockerfile", "code"),
        ("Dockerfile.dev", "code"),
        ("CMakeLists.txt", "code"),
        (".bashrc", "code"),
    ],
)
def test_kinds_by_name(file: Callable[..., Path], name: str, kind: str) -> None:
    reading, pieces = opened(file("text\n", name))
    assert (reading.kind, pieces) == (kind, ["text\n"])


def test_a_first_line_makes_a_script() -> None:
    assert kind_of(Path("run"), b"#!/usr/bin/env python3\n") == "code"
    assert kind_of(Path("run"), b"# not so\n") == "text"
    assert kind_of(Path("run.txt"), b"#!/bin/sh\n") == "text"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# One *thing* #\n\n## Two", "One *thing*"),
        ("\n\nintro\n\n## Two\n# One", "Two"),
        ("Title\n=====\n", "Title"),
        ("---\ntitle: 'From the front'\ndate: 2024\n---\n# Heading\n", "From the front"),
        ('+++\ntitle = "In TOML"\n+++\ntext', "In TOML"),
        ("---\nlayout: x\n---\n# Heading\n", "Heading"),
        ("# [Linked](http://a/b) name", "Linked name"),
        ("text only", ""),
        ("text\n" * 1000 + "# Late", ""),
        ("a" * 4090 + "\n# Cut off here", ""),
    ],
)
def test_titles_of_markdown(file: Callable[..., Path], text: str, title: str) -> None:
    assert open_source(file(text, "a.md"))[1].title == title
    assert open_source(file(codecs.BOM_UTF16_LE + text[:2000].encode("utf-16-le"), "a.md"))[1].title in (title, "")
    assert open_source(file(text, "a.txt"))[1].title == ""


# --- headings -------------------------------------------------------------------------------------


def headings(text: str) -> list[tuple[int, str]]:
    return [(piece.start, piece.label) for piece in with_headings([text]) if isinstance(piece, Landmark)]


MARKDOWN = """---
title: Front
# a comment in YAML
---
# First

text
# Second ##
#not a heading
#
    # indented code
## With `code` and [a link](http://x/y) ##

```python
# not this
```
~~~~
# nor this
~~~
# nor this
~~~~ not closed by this
~~~~
   ### Three spaces
``` not `a fence
# C#
Under
=====
para
graph
---

lined
--

- item
---
| a | b |
---
> quote
---
<!-- one line --> text
<!--
# in a comment
--> text
\t# tab
#\ttabbed
Last
-----"""


def test_headings() -> None:
    expected = [
        "First",
        "Second",
        "Second › With `code` and a link",
        "Second › With `code` and a link › Three spaces",
        "C#",
        "Under",
        "Under › lined",
        "tabbed",
        "tabbed › Last",
    ]
    for newline in ("\n", "\r\n", "\r"):
        text = MARKDOWN.replace("\n", newline)
        found = headings(text)
        assert [label for _, label in found] == expected
        for start, label in found:
            assert text[start:].lstrip(" #\t").startswith(label.rpartition(HEADING_JOINT)[2][:4])
            assert start == 0 or text[start - 1] in "\r\n"


@relaxed
@given(
    st.lists(st.sampled_from(MARKDOWN.splitlines(keepends=True)), max_size=30).map("".join),
    st.integers(1, 12),
    st.data(),
)
def test_headings_do_not_depend_on_where_the_pieces_end(text: str, most: int, data: st.DataObject) -> None:
    pieces = []
    rest = text
    while rest:
        size = data.draw(st.integers(1, most))
        pieces.append(rest[:size])
        rest = rest[size:]
    out = list(with_headings(pieces))
    assert "".join(piece for piece in out if isinstance(piece, str)) == text
    assert [(piece.start, piece.label) for piece in out if isinstance(piece, Landmark)] == headings(text)


def test_headings_are_found_again_after_very_long_lines(file: Callable[..., Path]) -> None:
    for newline in ("\n", "\r\n"):
        long = "x" * 200_000
        text = newline.join(["# A", long, "# B", "Under", "===", "text " + long, "---", "# C " + long, "## D", long])
        marks = marks_of(file(text, "a.md"), piece=5000)
        assert [mark.label for mark in marks] == ["A", "B", "Under", "Under › D"]
        assert all(
            text[mark.start :].lstrip("# ").startswith(mark.label.rpartition(HEADING_JOINT)[2]) for mark in marks
        )
        assert text_of(file(text, "a.md"), piece=5000) == text


def test_front_matter_that_never_ends_hides_nothing() -> None:
    assert headings("---\n\nkey: value\n" + "\n" * 70 + "# Here\n") == [(86, "Here")]
    assert headings("---\nJust text after a rule.\n\n# Here\n") == [(29, "Here")]


# --- PDF ------------------------------------------------------------------------------------------


def make_pdf(*pages: str, title: str = "") -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_creation_date(datetime(2024, 1, 1, tzinfo=UTC))
    pdf.set_font("helvetica", size=12)
    if title:
        pdf.set_title(title)
    for text in pages:
        pdf.add_page()
        if text:
            pdf.multi_cell(0, 8, text)
    return bytes(pdf.output())


def image_pdf() -> bytes:
    from fpdf import FPDF
    from PIL import Image

    pdf = FPDF()
    pdf.add_page()
    pdf.image(Image.new("L", (50, 50), 128), x=10, y=10, w=100)
    return bytes(pdf.output())


def rewritten(data: bytes, change: Callable[[Any], None]) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_pages_of_a_pdf(file: Callable[..., Path]) -> None:
    path = file(make_pdf("First page.", "Second page.", "", "Fourth page.", title="A  title"), "a.pdf")
    reading, pieces = opened(path)
    assert (reading.kind, reading.title) == ("pdf", "A title")
    assert pieces == [
        Landmark(0, "page", "1"),
        "First page.\n\n",
        Landmark(13, "page", "2"),
        "Second page.\n\n",
        Landmark(27, "page", "3"),
        Landmark(27, "page", "4"),
        "Fourth page.\n\n",
    ]


def test_blank_pages_at_the_start_are_counted(file: Callable[..., Path]) -> None:
    marks = marks_of(file(make_pdf("", "", "Text."), "a.pdf"))
    assert marks == [Landmark(0, "page", "1"), Landmark(0, "page", "2"), Landmark(0, "page", "3")]


def test_printed_page_numbers(file: Callable[..., Path]) -> None:
    data = make_pdf("Preface.", "Preface.", "Chapter.", "Chapter.")

    def label(writer: Any) -> None:
        writer.set_page_label(0, 1, style="/r")
        writer.set_page_label(2, 3, style="/D", start=1)

    assert [mark.label for mark in marks_of(file(rewritten(data, label), "a.pdf"))] == ["i", "ii", "1", "2"]


def test_a_pdf_is_one_by_what_is_in_it(file: Callable[..., Path]) -> None:
    data = make_pdf("Text.")
    for content, name in ((data, "a"), (data, "a.txt"), (b"\n" + data, "a.bin"), (b"\x89junk\xff\n" * 20 + data, "b")):
        assert open_source(file(content, name))[1].kind == "pdf", name
        assert text_of(file(content, name)) == "Text.\n\n"
    about = "A file that begins with %PDF-1.7 is a PDF."
    assert text_of(file(about, "about.txt")) == about
    assert text_of(file(about, "about.py")) == about


def test_a_pdf_is_not_opened_before_it_is_read(file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(make_pdf("Text."), "a.pdf")
    monkeypatch.setattr("crystalcli.text.reader_pdf._reader_of", None)
    fingerprint, _ = open_source(path)
    assert fingerprint.digest == hashlib.sha256(path.read_bytes()).digest()


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128"])
def test_encrypted_pdfs(file: Callable[..., Path], algorithm: str) -> None:
    data = make_pdf("Secret.", title="T")
    free = rewritten(data, lambda writer: writer.encrypt("", "owner", algorithm=algorithm))
    assert text_of(file(free, "a.pdf")) == "Secret.\n\n"
    closed = rewritten(data, lambda writer: writer.encrypt("user", "owner", algorithm=algorithm))
    _, reading = open_source(file(closed, "a.pdf"))
    assert reading.title == ""
    with pytest.raises(SourceError, match=r"^encrypted \(a password is needed\)$"):
        next(reading.pieces())


def test_an_encryption_that_needs_another_package(file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import pypdf
    from pypdf.errors import DependencyError

    def needs_more(*_: Any) -> Any:
        raise DependencyError("cryptography>=3.1 is required for AES algorithm")

    path = file(make_pdf("Text."), "a.pdf")
    monkeypatch.setattr(pypdf.PageObject, "extract_text", needs_more)
    with pytest.raises(SourceError, match=r"^encrypted with AES "):
        opened(path)


def test_pdfs_without_text(file: Callable[..., Path]) -> None:
    for data in (image_pdf(), make_pdf("", "")):
        with pytest.raises(SourceError, match=r"^no text layer \(scanned pages\?\)$"):
            next(open_source(file(data, "a.pdf"))[1].pieces())
    with pytest.raises(SourceError, match=r"^empty$"):
        open_source(file(b"", "a.pdf"))
    with pytest.raises(SourceError, match=r"^damaged PDF: "):
        opened(file("<html>Not found</html>", "a.pdf"))
    with pytest.raises(SourceError, match=r"^damaged PDF: "):
        opened(file(" \n", "a.pdf"))


@pytest.fixture(scope="module")
def whole() -> bytes:
    return make_pdf(*(f"Page {number} says this. " * 20 for number in range(6)), title="Whole")


def outcome(path: Path) -> str:
    """The text, or the reason; anything else that is raised fails the test."""
    try:
        return text_of(path)
    except SourceError as error:
        reason = str(error)
        assert reason.startswith(("damaged PDF: ", "no text layer", "binary file", "empty", "encrypted")), reason
        assert len(reason) < 120
        assert "\n" not in reason
        return reason


def test_truncated_pdfs(file: Callable[..., Path], whole: bytes) -> None:
    for cut in [*range(0, len(whole), len(whole) // 60), len(whole) - 1]:
        for name in ("a.pdf", "a"):
            out = outcome(file(whole[:cut], name))
            assert "\0" not in out
    with pytest.raises(SourceError, match=r"^damaged PDF: "):
        opened(file(whole[:200], "a.pdf"))


def test_pdfs_with_wrong_bytes(file: Callable[..., Path], whole: bytes) -> None:
    dice = random.Random(7)
    read = 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.choice((1, 5, 50))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        out = outcome(file(bytes(data), "a.pdf"))
        out.encode("utf-8")
        read += "says this" in out
    assert read > 50  # most can still be read


def test_a_pdf_that_refers_to_itself(file: Callable[..., Path]) -> None:
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"]
    body = b"%PDF-1.4\n"
    offsets = []
    for number, one in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj{one}endobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    body += (
        f"xref\n0 3\n0000000000 65535 f \n{table}trailer<</Size 3/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF".encode()
    )
    with pytest.raises(SourceError, match=r"^damaged PDF: "):
        opened(file(body, "a.pdf"))


@pytest.mark.parametrize(
    "error", [RecursionError, MemoryError, KeyError, AssertionError, UnicodeError, ZeroDivisionError]
)
def test_a_page_that_fails_is_empty(
    file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, whole: bytes, error: type[Exception]
) -> None:
    import pypdf

    path = file(whole, "a.pdf")
    real = pypdf.PageObject.extract_text
    calls = iter(range(100))

    def fail_twice(page: Any) -> str:
        if next(calls) in (0, 3):
            raise error("in there")
        return real(page)

    monkeypatch.setattr(pypdf.PageObject, "extract_text", fail_twice)
    pieces = opened(path)[1]
    assert [type(piece).__name__ for piece in pieces] == ["Landmark"] * 2 + ["str", "Landmark"] * 2 + ["Landmark"] + [
        "str",
        "Landmark",
        "str",
    ]
    monkeypatch.setattr(pypdf.PageObject, "extract_text", lambda page: (_ for _ in ()).throw(error("in there")))
    with pytest.raises(SourceError, match=r"^damaged PDF: "):
        opened(path)


def test_what_is_no_text_is_taken_out_of_pages(file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import pypdf

    path = file(make_pdf("Text."), "a.pdf")
    raw = "e\0ﬃcient\x01 \ud83c\udf0d \ud800 ﬁn\tal\n"
    monkeypatch.setattr(pypdf.PageObject, "extract_text", lambda page: raw)
    assert text_of(path) == "efficient 🌍 \ufffd fin\tal\n\n"


def test_pypdf_is_silent(
    file: Callable[..., Path], whole: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = whole.replace(b"startxref", b"startxxxx").replace(b"/Helvetica", b"/Helvetixx")
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        outcome(file(damaged, "a.pdf"))
        outcome(file(whole[:-300], "a.pdf"))
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.name.startswith("pypdf")]


def test_a_pdf_that_changes(file: Callable[..., Path], whole: bytes) -> None:
    path = file(whole, "a.pdf")
    for change in (make_pdf("Another."), whole[:-1] + b" ", b"not one any more"):
        path.write_bytes(whole)
        _, reading = open_source(path)
        path.write_bytes(change)
        with pytest.raises(SourceError, match=r"^changed while it was being read$"):
            list(reading.pieces())
    path.write_bytes(whole)
    pieces = open_source(path)[1].pieces()
    next(pieces)
    path.unlink()  # it is open: no harm
    assert len([piece for piece in pieces if isinstance(piece, str)]) == 6


# --- memory ---------------------------------------------------------------------------------------


def peak(path: Path) -> tuple[int, int]:
    """Characters read, and bytes of memory it took at most."""
    tracemalloc.start()
    try:
        _, reading = open_source(path)
        return sum(len(piece) for piece in reading.pieces() if isinstance(piece, str)), tracemalloc.get_traced_memory()[
            1
        ]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
@pytest.mark.parametrize("line", [b"The quick brown fox. \xc3\xa9 " * 40 + b"\r\n", b"x" * 4000])
def test_memory_stays_flat(tmp_path: Path, name: str, line: bytes) -> None:
    path = tmp_path / name
    with path.open("wb") as stream:
        for _ in range(50_000_000 // (1000 * len(line)) + 1):
            stream.write(line * 1000)
    characters, most = peak(path)
    assert characters == len(line.decode()) * (path.stat().st_size // len(line))
    assert most < 8_000_000


def test_memory_of_a_pdf_does_not_grow_with_its_pages(file: Callable[..., Path]) -> None:
    from fpdf import FPDF
    from PIL import Image

    def images(pages: int) -> Path:
        pdf = FPDF()
        pdf.set_font("helvetica", size=12)
        for number in range(pages):
            pdf.add_page()
            pdf.cell(text=f"Page {number}.")
            noise = random.Random(number).randbytes(250_000)
            pdf.image(Image.frombytes("L", (500, 500), noise), x=10, y=30, w=50)
        return file(bytes(pdf.output()), f"{pages}.pdf")

    few, many = images(4), images(40)
    peak(few)  # imports
    assert peak(many)[1] < peak(few)[1] + 1_500_000 < many.stat().st_size
