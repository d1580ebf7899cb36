"""Text that comes in pieces and is broken between words at the width of a terminal."""

from __future__ import annotations

import re

from rich.cells import cell_len

_PARTS = re.compile(r"\n|[^\S\n]+|\S+")


class Flow:
    """A word is held until it is whole. width: columns; None: nothing is held and nothing broken."""

    def __init__(self, width: int | None) -> None:
        self._width = width
        self._column = 0
        self._space = self._word = ""

    def add(self, piece: str) -> str:
        """What can be written now that `piece` has come."""
        if self._width is None:
            return piece
        out = ""
        for part in _PARTS.findall(piece):
            if part == "\n":
                out += self._placed() + "\n"
                self._column, self._space = 0, ""
            elif part.isspace():
                out += self._placed()
                self._space += " " * len(part)
            else:
                self._word += part
        return out

    def end(self) -> str:
        """What was held."""
        return self._placed()

    def _placed(self) -> str:
        if not self._word:
            return ""
        assert self._width is not None
        space, word = self._space, self._word
        self._space = self._word = ""
        columns = cell_len(word)
        if self._column and self._column + cell_len(space) + columns > self._width:
            space, self._column = "\n", 0
        else:
            self._column += cell_len(space)
        self._column += columns
        return space + word
