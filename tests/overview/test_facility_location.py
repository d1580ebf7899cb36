"""A few representatives are selected of many vectors."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.overview.facility_location import evenly_spaced, hashed_vectors, select_representatives


def vectors(seed: int, count: int, dimension: int = 8) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def worth(near: np.ndarray, rows: tuple[int, ...], weights: np.ndarray) -> float:
    return float(weights @ np.maximum(near[:, list(rows)], 0).max(1))


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 4))
def test_the_choice_is_nearly_as_good_as_the_best_there_is(seed, count, most):
    some = vectors(seed, count)
    weights = np.random.default_rng(seed + 1).random(count).astype(np.float32)
    chosen = select_representatives(some, most, weights)
    rows = tuple(representative.row for representative in chosen)
    assert len(set(rows)) == len(rows) == min(most, count)
    near = some @ some.T
    best = max(worth(near, other, weights) for other in itertools.combinations(range(count), len(rows)))
    assert worth(near, rows, weights) >= (1 - 1 / math.e) * best - 1e-4
    assert (
        sum(representative.gain for representative in chosen) == np.float32(worth(near, rows, weights)).astype(float)
        or abs(sum(representative.gain for representative in chosen) - worth(near, rows, weights)) < 1e-3 * count
    )
    gains = [representative.gain for representative in chosen]
    assert all(later <= earlier + 1e-4 for earlier, later in itertools.pairwise(gains))


def test_each_cluster_has_one_before_any_has_two():
    centres = np.eye(4, dtype=np.float32)
    some = np.repeat(centres, [10, 5, 3, 1], axis=0)
    rows = [representative.row for representative in select_representatives(some, 4)]
    assert [int(some[row].argmax()) for row in rows] == [0, 1, 2, 3]  # the largest first


@given(st.integers(0, 10**6), st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(1, 20))
def test_no_group_has_a_second_one_while_another_has_none(seed, groups, most):
    of = np.array(groups, np.int64)
    rows = [representative.row for representative in select_representatives(vectors(seed, len(of)), most, groups=of)]
    counts = [groups.count(group) for group in set(groups)]
    taken = [sum(of[row] == group for row in rows) for group in set(groups)]
    for size, has in zip(counts, taken, strict=True):
        assert has == size or all(has + 1 >= other for other in taken)


def test_weights_of_nought_count_for_nothing():
    some = np.eye(3, dtype=np.float32)
    assert [
        representative.row for representative in select_representatives(some, 1, np.array([0, 0, 1], np.float32))
    ] == [2]
    assert select_representatives(np.zeros((0, 3), np.float32), 2) == []
    assert len(select_representatives(np.zeros((2, 3), np.float32), 5)) == 2  # vectors of nothing


@given(st.integers(0, 500), st.integers(1, 50))
def test_numbers_are_spaced_evenly(count, most):
    numbers = evenly_spaced(count, most).tolist()
    assert len(numbers) == min(count, most)
    assert sorted(set(numbers)) == numbers
    assert all(0 <= number < count for number in numbers)
    gaps = [b - a for a, b in itertools.pairwise([-1 - (numbers[0] if numbers else 0), *numbers])][1:]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_texts_of_the_same_words_are_near_and_others_are_far():
    texts = ["The ferry reached the harbour.", "A ferry reaches harbours", "Bread, butter and honey.", ""]
    near = hashed_vectors(texts) @ hashed_vectors(texts).T
    assert near[0, 1] > 0.7
    assert abs(near[0, 2]) < 0.1
    assert near[3].tolist() == [0.0] * 4
