"""The score table: sums of signals, and the rows that explain them."""

from __future__ import annotations

import numpy as np
import pytest

from crystalcli.recall.score_table import CONTEXT_SIGNALS, ScoreTable

NAN = float("nan")


def table() -> ScoreTable:
    made = ScoreTable(np.array([3, 5, 8]), np.array([0.5, 0.25, 0.125], np.float32))
    made.add("clusters", np.array([0.5, NAN, 0.25], np.float32))
    made.add("bm25", np.array([0, 2, 1], np.float32))
    made.add("page", np.array([-0.5, 0], np.float32), np.array([2, 0]))
    return made


def test_the_sum_counts_each_signal_where_it_applies():
    assert table().total.tolist() == [0.5, 2.0, 0.75]
    assert table().total.dtype == np.float32


def test_atoms_come_best_first_with_their_signals():
    best = table().best(2)
    assert [(scored.atom, scored.score) for scored in best] == [(5, 2.0), (8, 0.75)]
    assert best[0].signals == {"atom": 0.25, "bm25": 2.0}
    assert best[1].signals == {"atom": 0.125, "clusters": 0.25, "bm25": 1.0, "page": -0.5}


def test_a_context_that_says_nothing_is_left_out_and_a_layer_of_0_is_not():
    last = table().best(3)[-1]
    assert last.signals == {"atom": 0.5, "clusters": 0.5, "bm25": 0.0}
    assert "page" in CONTEXT_SIGNALS


@pytest.mark.parametrize("count", [1, 3, 9])
def test_a_tie_goes_to_the_lower_number(count):
    atoms = np.arange(10, 16)
    even = ScoreTable(atoms, np.zeros(6, np.float32))
    even.add("bm25", np.ones(6, np.float32))
    assert [scored.atom for scored in even.best(count)] == atoms[:count].tolist()
