"""Strides are spread evenly, and fewer of them where time is short."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.examples.schedule import Schedule


def run(last: int, most: int, seconds: float, cost: float, rate: float, foreseen: float) -> tuple[list[int], float]:
    """Where strides were measured by a machine on which each takes `cost` seconds and a token `rate`; and how long it took."""
    schedule = Schedule(512, last, most, seconds, foreseen)
    at, now, found = 0, 0.0, []
    while at < last:
        step = min(1024, last - at)
        at, now = at + step, now + rate * step
        schedule.read(step, rate * step)
        if schedule.due(at, now):
            found.append(at)
            now += cost
            schedule.measured(at, cost)
    return found, now


@pytest.mark.parametrize("last", [20_000, 102_000, 1_000_000])
def test_with_time_enough_all_strides_are_measured_evenly_and_the_last_at_the_end(last):
    found, _ = run(last, 24, 1e9, 2.0, 1e-4, 2.0)
    assert found[-1] == last
    assert len(found) == (24 if last > 30_000 else 20)
    gaps = [after - before for before, after in itertools.pairwise([0, *found])]
    assert max(gaps) - min(gaps) <= 2 * 1024


@given(st.integers(600, 300_000), st.floats(0.01, 40), st.floats(1e-6, 3e-4), st.floats(0.01, 40), st.floats(0, 300))
def test_it_takes_no_longer_than_it_may_but_for_the_first_strides(last, cost, rate, foreseen, seconds):
    found, took = run(last, 24, seconds, cost, rate, foreseen)
    assert 1 <= len(found) <= 24
    # What one takes is known after a few; each that was believed to be cheaper costs at most itself.
    assert took <= max(seconds, rate * last + 1) + 4 * cost
    if seconds > rate * last + 40 * (cost + foreseen):
        assert len(found) >= min(24, last // 1024)


def test_a_machine_that_becomes_slow_is_measured_less_often():
    quick, slow = Schedule(512, 100_000, 24, 120.0, 2.0), Schedule(512, 100_000, 24, 120.0, 2.0)
    for schedule, cost in ((quick, 2.0), (slow, 30.0)):
        schedule.read(5_000, 1.0)
        for _ in range(2):
            schedule.measured(5_000, cost)
    assert quick.strides(5_000, 10.0) == 22
    assert slow.strides(5_000, 10.0) < 5
    assert slow.left(5_000, 10.0) < 120.0
    assert slow.strides(50_000, 119.0) == 0
    assert not slow.due(100_000, 119.0)


def test_one_slow_stride_is_no_slow_machine():
    schedule = Schedule(512, 100_000, 24, 120.0, 2.0)
    for cost in (2.0, 2.2, 40.0):
        schedule.measured(5_000, cost)
    assert schedule.cost == 2.2
