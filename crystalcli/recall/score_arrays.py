"""Statistics of scores: the highest, mean and deviation, sums of z-scores.

There are many atoms, and memory is counted: arrays of them are worked on a piece at a time.

Knows: numbers. Does not know: what they are scores of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

_PIECE = 1 << 14  # scores worked on at a time


def highest(scores: FloatArray, count: int) -> Int64Array:
    """Find the indices of the `count` highest scores, highest first, ties by index.

    Args:
        scores: Scores, float32 [n].
        count: How many, at most; 1 or more.

    Returns:
        Indices, int64 [min(count, n)].
    """
    width = min(64, len(scores) // (4 * count))
    if width < 2:
        chosen = np.arange(len(scores))
    else:
        # At least `count` scores are as high as the `count`-th best of the stretches' best, so only
        # scores above that are sorted.
        whole = len(scores) // width * width
        best = np.append(scores[:whole].reshape(-1, width).max(1), scores[whole:])
        threshold = np.partition(best, len(best) - count)[len(best) - count]
        chosen = np.flatnonzero(scores > threshold)
        if len(chosen) < count:
            equal = np.flatnonzero(scores == threshold)[: count - len(chosen)]
            chosen = np.union1d(chosen, equal)
    return chosen[np.argsort(-scores[chosen], kind="stable")][:count]


def mean_and_deviation(scores: FloatArray) -> tuple[float, float]:
    """Compute the mean and the standard deviation of scores, float32 [n].

    The deviation is above 0, so that one can divide by it.
    """
    count = max(1, len(scores))
    mean, squares = float(scores.sum(dtype=np.float64)) / count, 0.0
    for start in range(0, len(scores), _PIECE):
        centred = scores[start : start + _PIECE] - np.float32(mean)
        squares += float(np.dot(centred, centred))
    return mean, (squares / count) ** 0.5 + 1e-9


def sum_of_z_scores(first: FloatArray, second: FloatArray) -> FloatArray:
    """Add the z-scores of two signals, float32 [n]: each less its mean, over its deviation.

    Args:
        first: Scores, float32 [n].
        second: Other scores of the same atoms, float32 [n].
    """
    (first_mean, first_deviation), (second_mean, second_deviation) = map(mean_and_deviation, (first, second))
    result: FloatArray = np.empty(len(first), np.float32)
    for start in range(0, len(first), _PIECE):
        piece = slice(start, start + _PIECE)
        result[piece] = (first[piece] - first_mean) / first_deviation + (second[piece] - second_mean) / second_deviation
    return result
