"""Running headers and footers, and page numbers: rows that are not part of a page's text.

Knows: rows, and that they come again on the pages around. A number is a page number if the pages
around count on with it. A line is a running header if it comes again at the same height, except for
a number at its start or its end that counts on. One that repeats the text, a chapter's title for
instance, goes; of another the first occurrence stays, since it may be the only place that says so.
Does not know: paragraphs, pdfium.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from crystalcli.text.formats.pdf.page_layout import Line

AROUND = 4  # pages before and after that are looked at: heads of left and right pages take turns
ROWS = 3  # at the top and at the bottom
SAME_HEIGHT = 4.0  # points
LONGEST_HEAD = 200  # letters
AT_END = re.compile(r"\b(\d{1,5})(?:\W{1,3}(?:of|von|/)\W?\d+)?\W{0,3}$")
AT_START = re.compile(r"(\d{1,5})\b(?!\.\d)")
NO_LETTERS = re.compile(r"[\W\d_]+")
PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.)?\W{0,3}(?:[A-Za-z]{1,2}[-–.])?(\d{1,4}|[ivxlc]{1,8})(?:\W{0,3}(?:of|von|/)\W?\d+)?\W{0,3}",
    re.I,
)
ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


class Edge(NamedTuple):
    """A row at the top or the bottom of a page.

    Attributes:
        row: its index.
        y: its base line, in points.
        key: its text without the number at its start or end; "" if it is a number alone.
        number: that number, or -1.
    """

    row: int
    y: float
    key: str
    number: int


def edges_of(lines: Sequence[Line]) -> list[Edge]:
    """Return the rows of a page that may be running headers or footers.

    Args:
        lines: all rows as lines, from the top.
    """
    at = sorted({*range(min(ROWS, len(lines))), *range(max(0, len(lines) - ROWS), len(lines))})
    out = []
    for index in at:
        text = " ".join(lines[index].text.split())
        if match := PAGE_NUMBER.fullmatch(text):
            out.append(Edge(index, lines[index].y, "", _value(match[1])))
            continue
        match = AT_END.search(text) or AT_START.match(text)
        key = text[: match.start()] + "#" + text[match.end() :] if match else text
        out.append(Edge(index, lines[index].y, key, int(match[1]) if match else -1))
    return out


def heads_of(edges: Sequence[Edge], around: Sequence[tuple[int, Sequence[Edge]]], said: set[str]) -> set[int]:
    """Return the rows to leave out.

    Args:
        edges: of the page.
        around: the pages before and after: how far on each is, and its edges.
        said: keys (`saying`) of the lines of the text so far; headers that stay are added.
    """
    out: set[int] = set()
    for edge in edges:
        if not edge.key:
            if any(other.number == edge.number + step for step, page in around for other in page):
                out.add(edge.row)
            continue
        letters = sum(character.isalpha() for character in edge.key)
        if letters < 3 or len(edge.key) > LONGEST_HEAD:
            continue
        if any(
            other.key == edge.key
            and abs(other.y - edge.y) < SAME_HEIGHT
            and other.number in (edge.number, edge.number + step)
            for step, page in around
            for other in page
        ):
            if saying(edge.key) in said:
                out.add(edge.row)
            said.add(saying(edge.key))
    return out


def saying(text: str) -> str:
    """Return the letters of a line, by which a header equals a line with a number."""
    return NO_LETTERS.sub("", text).casefold()


def _value(text: str) -> int:
    """Return the value of a number in digits or in Roman numerals."""
    if text.isdecimal():
        return int(text)
    values = [ROMAN[character] for character in text.lower()]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))
