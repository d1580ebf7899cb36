"""BM25 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009) over atoms.

Takes postings, gives scores. With ATIRE's idf, log(N / df), which is never negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical.postings import Packed

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

K1 = 1.0  # a term said twice counts little more than once in 100 tokens
B = 0.4  # atoms are of like length by construction; what is left is short documents


def idf(df: int, count: int) -> float:
    """How much a term that stands in `df` of `count` atoms tells."""
    return math.log((count + 1) / (df + 0.5))


def score(
    postings: Mapping[str, Sequence[Packed]],
    lengths: npt.NDArray[np.uint8],
    weights: Mapping[str, float] | None = None,
) -> FloatArray:
    """Scores, float32 [atoms], of every atom for the terms in `postings`; 0 where none occurs.

    lengths: uint8 [atoms], terms in each atom. postings: for each term its postings, one per segment.
    weights: each term's idf; worked out from the postings when not given. Raises DamagedCrystalError.
    """
    count = len(lengths)
    scores = np.zeros(count, np.float32)
    if count == 0:
        return scores
    gains = _gains(max(1.0, float(lengths.mean(dtype=np.float64))))
    for term, parts in postings.items():
        df = sum(part.df for part in parts)
        if df == 0:
            continue
        given = (weights[term] if weights is not None else idf(df, count)) * gains
        for part in parts:
            for atoms, frequencies in part.pieces():
                if atoms.min() < 0 or atoms.max() >= count:
                    raise DamagedCrystalError(None, "postings of the lexical index name atoms that are not there")
                scores[atoms] += given.take(_cells(frequencies, lengths[atoms]))
    return scores


def _gains(average: float) -> FloatArray:
    """What a term of weight 1 gives, float32 [5 * 256], by its frequency (0 to 4) and the atom's length: there are no others."""
    tf = np.arange(5, dtype=np.float32)[:, None]
    norm = K1 * (1 - B + B / average * np.arange(256, dtype=np.float32))
    gains: FloatArray = (tf * (K1 + 1) / (tf + norm)).astype(np.float32).ravel()
    return gains


def _cells(frequencies: npt.NDArray[np.uint8], lengths: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    cells = frequencies.astype(np.uint16)
    cells <<= 8
    cells |= lengths
    return cells
