"""Copying, held against a plain reference; the mixture is a distribution, and learns."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.memory.copying import APART, LONGEST, Copied, Mixture, copied


def plainly(ids: list[int], at: int) -> Copied:
    """The same for one token, by looking at every earlier place for every length."""
    for length in range(min(LONGEST, at - 1), 0, -1):
        ending = ids[at - length : at]
        follows = [ids[end] for end in range(length, at) if ids[end - length : end] == ending]
        if follows:
            return Copied(length, len(set(follows)) == 1, follows.count(ids[at]) / len(follows))
    return Copied(0, False, 0.0)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=60), st.data())
def test_the_longest_match_and_what_followed_it(ids, data):
    first = data.draw(st.integers(1, len(ids) - 1))
    assert copied(ids, first) == [plainly(ids, at) for at in range(first, len(ids))]


def test_a_long_match_is_counted_up_to_a_bound():
    said = list(range(40))
    assert copied(said + said, 79)[0] == Copied(LONGEST, True, 1.0)


def test_nothing_follows_the_end_of_a_text():
    assert copied([1, 2, APART, 5, 1, 2, 7, 9, 2, 7], 9)[0] == Copied(1, True, 1.0)
    assert copied([1, 2, APART, 5, 2, 5], 5)[0] == Copied(0, False, 0.0)


def test_the_mixture_is_a_distribution():
    own = [0.5, 0.3, 0.2]
    shares = [0.25, 0.0, 0.75]
    mixed = [Mixture().mix([math.log(p)], [Copied(3, False, share)])[0] for p, share in zip(own, shares, strict=True)]
    assert sum(map(math.exp, mixed)) == pytest.approx(1)
    assert Mixture().mix([-1.5], [Copied(0, False, 0.0)]) == [-1.5]


def test_the_mixture_learns_whom_to_believe():
    mixture = Mixture()
    right, wrong = Copied(4, True, 1.0), Copied(8, True, 0.0)
    first, *_, last = mixture.mix([-3.0] * 200, [right] * 200)
    assert last > first > -3.0
    assert last > -0.1
    first, *_, last = mixture.mix([-3.0] * 200, [wrong] * 200)
    assert first < last < -3.0
    assert last == pytest.approx(-3.0, abs=0.01)
