"""The mixture is a distribution, goes by what is known before, and learns whom to believe."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.retrieval_lm.copy_mixture import CopyMixture, follower_features
from crystalcli.retrieval_lm.ngrams import NO_TOKEN, ORDERS, NgramTable, ngram_followers

KINDS = 6  # tokens there are


def model_of(seed: int, rows: int) -> np.ndarray:
    """Log-probabilities of all tokens, [rows, KINDS]; some of them are very sure."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, KINDS)) * random.choice([0.5, 3.0, 12.0], size=(rows, 1))
    found: np.ndarray = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return found


def logs_of(model: np.ndarray, found: NgramTable) -> np.ndarray:
    """What the model says of the followers, as it comes from a decoder."""
    return np.take_along_axis(model, np.maximum(found.tokens, 0), 1).astype(np.float32)


@given(st.lists(st.integers(0, KINDS - 1), min_size=12, max_size=60), st.integers(0, 10_000))
def test_the_mixture_is_a_distribution_whatever_it_has_learnt(ids, seed):
    first = len(ids) // 2
    found = ngram_followers(ids, first)
    model = model_of(seed, len(ids) - first)
    logs = logs_of(model, found)
    rows = len(ids) - first - 1
    total = 0.0
    for last in range(KINDS):
        tokens = [*ids[first:-1], last]
        own = [float(model[row, token]) for row, token in enumerate(tokens)]
        mixed = CopyMixture().mix(tokens, own, found, logs)
        assert len(mixed) == rows + 1
        total += math.exp(mixed[-1])
    assert total == pytest.approx(1, abs=1e-5)


@given(st.lists(st.integers(0, KINDS - 1), min_size=12, max_size=60), st.integers(0, 10_000), st.integers(0, KINDS - 1))
def test_no_token_changes_what_is_said_before_it(ids, seed, other):
    first = len(ids) // 2
    changed = [*ids[:-1], other]
    model = model_of(seed, len(ids) - first)
    said = []
    for each in (ids, changed):
        found = ngram_followers(each, first)
        own = [float(model[row, token]) for row, token in enumerate(each[first:])]
        said.append(CopyMixture().mix(each[first:], own, found, logs_of(model, found)))
    assert said[0][:-1] == said[1][:-1]


def plainly(weights: np.ndarray, model: np.ndarray, tokens: list[int], features: np.ndarray) -> np.ndarray:
    """Log-probabilities of all tokens, over the whole vocabulary; features: of each follower."""
    logits = model.copy()
    for token, each in zip(tokens, features, strict=True):
        logits[token] += weights @ each
    found: np.ndarray = logits - np.log(np.exp(logits).sum())
    return found


@given(st.lists(st.integers(0, KINDS - 1), min_size=12, max_size=40), st.integers(0, 10_000))
def test_probabilities_and_steps_are_those_of_the_whole_vocabulary(ids, seed):
    first = len(ids) - 4
    found = ngram_followers(ids, first)
    model = model_of(seed, 4)
    logs = logs_of(model, found)
    features = follower_features(found, logs)
    mixture = CopyMixture()
    for row, token in enumerate(ids[first:]):
        tokens = [each for each in found.tokens[row].tolist() if each != NO_TOKEN]
        weights = mixture._weights.copy()
        before = plainly(weights, model[row], tokens, features[row, : len(tokens)])
        (said,) = mixture.mix(
            [token],
            [float(model[row, token])],
            NgramTable(*(each[row : row + 1] for each in found)),
            logs[row : row + 1],
        )
        assert said == pytest.approx(before[token], abs=1e-4)
        step = mixture._weights - weights
        if not tokens:
            assert not step.any()
            continue
        for place in range(0, len(weights), 3):  # the gradient by small differences
            ends = []
            for sign in (1, -1):
                moved = weights.copy()
                moved[place] += sign * 1e-5
                ends.append(plainly(moved, model[row], tokens, features[row, : len(tokens)])[token])
            slope = (ends[0] - ends[1]) / 2e-5
            assert step[place] == pytest.approx(0.05 * slope / math.sqrt(mixture._squares[place]), abs=1e-4)


def test_what_is_known_of_followers():
    found = ngram_followers([1, 2, 3, 1, 2, 4, 1, 2, 4, 7, 2, 9], 9)
    logs = np.full(found.tokens.shape, -2.0, np.float32)
    features = follower_features(found, logs)
    orders = len(ORDERS)
    assert features.shape[2] == 4 + 2 * orders
    assert found.places[0, :3].tolist() == [1, 1, 1]  # "1 2 4" was followed by 1 alone
    assert features[0, 0, :4].tolist() == pytest.approx([1, -2, 0.1 * 3 * -2, -2])
    assert features[2, 0, 3] == 0  # after "2" came 3 and 4
    assert found.tokens[2, :2].tolist() == [4, 3]
    assert features[2, :2, 4].tolist() == pytest.approx([math.log(2 / 3), math.log(1 / 3)])
    assert features[2, :2, 4 + orders].tolist() == pytest.approx([0.3 * math.log(3)] * 2)
    assert not features[:, 8:].any()  # where there is no follower


def test_where_nothing_followed_it_is_the_model():
    found = ngram_followers([1, 2, 3, 4], 3)
    assert CopyMixture().mix([4], [-1.5], found, np.zeros(found.tokens.shape, np.float32)) == [-1.5]


def test_the_mixture_learns_whom_to_believe():
    row = ngram_followers([1, 2, 1, 2, 1, 9], 5)
    many = NgramTable(*(np.repeat(each, 300, 0) for each in row))
    logs = np.full(many.tokens.shape, -3.0, np.float32)
    right = CopyMixture().mix([2] * 300, [-3.0] * 300, many, logs)
    assert -3.0 < right[0] < right[-1]
    assert right[-1] > -0.1
    wrong = CopyMixture().mix([5] * 300, [-3.0] * 300, many, logs)
    assert wrong[0] < wrong[-1]
    assert wrong[-1] > -3.0  # what it copied is now less likely than the model has it
