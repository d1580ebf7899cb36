"""From a question to passages, coarse to fine: atoms and BM25 choose candidates, clusters and units put them in order.

    coarse score   z(q · atom) + z(BM25)                                              all atoms -> CANDIDATES
    fine score     max over the atom's clusters of q · cluster + 0.6 · BM25 / Σ idf    depth 2
                   + sum over question tokens of idf · max over units of t · unit     depth 3 (MaxSim: Khattab and Zaharia, 2020)

No layer is a hard filter: what BM25 finds joins the candidates whatever the vectors say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import DamagedCrystalError, UsageError
from crystalcli.lexical import bm25, postings
from crystalcli.lexical.analysis import query_terms, words
from crystalcli.memory.passages import NEIGHBOURHOOD, Passages, Query, Scored, lookup
from crystalcli.memory.shelf import Shelf
from crystalcli.types import Passage
from crystalcli.vectors.codec import Codec
from crystalcli.vectors.question import QuestionEncoder
from crystalcli.vectors.tokenizer import default_tokenizer

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Integers = npt.NDArray[np.int64]

CANDIDATES = 300  # atoms that clusters and units are read for
LEXICAL_CANDIDATES = 100  # of which BM25 alone may name this many
BM25_WEIGHT = 0.6  # of BM25 over the sum of the question's idf, so that long questions do not drown the vectors
DEPTHS = (1, 2, 3)
_LONGEST_QUESTION = 254  # tokens; the rest of a longer question is left to BM25


class Recall:
    """Recall over one shelf. encoder and codec: None when there are no weights; BM25 alone decides then."""

    def __init__(self, shelf: Shelf, encoder: QuestionEncoder | None, codec: Codec | None) -> None:
        self.shelf = shelf
        self._encoder = encoder
        self._codec = codec
        self._lexicons = shelf.store.lexicons()

    def recall(self, question: str, k: int = 5, depth: int = 3) -> list[Passage]:
        """The `k` passages that answer best, best first; fewer when the crystal holds no more. Raises UsageError."""
        if depth not in DEPTHS:
            raise UsageError(f"depth is 1 (atoms), 2 (and clusters) or 3 (and units), not {depth}")
        if k < 1:
            raise UsageError(f"k is 1 or more, not {k}")
        if not question.strip():
            raise UsageError("the question is empty")
        query = self.prepare(question)
        ranked = self.rank(query, depth, max(NEIGHBOURHOOD, 4 * k))
        return Passages(self.shelf, self._codec, query).make(ranked, k)

    # --- scores ---------------------------------------------------------------------------------------

    def prepare(self, question: str) -> Query:
        """Everything about a question that does not depend on depth."""
        found = {term: self._postings(term) for term in query_terms(question)}
        count = max(1, self.shelf.atoms)
        idf = {term: bm25.idf(sum(len(part.atoms) for part in parts), count) for term, parts in found.items()}
        scores = bm25.score(found, self.shelf.lengths, idf)
        if self.shelf.dead is not None:
            scores[self.shelf.dead] = 0
        if self._encoder is None or self.shelf.atom_codes is None:
            return Query(question, idf, scores, None, np.zeros(0, np.float32))
        ids, ends = default_tokenizer().tokenize([question])[0]
        ids, ends = ids[:_LONGEST_QUESTION], ends[:_LONGEST_QUESTION]
        weights = _token_weights(question, ends.tolist(), idf, bm25.idf(0, count))
        return Query(question, idf, scores, self._encoder.encode(ids.tolist()), weights)

    def _postings(self, term: str) -> list[postings.Posting]:
        found = []
        for lexicon in self._lexicons:
            block = self.shelf.store.block(lexicon.id, term)
            posting = postings.find(block, term, lexicon.first_atom) if block is not None else None
            if posting is not None:
                end = min(lexicon.first_atom + lexicon.atoms, self.shelf.atoms)
                if int(posting.atoms.max(initial=0)) >= end:
                    raise DamagedCrystalError(
                        f"{self.shelf.store.path} is damaged: the lexical index names an atom that is not there"
                    )
                found.append(posting)
        return found

    def rank(self, query: Query, depth: int, count: int) -> list[Scored]:
        """The best `count` atoms."""
        shelf, codec = self.shelf, self._codec
        if query.encoded is None or codec is None or shelf.atom_codes is None:
            best = _top(query.bm25, count)
            return [
                Scored(int(a), float(query.bm25[a]), {"bm25": float(query.bm25[a])}) for a in best if query.bm25[a] > 0
            ]
        atoms = codec.score_atoms(query.encoded.vector, shelf.atom_codes)
        coarse = _z(atoms) + _z(query.bm25)
        if shelf.dead is not None:
            coarse[shelf.dead] = -np.inf
        if depth == 1:
            best = _top(coarse, count)
            best = best[np.isfinite(coarse[best])]
            return [
                Scored(int(a), float(coarse[a]), {"atom": float(atoms[a]), "bm25": float(query.bm25[a])}) for a in best
            ]
        candidates = np.union1d(_top(coarse, CANDIDATES), _top(query.bm25, LEXICAL_CANDIDATES))
        candidates = candidates[np.isfinite(coarse[candidates])]
        clusters, units = self._fine(query, codec, candidates, depth)
        lexical = BM25_WEIGHT * query.bm25[candidates] / max(sum(query.idf.values()), 1e-6)
        total = clusters + units + lexical
        order = np.argsort(-total, kind="stable")[:count]
        return [
            Scored(
                int(candidates[i]),
                float(total[i]),
                {
                    "atom": float(atoms[candidates[i]]),
                    "clusters": float(clusters[i]),
                    "units": float(units[i]),
                    "bm25": float(lexical[i]),
                },
            )
            for i in order
        ]

    def _fine(self, query: Query, codec: Codec, candidates: Integers, depth: int) -> tuple[FloatArray, FloatArray]:
        """For each candidate atom: the best of its clusters, and MaxSim over its units (0 at depth 2), float32 [n]."""
        assert query.encoded is not None and self.shelf.atom_codes is not None
        kept = query.token_weights > 0
        weights = query.token_weights[kept]
        # Row 0 is the question as a whole, the others its tokens; the products with a coded node are sums over tables.
        vectors = np.concatenate([query.encoded.vector[None], query.encoded.states[kept]])
        if depth < 3:
            vectors = vectors[:1]
        atom_table, cluster_table, unit_table = (
            np.stack([quantizer.table(vector) for vector in vectors])
            for quantizer in (codec.atoms, codec.clusters, codec.units)
        )
        best = np.full(len(candidates), -1.0, np.float32)
        similar = np.zeros(len(candidates), np.float32)
        segments = self.shelf.segment_of(candidates)
        for index in np.unique(segments):
            view = self.shelf.view(int(index))
            if not view.row.encoded:
                continue
            cluster_codes, unit_codes = self.shelf.codes(int(index))
            rows = np.flatnonzero(segments == index)
            local = candidates[rows] - view.row.first_atom
            clusters, owners = _ranges(view.atom_clusters[local], view.atom_clusters[local + 1])
            base = lookup(atom_table, self.shelf.atom_codes[candidates[rows]])[:, owners]
            products = base + lookup(cluster_table, cluster_codes[clusters])
            np.maximum.at(best, rows[owners], products[0])
            if depth == 3 and len(weights):
                units, parents = _ranges(view.cluster_units[clusters], view.cluster_units[clusters + 1])
                fine = products[1:, parents] + lookup(unit_table[1:], unit_codes[units])
                top = np.full((len(weights), len(rows)), -1.0, np.float32)
                for token in range(len(weights)):
                    np.maximum.at(top[token], owners[parents], fine[token])
                similar[rows] = weights @ top / weights.sum()
        return best, similar


def _token_weights(question: str, ends: list[int], idf: dict[str, float], rarest: float) -> FloatArray:
    """What each token of the question counts in MaxSim: its word's idf; nothing for function words and punctuation."""
    weights = np.zeros(len(ends), np.float32)
    known = words(question)
    for index, end in enumerate(ends):
        for start, stop, term in known:
            if start < end <= stop:
                weights[index] = idf.get(term, rarest) if term else 0.0
                break
    if not weights.any():
        weights[:] = 1.0
    return weights


def _top(scores: FloatArray, count: int) -> Integers:
    """The indices of the `count` highest scores, highest first, ties by index."""
    if len(scores) > 4 * count:
        chosen = np.argpartition(-scores, count)[:count]
        chosen.sort()
    else:
        chosen = np.arange(len(scores))
    return chosen[np.argsort(-scores[chosen], kind="stable")][:count]


def _z(scores: FloatArray) -> FloatArray:
    result: FloatArray = (scores - scores.mean()) / (scores.std() + 1e-9)
    return result


def _ranges(starts: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """The numbers of all ranges `[start, end)`, one after the other, and for each which range it is from."""
    sizes = ends - starts
    owners = np.repeat(np.arange(len(starts)), sizes)
    offsets = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return starts[owners] + offsets, owners
