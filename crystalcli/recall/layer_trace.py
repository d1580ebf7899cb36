"""The trace of a recall: the scores that each layer gave, from all atoms down to the passages.

All atoms are compared with the question; clusters and units are read under the candidates alone.

Knows: codes, candidates, passages. Does not know: documents, text, how a trace is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader, LayerName
from crystalcli.recall.layer_score import node_products
from crystalcli.recall.query import PreparedQuery, Results
from crystalcli.vectors import Codec

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array


class ScoredNodes(NamedTuple):
    """Nodes of a layer that a question was compared with.

    Attributes:
        numbers: Their numbers in the crystal, int64 [n], rising.
        scores: Their scores, float32 [n].
        atoms: The atom that each is below, int64 [n], rising.
    """

    numbers: Int64Array
    scores: FloatArray
    atoms: Int64Array


@dataclass(frozen=True, slots=True, eq=False)
class LayerTrace:
    """The scores of every layer for one question. Those of different layers do not compare.

    Attributes:
        results: The recall.
        atoms: The score that chose candidates among all atoms, float32 [atoms]: nearness to the
            question and BM25, both as z-scores; BM25 alone without vectors; -inf for those that may
            not answer.
        candidates: The atoms whose clusters and units were read, int64, rising.
        clusters: The clusters that were read, by their cosine with the question.
        units: The units that were read, by the products of the question's tokens with them, weighed
            by the idf of the tokens' words.
    """

    results: Results
    atoms: FloatArray
    candidates: Int64Array
    clusters: ScoredNodes
    units: ScoredNodes

    def scores_of(self, layer: LayerName, numbers: Int64Array) -> FloatArray:
        """Look up the scores of nodes, float32 [n]; NaN where the question was not compared."""
        if layer == "atoms":
            scores: FloatArray = self.atoms[numbers]
            return np.where(np.isfinite(scores), scores, np.float32(np.nan))
        return _look_up(numbers, *(self.clusters if layer == "clusters" else self.units)[:2])

    def best_below(self, layer: LayerName, atoms: Int64Array) -> FloatArray:
        """Look up the best score of the nodes of a layer below each atom, float32 [n], or NaN.

        Args:
            layer: The layer; "atoms" gives the atoms' own scores.
            atoms: The numbers of the atoms, int64 [n].
        """
        if layer == "atoms":
            return self.scores_of(layer, atoms)
        nodes = self.clusters if layer == "clusters" else self.units
        if not len(nodes.numbers):
            return np.full(len(atoms), np.nan, np.float32)
        owners, starts = np.unique(nodes.atoms, return_index=True)
        return _look_up(atoms, owners, np.maximum.reduceat(nodes.scores, starts))

    def range_of(self, layer: LayerName) -> tuple[float, float]:
        """Give the score at which a node of a layer begins to stand out, and the best one.

        An atom stands out by two deviations above the mean, a node below by the mean of those that
        were read.
        """
        scores = self.atoms if layer == "atoms" else self.clusters.scores if layer == "clusters" else self.units.scores
        scores = scores[np.isfinite(scores)]
        if not len(scores):
            return 0.0, 0.0
        low = float(scores.mean()) + (2 * float(scores.std()) if layer == "atoms" else 0.0)
        return low, float(scores.max())


def trace_layers(
    index: IndexReader, codec: Codec, results: Results, coarse: FloatArray, candidates: Int64Array
) -> LayerTrace:
    """Score the clusters and units below the candidates of a recall.

    Args:
        index: The resident index.
        codec: The codec of the layers.
        results: The recall, whose question must have been encoded.
        coarse: The coarse score of every atom, float32 [atoms].
        candidates: The candidates, int64 [n], rising.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    query = results.query
    products = node_products(index, codec, query, candidates, 3)
    nodes, owners = products.nodes, candidates[products.nodes.owners]
    clusters = ScoredNodes(nodes.cluster_numbers, query.scale.apply(products.clusters[0]), owners)
    units = ScoredNodes(nodes.unit_numbers, _unit_scores(query, products.units), owners[nodes.parents])
    return LayerTrace(results, coarse, candidates, clusters, units)


def lexical_trace(results: Results) -> LayerTrace:
    """Trace a recall by BM25 alone: no node below an atom was read."""
    nothing = np.zeros(0, np.int64)
    nodes = ScoredNodes(nothing, np.zeros(0, np.float32), nothing)
    scores = np.where(results.query.bm25 > 0, results.query.bm25, np.float32(-np.inf))
    return LayerTrace(results, scores, np.flatnonzero(np.isfinite(scores)), nodes, nodes)


def _unit_scores(query: PreparedQuery, products: FloatArray) -> FloatArray:
    """Weigh the products of a question's tokens with units, float32 [rows, n], to scores [n]."""
    weights = query.token_weights[query.token_weights > 0]
    scores: FloatArray = weights @ products[1:] / weights.sum() if len(weights) else products[0]
    return query.scale.apply(scores)


def _look_up(numbers: Int64Array, known: Int64Array, scores: FloatArray) -> FloatArray:
    """Look up scores by rising numbers; NaN where a number is not known."""
    if not len(known):
        return np.full(len(numbers), np.nan, np.float32)
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[places] == numbers, scores[places], np.float32(np.nan))
