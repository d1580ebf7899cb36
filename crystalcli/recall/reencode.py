"""The last candidates encoded again from their text, so that exact vectors decide among them. Costs torch and some tenths of a second.

    score   0.5 · q · atom + max over the atom's clusters of q · cluster + 0.3 · MaxSim over its units + 0.875 · what BM25 gave
            + what it stands in gave: document, definition, page

The weights are not those for codes: a decoded unit lies near its cluster and atom, an exact one speaks for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from crystalcli.index import IndexReader
from crystalcli.recall.passages import BESIDES
from crystalcli.recall.query import PreparedQuery, ScoredAtom
from crystalcli.types import Chunk
from crystalcli.vectors import unit_length

if TYPE_CHECKING:
    from crystalcli.types import FloatArray
    from crystalcli.vectors import PyramidLayout

_ATOM, _UNITS, _BM25 = 0.5, 0.3, 0.875


class ChunkVectors(Protocol):
    """What re-encoding needs of `crystalcli.index.layer_encoder.LayerEncoder`."""

    def vectors(
        self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None
    ) -> tuple[list[FloatArray], list[PyramidLayout]]:
        """The vectors of the chunks' units, clusters and atoms, and the chunks' layouts."""
        ...


def reencode(
    shelf: IndexReader, query: PreparedQuery, ranked: Sequence[ScoredAtom], encoder: ChunkVectors
) -> list[ScoredAtom]:
    """The same atoms, scored by exact vectors, best first. The query must have been encoded."""
    assert query.encoded is not None
    by_chunk: dict[int, list[ScoredAtom]] = {}
    for scored in ranked:
        by_chunk.setdefault(shelf.chunk_of(scored.atom), []).append(scored)
    none = np.zeros(0, np.int32)  # the encoder tokenizes texts itself
    chunks = [Chunk(shelf.chunk_text(chunk), none, none, shelf.context_of(chunk)) for chunk in by_chunk]
    vectors, layouts = encoder.vectors(chunks, [shelf.tokens_of(chunk) for chunk in by_chunk])
    units, clusters, atoms = map(unit_length, vectors)
    kept = query.token_weights > 0
    weights, states = query.token_weights[kept], query.encoded.states[kept]
    found = []
    base = np.zeros(3, np.int64)  # units, clusters and atoms before this chunk
    for (number, members), shape in zip(by_chunk.items(), layouts, strict=True):
        first = shelf.first_atom(number)
        for scored in members:
            atom = scored.atom - first
            low, high = shape.atoms[atom], shape.atoms[atom + 1]
            own_clusters = clusters[base[1] + low : base[1] + high]
            own_units = units[base[0] + shape.clusters[low] : base[0] + shape.clusters[high]]
            shares = {
                "atom": _ATOM * float(atoms[base[2] + atom] @ query.encoded.vector),
                "clusters": float((own_clusters @ query.encoded.vector).max()),
                "units": _UNITS * _max_sim(own_units, states, weights),
                "bm25": _BM25 * scored.shares["bm25"],
            }
            shares.update({name: scored.shares[name] for name in BESIDES if name in scored.shares})
            found.append(scored._replace(score=sum(shares.values()), shares=shares))
        base += (len(shape.units) - 1, len(shape.clusters) - 1, len(shape.atoms) - 1)
    return sorted(found, key=lambda scored: -scored.score)


def _max_sim(units: FloatArray, states: FloatArray, weights: FloatArray) -> float:
    if not len(weights):
        return 0.0
    return float(weights @ (states @ units.T).max(1) / weights.sum())
