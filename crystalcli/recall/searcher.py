"""The searcher: from a question to passages, coarse to fine.

    coarse score   z(q · atom) + z(BM25)               of all atoms; depth 1 ranks by it
    fine score     the sum of a row of score_table.py  of the best by it, at depths 2 and 3

Without vectors BM25 alone ranks. No layer is a hard filter: the best atoms by BM25 are candidates
whatever the vectors say, and the other way round. The page score, by which atoms on pages compete,
is added for the PAGE_CANDIDATES best alone.

Knows: signals, candidates, the order of the steps. Does not know: how a signal is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import UsageError
from crystalcli.index import IndexReader, TermIndex
from crystalcli.lexical import bm25, word_spans
from crystalcli.recall.aspects import OF_EACH, aspects_of, take_in_turn
from crystalcli.recall.document_score import DocumentScorer, atom_documents
from crystalcli.recall.event_order import ORDER_DEPTH, QUOTES, EventQuestion, event_question, quote_in_order
from crystalcli.recall.exact_score import exact_matches, exact_scores
from crystalcli.recall.fate_score import FATE_CANDIDATES, fate_scores
from crystalcli.recall.instruction_match import MOST_INSTRUCTIONS, StandingInstructions, put_behind_best
from crystalcli.recall.introduction_score import INTRODUCTION_CANDIDATES, introduction_scores
from crystalcli.recall.layer_score import ClusterScorer, UnitScorer, layer_similarities
from crystalcli.recall.lexical_score import PROSE_WEIGHT, LexicalScorer
from crystalcli.recall.name_identification import identifications_first
from crystalcli.recall.name_mentions import MentionScores
from crystalcli.recall.name_score import NameScorer
from crystalcli.recall.named_definition import NamedDefinitionScorer
from crystalcli.recall.own_words import asks_for_own_fact, is_own, quote_own_words, without_reply
from crystalcli.recall.page_score import PAGED_KIND, PageScorer, spread_over_pages
from crystalcli.recall.passages import NEIGHBOURHOOD, PassageBuilder
from crystalcli.recall.plain_words import PlainWordsScorer
from crystalcli.recall.query import SAME_SCALE, PreparedQuery, Results, ScoredAtom, SimilarityScale
from crystalcli.recall.question_frame import without_condition, without_frame
from crystalcli.recall.rerank import RERANK_DEPTH, rerank_passages
from crystalcli.recall.score_arrays import highest, highest_of_each, mean_and_deviation, sum_of_z_scores
from crystalcli.recall.score_table import CandidateAtoms, LayerSimilarities, ScoreTable, SignalScorer
from crystalcli.recall.statement_lines import statement_lines
from crystalcli.recall.subject_match import spell_out, subjects_first
from crystalcli.recall.updates import put_updates_first
from crystalcli.recall.voice_score import VoiceScorer, asks_about_answers, is_of_oneself, rank_by_voice
from crystalcli.storage import has_landmarks
from crystalcli.vectors import Codec, QuestionEncoder

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.datatypes import FloatArray, Int64Array, Passage
    from crystalcli.recall.filter_mask import FilterMask
    from crystalcli.recall.layer_trace import LayerTrace
    from crystalcli.recall.recency import Recency
    from crystalcli.recall.reencode import ChunkVectors
    from crystalcli.recall.rerank import Reranker

CANDIDATES = 300  # best atoms by the coarse score, which clusters and units are read for
LEXICAL_CANDIDATES, ATOM_CANDIDATES = 100, 200  # best atoms by BM25 alone, and by vectors alone
PAGE_CANDIDATES = 100  # best atoms by the other signals, which page scores are computed for
_OF_MENTIONS = {"fate": FATE_CANDIDATES, "introduction": INTRODUCTION_CANDIDATES}  # best atoms by each
_OF_ASPECT = 12  # passages, of which those of the person who asks are read
DEPTHS = (1, 2, 3)
# The mean deviation of the program's own encoder's cosines, over the atoms of three shelves (a
# question's best atom is 4 of them above the mean), and the greatest factor by which the cosines of
# other encoders are spread to the same.
_SPREAD, _MOST_GAIN = 0.056, 5.0
_NO_WEIGHTS = np.zeros(0, np.float32)
_LONGEST_QUESTION = 254  # tokens; the rest of a longer question is left to BM25


class CoarseScores(NamedTuple):
    """Scores of all atoms.

    Attributes:
        cosines: The cosine of each atom's vector with the question, float32 [atoms].
        total: The coarse score, float32 [atoms]; -inf for dead atoms.
    """

    cosines: FloatArray
    total: FloatArray


class Searcher:
    """Recall over one resident index.

    Args:
        index: The resident index.
        encoder: The encoder of questions; None without weights: BM25 alone ranks then.
        codec: The codec of the layers; None without weights.
        layers: Opens the encoder of chunks for re-encoding; called at the first use.
        reranker: Opens the reranker, and gives None where its weights are not here; called at the
            first use. None: passages keep their order.
        rescale: Whether to bring similarities to the scale of the program's own encoder.
    """

    def __init__(
        self,
        index: IndexReader,
        encoder: QuestionEncoder | None,
        codec: Codec | None,
        layers: Callable[[], ChunkVectors] | None = None,
        reranker: Callable[[], Reranker | None] | None = None,
        *,
        rescale: bool = False,
    ) -> None:
        self._rescale = rescale
        self._open_layer_encoder = layers
        self._open_reranker = reranker
        self.shelf = index
        self._encoder = encoder
        self._codec = codec
        self.terms = TermIndex(index)
        # Atoms whose vectors are still to be made, bool [atoms]; None where all are made.
        self._unencoded: npt.NDArray[np.bool_] | None = None
        if not index.encoded:
            encoded = np.array([segment.encoded for segment in index.segments], bool)
            self._unencoded = np.repeat(~encoded, [segment.atoms for segment in index.segments])

    def recall(
        self,
        question: str,
        k: int = 5,
        depth: int = 3,
        reencode: int = 0,
        recency: Recency | None = None,
        rerank: bool = True,
        mask: FilterMask | None = None,
        me: str = "",
    ) -> Results:
        """Find the passages that answer a question best.

        Args:
            question: The question, in words.
            k: How many passages, at most.
            depth: Deepest layer to use: 1 atoms, 2 clusters, 3 units.
            reencode: How many of the best atoms to encode again from their text, and to order by
                exact vectors.
            rerank: Whether the reranker reads the best passages, where its weights are here.
            recency: The rule by which dated text loses score; None: it keeps it.
            mask: What a filter lets through; None: everything.
            me: The name of the person who asks, whose own words are preferred; "" for nobody.

        Raises:
            UsageError: The question is empty, or an option is out of range.
            DamagedCrystalError: The crystal is damaged.
        """
        if depth not in DEPTHS:
            raise UsageError(f"depth: expected 1 (atoms), 2 (and clusters) or 3 (and units), got {depth}")
        if k < 1:
            raise UsageError(f"k: expected 1 or more, got {k}")
        if not question.strip():
            raise UsageError("the question is empty")
        if reencode < 0:
            raise UsageError(f"reencode: expected 0 or more candidates, got {reencode}")
        question = spell_out(
            without_condition(question), lambda: (source.path for source in self.shelf.store.sources())
        )
        query = self.prepare(without_frame(question) if self.has_messages else question)
        query = query._replace(me=me)
        if mask is not None:
            query = query.masked(mask.atoms)._replace(wants_answers=query.wants_answers or mask.of_people)
        reranker = self.reranker if rerank else None
        count = k if reranker is None else max(k, RERANK_DEPTH)
        events = event_question(question) if self.has_messages else None
        count = max(count, ORDER_DEPTH) if events else count
        ranked = self.rank(query, depth, max(2 * NEIGHBOURHOOD, 4 * count, reencode))
        exact = reencode if query.encoded is not None and self._open_layer_encoder is not None else 0
        if exact:
            from crystalcli.recall.reencode import reencode as rank_by_exact_vectors

            assert self._open_layer_encoder is not None
            encoder = self._open_layer_encoder()
            ranked = rank_by_exact_vectors(self.shelf, query, ranked[:exact], encoder) + ranked[exact:]
        if recency is not None and (self.has_messages or recency.sections):
            from crystalcli.recall.recency import apply_recency

            # Re-encoded atoms are on another scale than the rest, and stay before it.
            ranked = [
                *apply_recency(self.shelf, ranked[:exact], recency),
                *apply_recency(self.shelf, ranked[exact:], recency),
            ]
        by_units = query.encoded is not None and (depth == 3 or exact > 0)
        builder = PassageBuilder(self.shelf, self._codec, query, by_units=by_units, mask=mask)
        passages: Sequence[Passage] = builder.make(ranked, count)
        if reranker is not None:
            passages = rerank_passages(reranker, query, passages)
        if any(passage.place.kind == PAGED_KIND for passage in passages):
            passages = spread_over_pages(passages)
        passages = subjects_first(question, identifications_first(question, passages))
        if recency is not None and self.has_messages:
            passages = put_updates_first(self.shelf, query, passages)
        is_of_own_words = self.has_messages and is_of_oneself(question) and not query.wants_answers
        aspects = aspects_of(question) if is_of_own_words and events is None and mask is None else []
        if aspects:
            passages = take_in_turn(passages, [self._own_words_on(each, depth, reranker) for each in aspects])
        if self.has_messages and self._codec is not None and events is None and mask is None:
            told = builder.make(self._instructions.nearest(query, self._codec), MOST_INSTRUCTIONS)
            passages = put_behind_best(passages, [without_reply(self.shelf, each) for each in told])
        if events:
            replies = events is EventQuestion.SUMMARY
            if quotes := quote_in_order(self.shelf, passages, min(4 * k, QUOTES), replies=replies):
                return Results(query, tuple(quotes), depth, in_order=True)
        if aspects or (is_of_own_words and asks_for_own_fact(question)):
            passages = quote_own_words(self.shelf, passages, k)
        return Results(query, tuple(passages[:k]), depth)

    def _own_words_on(self, aspect: str, depth: int, reranker: Reranker | None) -> list[Passage]:
        """Find what the person who talks with an assistant wrote about one aspect of a question."""
        query = self.prepare(aspect)
        by_units = query.encoded is not None and depth == 3
        builder = PassageBuilder(self.shelf, self._codec, query, by_units=by_units)
        passages = builder.make(self.rank(query, depth, 4 * _OF_ASPECT), _OF_ASPECT)
        own = [passage for passage in passages if is_own(passage)]
        return (own if reranker is None else rerank_passages(reranker, query, own))[:OF_EACH]

    @cached_property
    def reranker(self) -> Reranker | None:
        """The reranker; None without weights."""
        return self._open_reranker() if self._open_reranker is not None else None

    @cached_property
    def _instructions(self) -> StandingInstructions:
        return StandingInstructions(self.shelf, self.terms)

    @cached_property
    def has_messages(self) -> bool:
        """True if a document has messages: of a chat, or of mail."""
        return has_landmarks(self.shelf.store, "message")

    @cached_property
    def has_source_code(self) -> bool:
        """True if a document has definitions."""
        return has_landmarks(self.shelf.store, "definition")

    @cached_property
    def _has_pages(self) -> bool:
        return has_landmarks(self.shelf.store, "page")

    @property
    def encoder(self) -> QuestionEncoder | None:
        """The encoder of questions and of short texts to compare with one; None without weights."""
        return self._encoder

    # --- scores -----------------------------------------------------------------------------------

    def prepare(self, question: str) -> PreparedQuery:
        """Prepare a question for ranking at any depth."""
        query = lexical_query(self.shelf, question, self.terms)
        if self._has_pages and (lines := statement_lines(question)):
            query = query._replace(with_lines=lexical_query(self.shelf, f"{question}\n{lines}", self.terms))
        if self._encoder is None or self.shelf.atom_codes is None:
            return query
        ids, ends = self._encoder.tokens(question)
        ids, ends = ids[:_LONGEST_QUESTION], ends[:_LONGEST_QUESTION]
        weights = _token_weights(question, ends.tolist(), query.idf, bm25.idf(0, max(1, self.shelf.atoms)))
        query = query._replace(encoded=self._encoder.encode(ids.tolist()), token_weights=weights)
        return query._replace(scale=self._scale_of(query)) if self._rescale else query

    def _scale_of(self, query: PreparedQuery) -> SimilarityScale:
        """Choose the scale that gives the cosines of atoms mean 0 and the deviation _SPREAD."""
        if query.encoded is None or self._codec is None or self.shelf.atom_codes is None:
            return SAME_SCALE
        cosines = self._codec.score_atoms(query.encoded.vector, self.shelf.atom_codes)
        mean, deviation = mean_and_deviation(cosines if self._unencoded is None else cosines[~self._unencoded])
        return SimilarityScale(mean, min(_MOST_GAIN, max(1.0, _SPREAD / deviation)))

    def rank(self, query: PreparedQuery, depth: int, count: int) -> list[ScoredAtom]:
        """Rank the atoms of different texts.

        Args:
            query: The question.
            depth: Deepest layer to use: 1 atoms, 2 clusters, 3 units.
            count: How many atoms, at most.

        Returns:
            The best atoms, best first.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        ranked = self._rank_all(query, depth, 2 * count)
        chunks = self.shelf.nesting.chunk_of(np.array([scored.atom for scored in ranked], np.int64)).tolist()
        by_text: dict[tuple[bytes, int], list[ScoredAtom]] = {}
        for scored, chunk, key in zip(ranked, chunks, self.shelf.keys_of(chunks), strict=True):
            by_text.setdefault((key, scored.atom - self.shelf.first_atom(chunk)), []).append(scored)
        return [
            best._replace(others=tuple(other.atom for other in others))
            for best, *others in list(by_text.values())[:count]
        ]

    def _rank_all(self, query: PreparedQuery, depth: int, count: int) -> list[ScoredAtom]:
        """Rank atoms, those of equal texts too."""
        if query.encoded is None or self._codec is None or self.shelf.atom_codes is None:
            ranked = _rank_by_bm25(query, count)
            return rank_by_voice(self.shelf, query, ranked) if self.has_messages else ranked
        scores = self._coarse_scores(query, self._codec)
        if depth == 1:
            return _rank_by_coarse_score(query, scores, count)
        return self._rank_by_fine_score(query, self._codec, scores, depth, count)

    def _coarse_scores(self, query: PreparedQuery, codec: Codec) -> CoarseScores:
        assert query.encoded is not None and self.shelf.atom_codes is not None
        cosines = codec.score_atoms(query.encoded.vector, self.shelf.atom_codes)
        if self._unencoded is not None:
            # Vectors that an interrupted ingest left out speak neither for an atom nor against it.
            cosines[self._unencoded] = cosines[~self._unencoded].mean()
        if query.allowed is not None:
            return _scores_of_allowed(cosines, query.bm25, query.allowed)
        total = sum_of_z_scores(cosines, query.bm25)
        if self.shelf.dead is not None:
            total[self.shelf.dead] = -np.inf
        return CoarseScores(cosines, total)

    def _rank_by_fine_score(
        self, query: PreparedQuery, codec: Codec, coarse: CoarseScores, depth: int, count: int
    ) -> list[ScoredAtom]:
        told = self._mentions(query)
        atoms, exact = self._candidates(query, coarse, told)
        layers = LayerSimilarities(*map(query.scale.apply, self._layer_similarities(query, codec, atoms, depth)))
        candidates = CandidateAtoms(atoms, atom_documents(self.shelf, atoms), layers)
        table = ScoreTable(atoms, query.scale.apply(coarse.cosines[atoms]))
        for scorer in self._scorers(depth):
            table.add(scorer.name, scorer.score(query, candidates))
        if exact:
            table.add("exact", exact_scores(exact, atoms))
        for name, scores in told.items():
            table.add(name, scores.of(atoms))
        # Pages compete with one another, so that the page score needs the best by all the others.
        leading = highest(table.total, PAGE_CANDIDATES)
        leading = leading[candidates.documents.is_paged[leading]]
        pages = PageScorer(self.shelf)
        table.add(pages.name, pages.score(query, candidates.take(leading)), leading)
        return table.best(count)

    def _mentions(self, query: PreparedQuery) -> dict[str, MentionScores]:
        """Score the mentions of a name where the question asks for its fate, or who it is."""
        told = {
            "fate": fate_scores(self.shelf, self.terms, query),
            "introduction": introduction_scores(self.shelf, query),
        }
        return {name: scores for name, scores in told.items() if scores is not None}

    def _candidates(
        self, query: PreparedQuery, coarse: CoarseScores, told: Mapping[str, MentionScores]
    ) -> tuple[Int64Array, dict[int, float]]:
        """Choose the atoms that clusters and units are read for.

        Returns:
            Their numbers, int64, rising; and the matches of exact strings, as of `exact_matches`.
        """
        exact = exact_matches(self.shelf, query)
        best = highest_of_each(
            (coarse.total, query.bm25, coarse.cosines), (CANDIDATES, LEXICAL_CANDIDATES, ATOM_CANDIDATES)
        )
        chosen = {*np.concatenate(best).tolist(), *exact}
        for name, scores in told.items():
            chosen.update(scores.best(_OF_MENTIONS[name]))
        if query.with_lines is not None:
            chosen.update(highest(query.with_lines.bm25, LEXICAL_CANDIDATES).tolist())
        atoms = np.array(sorted(chosen), np.int64)
        return atoms[np.isfinite(coarse.total[atoms])], exact

    def trace(self, results: Results) -> LayerTrace:
        """Give the scores of every layer on the way from all atoms to the passages of a recall.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        from crystalcli.recall.layer_trace import lexical_trace, trace_layers

        query = results.query
        if query.encoded is None or self._codec is None or self.shelf.atom_codes is None:
            return lexical_trace(results)
        coarse = self._coarse_scores(query, self._codec)
        candidates, _ = self._candidates(query, coarse, self._mentions(query))
        return trace_layers(self.shelf, self._codec, results, coarse.total, candidates)

    def _scorers(self, depth: int) -> list[SignalScorer]:
        """The signals of the fine score, without the page."""
        layers: list[SignalScorer] = [ClusterScorer(depth)]
        if depth == 3:
            layers.append(UnitScorer())
        in_context: list[SignalScorer] = [
            DocumentScorer(self.shelf),
            PlainWordsScorer(),
            NameScorer(self.shelf),
            NamedDefinitionScorer(self.shelf),
        ]
        if self.has_messages:
            in_context.append(VoiceScorer(self.shelf))
        return [*layers, LexicalScorer(), *in_context]

    def _layer_similarities(
        self, query: PreparedQuery, codec: Codec, atoms: Int64Array, depth: int
    ) -> LayerSimilarities:
        layers = layer_similarities(self.shelf, codec, query, atoms, depth)
        if self._unencoded is not None and not (is_unencoded := self._unencoded[atoms]).all():
            for similarities in layers:
                similarities[is_unencoded] = similarities[~is_unencoded].mean()
        return layers


def lexical_query(index: IndexReader, text: str, terms: TermIndex | None = None) -> PreparedQuery:
    """Prepare a text by its terms alone, without vectors.

    Args:
        index: The resident index.
        text: A question, or any other text.
        terms: The index's terms; None: they are opened.
    """
    terms = terms or TermIndex(index)
    forms, postings = terms.look_up(text)
    # Stop words of the question's own language count for nothing.
    idf = {**terms.idf_of(postings), **dict.fromkeys(forms.keys() - postings.keys(), 0.0)}
    scores = bm25.score(postings, index.lengths, idf, index.mean_length)
    if index.dead is not None:
        scores[index.dead] = 0
    query = PreparedQuery(text, idf, scores, None, _NO_WEIGHTS, postings, forms=forms, languages=terms.languages)
    return query._replace(wants_answers=asks_about_answers(text))


def _scores_of_allowed(cosines: FloatArray, lexical: FloatArray, allowed: npt.NDArray[np.bool_]) -> CoarseScores:
    """Score the atoms that a filter lets through, as if the crystal held no others.

    Args:
        cosines: The cosine of each atom with the question, float32 [atoms]; changed.
        lexical: BM25 of each atom, float32 [atoms].
        allowed: Whether each atom may answer, bool [atoms].
    """
    total = np.full(len(cosines), -np.inf, np.float32)
    total[allowed] = sum_of_z_scores(cosines[allowed], lexical[allowed])
    cosines[~allowed] = -np.inf
    return CoarseScores(cosines, total)


def _rank_by_bm25(query: PreparedQuery, count: int) -> list[ScoredAtom]:
    """Rank the atoms that hold a term of the question.

    Their scores are on the scale of the fine score, which the reranker and the age of messages are
    weighed against.
    """
    best = highest(query.bm25, count)
    scores = (PROSE_WEIGHT / query.total_idf * query.bm25[best]).tolist()
    return [
        ScoredAtom(atom, score, {"bm25": score}) for atom, score in zip(best.tolist(), scores, strict=True) if score > 0
    ]


def _rank_by_coarse_score(query: PreparedQuery, coarse: CoarseScores, count: int) -> list[ScoredAtom]:
    """Rank the living atoms. Their signals are z-scores."""
    best = highest(coarse.total, count)
    best = best[np.isfinite(coarse.total[best])]
    mean, deviation = mean_and_deviation(query.bm25)
    ranked = []
    for atom in best.tolist():
        score, lexical = float(coarse.total[atom]), (float(query.bm25[atom]) - mean) / deviation
        ranked.append(ScoredAtom(atom, score, {"atom": score - lexical, "bm25": lexical}))
    return ranked


def _token_weights(question: str, ends: list[int], idf: dict[str, float], rarest: float) -> FloatArray:
    """Compute the weights of a question's tokens in MaxSim: the idf of each token's word.

    Args:
        question: The question.
        ends: The character at which each token ends.
        idf: The idf of the question's terms.
        rarest: The idf of a term that no atom holds.

    Returns:
        Weights, float32 [tokens]: 0 for function words and punctuation; 1 for all tokens of a
        question of nothing else.
    """
    weights = np.zeros(len(ends), np.float32)
    words = word_spans(question)
    for token, end in enumerate(ends):
        for word_start, word_end, term in words:
            if word_start < end <= word_end:
                weights[token] = idf.get(term, rarest) if term else 0.0
                break
    if not weights.any():
        weights[:] = 1.0
    return weights
