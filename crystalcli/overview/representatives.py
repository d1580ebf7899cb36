"""Selects passages that represent a whole section.

They are spread over its chapters and files. The atoms of a section are compared by their decoded
vectors, or without vectors by their words, and `facility_location` selects; an atom's weight is its
number of terms. Weighted by the relevance to a question as well, the same selection covers all
sides of a topic.

Knows: sections, codecs, prepared queries. Does not know: answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.datatypes import Passage
from crystalcli.index import IndexReader
from crystalcli.overview.facility_location import evenly_spaced, hashed_vectors, select_representatives
from crystalcli.overview.sections import Section
from crystalcli.recall import PassageBuilder, PreparedQuery, ScoredAtom
from crystalcli.vectors import Codec, unit_length

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

# Atoms of a section that are compared at most. By words they are fewer: their texts must be read.
_MOST_BY_VECTORS, _MOST_BY_WORDS = 512, 64
# Terms of an atom. One with fewer is a heading, a row of figures or the end of a chapter.
_FEWEST_TERMS = 12
_SHARPNESS = 4.0  # of the weights by relevance


def representative_passages(
    index: IndexReader,
    codec: Codec | None,
    query: PreparedQuery,
    section: Section,
    count: int,
    relevance: FloatArray | None = None,
) -> list[Passage]:
    """Select passages that represent a section.

    Args:
        index: The crystal's index.
        codec: Decodes the vectors of atoms; None for a crystal without vectors.
        query: The question, for the passages.
        section: The section.
        count: The most passages.
        relevance: The relevance of each atom of the section, float32 [n]; without it, atoms are
            weighted by their terms alone.

    Returns:
        The passages, the most representative first.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    rows = np.arange(len(section.atoms))
    long_enough = index.lengths[section.atoms] >= _FEWEST_TERMS
    if long_enough.sum() >= count:
        rows = rows[long_enough]
    by_vectors = codec is not None and index.atom_codes is not None and index.encoded
    most = _MOST_BY_VECTORS if by_vectors else _MOST_BY_WORDS
    if relevance is not None and len(rows) > most:
        most_relevant = np.argsort(-relevance[rows], kind="stable")[:most]
        rows = np.sort(rows[most_relevant])
    rows = rows[evenly_spaced(len(rows), most)]
    atoms = section.atoms[rows]
    if by_vectors:
        assert codec is not None and index.atom_codes is not None
        vectors = unit_length(codec.atoms.decode(index.atom_codes[atoms]))
    else:
        locations = [index.place(atom) for atom in atoms.tolist()]
        vectors = hashed_vectors(location.text[location.start : location.end] for location in locations)
    # Longer atoms weigh more: they mention more names.
    weights = index.lengths[atoms].astype(np.float32)
    if relevance is not None:
        weights *= _relevance_weights(relevance[rows])
    selection = select_representatives(vectors, 2 * count, weights, section.places[rows])
    ranked = [ScoredAtom(int(atoms[row]), gain, {"spread": gain}) for row, gain in selection]
    sources = {source.id for source in section.sources}
    return PassageBuilder(index, codec, query, sources).make(ranked, count)


def holding_all(query: PreparedQuery) -> Int64Array:
    """Return the atoms that hold every term of a question.

    Returns:
        Their numbers, int64, rising; empty for a question without terms.
    """
    common: Int64Array | None = None
    for term_postings in query.postings.values():
        pieces = [posting.atoms for packed in term_postings for posting in packed.pieces()]
        atoms = np.concatenate([np.zeros(0, np.int64), *pieces])
        common = atoms if common is None else np.intersect1d(common, atoms)
    return np.zeros(0, np.int64) if common is None else np.unique(common)


def relevance_of(query: PreparedQuery, codec: Codec | None, index: IndexReader) -> FloatArray:
    """Score every atom by its relevance to a question: the mean of vectors and BM25, each scaled.

    Args:
        query: The question.
        codec: Scores the codes of atoms; None for BM25 alone.
        index: The crystal's index.

    Returns:
        float32 [atoms], from 0 to 1.
    """
    scores = _scaled(query.bm25)
    if query.encoded is not None and codec is not None and index.atom_codes is not None:
        by_vectors = codec.score_atoms(query.encoded.vector, index.atom_codes)
        scores = 0.5 * (scores + _scaled(by_vectors))
    result: FloatArray = scores.astype(np.float32)
    return result


def _relevance_weights(relevance: FloatArray) -> FloatArray:
    result: FloatArray = np.exp(_SHARPNESS * (relevance - relevance.max())).astype(np.float32)
    return result


def _scaled(scores: FloatArray) -> FloatArray:
    low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 0.0)
    result: FloatArray = (scores - low) / max(high - low, 1e-9)
    return result
