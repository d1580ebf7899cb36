"""BM25 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009) over atoms.

Takes postings, gives scores. The idf is log((N + 1) / (df + 0.5)): ATIRE's log(N / df) (Trotman,
Jia and Crane, 2012) with smoothed counts, so that it is positive for every df up to N and finite
for df 0.

Knows: postings and lengths. Does not know: text, or where postings are stored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical.postings import PackedPostings

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, UInt8Array, UInt16Array

K1 = 1.0  # in 100 tokens, repeating a term adds little
B = 0.4  # atoms are of similar length by construction; short documents are the exception


def idf(df: int, count: int) -> float:
    """Return the inverse document frequency of a term, log((count + 1) / (df + 0.5)).

    Args:
        df: atoms that hold the term.
        count: atoms in the index.
    """
    return math.log((count + 1) / (df + 0.5))


def score(
    postings: Mapping[str, Sequence[PackedPostings]],
    lengths: UInt8Array,
    weights: Mapping[str, float] | None = None,
    average: float | None = None,
) -> FloatArray:
    """Score every atom for a set of terms.

    Args:
        postings: for each term its postings, one entry per segment.
        lengths: uint8 [atoms], terms in each atom.
        weights: each term's idf; computed from the postings by default.
        average: the mean of `lengths`, which takes a while where they are millions; None: it is
            computed.

    Returns:
        Scores, float32 [atoms]; 0 for an atom that holds none of the terms.

    Raises:
        DamagedCrystalError: Postings do not decode or name atoms that do not exist.
    """
    count = len(lengths)
    scores = np.zeros(count, np.float32)
    if count == 0:
        return scores
    gains = _gains(max(1.0, float(lengths.mean(dtype=np.float64)) if average is None else average))
    for term, segments in postings.items():
        df = sum(packed.df for packed in segments)
        if df == 0:
            continue
        term_gains = (weights[term] if weights is not None else idf(df, count)) * gains
        for packed in segments:
            for atoms, frequencies in packed.pieces():
                if atoms[0] < 0 or atoms[-1] >= count:  # they rise
                    raise DamagedCrystalError(None, "postings of the lexical index name atoms that are not there")
                np.add.at(scores, atoms, term_gains.take(_cells(frequencies, lengths.take(atoms))))
    return scores


def _gains(average: float) -> FloatArray:
    """Tabulate a term's gain by its frequency (0 to 4) and the atom's length, float32 [5 * 256]."""
    tf = np.arange(5, dtype=np.float32)[:, None]
    norm = K1 * (1 - B + B / average * np.arange(256, dtype=np.float32))
    gains: FloatArray = (tf * (K1 + 1) / (tf + norm)).astype(np.float32).ravel()
    return gains


def _cells(frequencies: UInt8Array, lengths: UInt8Array) -> UInt16Array:
    """Index into the table of `_gains`, uint16 [n]."""
    cells = frequencies.astype(np.uint16)
    cells <<= 8
    cells |= lengths
    return cells
