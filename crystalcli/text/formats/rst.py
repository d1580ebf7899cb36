"""Where the headings of a reStructuredText are.

Knows titles: a line underlined, or under- and overlined, with one mark of punctuation. Which mark is which level follows from the
order in which they appear in the document, as the format has it. Knows nothing of files, and does not render.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crystalcli.text.document.outline import Outline, heading_label, split_at_headings
from crystalcli.text.formats.markdown import LONGEST_LINE, NEWLINE
from crystalcli.types import Landmark

ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*[ \t]*")
ROLE = re.compile(r":[\w:.+-]+:`([^`]*)`|``([^`]*)``|`([^`<]*?)(?:\s*<[^>]*>)?`__?|\*\*([^*]+)\*\*|\*([^*]+)\*")
NO_TITLE = re.compile(r"\s|[-*+•] |\.\. ")
_SHORTEST = 4  # an underline shorter than its title must be so long
_HELD = 2  # lines that may belong to a title that goes on


def with_rst_headings(texts: Iterable[str]) -> Iterator[str | Landmark]:
    """The same text, cut so that a Landmark can stand before each title, before its overline where it has one."""
    scanner = _Scanner()
    given = 0
    rest = ""
    for text in texts:
        rest += text
        ends = [newline.end() for newline in NEWLINE.finditer(rest)]
        if len(ends) > _HELD:
            yield from _cut(rest[: ends[-1]], scanner, given, final=False)
            done = scanner.done
            given += done
            rest = rest[done:]
        elif len(rest) > LONGEST_LINE:
            scanner.is_blank_above = False
            yield rest
            given += len(rest)
            rest = ""
    yield from _cut(rest, scanner, given, final=True)


def rst_title(head: str) -> str:
    """The first title."""
    first = next((piece for piece in with_rst_headings([head]) if isinstance(piece, Landmark)), None)
    return first.label if first is not None else ""


def _cut(text: str, scanner: _Scanner, given: int, *, final: bool) -> Iterator[str | Landmark]:
    found = scanner.scan(text, final=final)
    yield from split_at_headings(text[: scanner.done], found, given)


class _Scanner:
    """Goes through a text line by line."""

    def __init__(self) -> None:
        self.done = 0
        self.is_blank_above = True
        self._outline = Outline()
        self._levels: list[tuple[str, bool]] = []

    def scan(self, text: str, *, final: bool) -> list[tuple[int, str]]:
        """The titles in whole lines, as (offset, path); `done` is how far it could judge. final: nothing follows."""
        starts = [0, *(newline.end() for newline in NEWLINE.finditer(text))]
        lines = [text[a:b].rstrip("\r\n") for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
        if not final:
            lines.pop()  # empty: `text` ends with a newline
        found: list[tuple[int, str]] = []
        index = 0
        while index < len(lines) - (0 if final else _HELD):
            size, style, label = self._title(lines[index : index + 3])
            if size:
                if style not in self._levels:
                    self._levels.append(style)
                found.append((starts[index], self._outline.enter(self._levels.index(style), label)))
            self.is_blank_above = bool(size) or not lines[index].strip()
            index += max(1, size)
        self.done = len(text) if final else starts[min(index, len(lines))]
        return found

    def _title(self, lines: list[str]) -> tuple[int, tuple[str, bool], str]:
        """How many of the lines are a title (0: none), its style, and what it says."""
        none = 0, ("", False), ""
        if not self.is_blank_above or not lines[0].strip():
            return none
        first = ADORNMENT.fullmatch(lines[0])
        if first is not None:
            if len(lines) == 3 and lines[1].strip() and _underlines(lines[2], lines[1]) == first[1]:
                return 3, (first[1], True), _label(lines[1])
            return none  # a line between paragraphs, or a table's
        if len(lines) > 1 and not NO_TITLE.match(lines[0]) and (mark := _underlines(lines[1], lines[0])):
            return 2, (mark, False), _label(lines[0])
        return none


def _underlines(line: str, title: str) -> str:
    """The mark that `line` underlines the title with, or ""."""
    match = ADORNMENT.fullmatch(line)
    if match is None or ADORNMENT.fullmatch(title) is not None:
        return ""
    length = len(line.rstrip())
    return match[1] if length >= len(title.strip()) or length >= _SHORTEST else ""


def _label(title: str) -> str:
    return heading_label(ROLE.sub(lambda match: next(filter(None, match.groups()), ""), title))
