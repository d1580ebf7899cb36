"""Composer of a document's text: blocks with the white space between them, and landmarks.

Knows characters, lines and landmarks. Does not know formats: a reader gives it the blocks.
"""

from __future__ import annotations

import re

from crystalcli.datatypes import Landmark

PARAGRAPH, LINE = 2, 1  # newlines between a block and the one before it
# Characters that are not text in any format: controls, soft hyphens, zero-width marks, surrogates,
# non-characters.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2060\ufeff\ud800-\udfff\ufffe\uffff]")
_SPACES = str.maketrans({"\xa0": " ", "\u2028": "\n", "\u2029": "\n", "\u202f": " "})
_LINE_ENDS = re.compile(r"\r\n?")
_SPACE_RUN = re.compile(r"[ \t]+")


class Composer:
    """A document's text while it is written.

    Attributes:
        start: characters written so far.
        line: the line of the text that is being written, from 1.
    """

    def __init__(self) -> None:
        self.start = 0
        self.line = 1
        self._pending: list[str | Landmark] = []
        self._newlines = 0  # at the end of the text so far
        self._labels: dict[str, str] = {}  # the label in force, by the kind of landmark

    def begin_block(self, gap: int = PARAGRAPH) -> None:
        """Write the newlines before a block, so that landmarks can be set at its start.

        Args:
            gap: PARAGRAPH or LINE.
        """
        if self.start and self._newlines < gap:
            self._write("\n" * (gap - self._newlines))

    def mark(self, kind: str, label: str) -> None:
        """Set a landmark here, unless its label is in force already.

        Args:
            kind: one of `types.LANDMARKS`.
            label: "" ends the landmark in force.
        """
        if self._labels.get(kind, "") == label:
            return
        self._labels[kind] = label
        for index in range(len(self._pending) - 1, -1, -1):
            piece = self._pending[index]
            if isinstance(piece, str):
                break
            if piece.kind == kind:  # at most one of a kind stands here
                del self._pending[index]
                break
        self._pending.append(Landmark(self.start, kind, label))

    def mark_line(self, number: int) -> None:
        """Set the line of the file on which the block that begins here stands; 0: unknown."""
        self.mark("line", str(number - self.line) if number else "")

    def mark_row(self, number: int) -> None:
        """Set the row of the sheet that the line that begins here shows."""
        self.mark("row", str(number - self.line))

    def write_block(self, text: str, gap: int = PARAGRAPH) -> None:
        """Clean a block and write it after the one before; an empty block is left out.

        Args:
            text: the block.
            gap: PARAGRAPH or LINE.
        """
        text = clean_text(text).strip("\n").rstrip()
        if text.strip():
            self.begin_block(gap)
            self._write(text)

    def append(self, text: str) -> None:
        """Clean text and write it directly behind the last."""
        if text := clean_text(text):
            self._write(text)

    def end_line(self) -> None:
        """End the last line."""
        self.begin_block(LINE)

    def drain(self) -> list[str | Landmark]:
        """Return the pieces and landmarks written since the last call."""
        pending, self._pending = self._pending, []
        return pending

    def _write(self, text: str) -> None:
        self._pending.append(text)
        self.start += len(text)
        self.line += text.count("\n")
        self._newlines = len(text) - len(text.rstrip("\n")) + (self._newlines if not text.strip("\n") else 0)


def clean_text(text: str) -> str:
    """Return the text with plain newlines and spaces, without characters that are not text."""
    if "\r" in text:
        text = _LINE_ENDS.sub("\n", text)
    if not text.isascii():
        text = text.translate(_SPACES)
    return _NO_TEXT.sub("", text)


def one_line(text: str) -> str:
    """Return the cleaned text on one line, as for a cell or a title."""
    return " ".join(clean_text(text).split())


def tidy_lines(text: str) -> str:
    """Return a cleaned paragraph whose lines have single spaces, and none at their ends."""
    return "\n".join(_SPACE_RUN.sub(" ", line).strip() for line in clean_text(text).split("\n"))
