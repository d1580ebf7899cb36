"""BM25 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009) over atoms.

Takes postings, gives scores. With ATIRE's idf, log(N / df), which is never negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.lexical.postings import Posting

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

K1 = 1.0  # a term said twice counts little more than once in 100 tokens
B = 0.4  # atoms are of like length by construction; what is left is short documents


def idf(df: int, count: int) -> float:
    """How much a term that stands in `df` of `count` atoms tells."""
    return math.log((count + 1) / (df + 0.5))


def score(
    postings: Mapping[str, Sequence[Posting]],
    lengths: npt.NDArray[np.uint8],
    weights: Mapping[str, float] | None = None,
) -> FloatArray:
    """Scores, float32 [atoms], of every atom for the terms in `postings`; 0 where none occurs.

    lengths: uint8 [atoms], terms in each atom. postings: for each term its postings, one per segment.
    weights: each term's idf; worked out from the postings when not given.
    """
    count = len(lengths)
    scores = np.zeros(count, np.float32)
    if count == 0:
        return scores
    average = max(1.0, float(lengths.mean(dtype=np.float64)))
    for term, parts in postings.items():
        df = sum(len(part.atoms) for part in parts)
        if df == 0:
            continue
        weight = weights[term] if weights is not None else idf(df, count)
        for atoms, frequencies in parts:
            norm = K1 * (1 - B + B / average * lengths[atoms].astype(np.float32))
            tf = frequencies.astype(np.float32)
            scores[atoms] += weight * (tf * (K1 + 1)) / (tf + norm)
    return scores
