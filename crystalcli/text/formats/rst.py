"""Headings of a reStructuredText.

Knows titles: a line underlined, or under- and overlined, with one mark of punctuation. The order
in which marks appear in the document decides their levels, as the format has it. Does not know
files, and does not render.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crystalcli.datatypes import Landmark
from crystalcli.text.document.outline import Outline, heading_label, split_at_headings
from crystalcli.text.formats.markdown import MAX_LINE_LENGTH, NEWLINE

ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*[ \t]*")
ROLE = re.compile(r":[\w:.+-]+:`([^`]*)`|``([^`]*)``|`([^`<]*?)(?:\s*<[^>]*>)?`__?|\*\*([^*]+)\*\*|\*([^*]+)\*")
NO_TITLE = re.compile(r"\s|[-*+•] |\.\. ")
_MIN_UNDERLINE = 4  # characters of an underline that is shorter than its title
_LOOKAHEAD = 2  # lines that may belong to a title that goes on


def with_rst_headings(texts: Iterable[str]) -> Iterator[str | Landmark]:
    """Yield the same text, split so that a Landmark stands before each title and its overline."""
    scanner = _Scanner()
    start = 0
    rest = ""
    for text in texts:
        rest += text
        ends = [newline.end() for newline in NEWLINE.finditer(rest)]
        if len(ends) > _LOOKAHEAD:
            yield from _split(rest[: ends[-1]], scanner, start, final=False)
            done = scanner.done
            start += done
            rest = rest[done:]
        elif len(rest) > MAX_LINE_LENGTH:
            scanner.is_blank_above = False
            yield rest
            start += len(rest)
            rest = ""
    yield from _split(rest, scanner, start, final=True)


def rst_title(head: str) -> str:
    """Return the first title in the beginning of a document, or ""."""
    first = next((piece for piece in with_rst_headings([head]) if isinstance(piece, Landmark)), None)
    return first.label if first is not None else ""


def _split(text: str, scanner: _Scanner, start: int, *, final: bool) -> Iterator[str | Landmark]:
    headings = scanner.scan(text, final=final)
    yield from split_at_headings(text[: scanner.done], headings, start)


class _Scanner:
    """A pass through a text, line by line.

    Attributes:
        done: characters of the last text that were judged.
        is_blank_above: no paragraph stands directly above the next line.
    """

    def __init__(self) -> None:
        self.done = 0
        self.is_blank_above = True
        self._outline = Outline()
        self._levels: list[tuple[str, bool]] = []

    def scan(self, text: str, *, final: bool) -> list[tuple[int, str]]:
        """Find the titles in whole lines, and set `done` to the end of the judged text.

        Args:
            text: the part of the document that is not judged yet.
            final: the document ends with it.

        Returns:
            (offset in `text`, path) of each title.
        """
        starts = [0, *(newline.end() for newline in NEWLINE.finditer(text))]
        lines = [text[a:b].rstrip("\r\n") for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
        if not final:
            lines.pop()  # empty: `text` ends with a newline
        headings: list[tuple[int, str]] = []
        index = 0
        while index < len(lines) - (0 if final else _LOOKAHEAD):
            size, style, label = self._title(lines[index : index + 3])
            if size:
                if style not in self._levels:
                    self._levels.append(style)
                headings.append((starts[index], self._outline.enter(self._levels.index(style), label)))
            self.is_blank_above = bool(size) or not lines[index].strip()
            index += max(1, size)
        self.done = len(text) if final else starts[min(index, len(lines))]
        return headings

    def _title(self, lines: list[str]) -> tuple[int, tuple[str, bool], str]:
        """Return how many of the lines are a title (0: they are not), its style, and its label.

        A style is the mark, and whether an overline stands above the title too.
        """
        no_title = 0, ("", False), ""
        if not self.is_blank_above or not lines[0].strip():
            return no_title
        first = ADORNMENT.fullmatch(lines[0])
        if first is not None:
            if len(lines) == 3 and lines[1].strip() and _underline_mark(lines[2], lines[1]) == first[1]:
                return 3, (first[1], True), _label(lines[1])
            return no_title  # a line between paragraphs, or a table's
        if len(lines) > 1 and not NO_TITLE.match(lines[0]) and (mark := _underline_mark(lines[1], lines[0])):
            return 2, (mark, False), _label(lines[0])
        return no_title


def _underline_mark(line: str, title: str) -> str:
    """Return the mark with which `line` underlines the title, or ""."""
    match = ADORNMENT.fullmatch(line)
    if match is None or ADORNMENT.fullmatch(title) is not None:
        return ""
    length = len(line.rstrip())
    return match[1] if length >= len(title.strip()) or length >= _MIN_UNDERLINE else ""


def _label(title: str) -> str:
    return heading_label(ROLE.sub(lambda match: next(filter(None, match.groups()), ""), title))
