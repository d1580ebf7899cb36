"""Statistics of scores: the highest, mean and deviation, sums of z-scores.

There are many atoms, and memory is counted: arrays of them are worked on a piece at a time, and
where they are very many by several threads.

Knows: numbers. Does not know: what they are scores of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.cpu import map_in_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crystalcli.datatypes import FloatArray, Int64Array

# Scores worked on at a time, scores whose squares are added up in float32, and scores that a thread
# works on.
_PIECE, _PRODUCT, _SHARE = 1 << 17, 1 << 14, 1 << 19
# With fewer scores threads take longer to start than they save.
_FEWEST_FOR_THREADS = 1 << 20


def highest_of_each(scores: Sequence[FloatArray], counts: Sequence[int]) -> list[Int64Array]:
    """Find the indices of the highest scores by several signals, as `highest` does.

    Args:
        scores: For each signal the scores of the same atoms, float32 [n].
        counts: How many of each, at most; 1 or more.
    """
    wanted = list(zip(scores, counts, strict=True))
    return map_in_threads(lambda one: highest(*one), wanted, _threads(len(scores[0])))


def highest(scores: FloatArray, count: int) -> Int64Array:
    """Find the indices of the `count` highest scores, highest first, ties by index.

    Args:
        scores: Scores, float32 [n].
        count: How many, at most; 1 or more.

    Returns:
        Indices, int64 [min(count, n)].
    """
    width = min(64, len(scores) // (4 * count))
    chosen = np.arange(len(scores)) if width < 2 else _as_high_as_the_last(scores, count, width)
    return chosen[np.argsort(-scores[chosen], kind="stable")][:count]


def _as_high_as_the_last(scores: FloatArray, count: int, width: int) -> Int64Array:
    """Find the indices of few scores among which are the `count` highest, rising.

    Args:
        scores: Scores, float32 [n].
        count: How many.
        width: The scores of which one is compared with those of other stretches.
    """
    # A stretch is a column of a table in which the scores lie row by row: the best of all columns
    # are found a row at a time. What is left over is a stretch each.
    columns = len(scores) // width
    whole = columns * width
    best = np.append(scores[:whole].reshape(width, columns).max(0), scores[whole:])
    # At least `count` scores are as high as the `count`-th best of the stretches' best.
    threshold = np.partition(best, len(best) - count)[len(best) - count]
    stretches = np.flatnonzero(best >= threshold)
    if len(stretches) <= 2 * count:
        inside, left_over = stretches[stretches < columns], stretches[stretches >= columns]
        table = inside + columns * np.arange(width)[:, None]
        chosen = np.append(table, left_over - columns + whole)
        return np.sort(chosen[scores[chosen] >= threshold])
    # Very many are equal.
    chosen = np.flatnonzero(scores > threshold)
    if len(chosen) < count:
        chosen = np.union1d(chosen, np.flatnonzero(scores == threshold)[: count - len(chosen)])
    return chosen


def mean_and_deviation(scores: FloatArray) -> tuple[float, float]:
    """Compute the mean and the standard deviation of scores, float32 [n].

    The deviation is above 0, so that one can divide by it.
    """
    count = max(1, len(scores))
    mean, squares = float(scores.sum(dtype=np.float64)) / count, 0.0
    buffer = np.empty(min(_PIECE, len(scores)), np.float32)
    for start in range(0, len(scores), _PIECE):
        piece = scores[start : start + _PIECE]
        centred = np.subtract(piece, np.float32(mean), out=buffer[: len(piece)])
        whole = len(centred) // _PRODUCT * _PRODUCT
        rows = centred[:whole].reshape(-1, _PRODUCT)
        for product in np.matmul(rows[:, None, :], rows[:, :, None]).ravel().tolist():
            squares += product
        squares += float(np.dot(centred[whole:], centred[whole:]))
    return mean, (squares / count) ** 0.5 + 1e-9


def sum_of_z_scores(first: FloatArray, second: FloatArray) -> FloatArray:
    """Add the z-scores of two signals, float32 [n]: each less its mean, over its deviation.

    Args:
        first: Scores, float32 [n].
        second: Other scores of the same atoms, float32 [n].
    """
    threads = _threads(len(first))
    (mean, deviation), (second_mean, second_deviation) = map_in_threads(mean_and_deviation, [first, second], threads)
    result: FloatArray = np.empty(len(first), np.float32)

    def add(share: int) -> None:
        buffer = np.empty(min(_PIECE, len(first)), np.float32)
        for start in range(share, min(share + _SHARE, len(first)), _PIECE):
            piece = slice(start, start + _PIECE)
            total, other = result[piece], buffer[: len(result[piece])]
            np.subtract(first[piece], mean, out=total)
            np.divide(total, deviation, out=total)
            np.subtract(second[piece], second_mean, out=other)
            np.divide(other, second_deviation, out=other)
            np.add(total, other, out=total)

    map_in_threads(add, range(0, len(first), _SHARE), threads)
    return result


def _threads(count: int) -> int | None:
    """Give the most threads for so many scores; None: as many as help."""
    return None if count >= _FEWEST_FOR_THREADS else 1
