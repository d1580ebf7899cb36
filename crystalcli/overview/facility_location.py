"""A few of many vectors that stand for all of them: facility location, chosen greedily.

    what a choice S is worth    sum over i of weight_i · max over s in S of max(0, v_i · v_s)

After Lin and Bilmes, "A class of submodular functions for document summarization", 2011: each vector counts by the one that stands
for it best, so that what is said twice counts once, and what nobody stands for yet counts most. Greedy choice reaches 1 - 1/e of the
best there is (Nemhauser, Wolsey and Fisher, 1978). Knows nothing of documents. Without vectors, `hashed` makes some of words.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.lexical import terms

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Integers = npt.NDArray[np.int64]

_WIDTH = 1024  # coordinates of a vector made of words


class Representatives(NamedTuple):
    """One that was chosen: its row, and how much it added to what the choice is worth."""

    row: int
    gain: float


def select_representatives(
    vectors: FloatArray, count: int, weights: FloatArray | None = None, groups: Integers | None = None
) -> list[Representatives]:
    """Up to `count` rows of `vectors`, float32 [n, dimension] of unit length or 0, in the order they were chosen.

    weights: float32 [n], 0 or more, what each row counts; all the same by default. groups: int64 [n]; no group has a second one while
    another has none. Needs n² floats of memory.
    """
    if not len(vectors) or count < 1:
        return []
    near = np.maximum(vectors @ vectors.T, 0.0)
    worth = np.ones(len(vectors), np.float32) if weights is None else weights
    covered = np.zeros(len(vectors), np.float32)
    free = np.ones(len(vectors), bool)  # not chosen
    turn = free.copy()  # of those, the ones whose group has its turn
    chosen: list[Representatives] = []
    while len(chosen) < min(count, len(vectors)):
        if not turn.any():
            turn = free.copy()
        gains = worth @ np.maximum(near - covered[:, None], 0.0)
        gains[~turn] = -1.0
        row = int(gains.argmax())
        chosen.append(Representatives(row, float(gains[row])))
        covered = np.maximum(covered, near[:, row])
        free[row] = turn[row] = False
        if groups is not None:
            turn[groups == groups[row]] = False
    return chosen


def evenly_spaced(count: int, most: int) -> Integers:
    """`most` of the numbers from 0 up to `count`, evenly spaced, or all where there are no more; int64, rising."""
    if count <= most:
        return np.arange(count)
    return (np.arange(most) * 2 + 1) * count // (2 * most)


def hashed_vectors(texts: Iterable[str]) -> FloatArray:
    """A vector of unit length, float32 [n, 1024], for the words of each text; 0 where there are none.

    Each term gives its (1 + log frequency) · idf among these texts to one coordinate, with a sign (feature hashing: Weinberger et
    al., 2009).
    """
    bags = [Counter(term for term, _ in terms(text)) for text in texts]
    standing = Counter(term for bag in bags for term in bag)
    vectors = np.zeros((len(bags), _WIDTH), np.float32)
    for row, bag in enumerate(bags):
        for term, frequency in bag.items():
            number = zlib.crc32(term.encode())
            weight = (1 + math.log(frequency)) * math.log((len(bags) + 1) / (standing[term] + 0.5))
            vectors[row, number % _WIDTH] += weight if number & 1 << 31 else -weight
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: FloatArray = vectors / np.maximum(length, 1e-9)
    return result
