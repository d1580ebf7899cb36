"""Blocks of a text as a page shows them: headings, paragraphs, lines, messages, with a part marked.

Knows: landmarks, white space, tables and fences of Markdown. Does not know: HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from crystalcli.datatypes import HEADING_JOINT, Landmark
from crystalcli.text import unwrap_lines

_LABELLED = ("page", "slide", "sheet", "cell", "time")  # landmarks that are shown as a line between texts
_LABELS = {"page": "Page", "slide": "Slide", "sheet": "Sheet", "cell": "Cell", "time": ""}
_BREAK = re.compile(r"\n[ \t]*\n\s*")
_LETTERS = re.compile(r"[\W_]+")
_LINES = re.compile(r"[ ]{0,3}(?:```|~~~|\||\+[-=+]+\+)|(?: {4}|\t)\S")  # of fences, tables and code
_BY_ROWS = frozenset(("csv", "xlsx", "ods", "records"))
_MOST_LEVELS = 4


class TextPiece(NamedTuple):
    """A stretch of text.

    Attributes:
        text: The text.
        marked: Whether it belongs to the passage that is looked at.
    """

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A block of a text.

    Attributes:
        kind: What it is; "label" names the page, slide or the like that begins, "message" who
            speaks from here on.
        pieces: Its text.
        level: The level of a heading, from 1.
        label: The name of what begins, or the author of a message.
        time: The time of a message.
        rows: Whether each line is a row of a table, to be told apart from the next.
    """

    kind: Literal["heading", "prose", "lines", "label", "message"]
    pieces: tuple[TextPiece, ...] = ()
    level: int = 0
    label: str = ""
    time: str = ""
    rows: bool = False


def text_blocks(
    text: str, start: int, kind: str, landmarks: Sequence[Landmark], passage: tuple[int, int]
) -> list[TextBlock]:
    """Divide a text into blocks.

    Args:
        text: The text.
        start: Its first character in the document.
        kind: The kind of the document.
        landmarks: The landmarks inside, in order.
        passage: The span to mark, in characters of the document; empty for none.
    """
    low, high = (max(0, min(len(text), edge - start)) for edge in passage)
    shown = [mark for mark in landmarks if mark.label and mark.kind in (*_LABELLED, "message", "heading")]
    cuts = sorted({0, len(text), *(mark.start - start for mark in shown)})
    blocks: list[TextBlock] = []
    for begin, end in pairwise(cuts):
        here = [mark for mark in shown if mark.start - start == begin]
        blocks += [_label_block(mark) for mark in here if mark.kind != "heading"]
        begin += _head_length(text, begin, blocks[-1]) if here and here[-1].kind == "message" else 0
        heading = next((mark.label for mark in here if mark.kind == "heading"), "")
        inside = max(0, low - begin), max(0, min(high, end) - begin)
        blocks += _stretch_blocks(text[begin:end], kind, heading, inside)
    return blocks


def _label_block(mark: Landmark) -> TextBlock:
    if mark.kind == "message":
        author, _, time = mark.label.rpartition(", ")
        return TextBlock("message", label=author, time=time)
    return TextBlock("label", label=f"{_LABELS[mark.kind]} {mark.label}".strip())


def _head_length(text: str, start: int, message: TextBlock) -> int:
    """Give the length of the author and time in a message's text, which are shown already."""
    head = f"[{message.time}] {message.label}: " if message.label else f"[{message.time}] "
    return len(head) if text.startswith(head, start) else 0


def _stretch_blocks(text: str, kind: str, heading: str, passage: tuple[int, int]) -> Iterator[TextBlock]:
    """Divide what stands between two landmarks."""
    low, high = passage if passage[0] < passage[1] else (0, 0)
    if heading and (line := _heading_end(text, heading)):
        levels = heading.split(HEADING_JOINT)
        words = text[:line].strip().splitlines()[0].strip("#=* \t").strip() or levels[-1]
        marked = low < line and high > 0 and low < high
        yield TextBlock("heading", (TextPiece(words, marked),), level=min(len(levels), _MOST_LEVELS))
        text, low, high = text[line:], max(0, low - line), max(0, high - line)
    low, high = min(low, len(text)), min(high, len(text))
    parts = unwrap_lines(text, kind, [low, high] if low < high else [])
    pieces = [TextPiece(part, low < high and number == 1) for number, part in enumerate(parts)]
    for paragraph in _paragraphs(pieces):
        words = "".join(piece.text for piece in paragraph)
        is_lines = _LINES.match(words) is not None and kind in ("markdown", "text", "rst", "markup")
        yield TextBlock("lines" if is_lines else "prose", tuple(paragraph), rows=kind in _BY_ROWS)


def _heading_end(text: str, heading: str) -> int:
    """Find the end of the line that is the heading; 0 where the text does not begin with it."""
    stripped = text.lstrip()
    offset = len(text) - len(stripped)
    line, _, rest = stripped.partition("\n")
    last = heading.split(HEADING_JOINT)[-1]
    said = _LETTERS.sub("", line).casefold()
    if not said or said not in _LETTERS.sub("", last).casefold():
        return 0
    end = offset + len(line)
    underline = rest.partition("\n")[0]
    if underline.strip() and not underline.strip("=-~^* \t"):  # the line below it in Markdown and reStructuredText
        end += 1 + len(underline)
    return end


def _paragraphs(pieces: Sequence[TextPiece]) -> Iterator[list[TextPiece]]:
    """Divide pieces at empty lines."""
    paragraph: list[TextPiece] = []
    for piece in pieces:
        position = 0
        for match in _BREAK.finditer(piece.text):
            paragraph.append(TextPiece(piece.text[position : match.start()], piece.marked))
            if any(part.text.strip() for part in paragraph):
                yield _trimmed(paragraph)
            paragraph, position = [], match.end()
        paragraph.append(TextPiece(piece.text[position:], piece.marked))
    if any(part.text.strip() for part in paragraph):
        yield _trimmed(paragraph)


def _trimmed(paragraph: list[TextPiece]) -> list[TextPiece]:
    """Leave out empty pieces, and newlines around the paragraph."""
    parts = [part for part in paragraph if part.text]
    parts[0] = TextPiece(parts[0].text.lstrip("\n"), parts[0].marked)
    parts[-1] = TextPiece(parts[-1].text.rstrip("\n"), parts[-1].marked)
    return [part for part in parts if part.text]
