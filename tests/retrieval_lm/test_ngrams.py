"""What followed earlier, held against a plain reference; what comes later is not looked at."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.retrieval_lm import ngrams as module
from crystalcli.retrieval_lm.ngrams import MAX_FOLLOWERS, NO_TOKEN, ORDERS, candidate_tokens, ngram_followers


def plainly(ids: list[int], at: int) -> list[Counter[int]]:
    """What followed matches of each order before `at`, by looking at every earlier place."""
    found = []
    for order in ORDERS:
        ending = ids[at - order : at] if order <= at else None
        whole = ending is not None and NO_TOKEN not in ending
        ends = [end for end in range(order, at) if whole and ids[end - order : end] == ending]
        found.append(Counter(ids[end] for end in ends if ids[end] != NO_TOKEN))
    return found


IDS = st.lists(st.integers(0, 3) | st.just(NO_TOKEN), min_size=2, max_size=60)
PERIODS = st.builds(
    lambda part, times: (part * times)[:90], st.lists(st.integers(0, 5), min_size=3, max_size=30), st.integers(2, 9)
)


@given(IDS | PERIODS, st.data())
def test_every_order_of_match_and_what_followed_it(ids, data):
    first = data.draw(st.integers(1, len(ids) - 1))
    found = ngram_followers(ids, first)
    for row, at in enumerate(range(first, len(ids))):
        expected = plainly(ids, at)
        tokens = [token for token in found.tokens[row].tolist() if token != NO_TOKEN]
        assert set(tokens) == set().union(*expected)
        assert len(tokens) == len(set(tokens))
        assert found.places[row].tolist() == [counts.total() for counts in expected]
        for place, token in enumerate(tokens):
            assert found.counts[row, place].tolist() == [counts[token] for counts in expected]
        longest = [max(order for order, counts in enumerate(expected) if token in counts) for token in tokens]
        assert longest == sorted(longest, reverse=True)


@given(IDS, IDS, st.data())
def test_what_comes_later_changes_nothing(ids, others, data):
    first = data.draw(st.integers(1, len(ids) - 1))
    for one, other in zip(ngram_followers(ids, first), ngram_followers([*ids[:-1], *others], first), strict=True):
        assert (one[: len(ids) - first] == other[: len(ids) - first]).all()


def test_the_most_frequent_of_too_many():
    ids = [0]
    for token in range(1, 60):
        ids += [token, 0] * (60 - token)
    found = ngram_followers([*ids, 7], len(ids))
    assert found.tokens[0].tolist() == list(range(1, MAX_FOLLOWERS + 1))
    assert found.counts[0, :, 0].tolist() == [60 - token for token in range(1, MAX_FOLLOWERS + 1)]
    assert found.places[0, 0] == sum(range(1, 60))


def test_the_latest_of_too_many_places(monkeypatch):
    monkeypatch.setattr(module, "_MAX_MATCHES", 3)
    found = ngram_followers([5, 1, 5, 1, 5, 2, 5, 3, 5, 2, 5, 9], 11)
    assert found.tokens[0, :3].tolist() == [3, 2, NO_TOKEN]
    assert found.counts[0, :2, 0].tolist() == [1, 2]
    assert found.places[0, 0] == 3


def test_what_a_model_is_asked_for():
    found = ngram_followers([1, 2, 1, 3, 1, 9, 8], 5)
    table = candidate_tokens([9, 8], found, found)
    assert table.shape == (2, 1 + 2 * MAX_FOLLOWERS)
    assert table[:, 0].tolist() == [9, 8]
    assert set(table[0, 1 : 1 + MAX_FOLLOWERS].tolist()) == {0, 2, 3}
    assert (table[:, 1 : 1 + MAX_FOLLOWERS] == np.maximum(found.tokens, 0)).all()
