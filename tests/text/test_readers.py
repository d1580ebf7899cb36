"""The readers: that what comes out is what was written, where headings and pages are, and every way to fail."""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crystalcli.datatypes import HEADING_JOINT, Fingerprint, Landmark, Reading
from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.markdown import with_headings
from crystalcli.text.readers import kind_of_file, open_source
from crystalcli.text.source.read_request import ReadOptions

relaxed = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Everything that Unicode calls text: no NUL, no halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200)
lines = st.lists(
    st.sampled_from(["a", "é", "日本", "🌍", "\r", "\n", "\r\n", "\t", " ", "\u2028", "\x0b"]), max_size=60
)
written = st.one_of(texts, lines.map("".join)).filter(lambda text: bool(text.strip()) and text[0] != "\ufeff")
# Words, since letters that no Western language puts together are those of another encoding.
WORDS = [
    "a",
    "brücke",
    "fähre",
    "größer",
    "été",
    "année",
    "façade",
    "señor",
    "brød",
    "håb",
    "naïve,",
    "hôtel.",
    "\r\n",
    "\n",
]
western = st.lists(st.sampled_from(WORDS), min_size=1).map(" ".join).filter(lambda text: bool(text.strip()))
sizes = st.integers(1, 40)


def opened(path: Path, **options: Any) -> tuple[Reading, list[str | Landmark]]:
    _, reading = open_source(path, ReadOptions(**options))
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
@given(
    st.text(st.sampled_from(" \n\r\tabz19.,éßжщωأ国日語\U0001f600"), max_size=400),
    sizes,
    st.sampled_from(["utf-16-le", "utf-16-be"]),
)
def test_utf_16_comes_back_without_a_mark(file: Callable[..., Path], text: str, size: int, encoding: str) -> None:
    text = "To the keeper: " + text
    assert text_of(file(text.encode(encoding)), piece=size) == text


@pytest.mark.parametrize(
    "text", ["港口的灯塔在夜里发光。\n", "港の灯台は夜に光る。\r\n", "Капитан вёл журнал.\n", "The lamp.\n"]
)
def test_utf_16_without_a_mark_in_many_scripts(file: Callable[..., Path], text: str) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert text_of(file((40 * text).encode(encoding))) == 40 * text


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
        assert str(error).startswith(
            (
                "binary file",
                "a picture (--ocr ",
                "empty",
                "not valid UTF-16",
                "not valid UTF-32",
                "damaged PDF: ",
                "a rar",
                "a 7z",
                "no text in it",
            )
        )
    else:
        assert "\0" not in text
        text.encode("utf-8")  # no halves of surrogate pairs


def test_the_fingerprint_is_that_of_the_bytes(file: Callable[..., Path]) -> None:
    path = file("abc\r\n" * 1000)
    os.utime(path, ns=(1, 987_654_321))
    expected = Fingerprint(5000, 987_654_321, hashlib.sha256(b"abc\r\n" * 1000).digest())
    assert open_source(path)[0] == open_source(path, ReadOptions(piece=3))[0] == expected


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
        b"a" * 90 + b"\0bcd" * 4,
        "\ufefftext\0".encode("utf-16"),
        bytes((1, 0, 2, 0, 3, 0)) * 50,  # numbers
        b"abc\0def\n" * 10,
        b"name\0\0\0\0other\0\0\0" * 10,
        "half a text".encode("utf-16-le") + b"\0\0",
        "half a text".encode("utf-16-le") * 300 + b"\x00\xd8",
        random.Random(1).randbytes(2000).replace(b"\0", b""),
    ],
)
def test_bytes_that_are_no_text(file: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(SourceError, match=r"^binary file$"):
        open_source(file(content))


def test_a_picture_says_what_reads_it(file: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match=r"^a picture \(--ocr reads the text in it\)$") as caught:
        open_source(file(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"))
    assert caught.value.code is Reason.PICTURE


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
    _, reading = open_source(path, ReadOptions(piece=7))
    path.write_bytes(change)
    with pytest.raises(SourceError, match=r"^changed while it was being read$"):
        list(reading.pieces())


def test_a_file_that_changes_or_goes_while_its_pieces_are_read(file: Callable[..., Path]) -> None:
    path = file("0123456789" * 10_000)
    _, reading = open_source(path, ReadOptions(piece=8192))
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
    _, reading = open_source(path, ReadOptions(piece=1000))

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
    assert kind_of_file(Path("run"), b"#!/usr/bin/env python3\n") == "code"
    assert kind_of_file(Path("run"), b"# not so\n") == "text"
    assert kind_of_file(Path("run.txt"), b"#!/bin/sh\n") == "text"


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


def test_front_matter_may_be_long() -> None:
    tags = "".join(f"  - tag {number}\n" for number in range(300))
    matter = f"---\ntitle: Log\ntags:\n{tags}\nauthor: Ann\n---\n"
    assert headings(f"{matter}\n# Here\n") == [(len(matter) + 1, "Here")]


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
