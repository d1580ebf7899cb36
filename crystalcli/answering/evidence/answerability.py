"""The probability that recalled passages hold an answer, from a few weighted signs.

The signs are: how well the best passage matches, by its codes and read again; how much of the
question's words, in idf, passages and sentences have; how long the question is, and how rare its
words are; which of its names is missing; and who speaks, in a conversation. The weights come from a
logistic model that `benchmarks/not_here.py` fits to questions asked of crystals with and without
the document that answers them.

Knows: the question's words, scores of passages. Does not know: the meaning of a passage. One about
the right thing that lacks the answer looks like one that has it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from crystalcli.answering.evidence.asked_measure import lacks_measure
from crystalcli.answering.evidence.asked_number import lacks_number
from crystalcli.answering.evidence.noun_match import least_like_noun
from crystalcli.answering.evidence.own_row import OTHERS_ROW
from crystalcli.answering.evidence.sentence_ranking import MAX_PASSAGES, PassageReading
from crystalcli.answering.evidence.speaker_match import speaker_match
from crystalcli.answering.grounding.facts import TITLES
from crystalcli.datatypes import Passage
from crystalcli.lexical import bm25, query_terms
from crystalcli.recall import PAGED_KIND, SUBJECT, CrystalReader, Results, asks_in_plain_words

# The probability below which what is quoted is called the nearest.
SURE = 0.7
# Idf of a question's words, in that of an unknown word. Half of all questions have less, and count
# as if they had this.
_MIN_LENGTH = 3.0
# The weights of `voice`, where the person asked about speaks, and where another one does.
_SAME_SPEAKER, _OTHER_SPEAKER = 2.0, 5.0
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'’-]+")
_YEAR = re.compile(r"(?<![\d$.,])(?:FY ?['’]?)?((?:19|20)\d\d)(?!\d)|\bFY ?['’]?(\d\d)(?!\d)")
# What plain words are made up for by, and the most that it makes of an answer. The weights come
# from questions that have words of their passage; a newcomer's have few of the manual's.
_PLAIN, _NEAREST = 1.25, 0.65
# The reranker's logit from which a noun that nothing is like may be told in another word there.
_IN_OTHER_WORDS = -2.0
# The likeness below which nothing in the passages is about a noun of the question.
_UNLIKE = 0.3
# Kinds of documents that a program's files and its manual have.
_OF_SOFTWARE = frozenset(("code", "markdown", "rst", "html", "text", "markup"))
# Shares of a score that the weights were not fitted with.
_OTHER_SHARES = (
    "reranker", "missing", "stub", "repeated", "identification", "introduction", "fate", "plain", SUBJECT,
)  # fmt: skip
# Words for the answer that is expected, and not for the topic: an answer need not have them.
_REQUEST_WORDS = (
    "much many kind type sort name call year date day time number way reason happen mean describe explain tell give say know find "
    "get make people person long old someone something thing first one two"
)


class AnswerSigns(NamedTuple):
    """The signs for and against an answer. The unit of idf is that of an unknown word.

    Attributes:
        score: The score of the best passage, as recall gives it, without its recency.
        covered: The idf of the question's words in the passage that has most of them.
        share: The same, as a share of the idf of all words of the question.
        sentence: The idf of them in the best sentence that has most of them.
        rarity: Their mean idf.
        length: ln(1 + idf of all of them), for a short question as if it were longer.
        nowhere: The idf of the rarest of the question's names that none of the passages has; that
            of an unknown word where a year of the question is in none of those about its subject,
            where a list says what is asked for of others alone, where nothing is like one of the
            question's nouns, and where no line has the number that is asked for.
        similar: The best MaxSim, as of `PassageReading`.
        voice: The speaker match, from -1 to 1, as of `speaker_match`.
        logit: The best logit of the reranker among these passages; 0 without a reranker.
        plain: 1 where a user asks a shelf with source code in plain words, else 0.
    """

    score: float
    covered: float
    share: float
    sentence: float
    rarity: float
    length: float
    nowhere: float
    similar: float
    voice: float
    logit: float = 0.0
    plain: float = 0.0

    @property
    def speaker_term(self) -> float:
        """The weighted speaker match. The weights were set by hand, on one set of conversations."""
        return (_SAME_SPEAKER if self.voice > 0 else _OTHER_SPEAKER) * self.voice


class FloorWeights(NamedTuple):
    """A logistic model of the evidence.

    Attributes:
        constant: The constant.
        size: The weight of the crystal's size, ln(atoms + 1).
        signs: The weights of signs, by their name in `AnswerSigns`.
        small_crystal: The atoms below which the floor sinks, since idf says little there.
        small_bonus: The most that it sinks by, in an empty crystal.
    """

    constant: float
    size: float
    signs: Mapping[str, float]
    small_crystal: int = 100
    small_bonus: float = 1.0

    def evidence(self, signs: AnswerSigns, atoms: int) -> float:
        """Compute the probability of an answer, from 0 to 1.

        Args:
            signs: The signs of the passages.
            atoms: The atoms of the crystal.
        """
        total = self.constant + self.size * math.log(atoms + 1)
        total += self.small_bonus * max(0.0, 1 - atoms / self.small_crystal)
        total += sum(weight * getattr(signs, name) for name, weight in self.signs.items())
        total += signs.speaker_term
        found = _logistic(total)
        return max(found, min(_NEAREST, _logistic(total + _PLAIN))) if signs.plain else found


def _logistic(total: float) -> float:
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, total))))


# The weights that benchmarks/not_here.py has fitted, by two conditions: whether all layers of the
# program's own encoder made the scores, and whether the best passage is source code. The first
# constant is 0.3 more than fitted: so 0.95 are answered in every kind of crystal.
MODELS = {
    (True, False): FloorWeights(-10.67, -0.18, {"score": 2.67, "similar": 6.0, "length": 3.82, "nowhere": -2.73}),
    (True, True): FloorWeights(-0.81, -0.47, {"score": 5.75, "covered": 0.56, "rarity": -3.33, "nowhere": -3.25}),
    (False, False): FloorWeights(-6.05, -0.19, {"share": 5.64, "length": 3.36, "nowhere": -3.02}),
    (False, True): FloorWeights(-1.07, -0.32, {"share": 7.3, "sentence": 1.82, "nowhere": -2.72}),
}
# The weights for prose with all layers that a reranker has read. The constant is 0.75 more than
# fitted: there is a verdict between an answer and none, and SURE is where 0.9 are answered.
# Notes to oneself are seldom sentences that a reranker takes for answers, and crystals of them are
# small; there one unanswerable question in twenty is above the fitted floor, so that there is room.
RERANKED = FloorWeights(-5.7, -0.16, {"similar": 4.66, "length": 3.02, "nowhere": -5.34, "logit": 0.23}, 1000, 2.0)
# The weights for prose on pages, with all layers. Rows of tables are not similar to questions, and
# may answer them all the same.
PAGES = FloorWeights(-7.53, -0.13, {"score": 4.21, "length": 2.89, "nowhere": -2.96})


# How much more often a model finds no answer where there is none than where there is one.
_DECLINE_ODDS = 6.0


def declined_probability(evidence: float) -> float:
    """Give the probability of an answer when a language model found none in the passages.

    Args:
        evidence: The probability before, by `answer_probability`.
    """
    return evidence / (evidence + _DECLINE_ODDS * (1 - evidence)) if evidence < 1 else 1.0


def answer_probability(crystal: CrystalReader, results: Results, reading: PassageReading) -> float:
    """Estimate the probability, from 0 to 1, that the passages hold an answer to the question.

    Args:
        crystal: The crystal.
        results: The passages, best first, and the prepared question.
        reading: The sentences of these passages.

    Returns:
        The probability; 0 without passages.
    """
    if not results:
        return 0.0
    signs, atoms = signs_of(crystal, results, reading)
    layers, kind = _by_layers(crystal, results), results[0].place.kind
    weights = PAGES if layers and kind == PAGED_KIND else MODELS[layers, kind == "code"]
    if layers and kind not in ("code", PAGED_KIND) and results[0].logit is not None:
        weights = RERANKED
    return weights.evidence(signs, atoms)


def signs_of(crystal: CrystalReader, results: Results, reading: PassageReading) -> tuple[AnswerSigns, int]:
    """Compute the signs of a recall, and count the atoms of the crystal.

    Args:
        crystal: The crystal.
        results: The passages, at least one, and the prepared question.
        reading: The sentences of these passages.

    Returns:
        The signs, and the number of atoms.
    """
    voice = speaker_match(results.question, reading.sentences, crystal.quote)
    atoms = crystal.shelf.atoms
    least = _least_likeness(crystal, results.question, reading)
    query = results.query
    is_of_software = crystal.searcher().has_source_code and results[0].place.kind in _OF_SOFTWARE
    if is_of_software and any(each.logit is not None and each.logit > _IN_OTHER_WORDS for each in results):
        least = 1.0

    def terms_of(text: str) -> set[str]:
        return {*query_terms(text), *query.terms_in(text)}  # also those that it has in another form

    signs = answer_signs(
        results.question, query.idf, atoms, results.passages, reading.similar, voice, least, terms_of=terms_of
    )
    is_plain = is_of_software and _by_layers(crystal, results) and asks_in_plain_words(results.question)
    return signs._replace(plain=float(is_plain)), atoms


def answer_signs(
    question: str,
    idf: Mapping[str, float],
    atoms: int,
    passages: Sequence[Passage],
    similar: float = 0.0,
    voice: float = 0.0,
    least: float = 1.0,
    *,
    terms_of: Callable[[str], set[str]] | None = None,
) -> AnswerSigns:
    """Compute the signs of passages.

    Args:
        question: The question.
        idf: The idf of each of its terms in the crystal.
        atoms: The atoms of the crystal.
        passages: The passages, best first, at least one.
        similar: The best MaxSim, as of `PassageReading`.
        voice: The speaker match, as of `speaker_match`.
        least: The likeness of that noun of the question which has least of it, as of
            `least_like_noun`.
        terms_of: Gives the terms of a text; None: those of the analysis of English.
    """
    terms_of = terms_of or _terms_of
    topic = topic_of(idf)
    unit = bm25.idf(0, max(1, atoms))
    total = sum(topic.values()) or 1.0
    read = passages[:MAX_PASSAGES]
    passage_terms = [terms_of(passage.text_with_place) for passage in read]
    covered = max(_idf(topic, some) for some in passage_terms)
    sentence = max(_idf(topic, terms_of(passage.best_text)) for passage in read)
    all_terms = set().union(*passage_terms)
    names = [set(query_terms(name)) & idf.keys() for name in _NAME.findall(question) if name.lower() not in TITLES]
    logit = max((passage.logit for passage in read if passage.logit is not None), default=0.0)
    is_elsewhere = _misses_year(question, read) or any(OTHERS_ROW in passage.shares for passage in read)
    is_elsewhere = is_elsewhere or least < _UNLIKE or lacks_number(question, read) or lacks_measure(question, read)
    nowhere = 1.0 if is_elsewhere else _missing_name(idf, names, all_terms) / unit
    return AnswerSigns(
        # Neither the age of a message nor the reranker's share, which is a sign of its own.
        max(_recalled_score(passage) for passage in read),
        covered / unit,
        covered / total,
        sentence / unit,
        total / unit / max(1, len(topic)),
        math.log1p(max(_MIN_LENGTH, total / unit)),
        nowhere,
        similar,
        voice,
        logit,
    )


def _terms_of(text: str) -> set[str]:
    return set(query_terms(text))


def _least_likeness(crystal: CrystalReader, question: str, reading: PassageReading) -> float:
    """Give the likeness of that noun of a question which has least of it; 1 without an encoder."""
    encoder = crystal.searcher().encoder
    if encoder is None or reading.likeness is None:
        return 1.0
    ends = encoder.tokens(question)[1][: len(reading.likeness)].tolist()
    return least_like_noun(question, ends, reading.likeness, _request_terms())


def topic_of(idf: Mapping[str, float]) -> dict[str, float]:
    """Give the terms of a question without those of requests, with their idf; else all of them."""
    request = _request_terms()
    return {term: weight for term, weight in idf.items() if term not in request} or dict(idf)


def _recalled_score(passage: Passage) -> float:
    others = sum(passage.shares.get(name, 0.0) for name in _OTHER_SHARES)
    return passage.score - passage.recency - others


def _by_layers(crystal: CrystalReader, results: Results) -> bool:
    """Tell whether all layers of the program's own encoder made the scores."""
    return results.by_vectors and results.depth == 3 and not crystal.own_encoder


def _misses_year(question: str, passages: Sequence[Passage]) -> bool:
    """Tell whether a year of the question stands nowhere in the passages about its subject."""
    asked = _years(question)
    about = [passage for passage in passages if SUBJECT not in passage.shares] or passages
    return bool(asked) and not asked <= set().union(
        *(_years(f"{passage.text_with_place} {passage.date or ''}") for passage in about)
    )


def _years(text: str) -> set[str]:
    return {year or f"20{short}" for year, short in _YEAR.findall(text)}


def _missing_name(idf: Mapping[str, float], names: Sequence[set[str]], words: set[str]) -> float:
    """Give the idf of the rarest name that has no word among `words`; FY2022 has 2022."""
    return max((max(idf[term] for term in name) for name in names if name and not name & words), default=0.0)


def _idf(idf: Mapping[str, float], words: set[str]) -> float:
    return sum(weight for term, weight in idf.items() if term in words)


@lru_cache(maxsize=1)
def _request_terms() -> frozenset[str]:
    return frozenset(query_terms(_REQUEST_WORDS))
