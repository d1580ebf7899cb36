"""Excerpt of a document: the span that lines, pages or a section mean, cut to a length.

Lines are those of the file, pages are counted from 1.

Knows: newlines, landmarks of lines and pages. Does not know: why a span is read.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from crystalcli.datatypes import LINED, Citation, Document
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.index import IndexReader
from crystalcli.storage import SourceRow, landmarks_of

_BEFORE = 800  # characters of a window before the one that it is made around
_MOST_SHIFT = 300  # characters by which an edge is moved to the beginning of a line


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a document's text, read back from the crystal.

    Attributes:
        document: The document.
        citation: The text with its place; its number is 0.
        wanted: The span that was asked for, in characters of the document; longer than that of the
            citation where a limit cut it.
    """

    document: Document
    citation: Citation
    wanted: tuple[int, int]

    @property
    def text(self) -> str:
        """The text."""
        return self.citation.quote

    @property
    def following(self) -> int | None:
        """The character around which a window begins where this text ends; None at the end."""
        return None if self.citation.end >= self.document.characters else self.citation.end + _BEFORE

    def preceding(self, length: int) -> int | None:
        """The same for a window of a length that ends where this text begins; None at the start."""
        return max(0, self.citation.start - length) + _BEFORE if self.citation.start else None


def lines_span(index: IndexReader, source: SourceRow, first: int, last: int | None) -> tuple[int, int]:
    """Find the span of lines of a document's file.

    Args:
        index: The resident index.
        source: The document.
        first: The first line, from 1.
        last: The last line; None: the document's.

    Raises:
        UsageError: The document has no lines of its own, or the range is empty.
        NotFoundError: The document ends before the first line.
    """
    shifts = landmarks_of(index.store, source.id, "line")
    if source.kind not in LINED and not shifts:
        raise UsageError(f"{source.path} has no lines to count: its kind is {source.kind}")
    _check_range("lines", first, last)
    text = index.span_text(source)
    starts = [0]
    while (newline := text.find("\n", starts[-1])) >= 0:
        starts.append(newline + 1)
    if len(starts) > 1 and starts[-1] == len(text):
        del starts[-1]
    numbers = _file_lines(starts, shifts)
    if first > numbers[-1]:
        raise NotFoundError(f"{source.path} has {numbers[-1]:,} lines; line {first:,} is behind its end")
    begin = next(number for number, line in enumerate(numbers) if line >= first)
    end = len(numbers) if last is None else bisect_right(numbers, last)
    return starts[begin], starts[end] if end < len(starts) else len(text)


def _file_lines(starts: list[int], shifts: list[tuple[int, str]]) -> list[int]:
    """Give the line of the file for each line of the text; it never falls."""
    positions = [position for position, _ in shifts]
    lines: list[int] = []
    for number, start in enumerate(starts, 1):
        place = bisect_right(positions, start)
        label = shifts[place - 1][1] if place else ""
        shift = int(label) if label.removeprefix("-").isdecimal() else 0
        lines.append(max(number + shift, lines[-1] if lines else 1))
    return lines


def pages_span(index: IndexReader, source: SourceRow, first: int, last: int | None) -> tuple[int, int]:
    """Find the span of pages of a document, counted from 1.

    Args:
        index: The resident index.
        source: The document.
        first: The first page.
        last: The last page; None: the document's.

    Raises:
        UsageError: The document has no pages, or the range is empty.
        NotFoundError: The document ends before the first page.
    """
    pages = landmarks_of(index.store, source.id, "page")
    if not pages:
        raise UsageError(f"{source.path} has no pages")
    _check_range("pages", first, last)
    if first > len(pages):
        raise NotFoundError(f"{source.path} has {len(pages):,} pages; page {first:,} is behind its end")
    end = len(pages) if last is None else min(last, len(pages))
    return pages[first - 1][0], pages[end][0] if end < len(pages) else source.characters


def _check_range(name: str, first: int, last: int | None) -> None:
    if first < 1 or (last is not None and last < first):
        raise UsageError(f"invalid {name}: expected a range such as 3-5, counted from 1, got {first}-{last or ''}")


def window_around(index: IndexReader, source: SourceRow, position: int, length: int) -> tuple[int, int]:
    """Find the window of about `length` characters around a character, from line to line.

    Args:
        index: The resident index.
        source: The document.
        position: The character; one behind the end counts as the last.
        length: The length of the window.
    """
    start = max(0, min(position, source.characters) - _BEFORE)
    start = line_start(index, source, start) if start else 0
    return start, cut_span(index, source, start, source.characters, length)


def cut_span(index: IndexReader, source: SourceRow, start: int, end: int, length: int) -> int:
    """Cut a span of a document to about `length` characters, after a line if one ends near.

    Returns:
        Its new end.
    """
    if end - start <= length:
        return end
    cut = line_start(index, source, start + length)
    return cut if cut > start else start + length


def line_start(index: IndexReader, source: SourceRow, position: int) -> int:
    """Give the beginning of a character's line; the character itself where that is far before."""
    low = max(0, position - _MOST_SHIFT)
    newline = index.span_text(source, low, position).rfind("\n")
    return low + newline + 1 if newline >= 0 else position
