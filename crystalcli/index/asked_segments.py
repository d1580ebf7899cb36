"""Segments without layers that recalls have found passages in: their layers are made first.

While layers are missing, such text is found by words alone. A recall adds the reciprocal rank of
each segment among those of its passages, 1, 1/2, 1/3; the sums are one row of the table `meta`,
which goes with the last missing layer.

Knows: segments, runs of documents. Does not know: questions, scores of passages.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from crystalcli.storage import SegmentRow, Store

if TYPE_CHECKING:
    from crystalcli.index.index_reader import IndexReader

ASKED_KEY = "asked"  # in the table `meta`


def segments_met(index: IndexReader, spans: Iterable[tuple[str, int]]) -> list[int]:
    """Find the segments without layers that spans of documents begin in.

    Args:
        index: The resident index.
        spans: For each span, the document's name and the first character.

    Returns:
        The ids of the segments, in order of the spans, each once.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    met: dict[int, None] = {}
    for name, start in spans:
        source = index.store.source_named(name)
        runs = index.store.runs_of(source.id) if source is not None else []
        if runs:
            run = runs[max(0, bisect_right([each.start for each in runs], start) - 1)]
            chunks = range(run.first_chunk, run.first_chunk + run.chunks)
            chunk = chunks[max(0, bisect_right(chunks, start, key=lambda chunk: index.before(run, chunk)[0]) - 1)]
            segment = index.segments[index.segment_with(chunk)]
            if not segment.encoded:
                met[segment.id] = None
    return list(met)


def note_asked(store: Store, recalls: Sequence[Sequence[int]]) -> None:
    """Add to the shares of segments that still lack layers.

    Args:
        store: The crystal, open for writing.
        recalls: For each recall, the ids of segments, in order of its passages.
    """
    missing = {segment.id for segment in store.segments() if not segment.encoded}
    shares = read_asked(store)
    for ids in recalls:
        for rank, number in enumerate(ids, 1):
            shares[number] = shares.get(number, 0.0) + 1 / rank
    kept = {number: round(shares[number], 3) for number in sorted(missing & shares.keys())}
    if kept:
        with store.transaction():
            store.set_meta(ASKED_KEY, json.dumps(kept, separators=(",", ":")))


def forget_asked(store: Store) -> None:
    """Delete the shares where no segment lacks layers, inside a transaction."""
    if store.layer_share() == 1.0 and ASKED_KEY in store.meta():
        store.drop_meta(ASKED_KEY)


def read_asked(store: Store) -> dict[int, float]:
    """Read the shares, by the id of the segment; a row that cannot be read is none."""
    with suppress(ValueError, TypeError, AttributeError):
        kept = json.loads(store.meta().get(ASKED_KEY, "{}"))
        return {int(number): float(share) for number, share in kept.items()}
    return {}


def most_asked_first(store: Store, segments: Collection[SegmentRow]) -> list[SegmentRow]:
    """Order segments: those that were asked most come first, and the newer of two alike."""
    shares = read_asked(store) if segments else {}
    return sorted(segments, key=lambda segment: (shares.get(segment.id, 0.0), segment.id), reverse=True)
