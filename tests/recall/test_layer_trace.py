"""The trace of a recall: its scores are those that ranked the atoms."""

from __future__ import annotations

import numpy as np
import pytest

from crystalcli.index import LAYER_NAMES
from crystalcli.library import Crystal

QUESTION = "Who built the portable scale that Miss Tranter inherited?"


@pytest.fixture(scope="module")
def trace(crystal):
    return crystal.searcher().trace(crystal.recall(QUESTION))


def test_every_atom_is_scored_and_only_candidates_are_read_below(crystal, trace):
    index = crystal.shelf
    assert len(trace.atoms) == index.atoms
    assert set(trace.clusters.atoms.tolist()) == set(trace.candidates.tolist())
    assert set(trace.units.atoms.tolist()) == set(trace.candidates.tolist())
    first, end = index.nesting.clusters_of(trace.candidates)
    assert len(trace.clusters.numbers) == (end - first).sum()


def test_the_best_cluster_is_the_one_that_ranked_an_atom(crystal, trace):
    ranked = crystal.searcher().rank(trace.results.query, 3, 20)
    prose = [scored for scored in ranked if "clusters" in scored.signals]
    assert prose
    best = trace.best_below("clusters", np.array([scored.atom for scored in prose]))
    np.testing.assert_allclose(best, [scored.signals["clusters"] for scored in prose], rtol=1e-5)


def test_nodes_that_were_not_read_have_no_score(crystal, trace):
    others = np.setdiff1d(np.arange(crystal.shelf.atoms), trace.candidates)
    assert np.isfinite(trace.scores_of("atoms", others)).all()
    for layer in LAYER_NAMES[1:]:
        assert np.isnan(trace.best_below(layer, others)).all()
        numbers = (trace.clusters if layer == "clusters" else trace.units).numbers
        assert np.isfinite(trace.scores_of(layer, numbers)).all()
        low, high = trace.range_of(layer)
        assert low < high


def test_without_vectors_the_words_alone_give_light(samples_crystal):
    with Crystal.open(samples_crystal, encoder=None, reranker=None) as words:
        trace = words.searcher().trace(words.recall(QUESTION))
        assert len(trace.clusters.numbers) == len(trace.units.numbers) == 0
        holding = words.searcher().prepare(QUESTION).bm25 > 0
        assert np.isfinite(trace.atoms).tolist() == holding.tolist()
        assert np.isnan(trace.best_below("units", trace.candidates)).all()


def test_atoms_that_a_filter_leaves_out_have_no_score(crystal):
    from crystalcli import RecallFilter

    results = crystal.recall(QUESTION, where=RecallFilter(within=("story",)))
    trace = crystal.searcher().trace(results)
    allowed = results.query.allowed
    assert not allowed.all()
    assert (np.isfinite(trace.atoms) == allowed).all()
