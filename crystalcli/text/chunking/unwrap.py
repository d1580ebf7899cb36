"""Hard-wrapped text as it reads: lines that end only because a column was full are joined.

The stored text stays as it is; this is for what is shown to people and given to a language model. Knows how wrapped prose looks, and
what must stay as it stands: lists, tables, verse, indented code. Does not know where a passage is from.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

WRAPPED = frozenset(("text", "markdown", "rst"))  # kinds in which a newline may be nothing but the end of a column
_NARROW, _WIDEST = 45, 110  # characters of the longest line of wrapped prose
_RAGGED = 8  # characters that may be left free at a line's end where the next word would have fitted
_VERSE = 60  # characters: wrapped prose is wider, where it is but two lines
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_STANDS = re.compile(r"(?:[-+*•>|#=~`<@]|\d{1,3}[.)]\s|[A-Za-z][.)]\s|:\w|\.\. |[\w][\w .'-]{0,30}:\s|\[\w+\]:)")
_COLUMNS = re.compile(r"\S(?: {3,}|\t)\S")


def unwrap_lines(text: str, kind: str, cuts: Sequence[int] = ()) -> list[str]:
    """The text cut at the offsets `cuts`, with single spaces in place of newlines that only fill a column.

    kind: that of the document; text of other kinds than WRAPPED comes back as it is. Joined, the parts are what is to be shown.
    """
    edits = _edits(text) if kind in WRAPPED else []
    parts = []
    for low, high in zip((0, *cuts), (*cuts, len(text)), strict=True):
        part, at = [], low
        for start, end, instead in edits:
            if low <= start < high:
                part += [text[at:start], instead]
                at = min(end, high)
            elif start < low < end:  # the cut is in the middle of it: the part before has it
                at = min(end, high)
        parts.append("".join([*part, text[at:high]]))
    return parts


def _edits(text: str) -> list[tuple[int, int, str]]:
    """The newlines to replace, with the white space around them, and by what."""
    found: list[tuple[int, int, str]] = []
    paragraph: list[tuple[int, int]] = []  # lines, without the white space around them
    in_fence = False
    for match in _LINE.finditer(text):
        line = match[0]
        if line.lstrip().startswith(("```", "~~~")):
            in_fence = not in_fence
        if line.strip() and not in_fence:
            paragraph.append((match.start() + len(line) - len(line.lstrip()), match.start() + len(line.rstrip())))
        else:
            found += _joints(text, paragraph)
            paragraph = []
    return found + _joints(text, paragraph)


def _joints(text: str, lines: list[tuple[int, int]]) -> list[tuple[int, int, str]]:
    if len(lines) < 2:
        return []
    width = max(end - start for start, end in lines)
    if not _NARROW <= width <= _WIDEST:
        return []
    capitals = sum(not text[start].islower() for start, _ in lines[1:])
    if capitals == len(lines) - 1 and (capitals > 2 or width < _VERSE):
        return []
    found = []
    for index, ((start, end), (below, below_end)) in enumerate(itertools.pairwise(lines)):
        word = text[below:below_end].split(None, 1)[0]
        is_full = end - start + 1 + len(word) > width - _RAGGED
        # A passage may begin in the middle of a line, whose length says nothing then.
        is_part = index == 0 and start == len(text[:start]) - len(text[:start].lstrip("\r\n")) and text[below].islower()
        if (is_full or is_part) and not _stands(text, start, end, below, below_end):
            hyphen = text[end - 1] == "-" and text[below].isalnum()
            found.append((end, below, "" if hyphen else " "))
    return found


def _stands(text: str, start: int, end: int, below: int, below_end: int) -> bool:
    """Whether the line `[below, below_end)` begins something of its own, or either line is a row."""
    above, line = text[start:end], text[below:below_end]
    if _STANDS.match(line) or above.startswith(("#", "|")) or _COLUMNS.search(above) or _COLUMNS.search(line):
        return True
    deeper = _indent(text, below) - _indent(text, start)
    return (deeper > 0 and not (_STANDS.match(above) or start == 0)) or (_indent(text, below) >= 4 and deeper != 0)


def _indent(text: str, start: int) -> int:
    before = text[max(0, start - 80) : start]
    return len(before) - len(before.rstrip(" \t"))
