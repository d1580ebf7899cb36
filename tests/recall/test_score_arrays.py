"""Threads change no bit of a score. Small arrays stand for those of millions of atoms."""

import numpy as np
import pytest

from crystalcli.recall import score_arrays
from crystalcli.recall.score_arrays import highest_of_each, mean_and_deviation, sum_of_z_scores


@pytest.fixture
def scores() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(4)
    rare = np.where(random.random(50_001) < 0.9, 0, random.random(50_001) * 9)
    return random.normal(0.1, 0.05, 50_001).astype(np.float32), rare.astype(np.float32)


@pytest.fixture
def calls(monkeypatch) -> list[int | None]:
    """Have threads share the work, and note how many may."""
    real, made = score_arrays.map_in_threads, []

    def note(function, items, threads):
        made.append(threads)
        return real(function, items, threads)

    monkeypatch.setattr(score_arrays, "_FEWEST_FOR_THREADS", 1)
    monkeypatch.setattr(score_arrays, "map_in_threads", note)
    return made


def test_the_deviation_is_added_up_in_the_same_pieces_whatever_is_worked_on_at_a_time(scores, monkeypatch):
    first, _ = scores
    mean = first.sum(dtype=np.float64) / len(first)
    squares = 0.0
    for start in range(0, len(first), 1 << 14):
        centred = first[start : start + (1 << 14)] - np.float32(mean)
        squares += float(np.dot(centred, centred))
    for piece in (1 << 14, 1 << 15, 1 << 17):
        monkeypatch.setattr(score_arrays, "_PIECE", piece)
        assert mean_and_deviation(first) == (mean, (squares / len(first)) ** 0.5 + 1e-9)


def test_z_scores_by_threads_are_those_of_one(scores, calls, monkeypatch):
    (mean, deviation), (other_mean, other_deviation) = map(mean_and_deviation, scores)
    plainly = (scores[0] - mean) / deviation + (scores[1] - other_mean) / other_deviation
    monkeypatch.setattr(score_arrays, "_PIECE", 1 << 14)
    monkeypatch.setattr(score_arrays, "_SHARE", 1 << 15)
    assert np.array_equal(sum_of_z_scores(*scores), plainly)
    assert calls == [None, None]
    monkeypatch.setattr(score_arrays, "_FEWEST_FOR_THREADS", 1 << 20)
    assert np.array_equal(sum_of_z_scores(*scores), plainly)
    assert calls[2:] == [1, 1]


def test_the_highest_by_several_signals_are_those_of_each(scores, calls):
    found = highest_of_each(scores, (300, 100))
    for one, count, indices in zip(scores, (300, 100), found, strict=True):
        assert np.array_equal(indices, np.argsort(-one, kind="stable")[:count])
    assert calls == [None]
