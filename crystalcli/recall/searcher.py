"""From a question to passages, coarse to fine: atoms and BM25 choose candidates, clusters and units put them in order.

    coarse score   z(q · atom) + z(BM25)                                              all atoms -> CANDIDATES
    fine score     max over the atom's clusters of q · cluster + 0.8 · BM25 / Σ idf    depth 2
                   + sum over question tokens of idf · max over units of t · unit     depth 3 (MaxSim: Khattab and Zaharia, 2020)
                   + what the document gives (see `standing`)                         depths 2 and 3
                   + what a lone definition's name gives, in code (see `named`)       depths 2 and 3
                   + what the page gives, in a PDF (see `pages`)                      depths 2 and 3, the best 100

Source code is asked what it does, seldom in its own words, and a function is one thought: there the mean over the atom's units (at
depth 2 over its clusters), twice, stands for the best cluster, and BM25 counts 0.3. No layer is a hard filter: what BM25
finds joins the candidates whatever the vectors say, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import UsageError
from crystalcli.index import IndexReader, TermIndex
from crystalcli.lexical import bm25, word_spans
from crystalcli.recall.document_score import document_scores
from crystalcli.recall.name_score import name_scores
from crystalcli.recall.page_score import page_scores
from crystalcli.recall.passages import BESIDES, NEIGHBOURHOOD, PassageBuilder, code_sums
from crystalcli.recall.query import PreparedQuery, Results, ScoredAtom
from crystalcli.storage import has_landmarks
from crystalcli.vectors import Codec, QuestionEncoder

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.recall.recency import Recency
    from crystalcli.recall.reencode import ChunkVectors
    from crystalcli.types import FloatArray

    Integers = npt.NDArray[np.int64]

CANDIDATES = 300  # atoms that clusters and units are read for
LEXICAL_CANDIDATES, ATOM_CANDIDATES = 100, 200  # and so many more that BM25 alone, or the atoms alone, put first
PAGE_CANDIDATES = 100  # the best atoms, of which those on pages are given what their pages say
# Of BM25 over the sum of the question's idf, so that long questions do not drown the vectors.
PROSE_WEIGHT, CODE_WEIGHT = 0.8, 0.3
CODE_MEAN = 2.0  # of the mean over an atom's units, in code
DEPTHS = (1, 2, 3)
_NOTHING = np.zeros(0, np.float32)
_PIECE = 1 << 14  # scores worked on at a time
_LONGEST_QUESTION = 254  # tokens; the rest of a longer question is left to BM25


class Searcher:
    """Recall over one shelf.

    Args:
        shelf: The resident index.
        encoder: The encoder of questions; None without weights: BM25 alone decides then.
        codec: The codec of the layers; None without weights.
        layers: Gives the encoder of chunks for re-encoding; called when that is first asked for.
    """

    def __init__(
        self,
        shelf: IndexReader,
        encoder: QuestionEncoder | None,
        codec: Codec | None,
        layers: Callable[[], ChunkVectors] | None = None,
    ) -> None:
        self._layers = layers
        self.shelf = shelf
        self._encoder = encoder
        self._codec = codec
        self.terms = TermIndex(shelf)
        self._bare: npt.NDArray[np.bool_] | None = None  # atoms whose layers are still to be made, if there are any
        if not shelf.encoded:
            encoded = np.array([segment.encoded for segment in shelf.segments], bool)
            self._bare = np.repeat(~encoded, [segment.atoms for segment in shelf.segments])

    def recall(
        self, question: str, k: int = 5, depth: int = 3, reencode: int = 0, recency: Recency | None = None
    ) -> Results:
        """Find the `k` passages that answer best; fewer when the crystal holds no more.

        Args:
            question: The question, in words.
            k: How many passages, at most.
            depth: Layers to use: 1 atoms, 2 and clusters, 3 and units.
            reencode: How many of the best atoms to encode again from their text, and to order by exact vectors.
            recency: How dated messages lose by their age; None: none loses.

        Raises:
            UsageError: The question is empty, or an option is out of range.
        """
        if depth not in DEPTHS:
            raise UsageError(f"depth: expected 1 (atoms), 2 (and clusters) or 3 (and units), got {depth}")
        if k < 1:
            raise UsageError(f"k: expected 1 or more, got {k}")
        if not question.strip():
            raise UsageError("the question is empty")
        if reencode < 0:
            raise UsageError(f"reencode: expected 0 or more candidates, got {reencode}")
        query = self.prepare(question)
        ranked = self.rank(query, depth, max(2 * NEIGHBOURHOOD, 4 * k, reencode))
        exactly = reencode if query.encoded is not None and self._layers is not None else 0
        if exactly:
            from crystalcli.recall.reencode import reencode as exact

            assert self._layers is not None
            ranked = exact(self.shelf, query, ranked[:exactly], self._layers()) + ranked[exactly:]
        if recency is not None and self._holds_messages:
            from crystalcli.recall.recency import apply_recency

            # What was encoded again is scored otherwise than the rest, and stays before it.
            ranked = [
                part
                for some in (ranked[:exactly], ranked[exactly:])
                for part in apply_recency(self.shelf, some, recency)
            ]
        by_units = query.encoded is not None and (depth == 3 or exactly > 0)
        passages = PassageBuilder(self.shelf, self._codec, query, by_units=by_units).make(ranked, k)
        return Results(query, tuple(passages), depth)

    @cached_property
    def _holds_messages(self) -> bool:
        return has_landmarks(self.shelf.store, "message")

    @property
    def encoder(self) -> QuestionEncoder | None:
        """What encodes questions, and other short texts as they are compared with one; None without weights."""
        return self._encoder

    # --- scores ---------------------------------------------------------------------------------------

    def prepare(self, question: str) -> PreparedQuery:
        """Compute everything about a question that does not depend on depth."""
        query = lexical_query(self.shelf, question, self.terms)
        if self._encoder is None or self.shelf.atom_codes is None:
            return query
        ids, ends = self._encoder.tokens(question)
        ids, ends = ids[:_LONGEST_QUESTION], ends[:_LONGEST_QUESTION]
        weights = _token_weights(question, ends.tolist(), query.idf, bm25.idf(0, max(1, self.shelf.atoms)))
        return query._replace(encoded=self._encoder.encode(ids.tolist()), token_weights=weights)

    def rank(self, query: PreparedQuery, depth: int, count: int) -> list[ScoredAtom]:
        """The best `count` atoms, no two of the same text."""
        return self._distinct(self._rank(query, depth, 2 * count), count)

    def _distinct(self, ranked: list[ScoredAtom], count: int) -> list[ScoredAtom]:
        """The first `count` atoms of different texts, each with the others of its text that are in `ranked`."""
        kept: dict[tuple[bytes, int], list[ScoredAtom]] = {}
        for scored in ranked:
            chunk = self.shelf.chunk_of(scored.atom)
            kept.setdefault((self.shelf.key_of(chunk), scored.atom - self.shelf.first_atom(chunk)), []).append(scored)
        first = list(kept.values())[:count]
        return [best._replace(others=tuple(each.atom for each in others)) for best, *others in first]

    def _rank(self, query: PreparedQuery, depth: int, count: int) -> list[ScoredAtom]:
        """The best `count` atoms."""
        shelf, codec = self.shelf, self._codec
        if query.encoded is None or codec is None or shelf.atom_codes is None:
            best = _top(query.bm25, count)
            return [
                ScoredAtom(int(a), float(query.bm25[a]), {"bm25": float(query.bm25[a])})
                for a in best
                if query.bm25[a] > 0
            ]
        atoms = codec.score_atoms(query.encoded.vector, shelf.atom_codes)
        if self._bare is not None:  # an interruption left them: vectors say nothing for them, and nothing against them
            atoms[self._bare] = atoms[~self._bare].mean()
        coarse = _z_sum(atoms, query.bm25)
        if shelf.dead is not None:
            coarse[shelf.dead] = -np.inf
        if depth == 1:
            best = _top(coarse, count)
            best = best[np.isfinite(coarse[best])]
            middle, deviation = _moments(query.bm25)
            found = []
            for atom in best.tolist():
                share = (float(query.bm25[atom]) - middle) / deviation
                found.append(
                    ScoredAtom(atom, float(coarse[atom]), {"atom": float(coarse[atom]) - share, "bm25": share})
                )
            return found
        alone = np.union1d(_top(query.bm25, LEXICAL_CANDIDATES), _top(atoms, ATOM_CANDIDATES))
        candidates = np.union1d(_top(coarse, CANDIDATES), alone)
        candidates = candidates[np.isfinite(coarse[candidates])]
        nearest, mean, similar = self._fine(query, codec, candidates, depth)
        if self._bare is not None and not (bare := self._bare[candidates]).all():
            for given in (nearest, mean, similar):
                given[bare] = given[~bare].mean()
        lexical = query.bm25[candidates] / max(sum(query.idf.values()), 1e-6)
        prose = nearest + similar + PROSE_WEIGHT * lexical
        code = CODE_MEAN * mean + similar + CODE_WEIGHT * lexical
        is_code, lone, document, paged = document_scores(shelf, query, candidates)
        besides = {name: np.zeros(len(candidates), np.float32) for name in BESIDES}
        besides["document"] = document
        if lone.any():
            besides["definition"][lone] = name_scores(shelf, query, candidates[lone])
        total = np.where(is_code, code, prose) + document + besides["definition"]
        if paged.any():
            leading = _top(total, PAGE_CANDIDATES)
            leading = leading[paged[leading] > 0]
            besides["page"][leading] = page_scores(shelf, query, candidates[leading], paged[leading])
            total += besides["page"]
        found = []
        for i in np.argsort(-total, kind="stable")[:count]:
            shares = {"atom": float(atoms[candidates[i]])}
            if is_code[i]:
                layer = "units" if depth == 3 else "clusters"
                shares[layer] = float(CODE_MEAN * mean[i] + similar[i])
                shares["bm25"] = float(CODE_WEIGHT * lexical[i])
            else:
                shares["clusters"] = float(nearest[i])
                if depth == 3:
                    shares["units"] = float(similar[i])
                shares["bm25"] = float(PROSE_WEIGHT * lexical[i])
            shares.update((name, float(by[i])) for name, by in besides.items() if by[i])
            found.append(ScoredAtom(int(candidates[i]), float(total[i]), shares))
        return found

    def _fine(
        self, query: PreparedQuery, codec: Codec, candidates: Integers, depth: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """For each candidate atom, float32 [n]: the best of its clusters, the mean of its units (at depth 2 of its clusters), and
        MaxSim over its units (0 at depth 2)."""
        assert query.encoded is not None and self.shelf.atom_codes is not None
        kept = query.token_weights > 0
        weights = query.token_weights[kept]
        # Row 0 is the question as a whole, the others its tokens; the products with a coded node are sums over tables.
        vectors = np.concatenate([query.encoded.vector[None], query.encoded.states[kept]])
        if depth < 3:
            vectors = vectors[:1]
        atom_table, cluster_table, unit_table = (
            np.stack([quantizer.lookup_table(vector) for vector in vectors])
            for quantizer in (codec.atoms, codec.clusters, codec.units)
        )
        best, mean, similar = np.full((3, len(candidates)), -1.0, np.float32)
        similar[:] = 0
        below = self.shelf.below(candidates, units=depth == 3)
        if not len(below.owners):
            return best, mean, similar
        rows, starts = np.unique(below.owners, return_index=True)
        products = code_sums(atom_table, self.shelf.atom_codes[candidates])[:, below.owners]
        products += code_sums(cluster_table, below.clusters)
        best[rows] = np.maximum.reduceat(products[0], starts)
        if depth < 3:
            mean[rows] = _means(products[0], starts)
            return best, mean, similar
        fine = products[:, below.parents]
        fine += code_sums(unit_table, below.units)
        _, starts = np.unique(below.owners[below.parents], return_index=True)
        mean[rows] = _means(fine[0], starts)
        if len(weights):
            similar[rows] = weights @ np.maximum.reduceat(fine[1:], starts, axis=1) / weights.sum()
        return best, mean, similar


def lexical_query(shelf: IndexReader, text: str, terms: TermIndex | None = None) -> PreparedQuery:
    """Prepare a text by its terms alone, without vectors.

    Args:
        shelf: The resident index.
        text: A question, or any other text.
        terms: The shelf's lexical index, where it is at hand.
    """
    terms = terms or TermIndex(shelf)
    found = terms.postings(text)
    idf = terms.idf_of(found)
    scores = bm25.score(found, shelf.lengths, idf)
    if shelf.dead is not None:
        scores[shelf.dead] = 0
    return PreparedQuery(text, idf, scores, None, _NOTHING, found)


def _means(values: FloatArray, starts: Integers) -> FloatArray:
    """The mean of each stretch of `values`, float32 [n], that begins at `starts`, int64 [stretches], rising from 0."""
    means: FloatArray = np.add.reduceat(values, starts)
    means /= np.diff(starts, append=len(values))
    return means


def _token_weights(question: str, ends: list[int], idf: dict[str, float], rarest: float) -> FloatArray:
    """What each token of the question counts in MaxSim: its word's idf; nothing for function words and punctuation."""
    weights = np.zeros(len(ends), np.float32)
    known = word_spans(question)
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
    width = min(64, len(scores) // (4 * count))
    if width < 2:
        chosen = np.arange(len(scores))
    else:  # there are `count` scores as high as the `count`-th best of the stretches' best, so only what lies above is sorted
        whole = len(scores) // width * width
        best = np.append(scores[:whole].reshape(-1, width).max(1), scores[whole:])
        least = np.partition(best, len(best) - count)[len(best) - count]
        chosen = np.flatnonzero(scores > least)
        if len(chosen) < count:
            equal = np.flatnonzero(scores == least)[: count - len(chosen)]
            chosen = np.union1d(chosen, equal)
    return chosen[np.argsort(-scores[chosen], kind="stable")][:count]


def _moments(scores: FloatArray) -> tuple[float, float]:
    """Mean and standard deviation, worked out a piece at a time: there are many atoms, and memory is counted."""
    count = max(1, len(scores))
    middle, square = float(scores.sum(dtype=np.float64)) / count, 0.0
    for start in range(0, len(scores), _PIECE):
        centred = scores[start : start + _PIECE] - np.float32(middle)
        square += float(np.dot(centred, centred))
    return middle, (square / count) ** 0.5 + 1e-9


def _z_sum(one: FloatArray, other: FloatArray) -> FloatArray:
    """The sum of two scores' z-scores, float32 [n]: each less its mean, over its standard deviation."""
    (middle, deviation), (middle_2, deviation_2) = _moments(one), _moments(other)
    result: FloatArray = np.empty(len(one), np.float32)
    for start in range(0, len(one), _PIECE):
        here = slice(start, start + _PIECE)
        result[here] = (one[here] - middle) / deviation + (other[here] - middle_2) / deviation_2
    return result
