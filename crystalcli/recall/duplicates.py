"""Duplicates: the other places of a passage's text.

Text is stored once, and each place of it can be cited.

Knows: runs, and the places that they give a chunk. Does not know: why the passage was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from crystalcli.datatypes import DocumentState, Place
from crystalcli.index import IndexReader, locate_span
from crystalcli.storage import SourceRow

MAX_PLACES = 20  # places of one text: a licence may be in every file


class ChunkPosition(NamedTuple):
    """The position, in a passage's document, of the chunk that the passage begins or ends in.

    Attributes:
        chunks: The chunk's number, and those of other chunks of the same text.
        start: Its first character in the document.
        line: The line of its first character.
        length: Its characters.
    """

    chunks: Sequence[int]
    start: int
    line: int
    length: int


def find_duplicates(
    index: IndexReader,
    source_of: Callable[[int], SourceRow],
    position: ChunkPosition,
    passage: Place,
    lines: tuple[int, int],
    text: str,
) -> tuple[Place, ...]:
    """Find the other places of a passage's text.

    A place counts when all of the text is there. A span inside one chunk is the same by the chunk's
    hash; a span beyond it is read and compared.

    Args:
        index: The resident index.
        source_of: Gives a document by its id.
        position: The chunk that the passage begins or ends in.
        passage: The passage's place.
        lines: Its first and last line in its document's text.
        text: Its text.

    Returns:
        At most MAX_PLACES places in order of their documents, without those whose file is gone.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    is_inside = position.start <= passage.start and passage.end - position.start <= position.length
    places: list[Place] = []
    runs = [(run, chunk) for chunk in dict.fromkeys(position.chunks) for run in index.store.runs_over(chunk)]
    for run, chunk in sorted(runs, key=lambda pair: (pair[0].source, pair[0].ordinal, pair[1])):
        source = source_of(run.source)
        characters, newlines = index.before(run, chunk)
        start, end = characters + passage.start - position.start, characters + passage.end - position.start
        if source.state == DocumentState.GONE or start < 0 or (source.path, start) == (passage.path, passage.start):
            continue
        if not is_inside and index.span_text(source, start, end) != text:
            continue
        shift = newlines + 1 - position.line
        places.append(locate_span(index.store, source, start, end, (lines[0] + shift, lines[1] + shift)))
        if len(places) == MAX_PLACES:
            break
    return tuple(places)
