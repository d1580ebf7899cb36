"""Citations: a span of a document read back from the crystal, and its place.

Knows: runs, chunks and landmarks. Does not know: why the span was chosen.
"""

from __future__ import annotations

from crystalcli.datatypes import Citation, DocumentState
from crystalcli.index import IndexReader, locate_span
from crystalcli.recall.content_dates import day_at
from crystalcli.storage import SourceRow


def cite_span(index: IndexReader, source: SourceRow, start: int, end: int) -> Citation:
    """Cite the characters `[start, end)` of a document, with 0 for the citation's number.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    quote = index.span_text(source, start, end)
    line = 1 + _count_newlines(index, source, start)
    place = locate_span(index.store, source, start, end, (line, line + quote.rstrip().count("\n")))
    heading = index.store.landmark_before(source.id, "heading", start) or None
    day, is_gone = day_at(index, source, start), source.state == DocumentState.GONE
    return Citation(0, place, quote, heading, date=day, gone=is_gone)


def _count_newlines(index: IndexReader, source: SourceRow, end: int) -> int:
    """Count the newlines in the first `end` characters of a document."""
    runs = [run for run in index.store.runs_of(source.id) if run.start <= end]
    if not runs:
        return 0
    run = runs[-1]
    characters, newlines = run.start, run.lines
    for chunk in range(run.first_chunk, run.first_chunk + run.chunks):
        segment = index.view(index.segment_with(chunk))
        local = chunk - segment.row.first_chunk
        if characters + int(segment.spans.characters[local]) > end:
            return newlines + index.chunk_text(chunk).count("\n", 0, end - characters)
        characters += int(segment.spans.characters[local])
        newlines += int(segment.spans.newlines[local])
    return newlines
