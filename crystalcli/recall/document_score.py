"""What the document that an atom stands in says for it, whatever the atom itself says: its name, and its other words.

    given to an atom   PATH · share of the question that stands in the document's name
                       in source code also COVER · share of it that stands anywhere in the document, if it has DEFINED
                       less TEST in tests, unless the question speaks of them

A share is counted in the terms' idf. Source code is asked for files: a function seldom has all the words of what it is for, its
file has them; and a test has the words of what it tests. What holds a function or two is no such file: the longer of two functions
is not the better one; there `named` asks its name. In prose neither held (docs/LOG.md). Of pages `pages` knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader
from crystalcli.lexical import terms
from crystalcli.recall.page_score import PAGED_KIND
from crystalcli.recall.query import PreparedQuery
from crystalcli.storage import RUN_SIZE, first_sources, runs_of_all, with_landmarks

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Integers = npt.NDArray[np.int64]

CODE = "code"
PATH_CODE, PATH_PROSE = 1.0, 0.5
COVER = 0.3
DEFINED = 5  # landmarks of definitions at least; a definition has one at its beginning, and one at its end
TEST = 0.2
TESTS = frozenset(("test", "spec"))  # as terms of a path


class DocumentScores(NamedTuple):
    """For some atoms: which stand in source code, bool [n], and what their documents give them, float32 [n].

    lone: which stand in source code that has not DEFINED, bool [n]. paged: the id of each atom's document where that is made of
    pages, else 0, int64 [n].
    """

    is_code: npt.NDArray[np.bool_]
    lone: npt.NDArray[np.bool_]
    given: FloatArray
    paged: Integers


def document_scores(
    shelf: IndexReader, query: PreparedQuery, atoms: Integers, defined: int = DEFINED
) -> DocumentScores:
    """Look at the documents of `atoms`, int64 [n].

    Args:
        shelf: The resident index.
        query: The question.
        atoms: Ids of atoms, int64 [n].
        defined: Landmarks of definitions that a file of source code must have before its whole text counts.

    Raises:
        DamagedCrystalError: When the crystal is damaged.
    """
    chunks = shelf.nesting.chunk_of(atoms)
    of_chunk = first_sources(shelf.store, np.unique(chunks).tolist())
    documents = {source: (path, kind) for source, path, kind in of_chunk.values()}
    total = max(sum(query.idf.values()), 1e-6)
    about_tests = not TESTS.isdisjoint(query.idf)
    code = [source for source, (_, kind) in documents.items() if kind == CODE]
    covered = _covered(shelf, query, with_landmarks(shelf.store, code, "definition", defined))
    given: dict[int, float] = {}
    for source, (path, kind) in documents.items():
        words = {term for term, _ in terms(path)}
        share = sum(idf for term, idf in query.idf.items() if term in words) / total
        if kind == CODE:
            given[source] = PATH_CODE * share + COVER * covered.get(source, 0.0) / total
            if not about_tests and not TESTS.isdisjoint(words):
                given[source] -= TEST
        else:
            given[source] = PATH_PROSE * share
    nowhere = (0, "", "")
    sources = [of_chunk.get(chunk, nowhere)[0] for chunk in chunks.tolist()]
    kinds = [documents.get(source, ("", ""))[1] for source in sources]
    is_code = np.array([kind == CODE for kind in kinds], bool)
    return DocumentScores(
        is_code,
        is_code & np.array([source not in covered for source in sources], bool),
        np.array([given.get(source, 0.0) for source in sources], np.float32),
        np.array([source if kind == PAGED_KIND else 0 for source, kind in zip(sources, kinds, strict=True)], np.int64),
    )


def _covered(shelf: IndexReader, query: PreparedQuery, sources: list[int]) -> dict[int, float]:
    """For each source the sum of the idf of those of the question's terms that stand anywhere in it."""
    runs = np.array(runs_of_all(shelf.store, sources), np.int64).reshape(-1, 3)
    chunks = len(shelf.nesting.atoms) - 1
    first, count = runs[:, 1], runs[:, 2]
    if not ((first >= 0) & (first < chunks) & (count > 0) & (count <= RUN_SIZE) & (first + count <= chunks)).all():
        raise shelf.store.damaged("a document refers to chunks that are not there")
    firsts, lasts = shelf.nesting.atoms[first], shelf.nesting.atoms[first + count]
    owners = np.searchsorted(np.array(sorted(sources), np.int64), runs[:, 0])
    found = np.zeros(len(sources))
    for term, idf in query.idf.items():
        stands = np.zeros(len(sources), bool)
        for packed in query.postings.get(term, ()):
            for posting in packed.pieces():
                inside = np.searchsorted(posting.atoms, lasts) > np.searchsorted(posting.atoms, firsts)
                stands[owners[inside]] = True
        found[stands] += idf
    return dict(zip(sorted(sources), found.tolist(), strict=True))
