"""Guard around a reading: its text can be stored, and its only errors are those of this package.

Knows surrogates and errors. Does not know formats: a reader names the errors that it expects of its
files; the guard is for all others, in a reader or in the library below it, so that one bad file
never ends the reading of the others.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from crystalcli.datatypes import Landmark, Reading
from crystalcli.errors import SourceError
from crystalcli.text.source.unforeseen import contained_errors

# Halves of surrogate pairs: neither UTF-8 nor tokens can be made of them.
_SURROGATES = re.compile("[\ud800-\udfff]")


class GuardedReading:
    """A Reading with a guard around it.

    Its text has as many characters as that of the reading inside: surrogates become U+FFFD.

    Args:
        inner: the reading inside.
        doubt: why the text may not be as it was meant: a reason code, `: ` and a few words, or "".
    """

    def __init__(self, inner: Reading, doubt: str = "") -> None:
        self._inner = inner
        self._doubt = doubt

    @property
    def kind(self) -> str:
        """The kind of the reading inside."""
        return self._inner.kind

    @property
    def title(self) -> str:
        """The title of the reading inside, or ""; an error is left for `pieces` to raise."""
        try:
            with contained_errors():
                return storable(self._inner.title)
        except SourceError:
            return ""

    def pieces(self) -> Iterator[str | Landmark]:
        """The pieces of the reading inside.

        Raises:
            CrystalError: The reading inside raised an error, of any class.
        """
        with contained_errors():
            if self._doubt:
                yield Landmark(0, "doubt", self._doubt)
            for piece in self._inner.pieces():
                if isinstance(piece, str):
                    yield storable(piece)
                else:
                    yield piece if piece.label.isascii() else replace(piece, label=storable(piece.label))


class ReadingWithFiles(GuardedReading):
    """A Reading whose file holds other files beside its text, as a mail does."""

    def members(self) -> Generator[Any, None, None]:
        """The members, see archive_reader.ArchiveMember; asked for after the pieces.

        A member's file exists until the next member is asked for.

        Raises:
            CrystalError: The reading inside raised an error, of any class.
        """
        with contained_errors():
            yield from self._inner.members()  # type: ignore[attr-defined]


def storable(text: str) -> str:
    """The text with each half of a surrogate pair replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()  # faster than a search for surrogates, which are rare
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text
