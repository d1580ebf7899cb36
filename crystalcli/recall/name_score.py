"""What its name says for a definition that stands alone in its file, or nearly so.

    given to an atom   ASKED · share of the question that stands in the name, classes around it included
                       SAID · share of the name's own words that the question says

The first is counted in the terms' idf. The second is not, and asks the other way round: of two functions that hold the same words
the one that is called by them is meant, and a long name that the question says half of is another one's. Files of many definitions
are spoken for by all their words instead, see `standing`; there names found no more (docs/LOG.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import CONTEXT_MARK, IndexReader
from crystalcli.lexical import query_terms
from crystalcli.recall.document_score import TESTS
from crystalcli.recall.query import PreparedQuery

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Integers = npt.NDArray[np.int64]

ASKED, SAID = 0.1, 0.05


def name_scores(shelf: IndexReader, query: PreparedQuery, atoms: Integers) -> FloatArray:
    """What the names of `atoms`, int64 [n], all of source code, give them, float32 [n]. Raises DamagedCrystalError."""
    chunks, of = np.unique(shelf.nesting.chunk_of(atoms), return_inverse=True)
    total = max(sum(query.idf.values()), 1e-6)
    given = [_given(shelf.context_of(chunk).partition(CONTEXT_MARK)[2], query.idf, total) for chunk in chunks.tolist()]
    return np.array(given, np.float32)[of]


def _given(name: str, idf: dict[str, float], total: float) -> float:
    """name: as `Class.method`; "" outside of all definitions. total: of `idf`."""
    whole = [term for term in query_terms(name) if term not in TESTS]
    own = [term for term in query_terms(name.rpartition(".")[2]) if term not in TESTS]
    asked = sum(idf.get(term, 0.0) for term in whole) / total
    said = sum(term in idf for term in own) / max(1, len(own))
    return ASKED * asked + SAID * said
