"""Word wrap of text that comes in pieces.

Knows: columns that characters take. Does not know: where the text comes from.
"""

from __future__ import annotations

import re

from rich.cells import cell_len

_PARTS = re.compile(r"\n|[^\S\n]+|\S+")


class WordWrap:
    """Breaks lines between words; a word is held until it is whole.

    Args:
        width: columns of a line; None: nothing is held and nothing broken.
    """

    def __init__(self, width: int | None) -> None:
        self._width = width
        self._column = 0
        self._space = self._word = ""

    def add(self, piece: str) -> str:
        """Take the next piece and return what can be written now."""
        if self._width is None:
            return piece
        out = ""
        for part in _PARTS.findall(piece):
            if part == "\n":
                out += self._place_word() + "\n"
                self._column, self._space = 0, ""
            elif part.isspace():
                out += self._place_word()
                self._space += " " * len(part)
            else:
                self._word += part
        return out

    def end(self) -> str:
        """Return the word that was held."""
        return self._place_word()

    def _place_word(self) -> str:
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
