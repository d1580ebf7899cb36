"""Passages that stand for the whole of something: some of every part, spread over its chapters and files.

The atoms of a part are compared by their decoded vectors, or where there are none by their words, and facility location chooses
(see `spread`); each counts by its terms. With a question's relevance in the weights the same choice covers all sides of a topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import IndexReader
from crystalcli.overview.facility_location import evenly_spaced, hashed_vectors, select_representatives
from crystalcli.overview.sections import Section
from crystalcli.recall import PassageBuilder, PreparedQuery, ScoredAtom
from crystalcli.types import Passage
from crystalcli.vectors import Codec, unit_length

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Integers = npt.NDArray[np.int64]

_BY_VECTORS, _BY_WORDS = 512, 64  # atoms of a part that are compared, evenly spaced: by words their texts must be read
_SHORT = 12  # terms; an atom with fewer is a heading, a row of figures, the end of a chapter
_SHARPNESS = 4.0  # how steeply relevance counts


def representative_passages(
    shelf: IndexReader,
    codec: Codec | None,
    query: PreparedQuery,
    part: Section,
    count: int,
    relevance: FloatArray | None = None,
) -> list[Passage]:
    """Up to `count` passages that stand for a part, the most telling first; codec: None where there are no vectors.

    relevance: a score for each of the part's atoms, float32 [n]; without it they count by their terms alone.
    Raises DamagedCrystalError.
    """
    rows = np.arange(len(part.atoms))
    telling = shelf.lengths[part.atoms] >= _SHORT
    if telling.sum() >= count:
        rows = rows[telling]
    by_vectors = codec is not None and shelf.atom_codes is not None and shelf.encoded
    most = _BY_VECTORS if by_vectors else _BY_WORDS
    if relevance is not None and len(rows) > most:  # the most relevant, in their order
        rows = np.sort(rows[np.argsort(-relevance[rows], kind="stable")[:most]])
    rows = rows[evenly_spaced(len(rows), most)]
    atoms = part.atoms[rows]
    if by_vectors:
        assert codec is not None and shelf.atom_codes is not None
        vectors = unit_length(codec.atoms.decode(shelf.atom_codes[atoms]))
    else:
        places = [shelf.place(atom) for atom in atoms.tolist()]
        vectors = hashed_vectors(place.text[place.start : place.end] for place in places)
    weights = shelf.lengths[atoms].astype(np.float32)  # what says more counts more: so more names are met
    if relevance is not None:
        weights *= _weights(relevance[rows])
    chosen = select_representatives(vectors, 2 * count, weights, part.places[rows])
    ranked = [ScoredAtom(int(atoms[row]), gain, {"spread": gain}) for row, gain in chosen]
    within = {source.id for source in part.sources}
    return PassageBuilder(shelf, codec, query, within).make(ranked, count)


def holding_all(query: PreparedQuery) -> Integers:
    """The atoms that hold every term of a question, int64, rising; none for a question without terms."""
    common: Integers | None = None
    for packed in query.postings.values():
        found = [posting.atoms for each in packed for posting in each.pieces()]
        atoms = np.concatenate([np.zeros(0, np.int64), *found])
        common = atoms if common is None else np.intersect1d(common, atoms)
    return np.zeros(0, np.int64) if common is None else np.unique(common)


def relevance_of(query: PreparedQuery, codec: Codec | None, shelf: IndexReader) -> FloatArray:
    """How near every atom is to the question, float32 [atoms], 0 to 1: by vectors where there are any, and by BM25."""
    scores = _scaled(query.bm25)
    if query.encoded is not None and codec is not None and shelf.atom_codes is not None:
        near = codec.score_atoms(query.encoded.vector, shelf.atom_codes)
        scores = 0.5 * (scores + _scaled(near))
    result: FloatArray = scores.astype(np.float32)
    return result


def _weights(relevance: FloatArray) -> FloatArray:
    result: FloatArray = np.exp(_SHARPNESS * (relevance - relevance.max())).astype(np.float32)
    return result


def _scaled(scores: FloatArray) -> FloatArray:
    low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 0.0)
    result: FloatArray = (scores - low) / max(high - low, 1e-9)
    return result
