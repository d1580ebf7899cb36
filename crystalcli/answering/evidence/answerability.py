"""Whether what was recalled holds an answer at all: a few signs, weighed into one figure, and the floor it has to reach.

The signs are how well the best passage matches, by its codes and read again, how much of the question's words, in idf, passages and
sentences have, how long the question is and how rare its words are, which of its names is missing, and in a conversation who speaks.
The weights come from a logistic model that `benchmarks/not_here.py` fits to questions asked of crystals with and without the document
that answers them. Knows nothing of what a passage means: one about the right thing that lacks the answer is not told from one that
has it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from crystalcli.answering.evidence.sentence_ranking import READ, PassageReading
from crystalcli.answering.evidence.speaker_match import speaker_match
from crystalcli.answering.grounding.facts import TITLES
from crystalcli.lexical import bm25, query_terms, terms
from crystalcli.recall import PAGED_KIND, CrystalReader, Results
from crystalcli.types import Passage

LOOKED_AT = READ  # passages
# Idf of a question's words, in that of a word which stands nowhere: half of all questions have less, and count as if they had this.
_SHORT = 3.0
_SMALL = 100  # atoms; in a smaller crystal idf says little, and the floor sinks, by up to a constant of 1 (which nothing measured)
_OWN, _OTHER = 2.0, 5.0  # of `voice`, where the one speaks who is asked about, and where somebody else does
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'’-]+")
# What a question asks for, rather than what it is about: these words need not stand in an answer.
_ASKING = (
    "much many kind type sort name call year date day time number way reason happen mean describe explain tell give say know find "
    "get make people person long old someone something thing first one two"
)


class AnswerSigns(NamedTuple):
    """What speaks for an answer. Idf is counted in that of a word which stands nowhere, 1.0.

    score: the best passage's, as recall gives it. covered: idf of the question's words in the passage that has most of them; share:
    the same, of all there is in the question. sentence: idf of them in the sentence that has most. rarity: their mean idf.
    length: ln(1 + idf of all of them), where that is much. nowhere: idf of the rarest of the question's names that none of the passages
    has. similar: as in `extract.Reading`. voice: as in `voices`.
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

    @property
    def said(self) -> float:
        """What it counts who speaks. Chosen by hand, on the one set of conversations there is, and not fitted."""
        return (_OWN if self.voice > 0 else _OTHER) * self.voice


class FloorWeights(NamedTuple):
    """A logistic model: a constant, the weights of some signs, and of the crystal's size, ln(atoms + 1)."""

    constant: float
    size: float
    signs: Mapping[str, float]

    def evidence(self, signs: AnswerSigns, atoms: int) -> float:
        """How much speaks for an answer in passages with these signs, from 0 to 1."""
        total = self.constant + self.size * math.log(atoms + 1) + max(0.0, 1 - atoms / _SMALL)
        total += sum(weight * getattr(signs, name) for name, weight in self.signs.items())
        total += signs.said
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, total))))


# Made by benchmarks/not_here.py. By whether scores were made of all layers with the program's own encoder, and whether the best
# passage is source code. The first one's constant is 0.3 more than fitted: so 0.95 are answered in every kind of crystal.
MODELS = {
    (True, False): FloorWeights(-10.67, -0.18, {"score": 2.67, "similar": 6.0, "length": 3.82, "nowhere": -2.73}),
    (True, True): FloorWeights(-0.81, -0.47, {"score": 5.75, "covered": 0.56, "rarity": -3.33, "nowhere": -3.25}),
    (False, False): FloorWeights(-6.05, -0.19, {"share": 5.64, "length": 3.36, "nowhere": -3.02}),
    (False, True): FloorWeights(-1.07, -0.32, {"share": 7.3, "sentence": 1.82, "nowhere": -2.72}),
}
# For prose on pages, with all layers: rows of tables are not similar to questions, whatever they answer.
PAGES = FloorWeights(-7.53, -0.13, {"score": 4.21, "length": 2.89, "nowhere": -2.96})


def answer_probability(crystal: CrystalReader, results: Results, reading: PassageReading) -> float:
    """Estimate, from 0 to 1, how likely it is that the passages hold an answer to the question.

    Args:
        crystal: The crystal.
        results: The passages, best first, and the prepared question.
        reading: The sentences of these passages.
    """
    if not results:
        return 0.0
    signs, atoms = signs_of(crystal, results, reading)
    layers, kind = _by_layers(crystal, results), results[0].place.kind
    weights = PAGES if layers and kind == PAGED_KIND else MODELS[layers, kind == "code"]
    return weights.evidence(signs, atoms)


def signs_of(crystal: CrystalReader, results: Results, reading: PassageReading) -> tuple[AnswerSigns, int]:
    """Compute the signs, and count the atoms of the crystal."""
    heard = speaker_match(results.question, reading.sentences, crystal.quote)
    atoms = crystal.shelf.atoms
    return answer_signs(results.question, results.query.idf, atoms, results.passages, reading.similar, heard), atoms


def answer_signs(
    question: str,
    idf: Mapping[str, float],
    atoms: int,
    passages: Sequence[Passage],
    similar: float = 0.0,
    heard: float = 0.0,
) -> AnswerSigns:
    """The signs of at least one passage. idf: of the question's terms in a crystal of so many atoms."""
    asking = _asking()
    about = {term: weight for term, weight in idf.items() if term not in asking} or dict(idf)
    one = bm25.idf(0, max(1, atoms))
    total = sum(about.values()) or 1.0
    found = [_terms(f"{passage.text}\n{passage.path}\n{passage.heading or ''}") for passage in passages[:LOOKED_AT]]
    best = max(_idf(about, each) for each in found)
    sentence = max(_idf(about, _terms(passage.best_text)) for passage in passages[:LOOKED_AT])
    everywhere = set().union(*found)
    names = [_terms(name) & idf.keys() for name in _NAME.findall(question) if name.lower() not in TITLES]
    return AnswerSigns(
        passages[0].score - passages[0].recency,  # the age of a message says nothing of what it answers
        best / one,
        best / total,
        sentence / one,
        total / one / max(1, len(about)),
        math.log1p(max(_SHORT, total / one)),
        _missing(idf, names, everywhere) / one,
        similar,
        heard,
    )


def _by_layers(crystal: CrystalReader, results: Results) -> bool:
    """Whether the scores are of the kind that the weights were made for: all layers of the program's own encoder."""
    return results.by_vectors and results.depth == 3 and not crystal.own_encoder


def _missing(idf: Mapping[str, float], names: Sequence[set[str]], some: set[str]) -> float:
    """The idf of the rarest name of which nothing is among `some` words; a name may be written FY2022 and stand there as 2022."""
    return max((max(idf[term] for term in name) for name in names if name and not name & some), default=0.0)


def _terms(text: str) -> set[str]:
    return {term for term, _ in terms(text)}


def _idf(idf: Mapping[str, float], some: set[str]) -> float:
    return sum(weight for term, weight in idf.items() if term in some)


@lru_cache(maxsize=1)
def _asking() -> frozenset[str]:
    return frozenset(query_terms(_ASKING))
