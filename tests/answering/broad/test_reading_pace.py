"""The time for an answer is shared out so that what is said covers the whole."""

from __future__ import annotations

import pytest

from crystalcli.answering.broad import reading_pace
from crystalcli.answering.broad.reading_pace import ReadingPace


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """A clock that stands still."""
    now = [100.0]
    monkeypatch.setattr(reading_pace.time, "monotonic", lambda: now[0])
    return now


def shares(clock: list[float], turns: float, parts: int, slower: float = 1.0) -> list[int]:
    """The turns of each part, where the time is enough for so many, at the usual pace or a slower one."""
    usual, taken = 4.5, 4.5 * slower
    pace = ReadingPace(clock[0] + turns * usual + 0.01, parts)
    given = []
    for _ in range(parts):
        given.append(pace.next_part())
        for _ in range(given[-1]):
            pace.add(200, 2.0 * slower, 25, taken)
            clock[0] += taken
    return given


def test_every_part_gets_its_share(clock):
    assert shares(clock, 8, 8) == [1] * 8
    assert sum(shares(clock, 20, 8)) >= 16
    assert shares(clock, 3, 1) == [3]


@pytest.mark.parametrize(
    ("turns", "expected"), [(4, [1, 0] * 4), (2, [1, 0, 0, 0] * 2), (1, [1, *[0] * 7]), (0, [0] * 8)]
)
def test_with_too_little_time_the_parts_that_get_any_are_evenly_spaced(clock, turns, expected):
    assert shares(clock, turns, 8) == expected


def test_a_slow_model_is_asked_less_often(clock):
    assert shares(clock, 8, 8, slower=2.0) == [1, 0, 1, 0, 1, 0, 1, 0]
    assert 0 not in shares(clock, 40, 8, slower=3.0)
