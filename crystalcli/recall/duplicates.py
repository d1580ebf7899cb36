"""Where else a passage stands: text is stored once, and every place that has it can be cited.

Knows runs and what they say of a chunk's places. Does not know why the passage was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crystalcli.index import IndexReader, locate_span
from crystalcli.storage import SourceRow
from crystalcli.types import DocumentState, Place

MOST = 20  # places named: a licence may stand in every file


def find_duplicates(
    shelf: IndexReader,
    source_of: Callable[[int], SourceRow],
    chunks: Sequence[int],
    offset: int,
    line: int,
    passage: Place,
    lines: tuple[int, int],
    text: str,
    length: int,
) -> tuple[Place, ...]:
    """The other places of a passage's text, in order of their documents; not those whose file is gone.

    chunks: one that the passage stands in, or begins or ends in, and others of the same text; offset, line: where the first of
    them begins in the passage's document, characters and line. lines: the passage's first and last in its document's text.
    text: the passage's; length: characters of each of `chunks`. A place counts when all of the text stands there: what lies in one
    chunk is the same by the chunk's hash, and what goes beyond it is read and compared.
    """
    inside = offset <= passage.start and passage.end - offset <= length
    found: list[Place] = []
    runs = [(run, chunk) for chunk in dict.fromkeys(chunks) for run in shelf.store.runs_over(chunk)]
    for run, chunk in sorted(runs, key=lambda each: (each[0].source, each[0].ordinal, each[1])):
        source = source_of(run.source)
        characters, before = shelf.before(run, chunk)
        start, end = characters + passage.start - offset, characters + passage.end - offset
        if source.state == DocumentState.GONE or start < 0 or (source.path, start) == (passage.path, passage.start):
            continue
        if not inside and shelf.span_text(source, start, end) != text:
            continue
        shift = before + 1 - line
        found.append(locate_span(shelf.store, source, start, end, (lines[0] + shift, lines[1] + shift)))
        if len(found) == MOST:
            break
    return tuple(found)
