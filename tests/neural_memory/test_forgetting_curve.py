"""The forgetting curve, by its properties; ages and stabilities are in days here."""

import math

import numpy as np
import pytest
import torch
from forgetting import PICTURE, picture
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.errors import UsageError
from crystalcli.neural_memory import Forgetting

AGES = st.floats(0, 1e6)
IMPORTANCES = st.floats(0, 1e3)
CURVES = st.builds(Forgetting, st.floats(1e-2, 1e4), st.floats(0.1, 2.0))


@given(CURVES, st.tuples(AGES, AGES), IMPORTANCES)
def test_it_never_rises_with_age(curve, ages, importance):
    young, old = sorted(ages)
    stability = curve.initial(importance)
    assert curve.retained(old, stability) <= curve.retained(young, stability)
    assert 0 < curve.retained(old, stability) <= curve.retained(0.0, stability) == 1


@given(CURVES, AGES, st.tuples(IMPORTANCES, IMPORTANCES), st.lists(st.floats(0, 1e3), max_size=5))
def test_the_more_important_never_decays_faster_whatever_was_recalled(curve, age, importances, recalls):
    less, more = (curve.initial(each) for each in sorted(importances))
    for gap in recalls:
        less, more = curve.strengthened(less, gap), curve.strengthened(more, gap)
        assert less <= more * (1 + 1e-9)
    assert curve.retained(age, less) <= curve.retained(age, more) * (1 + 1e-9)


@given(CURVES, AGES, st.floats(0, 1e5))
def test_what_is_pinned_never_decays_and_recalls_leave_it_so(curve, age, gap):
    stability = curve.strengthened(curve.initial(math.inf), gap)
    assert stability == math.inf
    assert curve.retained(age, stability) == 1
    assert curve.log_retained(age, stability) == 0


@given(CURVES, IMPORTANCES, st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_recall_never_weakens(curve, importance, before, after):
    stability = curve.initial(importance)
    again = curve.strengthened(stability, before)
    assert again >= stability
    assert curve.retained(after, again) >= curve.retained(before + after, stability)


def test_recalls_spread_out_strengthen_more_than_recalls_at_once():
    curve = Forgetting(1.0)
    crammed = spaced = 1.0
    for _ in range(5):
        crammed, spaced = curve.strengthened(crammed, 0.001), curve.strengthened(spaced, 1.0)
    assert 1 < crammed < 1.1
    assert spaced > 10


@given(CURVES, st.floats(1e-3, 1e3))
def test_half_lives_and_stabilities_are_as_stated(curve, half_life):
    assert curve.retained(curve.stability, curve.initial(1.0)) == pytest.approx(0.9)
    assert curve.retained(curve.half_life, curve.initial(1.0)) == pytest.approx(0.5)
    assert Forgetting.by_half_life(half_life, curve.power).half_life == pytest.approx(half_life)
    assert curve.age_at(0.5, importance=3.0) == pytest.approx(3 * curve.half_life)


def test_half_is_left_at_the_stated_multiple_of_the_stability_and_the_tail_is_long():
    curve = Forgetting(1.0)
    assert curve.half_life == pytest.approx(243 / 19)  # 12.8
    assert curve.retained(100 * curve.half_life, 1.0) > 0.05  # where an exponential would have 2^-100


def test_what_is_ahead_of_its_time_counts_as_new():
    assert Forgetting(1.0).retained(-5.0, 1.0) == 1


def test_numpy_and_torch_give_what_numbers_give():
    curve = Forgetting(7.0, 0.3)
    ages, stabilities = np.linspace(0, 500, 50), np.append(np.linspace(0.5, 60, 49), math.inf)
    for name, first in (("retained", ages), ("log_retained", ages), ("strengthened", stabilities)):
        other = stabilities if first is ages else ages
        alone = [getattr(curve, name)(float(a), float(b)) for a, b in zip(first, other, strict=True)]
        assert np.allclose(getattr(curve, name)(first, other), alone)
        tensors = getattr(curve, name)(torch.from_numpy(first), torch.from_numpy(other))
        assert np.allclose(tensors.numpy(), alone)
    weights = np.array([0.0, 1.0, math.inf])
    assert torch.equal(curve.initial(torch.from_numpy(weights)), torch.from_numpy(curve.initial(weights)))


@pytest.mark.parametrize("figures", [(0.0, 0.5), (1.0, 0.0), (math.inf, 0.5), (math.nan, 0.5), (-1.0, 0.5), ("1", 0.5)])
def test_what_is_no_curve(figures):
    with pytest.raises(UsageError, match="must be above 0 and finite"):
        Forgetting(*figures)


def test_the_picture_in_the_docs_is_of_this_curve():
    assert PICTURE.read_text(encoding="utf-8") == picture()


def test_what_is_no_half_life_no_power_and_no_share():
    for half_life in (0.0, -1.0, math.nan, "10", None):
        with pytest.raises(UsageError, match="a half-life must be above 0 and finite"):
            Forgetting.by_half_life(half_life)
    with pytest.raises(UsageError, match=r"0\.01 or more, got 1e-05"):
        Forgetting(1.0, 1e-5)
    for share in (0, 1.1, -1, math.nan):
        with pytest.raises(UsageError, match="retained must be above 0 and at most 1"):
            Forgetting(1.0).age_at(share)
    assert Forgetting(1.0, 0.01).age_at(1e-300) == math.inf
    assert math.isfinite(Forgetting(1.0, 0.01).half_life)
