"""Selects a few vectors that represent many: facility location.

    value of a selection S = sum over i of weight_i · max over s in S of max(0, v_i · v_s)

After Lin and Bilmes, "A class of submodular functions for document summarization", 2011: each
vector counts by its most similar representative, so a repeated vector counts once, and a vector
without a similar representative counts most. Greedy selection reaches 1 - 1/e of the best value
(Nemhauser, Wolsey and Fisher, 1978). Where there are no vectors, `hashed_vectors` makes them of
words.

Knows: vectors, words. Does not know: documents.
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
    from crystalcli.datatypes import FloatArray, Int64Array

_HASHED_DIMENSION = 1024  # of a vector made of words


class Representative(NamedTuple):
    """A selected vector.

    Attributes:
        row: Its row.
        gain: The amount by which it raised the value of the selection.
    """

    row: int
    gain: float


def select_representatives(
    vectors: FloatArray, count: int, weights: FloatArray | None = None, groups: Int64Array | None = None
) -> list[Representative]:
    """Select vectors that represent all of them. Needs n² floats of memory.

    Args:
        vectors: float32 [n, dimension], of unit length or 0.
        count: The most vectors to select.
        weights: The weight of each vector, float32 [n], not negative; all 1 by default.
        groups: The group of each vector, int64 [n]. A group gets its second representative when
            every group has one, and so on.

    Returns:
        The representatives in the order of selection.
    """
    if not len(vectors) or count < 1:
        return []
    similarity = np.maximum(vectors @ vectors.T, 0.0)
    weights = np.ones(len(vectors), np.float32) if weights is None else weights
    covered = np.zeros(len(vectors), np.float32)  # similarity to the most similar representative
    unselected = np.ones(len(vectors), bool)
    eligible = unselected.copy()  # unselected, and of a group whose turn it is
    selection: list[Representative] = []
    while len(selection) < min(count, len(vectors)):
        if not eligible.any():
            eligible = unselected.copy()
        gains = weights @ np.maximum(similarity - covered[:, None], 0.0)
        gains[~eligible] = -1.0
        row = int(gains.argmax())
        selection.append(Representative(row, float(gains[row])))
        covered = np.maximum(covered, similarity[:, row])
        unselected[row] = eligible[row] = False
        if groups is not None:
            eligible[groups == groups[row]] = False
    return selection


def evenly_spaced(count: int, most: int) -> Int64Array:
    """Select up to `most` evenly spaced numbers from 0 to `count` - 1; int64, rising."""
    if count <= most:
        return np.arange(count)
    return (np.arange(most) * 2 + 1) * count // (2 * most)


def hashed_vectors(texts: Iterable[str]) -> FloatArray:
    """Make a vector of the words of each text, by feature hashing (Weinberger et al., 2009).

    Each term adds its (1 + log frequency) · idf among these texts to one coordinate, with a sign.

    Returns:
        float32 [n, 1024], of unit length; 0 for a text without terms.
    """
    bags = [Counter(term for term, _ in terms(text)) for text in texts]
    document_frequency = Counter(term for bag in bags for term in bag)
    vectors = np.zeros((len(bags), _HASHED_DIMENSION), np.float32)
    for row, bag in enumerate(bags):
        for term, frequency in bag.items():
            number = zlib.crc32(term.encode())
            weight = (1 + math.log(frequency)) * math.log((len(bags) + 1) / (document_frequency[term] + 0.5))
            vectors[row, number % _HASHED_DIMENSION] += weight if number & 1 << 31 else -weight
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: FloatArray = vectors / np.maximum(length, 1e-9)
    return result
