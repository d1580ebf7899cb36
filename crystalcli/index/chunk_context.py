"""The context of a chunk: document name, headings, enclosing definition.

A chunk's codes and terms follow from its text and its context.

Knows: landmarks. Does not know: vectors, files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from crystalcli.datatypes import Chunk, Landmark
from crystalcli.storage import digest

# Kinds of documents of which a passage is seldom understood without its place. There the name
# belongs to the context, and all of it takes part in the vectors. Elsewhere the name would only
# keep copies and renamed files apart; `document_score` counts it anyway.
PLACED = frozenset(("code", "markdown", "rst", "markup", "html", "notebook", "opml", "canvas"))
# Between name and place; a context without it takes no part in the vectors.
CONTEXT_MARK = "\t"
_ABOVE = ("heading", "definition", "table")  # kinds of landmarks that belong to a context
# Characters of a name, and of a label: the end is kept, where the innermost part is.
_LONGEST = 200


class ContextTracker:
    """The contexts of one document's chunks, from the landmarks that were read so far."""

    def __init__(self, name: str, kind: str) -> None:
        """Start a document.

        Args:
            name: The name that it is cited by.
            kind: Its kind, as of a Reading.
        """
        self._head = _line(name) + CONTEXT_MARK if kind in PLACED else ""
        self._coming: deque[Landmark] = deque()
        self._above = dict.fromkeys(_ABOVE, "")

    def note(self, landmark: Landmark) -> None:
        """Note the next landmark of the document; it may lie far ahead of the chunks."""
        if landmark.kind in self._above:
            self._coming.append(landmark)

    def noted(self, pieces: Iterable[str | Landmark]) -> Iterator[str | Landmark]:
        """Pass on the pieces of a reader, and note the landmarks among them."""
        for piece in pieces:
            if isinstance(piece, Landmark):
                self.note(piece)
            yield piece

    def at(self, position: int) -> str:
        """Return the context of the text at character `position`; positions must rise."""
        while self._coming and self._coming[0].start <= position:
            landmark = self._coming.popleft()
            self._above[landmark.kind] = _line(landmark.label)
        return self._head + " ".join(label for label in self._above.values() if label)

    def given(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Add to each of the document's chunks, in order, the context of its first letter."""
        position = 0
        for chunk in chunks:
            first = len(chunk.text) - len(chunk.text.lstrip())
            yield replace(chunk, context=self.at(position + first % max(1, len(chunk.text))))
            position += len(chunk.text)


def chunk_identity(key: bytes, context: str) -> bytes:
    """Compute the identity of a chunk, 16 bytes: one text in one context is stored once.

    Args:
        key: The hash of its text, 16 bytes.
        context: Its context; without one the identity is `key`.
    """
    return digest(key + context.encode()) if context else key


def _line(text: str) -> str:
    """Return the last characters of a text, with its white space as single spaces."""
    return " ".join(text.split())[-_LONGEST:]
