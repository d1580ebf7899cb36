"""Signals of the layers: nearness of clusters and units to the question.

    in prose   clusters: max over the atom's clusters of q · cluster
               units:    sum over question tokens of idf · max over units of t · unit / Σ idf,
                         at depth 3 (MaxSim: Khattab and Zaharia, 2020)
    in code    units:    CODE_MEAN · the mean of q · unit + MaxSim, at depth 3
               clusters: CODE_MEAN · the mean of q · cluster, at depth 2

Source code is asked what it does, seldom in its own words, and a function is one thought: there the
mean over the atom's nodes takes the place of the best cluster.

Knows: codes and their tables. Does not know: text, documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader, Subtree
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.score_table import CandidateAtoms, LayerSimilarities
from crystalcli.vectors import Codec

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array, UInt8Array

CODE_MEAN = 2.0  # weight of the mean over an atom's nodes, in code


class ClusterScorer:
    """Scores atoms by their clusters.

    Args:
        depth: 2: code is scored too; 3: `UnitScorer` scores code.
    """

    name = "clusters"

    def __init__(self, depth: int) -> None:
        self._depth = depth

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n]; NaN for code at depth 3."""
        layers = candidates.layers
        in_code = CODE_MEAN * layers.mean if self._depth == 2 else np.full_like(layers.mean, np.nan)
        return np.where(candidates.documents.is_code, in_code, layers.best_cluster)


class UnitScorer:
    """Scores atoms by their units."""

    name = "units"

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n]."""
        layers = candidates.layers
        in_code = CODE_MEAN * layers.mean + layers.max_sim
        return np.where(candidates.documents.is_code, in_code, layers.max_sim)


def layer_similarities(
    index: IndexReader, codec: Codec, query: PreparedQuery, atoms: Int64Array, depth: int
) -> LayerSimilarities:
    """Compare a question with the nodes below atoms.

    Args:
        index: The resident index.
        codec: The codec of the layers.
        query: The question, which must have been encoded.
        atoms: Numbers of atoms, int64 [n], rising.
        depth: 2: clusters alone; 3: units too.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    is_counted = query.token_weights > 0
    weights = query.token_weights[is_counted]
    best_cluster, mean, max_sim = np.full((3, len(atoms)), -1.0, np.float32)
    max_sim[:] = 0
    nodes, products, unit_products = node_products(index, codec, query, atoms, depth)
    if not len(nodes.owners):
        return LayerSimilarities(best_cluster, mean, max_sim)
    rows, starts = np.unique(nodes.owners, return_index=True)
    best_cluster[rows] = np.maximum.reduceat(products[0], starts)
    if depth < 3:
        mean[rows] = _means(products[0], starts)
        return LayerSimilarities(best_cluster, mean, max_sim)
    _, starts = np.unique(nodes.owners[nodes.parents], return_index=True)
    mean[rows] = _means(unit_products[0], starts)
    if len(weights):
        best_units = np.maximum.reduceat(unit_products[1:], starts, axis=1)
        max_sim[rows] = weights @ best_units / weights.sum()
    return LayerSimilarities(best_cluster, mean, max_sim)


class NodeProducts(NamedTuple):
    """Products of a question with the nodes below some atoms.

    Row 0 of the products is that of the question as a whole, the others those of its tokens that
    count; at depth 2 there is row 0 alone.

    Attributes:
        nodes: The nodes.
        clusters: Their products with the clusters, float32 [rows, clusters].
        units: Their products with the units, float32 [rows, units]; no units at depth 2.
    """

    nodes: Subtree
    clusters: FloatArray
    units: FloatArray


def node_products(
    index: IndexReader, codec: Codec, query: PreparedQuery, atoms: Int64Array, depth: int
) -> NodeProducts:
    """Multiply a question with the nodes below atoms; arguments as in `layer_similarities`.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    assert query.encoded is not None and index.atom_codes is not None
    # The products with a coded node are sums over tables.
    vectors = np.concatenate([query.encoded.vector[None], query.encoded.states[query.token_weights > 0]])
    if depth < 3:
        vectors = vectors[:1]
    atom_table, cluster_table, unit_table = (
        quantizer.lookup_tables(vectors) for quantizer in (codec.atoms, codec.clusters, codec.units)
    )
    nodes = index.below(atoms, units=depth == 3)
    products = code_sums(atom_table, index.atom_codes[atoms])[:, nodes.owners]
    products += code_sums(cluster_table, nodes.clusters)
    unit_products = products[:, nodes.parents]
    unit_products += code_sums(unit_table, nodes.units)
    return NodeProducts(nodes, products, unit_products)


def code_sums(table: FloatArray, codes: UInt8Array) -> FloatArray:
    """Compute products of vectors with coded nodes, float32 [vectors, n].

    Args:
        table: A lookup table for each vector, float32 [vectors, bytes, 256].
        codes: Codes of nodes, uint8 [n, bytes].
    """
    products = np.zeros((len(table), len(codes)), np.float32)
    for book in range(codes.shape[1]):
        products += table[:, book].take(codes[:, book], axis=1)
    return products


def _means(values: FloatArray, starts: Int64Array) -> FloatArray:
    """Compute the mean of each stretch of values.

    Args:
        values: Values, float32 [n].
        starts: The beginnings of the stretches, int64 [stretches], rising from 0.

    Returns:
        Means, float32 [stretches].
    """
    means: FloatArray = np.add.reduceat(values, starts)
    means /= np.diff(starts, append=len(values))
    return means
