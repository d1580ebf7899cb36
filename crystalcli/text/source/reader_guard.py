"""A reading that keeps to what readings promise, whatever is in the file: text that can be stored, and one SourceError where it ends.

Knows no format. A reader names what it knows can be wrong with its files; this is for what nobody thought of, in a reader or in
the library below it, so that one bad file never ends the reading of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from crystalcli.errors import CrystalError, SourceError
from crystalcli.text.source.unforeseen import unforeseen
from crystalcli.types import Landmark, Reading

_HALVES = re.compile("[\ud800-\udfff]")  # of surrogate pairs: no text, and neither UTF-8 nor tokens can be made of them


class GuardedReading:
    """`inner`, guarded. Its text has as many characters: what is none becomes U+FFFD."""

    def __init__(self, inner: Reading) -> None:
        self._inner = inner

    @property
    def kind(self) -> str:
        """As of the reading inside."""
        return self._inner.kind

    @property
    def title(self) -> str:
        """As of the reading inside; "" where it cannot be read, which is for `pieces` to say."""
        try:
            with trouble_named():
                return storable(self._inner.title)
        except SourceError:
            return ""

    def pieces(self) -> Iterator[str | Landmark]:
        """As of the reading inside. Whatever is raised there is a CrystalError here."""
        with trouble_named():
            for piece in self._inner.pieces():
                if isinstance(piece, str):
                    yield storable(piece)
                else:
                    yield piece if piece.label.isascii() else replace(piece, label=storable(piece.label))


@contextmanager
def trouble_named() -> Iterator[None]:
    """Turns what nobody expected into a SourceError."""
    try:
        yield
    except CrystalError:
        raise
    except Exception as error:
        raise unforeseen(error) from error


def storable(text: str) -> str:
    """The text, halves of surrogate pairs replaced."""
    if text.isascii():
        return text
    try:
        text.encode()  # faster than to look for what is next to never there
    except UnicodeEncodeError:
        return _HALVES.sub("\ufffd", text)
    return text
