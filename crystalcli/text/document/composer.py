"""Writes the text of a document that is no text file: blocks with the white space between them, and landmarks.

Knows characters, lines and landmarks. Does not know what a block is taken from.
"""

from __future__ import annotations

import re

from crystalcli.types import Landmark

PARAGRAPH, LINE = 2, 1  # newlines between a block and the one before it
# No text in any format: controls, what breaks a word at a line's end, marks of width nothing, halves of pairs, non-characters.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2060\ufeff\ud800-\udfff\ufffe\uffff]")
_SPACES = str.maketrans({"\xa0": " ", "\u2028": "\n", "\u2029": "\n", "\u202f": " "})
_ENDS = re.compile(r"\r\n?")
_RUN = re.compile(r"[ \t]+")


class Composer:
    """A document while it is put together. start: characters so far; line: the line of the text that is being written, from 1."""

    def __init__(self) -> None:
        self.start = 0
        self.line = 1
        self._ready: list[str | Landmark] = []
        self._ended = 0  # newlines at the end so far
        self._holds: dict[str, str] = {}

    def begin_block(self, gap: int = PARAGRAPH) -> None:
        """Write what must stand between the text so far and a block, so that landmarks can be set before it."""
        if self.start and self._ended < gap:
            self._write("\n" * (gap - self._ended))

    def mark(self, kind: str, label: str) -> None:
        """Set a landmark here, unless it says what holds already."""
        if self._holds.get(kind, "") == label:
            return
        self._holds[kind] = label
        for back in range(len(self._ready) - 1, -1, -1):
            each = self._ready[back]
            if isinstance(each, str):
                break
            if each.kind == kind:  # there can be but one here
                del self._ready[back]
                break
        self._ready.append(Landmark(self.start, kind, label))

    def mark_line(self, number: int) -> None:
        """The block that begins here stands on this line of the file; 0: no one knows."""
        self.mark("line", str(number - self.line) if number else "")

    def mark_row(self, number: int) -> None:
        """The line that begins here is this row of its sheet."""
        self.mark("row", str(number - self.line))

    def write_block(self, text: str, gap: int = PARAGRAPH) -> None:
        """A block after the one before. `text` is cleaned; nothing is written when nothing is left of it."""
        text = clean_text(text).strip("\n").rstrip()
        if text.strip():
            self.begin_block(gap)
            self._write(text)

    def append(self, text: str) -> None:
        """Text that goes on where the last ended, cleaned."""
        if text := clean_text(text):
            self._write(text)

    def end_line(self) -> None:
        """The last line ends too."""
        self.begin_block(LINE)

    def drain(self) -> list[str | Landmark]:
        """What was written since this was last request."""
        ready, self._ready = self._ready, []
        return ready

    def _write(self, text: str) -> None:
        self._ready.append(text)
        self.start += len(text)
        self.line += text.count("\n")
        self._ended = len(text) - len(text.rstrip("\n")) + (self._ended if not text.strip("\n") else 0)


def clean_text(text: str) -> str:
    """The text with plain newlines and spaces, less what is no text."""
    if "\r" in text:
        text = _ENDS.sub("\n", text)
    if not text.isascii():
        text = text.translate(_SPACES)
    return _NO_TEXT.sub("", text)


def one_line(text: str) -> str:
    """A cell or a title: on one line."""
    return " ".join(clean_text(text).split())


def tidy_lines(text: str) -> str:
    """A paragraph: its lines with single spaces and none at their ends."""
    return "\n".join(_RUN.sub(" ", line).strip() for line in clean_text(text).split("\n"))


def table_row(cells: list[str]) -> str:
    """A row of a table inside a document: cells on one line, empty ones at the end left out."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    return " | ".join(cells)
