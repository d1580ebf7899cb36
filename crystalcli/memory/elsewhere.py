"""Where else a passage stands: text is stored once, and every place that has it can be cited.

Knows runs and what they say of a chunk's places. Does not know why the passage was chosen.
"""

from __future__ import annotations

from collections.abc import Callable

from crystalcli.memory.shelf import Shelf
from crystalcli.storage.rows import Source
from crystalcli.types import Place

MOST = 20  # places named: a licence may stand in every file


def elsewhere(
    shelf: Shelf, source_of: Callable[[int], Source], chunk: int, offset: int, line: int, passage: Place, text: str
) -> tuple[Place, ...]:
    """The other places of a passage's text, in order of their documents; not those whose file is gone.

    chunk: one that the passage stands in, or begins or ends in; offset, line: where that chunk begins in the passage's document,
    characters and line. A place counts when all of the text stands there, which is read and compared.
    """
    found: list[Place] = []
    for run in shelf.store.runs_over(chunk):
        source = source_of(run.source)
        characters, lines = shelf.before(run, chunk)
        start, end = characters + passage.start - offset, characters + passage.end - offset
        if source.state == "gone" or start < 0 or (source.path, start) == (passage.path, passage.start):
            continue
        if shelf.span_text(source, start, end) != text:
            continue
        shift = lines + 1 - line
        page = shelf.store.landmark_count(source.id, "page", start)
        last = shelf.store.landmark_count(source.id, "page", max(start, end - 1)) if page else 0
        found.append(Place(source.path, start, end, passage.line_start + shift, passage.line_end + shift, page, last))
        if len(found) == MOST:
            break
    return tuple(found)
