"""Signal of the document: its name, and its words outside of the atom.

    score of an atom   PATH · the part of the question that is in the document's name
                       in source code of MIN_DEFINITIONS or more also
                       COVERAGE · the part of it that is anywhere in the document
                       less TEST in tests, unless the question is about tests
                       as in prose where a user asks: that manuals say (plain_words.py)
                       less LOG in lists of changes, unless the question is about versions

A part of the question is counted in the terms' idf. Source code is asked for by its purpose: a
function seldom holds all words of that, its file does; and a test holds the words of the code that
it tests. For a file of a function or two this fails, since the longer of two functions is not the
better one; there name_score.py asks the function's name. In prose neither helped (docs/LOG.md).
Page scores: page_score.py.

Knows: paths, kinds and terms of documents. Does not know: vectors.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import IndexReader
from crystalcli.lexical import terms
from crystalcli.recall.page_score import PAGED_KIND
from crystalcli.recall.plain_words import asks_how_to, wants_manual
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.score_table import AtomDocuments, CandidateAtoms
from crystalcli.storage import RUN_SIZE, first_sources, runs_of_all, with_landmarks

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

CODE_KIND = "code"
PATH_CODE, PATH_PROSE = 1.0, 0.5
COVERAGE = 0.3
# Landmarks of definitions in a file whose whole text counts. A definition has one at its beginning
# and one at its end.
MIN_DEFINITIONS = 5
TEST_PENALTY = 0.2
TEST_TERMS = frozenset(("test", "spec"))  # as terms of a path
LOG_PENALTY = 0.3
_CHANGE_LOG = re.compile(
    r"(?:\A|/)(?:(?:change(?:s|log)|history|news|release[-_ ]?notes|what'?s[-_ ]?new)(?:[-_.]?v?\d[\w.]*?)?(?:\.\w+)?|"
    r"(?:releases|change(?:s|log)|what'?s[-_ ]?new|release[-_ ]?notes|history)/[^/]+)\Z",
    re.IGNORECASE,
)
_OF_VERSIONS = re.compile(
    r"\b(?:versions?|releases?d?|since|when (?:was|were|did|has|have)|chang(?:es?|ed|elog)|new in|what'?s new|news|history|"
    r"introduced|deprecat\w+|dropp?(?:s|ed)?|fixe[sd]|fix(?: in)?|remov\w+|added|support(?:s|ed)?|bugs?|no longer|anymore|still)\b|"
    r"\b\d+\.\d",
    re.IGNORECASE,
)


class DocumentScorer:
    """Scores atoms by their documents.

    Args:
        index: The resident index.
    """

    name = "document"

    def __init__(self, index: IndexReader) -> None:
        self._index = index

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n].

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        return document_scores(self._index, query, candidates.documents)


def document_scores(index: IndexReader, query: PreparedQuery, documents: AtomDocuments) -> FloatArray:
    """Score atoms by their documents.

    Args:
        index: The resident index.
        query: The question.
        documents: The documents of n atoms.

    Returns:
        Scores, float32 [n].

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    in_manual = asks_how_to(query.text) or wants_manual(query.text)
    is_about_tests = not in_manual and not TEST_TERMS.isdisjoint(query.idf)
    is_of_software = CODE_KIND in documents.kinds.values()
    of_log = LOG_PENALTY if is_of_software and not _OF_VERSIONS.search(query.text) else 0.0
    coverage = {} if in_manual else _coverage(index, query, documents.full_code)
    path_code = PATH_PROSE if in_manual else PATH_CODE
    scores: dict[int, float] = {}
    total_idf = query.total_idf
    for source, path in documents.paths.items():
        path_terms = terms_of_path(path)
        in_path = sum(idf for term, idf in query.idf.items() if term in path_terms) / total_idf
        if documents.kinds[source] == CODE_KIND:
            scores[source] = path_code * in_path + COVERAGE * coverage.get(source, 0.0) / total_idf
            if not is_about_tests and not TEST_TERMS.isdisjoint(path_terms):
                scores[source] -= TEST_PENALTY
        else:
            scores[source] = PATH_PROSE * in_path - (of_log if _CHANGE_LOG.search(path) else 0.0)
    return np.array([scores.get(source, 0.0) for source in documents.sources.tolist()], np.float32)


def terms_of_path(path: str) -> frozenset[str]:
    """Return the terms of a path."""
    return frozenset[str]().union(*map(_name_terms, path.split("/")))


@lru_cache(maxsize=4096)
def _name_terms(name: str) -> frozenset[str]:
    """Return the terms of a folder's or a file's name. Paths have their folders in common."""
    return frozenset(term for term, _ in terms(name))


def atom_documents(index: IndexReader, atoms: Int64Array, min_definitions: int = MIN_DEFINITIONS) -> AtomDocuments:
    """Look up the documents of atoms.

    Args:
        index: The resident index.
        atoms: Numbers of atoms, int64 [n].
        min_definitions: Landmarks of definitions that a file of source code must have before its
            whole text counts.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    chunks = index.nesting.chunk_of(atoms)
    source_by_chunk = first_sources(index.store, sorted(set(chunks.tolist())))
    paths = {source: path for source, path, _ in source_by_chunk.values()}
    kinds = {source: kind for source, _, kind in source_by_chunk.values()}
    code = [source for source, kind in kinds.items() if kind == CODE_KIND]
    full_code = sorted(with_landmarks(index.store, code, "definition", min_definitions))
    sources = [source_by_chunk.get(chunk, (0, "", ""))[0] for chunk in chunks.tolist()]
    atom_kinds = [kinds.get(source, "") for source in sources]
    is_code = np.array([kind == CODE_KIND for kind in atom_kinds], bool)
    return AtomDocuments(
        sources=np.array(sources, np.int64),
        is_code=is_code,
        is_lone=is_code & ~np.isin(sources, full_code),
        is_paged=np.array([kind == PAGED_KIND for kind in atom_kinds], bool),
        paths=paths,
        kinds=kinds,
        full_code=full_code,
    )


def _coverage(index: IndexReader, query: PreparedQuery, sources: list[int]) -> dict[int, float]:
    """Sum up, for each of `sources`, rising, the idf of the question's terms that it holds."""
    if not sources:  # postings would be decoded for nothing
        return {}
    runs = np.array(runs_of_all(index.store, sources), np.int64).reshape(-1, 3)
    chunks = len(index.nesting.atoms) - 1
    first, count = runs[:, 1], runs[:, 2]
    if not ((first >= 0) & (first < chunks) & (count > 0) & (count <= RUN_SIZE) & (first + count <= chunks)).all():
        raise index.store.damaged("a document refers to chunks that are not there")
    first_atoms, end_atoms = index.nesting.atoms[first], index.nesting.atoms[first + count]
    owners = np.searchsorted(np.array(sources, np.int64), runs[:, 0])
    coverage = np.zeros(len(sources))
    for term, idf in query.idf.items():
        holds_term = np.zeros(len(sources), bool)
        for packed in query.postings.get(term, ()):
            for posting in packed.pieces():
                in_run = np.searchsorted(posting.atoms, end_atoms) > np.searchsorted(posting.atoms, first_atoms)
                holds_term[owners[in_run]] = True
        coverage[holds_term] += idf
    return dict(zip(sources, coverage.tolist(), strict=True))
