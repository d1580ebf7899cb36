"""Signal of exact strings: identifiers, quotations, numbers with units and paths as they stand.

    score of an atom   EXACT · the part of the question that is in its exact strings which stand in
                       the atom as they are written

A part of the question is counted in the terms' idf. Only chunks that hold all terms of a string are
read, and of these the best by BM25. A question without exact strings has no such signal.

Knows: postings, texts of chunks. Does not know: vectors.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import IndexReader
from crystalcli.lexical import ExactString, exact_strings, query_terms
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.score_arrays import highest

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

EXACT = 0.1
MAX_CHUNKS = 32  # that are read for one string


def exact_matches(index: IndexReader, query: PreparedQuery) -> dict[int, float]:
    """Find the atoms in which exact strings of a question stand.

    Args:
        index: The resident index.
        query: The question.

    Returns:
        The score of each atom by its number; empty for a question of plain words.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    scores: dict[int, float] = {}
    for string in exact_strings(query.text):
        terms = [term for term in query_terms(string.text) if term in query.idf]
        weight = EXACT * sum(query.idf[term] for term in terms) / query.total_idf
        for atom in _atoms_with(index, query, string, terms) if weight > 0 else ():
            scores[atom] = scores.get(atom, 0.0) + weight
    return scores


def exact_scores(matches: dict[int, float], atoms: Int64Array) -> FloatArray:
    """Give the scores of atoms, float32 [n]; 0 for those without a match."""
    return np.array([matches.get(atom, 0.0) for atom in atoms.tolist()], np.float32)


def _atoms_with(index: IndexReader, query: PreparedQuery, string: ExactString, terms: list[str]) -> list[int]:
    """List the atoms in which a string stands, among those of the chunks that are read."""
    chunk_sets = [_chunks_with(index, query, term) for term in terms]
    chunks = reduce(lambda one, other: np.intersect1d(one, other, assume_unique=True), chunk_sets)
    if len(chunks) > MAX_CHUNKS:
        first, end = index.nesting.atoms[chunks], index.nesting.atoms[chunks + 1]
        best = np.array(
            [query.bm25[low:high].max(initial=0.0) for low, high in zip(first, end, strict=True)], np.float32
        )
        chunks = np.sort(chunks[highest(best, MAX_CHUNKS)])
    found: list[int] = []
    for chunk in chunks.tolist():
        spans = [match.span() for match in string.pattern.finditer(index.chunk_text(chunk))]
        if not spans:
            continue
        segment = index.view(index.segment_with(chunk))
        local = chunk - segment.row.first_chunk
        starts, ends = segment.atom_spans(local, local + 1)
        for number, (low, high) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            if any(start < high and end > low for start, end in spans):
                found.append(index.first_atom(chunk) + number)
    return found


def _chunks_with(index: IndexReader, query: PreparedQuery, term: str) -> Int64Array:
    """List the chunks that hold a term, int64, rising."""
    atoms = [posting.atoms for packed in query.postings.get(term, ()) for posting in packed.pieces()]
    return np.unique(index.nesting.chunk_of(np.concatenate([np.zeros(0, np.int64), *atoms])))
