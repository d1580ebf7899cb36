"""The detail asked for, in what a person told an assistant: its topic is there, and perhaps not it.

    "I use a Trello board for my tasks"   Which board do I use for my tasks?              told
                                         What criteria did I use on the Trello board?    not told

Who talks with an assistant asks for what was said. Where nothing answers, the best sentence is of
the question's topic, and matches that alone better than the question; and nothing near it is like
the noun that the question asks for, as it is like the others. Each is a sign.

The weights were set by hand on questions asked of chats with an assistant (docs/LOG.md). What other
signs say counts less there: a person's messages are all about the same few things.

Knows: the reranker, the encoder, the question's noun phrases. Does not know: how passages were
found.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.answering.question.phrases import QuestionPhrase, noun_phrases
from crystalcli.answering.question.word_classes import split_words
from crystalcli.lexical import query_terms
from crystalcli.recall import CrystalReader, is_own, without_reply
from crystalcli.text import sentence_spans

if TYPE_CHECKING:
    from crystalcli.datatypes import Passage
    from crystalcli.vectors import QuestionEncoder

_SHORTEST, _LONGEST = 15, 400  # characters of a sentence that are read
_MOST = 24  # sentences that are read
_NEAR_TOPIC = 6  # sentences that are compared with the nouns of the question
# The weights of the other evidence (its log odds, at most so much), the gap and the likeness.
_OTHER_WEIGHT, _MOST_OTHER, _GAP_WEIGHT, _LIKENESS_WEIGHT = 0.3, 6.0, 0.4, 1.0
# Two things are told in two sentences: "How many days are there between ..."
_OF_TWO = re.compile(r"\bbetween\b", re.IGNORECASE)
# Words that make a noun narrower, and no topic: "the specific criteria".
_NARROWING = "specific exact detailed detail details certain particular more key main unique initial overall full"


class OwnDetail(NamedTuple):
    """The signs of a detail.

    Attributes:
        gap: The logit of the best own sentence for the question, less that for its topic alone.
        likeness: The likeness of the noun asked for with the sentences nearest to the topic, less
            the mean of those of the other nouns.
    """

    gap: float
    likeness: float

    def evidence(self, other: float) -> float:
        """Weigh the signs together with the other evidence, from 0 to 1."""
        limited = min(max(other, 1e-6), 1 - 1e-6)
        odds = math.log(limited / (1 - limited))
        total = _OTHER_WEIGHT * min(max(odds, -_MOST_OTHER), _MOST_OTHER)
        total += _GAP_WEIGHT * self.gap + _LIKENESS_WEIGHT * self.likeness
        return 1 / (1 + math.exp(-total))


def own_detail(crystal: CrystalReader, question: str, passages: Sequence[Passage]) -> OwnDetail | None:
    """Compare what a person told an assistant with a question and with its topic.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages that are judged.

    Returns:
        The signs; None without a reranker or an encoder, where the question has a single noun
        phrase or asks what lies between two things, or where the best passage is not of that
        person.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    searcher = crystal.searcher()
    if searcher.reranker is None or searcher.encoder is None or not passages or not is_own(passages[0]):
        return None
    phrases = noun_phrases(question)
    if len(phrases) < 2 or _OF_TWO.search(question):
        return None
    sentences = _own_sentences(crystal, passages)
    if not sentences:
        return None
    topic = f"Tell me about {', '.join(phrase.text for phrase in phrases[1:])}."
    of_question = searcher.reranker.logits(question, sentences)
    of_topic = searcher.reranker.logits(topic, sentences)
    nearest = [sentences[number] for number in np.argsort(-of_topic)[:_NEAR_TOPIC]]
    likeness = _likeness_of_first(searcher.encoder, question, phrases, nearest)
    return OwnDetail(float(of_question.max() - of_topic.max()), likeness)


def _own_sentences(crystal: CrystalReader, passages: Sequence[Passage]) -> list[str]:
    """Give the sentences of the person who talks with an assistant, in the order of passages."""
    found: dict[str, None] = {}
    for passage in passages:
        if is_own(passage):
            text = without_reply(crystal.shelf, passage).text
            spans = sentence_spans(text)
            found |= dict.fromkeys(text[low:high][:_LONGEST] for low, high in spans if high - low > _SHORTEST)
    return list(found)[:_MOST]


def _likeness_of_first(
    encoder: QuestionEncoder, question: str, phrases: Sequence[QuestionPhrase], sentences: Sequence[str]
) -> float:
    """Compare the noun of the first phrase with sentences, less the mean of those of the others."""
    ids, ends = encoder.tokens(question)
    asked = encoder.encode(ids.tolist()).states
    texts = [encoder.tokens(sentence)[0].tolist() for sentence in sentences]
    nearest = np.max([(asked @ encoder.encode(text).states.T).max(1) for text in texts if text], axis=0)
    narrowing = set(query_terms(_NARROWING))
    heads = []
    for phrase in phrases:
        words = [word for word in split_words(phrase.text) if word.is_content]
        words = [word for word in words if not set(query_terms(word.text)) <= narrowing]
        if words:
            start, end = phrase.start + words[-1].start, phrase.start + words[-1].end
            inside = [nearest[number] for number, stop in enumerate(ends[: len(nearest)]) if start < stop <= end]
            heads += [float(np.mean(inside))] if inside else []
    return heads[0] - float(np.mean(heads[1:])) if len(heads) > 1 else 0.0
