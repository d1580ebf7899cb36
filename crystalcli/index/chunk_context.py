"""What a chunk stands in: the name of its document, the headings above it, the definition around it.

A chunk's codes and terms follow from its text and its context. Knows landmarks. Knows neither vectors nor files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from crystalcli.storage import digest
from crystalcli.types import Chunk, Landmark

# Kinds of documents of which a passage is seldom understood without its place. There the name belongs to the context, and all of
# it takes part in the vectors. Elsewhere the name would only hold copies and renamed files apart; `standing` counts it anyway.
PLACED = frozenset(("code", "markdown", "rst", "html", "notebook"))
CONTEXT_MARK = "\t"  # between name and place; without it a context takes no part in the vectors
_ABOVE = ("heading", "definition")  # kinds of landmarks that say what text stands in
_LONGEST = 200  # characters of a name, and of a label: the innermost is at the end, and stays


class ContextTracker:
    """The contexts of one document's chunks. name: as it is cited; kind: as of a Reading."""

    def __init__(self, name: str, kind: str) -> None:
        self._head = _line(name) + CONTEXT_MARK if kind in PLACED else ""
        self._coming: deque[Landmark] = deque()
        self._above = dict.fromkeys(_ABOVE, "")

    def note(self, landmark: Landmark) -> None:
        """A landmark of the document, in order; it may lie far ahead of the chunks."""
        if landmark.kind in self._above:
            self._coming.append(landmark)

    def noted(self, pieces: Iterable[str | Landmark]) -> Iterator[str | Landmark]:
        """What a reader gives, its landmarks noted."""
        for piece in pieces:
            if isinstance(piece, Landmark):
                self.note(piece)
            yield piece

    def at(self, position: int) -> str:
        """What the text at character `position` stands in; positions rise."""
        while self._coming and self._coming[0].start <= position:
            landmark = self._coming.popleft()
            self._above[landmark.kind] = _line(landmark.label)
        return self._head + " ".join(label for label in self._above.values() if label)

    def given(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The document's chunks, one after the other, each with its context: that of its first letter."""
        position = 0
        for chunk in chunks:
            first = len(chunk.text) - len(chunk.text.lstrip())
            yield replace(chunk, context=self.at(position + first % max(1, len(chunk.text))))
            position += len(chunk.text)


def chunk_identity(key: bytes, context: str) -> bytes:
    """What tells a chunk from others, 16 bytes: the hash of its text, and its context where it has one."""
    return digest(key + context.encode()) if context else key


def _line(text: str) -> str:
    return " ".join(text.split())[-_LONGEST:]
