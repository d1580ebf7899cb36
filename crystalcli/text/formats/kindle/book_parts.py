"""Parts of a Kindle book in reading order, and the places of its chapters in them.

In MOBI the text is one page of HTML, and a place is a byte of it. In KF8 it is several pages, each
a skeleton into which fragments are put, and a place is a byte of a fragment. Chapters come from the
contents of the book (NCX), else from the page of contents that its guide names.

Knows skeletons, fragments and contents. Does not know HTML beyond the ends of tags.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import one_line
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.formats.kindle.book_file import BookFile
from crystalcli.text.formats.kindle.book_index import IndexRow, index_rows

_NCX, _FRAGMENTS, _SKELETONS, _FLOWS = 244, 248, 252, 192  # where the header names their records
# Tags of the contents: place and label of a chapter, its level, its place in KF8.
_PLACE, _LABEL, _LEVEL, _PLACE_IN_FRAGMENT = 1, 3, 4, 6
_COUNT, _EXTENT = 1, 6  # tags of skeletons and fragments: number of fragments; start and length
_MAX_PARTS = 100_000
_DAMAGED = ("damaged: its parts cannot be put together", Reason.DAMAGED)
_CONTENTS_PAGE = re.compile(rb"<reference\b(?=[^>]*\btype=[\"']?toc)[^>]*\bfilepos=[\"']?0*(\d{1,9})", re.IGNORECASE)
_LINK = re.compile(rb"<a\b[^>]*\bfilepos=[\"']?0*(\d{1,9})[^>]*>(.{0,2000}?)</a>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(rb"<[^>]*>")
_PAGE_END = re.compile(rb"<mbp:pagebreak\b[^>]*>", re.IGNORECASE)
_BODY = re.compile(rb"<body\b[^>]*>", re.IGNORECASE)
_CONTENTS_BYTES = 500_000


class BookPart(NamedTuple):
    """A page of a book.

    Attributes:
        markup: its HTML, with an element of its own at each chapter.
        anchors: the paths of chapters, by the ids of these elements.
    """

    markup: bytes
    anchors: dict[str, str]


class _Chapter(NamedTuple):
    """A chapter: part, byte in it, level, name."""

    part: int
    place: int
    level: int
    name: str


class _Fragment(NamedTuple):
    """A fragment: where it is put, in bytes of all parts, and its length."""

    place: int
    length: int


def book_parts(book: BookFile, text: bytes) -> Iterator[BookPart]:
    """Yield the pages of a book.

    Args:
        book: its headers.
        text: its text, unpacked.

    Raises:
        SourceError: they cannot be put together.
    """
    if book.version >= 8 and book.index(_SKELETONS) is not None:
        pages, starts, fragments = _put_together(book, _first_flow(book, text))
    else:
        pages, starts, fragments = [text], [0], []
    chapters = _chapters(book, starts, fragments)
    if not chapters and len(pages) == 1:
        chapters = _linked_chapters(book, pages[0])
    outline = Outline()
    by_part: dict[int, list[tuple[int, str]]] = {}
    for chapter in sorted(chapters, key=lambda each: each[:3]):
        path = outline.enter(chapter.level, chapter.name)
        by_part.setdefault(chapter.part, []).append((chapter.place, path))
    for number, page in enumerate(pages):
        yield _with_anchors(page, by_part.get(number, ()))


def _first_flow(book: BookFile, text: bytes) -> bytes:
    """Return the pages of a text, whose rest are style sheets and drawings."""
    number = book.index(_FLOWS)
    table = book.records[number] if number is not None else b""
    if table[:4] != b"FDST":
        return text
    try:
        (start,) = struct.unpack_from(">L", table, 4)
        first, end = struct.unpack_from(">LL", table, start)
    except struct.error:
        return text
    return text[first:end]


def _put_together(book: BookFile, text: bytes) -> tuple[list[bytes], list[int], list[_Fragment]]:
    """Put fragments into their skeletons.

    Returns:
        The pages, the byte at which each begins, and the fragments.
    """
    fragment_record = book.index(_FRAGMENTS)
    rows = index_rows(book.records, fragment_record)[0] if fragment_record is not None else []
    fragments = [_fragment(row) for row in rows]
    waiting = iter(fragments)
    pages, starts = [], []
    skeleton_record = book.index(_SKELETONS)
    assert skeleton_record is not None
    skeletons = index_rows(book.records, skeleton_record)[0]
    if len(skeletons) > _MAX_PARTS:
        raise SourceError(*_DAMAGED)
    for row in skeletons:
        extent, count = row.values.get(_EXTENT, []), row.values.get(_COUNT, [0])
        if len(extent) < 2 or not count:
            raise SourceError(*_DAMAGED)
        start, length = extent[:2]
        at = start + length
        inserted: list[tuple[int, bytes]] = []
        for _, fragment in zip(range(count[0]), waiting, strict=False):
            inserted.append((fragment.place - start, text[at : at + fragment.length]))
            at += fragment.length
        pages.append(_filled(text[start : start + length], inserted))
        starts.append(start)
    return pages, starts, fragments


def _fragment(row: IndexRow) -> _Fragment:
    extent = row.values.get(_EXTENT, [])
    if not row.name.isdigit() or len(row.name) > 10 or len(extent) < 2:
        raise SourceError(*_DAMAGED)
    return _Fragment(int(row.name), extent[1])


def _filled(skeleton: bytes, inserted: Sequence[tuple[int, bytes]]) -> bytes:
    """Put fragments into a skeleton, each at a byte of the page so far."""
    if all(
        place == inserted[0][0] + sum(len(one) for _, one in inserted[:number])
        for number, (place, _) in enumerate(inserted)
    ):
        place = inserted[0][0] if inserted else 0  # one behind the other, as nearly always
        return b"".join((skeleton[:place], *(one for _, one in inserted), skeleton[place:]))
    for place, fragment in inserted:
        skeleton = skeleton[:place] + fragment + skeleton[place:]
    return skeleton


def _chapters(book: BookFile, starts: Sequence[int], fragments: Sequence[_Fragment]) -> list[_Chapter]:
    """Read the contents of a book; empty if they cannot be read: the text has its own headings."""
    number = book.index(_NCX)
    if number is None:
        return []
    try:
        rows, labels = index_rows(book.records, number)
    except SourceError:
        return []
    chapters = []
    for row in rows:
        label = labels.get(row.values.get(_LABEL, [-1])[0], b"").decode(book.encoding, "replace")
        name = heading_label(one_line(label))
        level = min(row.values.get(_LEVEL, [0])[0], 12)
        within = row.values.get(_PLACE_IN_FRAGMENT, [])
        if not name:
            continue
        if len(within) == 2 and within[0] < len(fragments):
            place = fragments[within[0]].place + within[1]
            part = max((index for index, start in enumerate(starts) if start <= fragments[within[0]].place), default=0)
            chapters.append(_Chapter(part, place - starts[part], level, name))
        elif _PLACE in row.values and row.values[_PLACE] and not fragments:
            chapters.append(_Chapter(0, row.values[_PLACE][0], level, name))
    return chapters


def _linked_chapters(book: BookFile, page: bytes) -> list[_Chapter]:
    """Return the chapters to which the page of contents leads, if the guide names one."""
    named = _CONTENTS_PAGE.search(page)
    if named is None:
        return []
    start = int(named[1])
    end = _PAGE_END.search(page, start + 1)
    contents = page[start : min(end.start() if end else len(page), start + _CONTENTS_BYTES)]
    chapters = []
    for link in _LINK.finditer(contents):
        name = heading_label(one_line(_TAG.sub(b" ", link[2]).decode(book.encoding, "replace")))
        if name:
            chapters.append(_Chapter(0, int(link[1]), 0, name))
    return chapters


def _with_anchors(page: bytes, places: Sequence[tuple[int, str]]) -> BookPart:
    """Put an element with an id at each place, behind `<body>` and between tags."""
    body = _BODY.search(page)
    least = body.end() if body else 0
    anchors: dict[str, str] = {}
    parts: list[bytes] = []
    done = 0
    for place, path in places:
        place = max(least, min(place, len(page)))
        if (tag := page.rfind(b"<", least, place)) > page.rfind(b">", least, place):
            place = tag
        while least < place < len(page) and page[place] & 0xC0 == 0x80:
            place -= 1
        place = max(place, done)
        identity = f"chapter-{len(anchors)}"
        anchors[identity] = path
        parts += page[done:place], f'<a id="{identity}"></a>'.encode()
        done = place
    markup = b"".join((*parts, page[done:]))
    return BookPart(_PAGE_END.sub(b"<hr/>", markup), anchors)
