"""The scores of `benchmarks/answers.py`: figures that are wrong here would be wrong in every table."""

from __future__ import annotations

import math

import pytest
from answer_scores import contains, exact, f1, figures, interval, normalized, numeric, paired
from hypothesis import given
from hypothesis import strategies as st


def test_answers_are_compared_as_squad_compares_them():
    assert normalized("The  “Brown”, fox!") == "“brown” fox"
    assert exact("an Owner.", ["the owner"]) == 1
    assert exact("owners", ["owner"]) == 0
    assert f1("the red cat", ["red dog", "blue"]) == 0.5
    assert f1("", ["x"]) == 0
    assert contains("It was lit in 1874, they say.", ["1874"]) == 1
    assert contains("It was lit in 18745.", ["1874"]) == 0


@given(
    st.lists(st.sampled_from(["red", "green", "blue", "cat", "dog"]), min_size=1),
    st.lists(st.sampled_from(["red", "cat"]), min_size=1),
)
def test_f1_is_a_share_the_same_both_ways(one, other):
    a, b = " ".join(one), " ".join(other)
    assert f1(a, [b]) == pytest.approx(f1(b, [a]))
    assert 0 <= f1(a, [b]) <= 1
    assert f1(a, [a]) == 1


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("$1.2 billion in 2022", [1.2e9]),
        ("US$ 1,577 million", [1.577e9]),
        ("0.62%, compared to -14.76% in FY2021", [0.62, -14.76]),
        ("from August 30, 2023 onward", []),
        ("about $2,018mn", [2.018e9]),
        ("none", []),
    ],
)
def test_figures_are_read_with_their_units(text, values):
    assert [value for value, _ in figures(text)] == pytest.approx(values)


def test_a_figure_is_right_at_its_own_scale_and_within_the_tolerance():
    known = ["The amount was $1,577 million."]
    for said in ("$1.577 billion", "1577", "about 1,580 million", "1,577,000 thousand"):
        assert numeric(said, known, "What was it in 2022?") == 1
    for said in ("1,700 million", "", "in 2022", "15 %"):
        assert numeric(said, known, "What was it in 2022?") == 0
    assert numeric("anything", ["It rose."], "Did it rise?") is None
    assert numeric("20 percent", ["It was 20 %."], "Did it rise?") == 1


def test_intervals_hold_the_mean_and_pairs_their_difference():
    ours, theirs = [1.0, 0.0, 1.0, 1.0] * 10, [1.0, 1.0, 1.0, 0.0] * 10
    low, high = interval(ours)
    assert low < 0.75 < high
    together = paired(ours, theirs)
    assert together["difference"] == 0
    assert together["difference_low"] < 0 < together["difference_high"]
    assert together["ratio_low"] < together["ratio"] == 1 < together["ratio_high"]
    assert math.isnan(paired(ours, [0.0] * 40)["ratio"])
    assert paired(ours, ours)["ratio_low"] == paired(ours, ours)["ratio_high"] == 1
