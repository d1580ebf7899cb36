"""Re-encoding: the best candidates are ordered by exact vectors.

    score   ATOM_WEIGHT · q · atom + max over the atom's clusters of q · cluster
            + UNIT_WEIGHT · MaxSim over its units + BM25_WEIGHT · its score by BM25
            + its scores by document, definition and page

The weights differ from those for codes: a decoded unit lies near its cluster and atom, an exact one
is independent of them. Re-encoding needs torch and takes some tenths of a second.

Knows: texts of chunks, exact vectors, rows of the score table. Does not know: codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from crystalcli.datatypes import Chunk
from crystalcli.index import IndexReader
from crystalcli.recall.query import PreparedQuery, ScoredAtom
from crystalcli.recall.score_table import CONTEXT_SIGNALS
from crystalcli.vectors import unit_length

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray
    from crystalcli.vectors import PyramidLayout

ATOM_WEIGHT, UNIT_WEIGHT, BM25_WEIGHT = 0.5, 0.3, 0.875


class ChunkVectors(Protocol):
    """The part of `crystalcli.index.layer_encoder.LayerEncoder` that re-encoding needs."""

    def vectors(
        self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None
    ) -> tuple[list[FloatArray], list[PyramidLayout]]:
        """Compute the vectors of the chunks' units, clusters and atoms, and the chunks' layouts."""
        ...


def reencode(
    index: IndexReader, query: PreparedQuery, ranked: Sequence[ScoredAtom], encoder: ChunkVectors
) -> list[ScoredAtom]:
    """Score atoms by exact vectors.

    Args:
        index: The resident index.
        query: The question, which must have been encoded.
        ranked: Atoms, scored by codes.
        encoder: The encoder of chunks.

    Returns:
        The same atoms, best first.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    assert query.encoded is not None
    atoms_by_chunk: dict[int, list[ScoredAtom]] = {}
    for scored in ranked:
        atoms_by_chunk.setdefault(index.chunk_of(scored.atom), []).append(scored)
    no_tokens = np.zeros(0, np.int32)  # the encoder tokenizes texts itself
    chunks = [Chunk(index.chunk_text(chunk), no_tokens, no_tokens, index.context_of(chunk)) for chunk in atoms_by_chunk]
    vectors, layouts = encoder.vectors(chunks, [index.tokens_of(chunk) for chunk in atoms_by_chunk])
    units, clusters, atoms = map(unit_length, vectors)
    is_counted = query.token_weights > 0
    weights, states = query.token_weights[is_counted], query.encoded.states[is_counted]
    rescored = []
    base = np.zeros(3, np.int64)  # units, clusters and atoms before this chunk
    for (chunk, members), layout in zip(atoms_by_chunk.items(), layouts, strict=True):
        first = index.first_atom(chunk)
        for scored in members:
            atom = scored.atom - first
            low, high = layout.atoms[atom], layout.atoms[atom + 1]
            atom_clusters = clusters[base[1] + low : base[1] + high]
            atom_units = units[base[0] + layout.clusters[low] : base[0] + layout.clusters[high]]
            mean, gain = query.scale
            signals = {
                "atom": ATOM_WEIGHT * gain * (float(atoms[base[2] + atom] @ query.encoded.vector) - mean),
                "clusters": gain * (float((atom_clusters @ query.encoded.vector).max()) - mean),
                "units": UNIT_WEIGHT * gain * (_max_sim(atom_units, states, weights) - mean),
                "bm25": BM25_WEIGHT * scored.signals["bm25"],
            }
            signals.update({name: scored.signals[name] for name in CONTEXT_SIGNALS if name in scored.signals})
            rescored.append(scored._replace(score=sum(signals.values()), signals=signals))
        base += (len(layout.units) - 1, len(layout.clusters) - 1, len(layout.atoms) - 1)
    return sorted(rescored, key=lambda scored: -scored.score)


def _max_sim(units: FloatArray, states: FloatArray, weights: FloatArray) -> float:
    """Compute MaxSim; 0 for a question without tokens that count.

    Args:
        units: Vectors of units, float32 [units, dimension].
        states: States of the question's tokens, float32 [tokens, dimension].
        weights: Their weights, float32 [tokens].
    """
    if not len(weights):
        return 0.0
    return float(weights @ (states @ units.T).max(1) / weights.sum())
