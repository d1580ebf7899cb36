"""Join the lines of hard-wrapped text, which end only because a column was full.

The stored text stays as it is; joined lines are shown to people and given to a language model.

Knows the look of wrapped prose, and of text whose lines must stay: lists, tables, verse, indented
code. Does not know the document of a passage.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from crystalcli.datatypes import TABLE_JOINT, Place
from crystalcli.text.chunking.line_shape import stands_alone
from crystalcli.text.document.markdown_row import named_row, row_cells

WRAPPED_KINDS = frozenset(("text", "markdown", "rst", "markup"))  # in which a newline may only end a column
_MIN_WIDTH, _MAX_WIDTH = 45, 110  # characters of the longest line of wrapped prose
_RAGGED = 8  # characters that may be free at a line's end although the next word would have fitted
_MAX_VERSE_WIDTH = 60  # characters; two lines of wrapped prose are wider
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ITEM = re.compile(r"(?:[-+*•>|#=~`<@]|\d{1,3}[.)]\s|[A-Za-z][.)]\s|:\w|\.\. |[\w][\w .'-]{0,30}:\s|\[\w+\]:)")


def unwrap_lines(text: str, kind: str, cuts: Sequence[int] = (), names: str = "") -> list[str]:
    """Put single spaces in place of newlines that only end a full column.

    Args:
        text: a passage of a document.
        kind: the document's kind; text of a kind that is not in WRAPPED_KINDS stays as it is.
        cuts: offsets in `text` at which to cut it.
        names: of the columns of the table that the passage begins in, as of the landmark "table":
            each row is shown with them. "": it begins in none.

    Returns:
        The parts between the cuts; joined, they are the text to show.
    """
    edits = _edits(text) if kind in WRAPPED_KINDS else []
    if names:
        edits = sorted((*_row_edits(text, names), *edits))
    parts = []
    for low, high in zip((0, *cuts), (*cuts, len(text)), strict=True):
        part, position = [], low
        for start, end, replacement in edits:
            if low <= start < high:
                part += [text[position:start], replacement]
                position = min(end, high)
            elif start < low < end:  # the cut is inside the edit, which belongs to the part before
                position = min(end, high)
        parts.append("".join([*part, text[position:high]]))
    return parts


def shown_text(text: str, place: Place) -> str:
    """Return a text of a document as it is shown and given to a language model.

    Args:
        text: the document's text.
        place: where it stands; its kind, and the table that it begins in.
    """
    return "".join(unwrap_lines(text, place.kind, names=place.marks.get("table", "")))


def _edits(text: str) -> list[tuple[int, int, str]]:
    """The newlines to replace, with white space around them, as (start, end, replacement)."""
    edits: list[tuple[int, int, str]] = []
    paragraph: list[tuple[int, int]] = []  # lines, without the white space around them
    in_fence = False
    for match in _LINE.finditer(text):
        line = match[0]
        if line.lstrip().startswith(("```", "~~~")):
            in_fence = not in_fence
        if line.strip() and not in_fence:
            paragraph.append((match.start() + len(line) - len(line.lstrip()), match.start() + len(line.rstrip())))
        else:
            edits += _paragraph_edits(text, paragraph)
            paragraph = []
    return edits + _paragraph_edits(text, paragraph)


def _row_edits(text: str, names: str) -> Iterator[tuple[int, int, str]]:
    """Yield the rows at the beginning of a text, each to be replaced by one with its names."""
    for match in _LINE.finditer(text):
        line = match[0].strip()
        if "|" not in line or row_cells(line) == names.split(TABLE_JOINT):
            return
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        yield start, start + len(line), named_row(line, names)


def _paragraph_edits(text: str, lines: list[tuple[int, int]]) -> list[tuple[int, int, str]]:
    """The edits of one paragraph; its lines are (start, end), without white space around them."""
    if len(lines) < 2:
        return []
    width = max(end - start for start, end in lines)
    if not _MIN_WIDTH <= width <= _MAX_WIDTH:
        return []
    capitals = sum(not text[start].islower() for start, _ in lines[1:])
    if capitals == len(lines) - 1 and (capitals > 2 or width < _MAX_VERSE_WIDTH):
        return []
    edits = []
    for index, ((start, end), (below, below_end)) in enumerate(itertools.pairwise(lines)):
        word = text[below:below_end].split(None, 1)[0]
        is_full = end - start + 1 + len(word) > width - _RAGGED
        # A passage may begin in the middle of a line, and the length of the line is not known then.
        is_part = index == 0 and start == len(text[:start]) - len(text[:start].lstrip("\r\n")) and text[below].islower()
        if (is_full or is_part) and not _stays(text, start, end, below, below_end):
            hyphen = text[end - 1] == "-" and text[below].isalnum()
            edits.append((end, below, "" if hyphen else " "))
    return edits


def _stays(text: str, start: int, end: int, below: int, below_end: int) -> bool:
    """Tell whether the newline between the lines `[start, end)` and `[below, below_end)` must stay.

    It must where the lower line begins an item of its own, or either line is a row of a table.
    """
    above, line = text[start:end], text[below:below_end]
    if _ITEM.match(line) or above.startswith(("#", "|")) or stands_alone(above, line):
        return True
    deeper = _indent(text, below) - _indent(text, start)
    return (deeper > 0 and not (_ITEM.match(above) or start == 0)) or (_indent(text, below) >= 4 and deeper != 0)


def _indent(text: str, start: int) -> int:
    left = text[max(0, start - 80) : start]
    return len(left) - len(left.rstrip(" \t"))
