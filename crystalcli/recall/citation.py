"""A span of a document as a citation: its text read back from the crystal, and where just that span stands.

Knows runs, chunks and landmarks. Does not know why the span was chosen.
"""

from __future__ import annotations

from crystalcli.index import IndexReader, locate_span
from crystalcli.storage import SourceRow
from crystalcli.types import Citation


def cite_span(shelf: IndexReader, source: SourceRow, start: int, end: int) -> Citation:
    """The characters `[start, end)` of a document, without a number yet. Raises DamagedCrystalError."""
    quote = shelf.span_text(source, start, end)
    line = 1 + _newlines_before(shelf, source, start)
    place = locate_span(shelf.store, source, start, end, (line, line + quote.rstrip().count("\n")))
    return Citation(0, place, quote, shelf.store.landmark_before(source.id, "heading", start) or None)


def _newlines_before(shelf: IndexReader, source: SourceRow, start: int) -> int:
    """How many newlines stand before a character of a document's text."""
    runs = [run for run in shelf.store.runs_of(source.id) if run.start <= start]
    if not runs:
        return 0
    characters, lines = runs[-1].start, runs[-1].lines
    for chunk in range(runs[-1].first_chunk, runs[-1].first_chunk + runs[-1].chunks):
        view = shelf.view(shelf.segment_with(chunk))
        local = chunk - view.row.first_chunk
        if characters + int(view.spans.characters[local]) > start:
            return lines + shelf.chunk_text(chunk).count("\n", 0, start - characters)
        characters, lines = characters + int(view.spans.characters[local]), lines + int(view.spans.newlines[local])
    return lines
