"""Window of a long document: a stretch of its text with the landmarks inside, shown as a page.

Windows follow one another without overlap, and each ends with a line where one ends near.

Knows: text, landmarks. Does not know: how they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from crystalcli.datatypes import Document, Landmark, Place
from crystalcli.errors import NotFoundError
from crystalcli.index import IndexReader, describe_document
from crystalcli.overview.excerpt import line_start
from crystalcli.recall import cite_span
from crystalcli.storage import landmarks_between


@dataclass(frozen=True, slots=True)
class TextWindow:
    """A stretch of a document.

    Attributes:
        document: The document.
        place: The span and where it stands.
        heading: The headings above its beginning; "" without one.
        text: The text.
        landmarks: Those inside, in order.
        number: Its number in the document, from 1.
        count: The windows of the document.
    """

    document: Document
    place: Place
    heading: str
    text: str
    landmarks: tuple[Landmark, ...]
    number: int
    count: int

    @property
    def start(self) -> int:
        """The first character."""
        return self.place.start

    @property
    def end(self) -> int:
        """The character after the last."""
        return self.place.end


def read_window(index: IndexReader, name: str, position: int, length: int) -> TextWindow:
    """Read the window of a document that holds a character.

    Args:
        index: The resident index.
        name: The document, exactly as it is cited.
        position: The character; one behind the end counts as the last.
        length: The length of a window, about.

    Raises:
        NotFoundError: The crystal does not hold the document, or none of its text.
        DamagedCrystalError: The crystal is damaged.
    """
    source = index.store.source_named(name)
    if source is None:
        raise NotFoundError(f"no document {name} in this crystal")
    source = index.vouch(source)
    document = describe_document(index.store, source)
    if not source.chunks:
        raise NotFoundError(f"{name} has no text in this crystal{f': {source.reason}' if source.reason else ''}")
    position = max(0, min(position, source.characters - 1))
    count = max(1, -(-source.characters // length))

    def bound(number: int) -> int:
        if number <= 0:
            return 0
        return source.characters if number >= count else line_start(index, source, number * length)

    number = position // length
    if position >= bound(number + 1):
        number += 1
    start, end = bound(number), bound(number + 1)
    cited = cite_span(index, source, start, end)
    landmarks = tuple(Landmark(*row) for row in landmarks_between(index.store, source.id, start, end))
    return TextWindow(document, cited.place, cited.heading or "", cited.quote, landmarks, number + 1, count)


def window_start(number: int, length: int) -> int:
    """Give a character that is inside of a window, by the window's number from 1."""
    return (number - 1) * length
