"""Recall by one flat index: BM25 over atoms, or the cosine of their vectors, and no more.

The plain ways that a crystal is compared with, over the same atoms and with the same passages.

Knows: atoms and their codes. Does not know: questions' answers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crystalcli.datatypes import Passage
from crystalcli.recall import CrystalReader, PassageBuilder, ScoredAtom, Searcher

FlatRecall = Callable[[str, int], list[Passage]]
_MORE = 4  # atoms ranked for each passage: neighbours join, and atoms of one text are one passage


def flat_recalls(crystal: CrystalReader) -> dict[str, FlatRecall]:
    """Give the flat indexes over a crystal's atoms, by name.

    Returns:
        "bm25", and "vectors" where the crystal has vectors and the encoder's weights are here. Each
        takes a question and a number of passages.
    """
    lexical = Searcher(crystal.shelf, None, None)
    recalls: dict[str, FlatRecall] = {"bm25": lambda question, k: list(lexical.recall(question, k))}
    if not crystal.lexical_only:
        recalls["vectors"] = _vector_recall(crystal)
    return recalls


def _vector_recall(crystal: CrystalReader) -> FlatRecall:
    """Give recall by the cosine of each atom's decoded vector with the question's."""
    codec, index, codes = crystal.codec(), crystal.shelf, crystal.shelf.atom_codes
    assert codec is not None and codes is not None
    squares = np.square(codec.atoms.centroids).sum(2)  # [books, 256]: the rotation keeps lengths
    lengths = np.sqrt(np.maximum(codes.scores(squares), 1e-9))
    searcher = crystal.searcher()

    def recall(question: str, k: int) -> list[Passage]:
        query = searcher.prepare(question)
        assert query.encoded is not None
        cosines = codec.score_atoms(query.encoded.vector, codes) / lengths
        if index.dead is not None:
            cosines[index.dead] = -np.inf
        count = min(_MORE * k, len(cosines))
        best = np.argpartition(-cosines, count - 1)[:count] if count else np.zeros(0, np.int64)
        best = best[np.argsort(-cosines[best], kind="stable")]
        ranked = [
            ScoredAtom(int(atom), float(cosines[atom]), {"atom": float(cosines[atom])})
            for atom in best
            if np.isfinite(cosines[atom])
        ]
        return PassageBuilder(index, codec, query).make(ranked, k)

    return recall
