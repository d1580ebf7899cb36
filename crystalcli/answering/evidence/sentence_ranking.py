"""The sentences of passages, ranked by how well they answer a question.

    score   share of the question's idf that the sentence has
            + cosine of question and sentence, read in its passage
            + MaxSim of the question's tokens over the sentence's, weighted by idf (Khattab and
              Zaharia, 2020)
            + 0.3 when it shows the expected type of answer (`question_type`)
            - 0.05 for each passage that recall puts before its own
            - 0.4 for headings and scraps

The vectors are exact: passages are encoded again, 0.2 to 0.4 s for five of them on one core.
Without an encoder the other terms decide. Sentences are ranked over all passages together: a
passage may give several, and a later one the best.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from crystalcli.answering.evidence.question_type import expected_answer_type, shows_answer_type
from crystalcli.cpu import map_in_threads
from crystalcli.datatypes import BY_LINES, Passage
from crystalcli.recall import PreparedQuery, sentences_within
from crystalcli.text import sentence_spans

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, IntArray
    from crystalcli.vectors import QuestionEncoder

    _States: TypeAlias = tuple[FloatArray, IntArray]

MAX_PASSAGES = 5  # passages whose sentences are ranked
_TYPE_BONUS, _RANK_COST, _HEADING_COST = 0.3, 0.05, 0.4
# Characters: a shorter text is seldom a sentence; a longer one is not a heading.
_SCRAP_LENGTH, _HEADING_LENGTH = 25, 100
_CLOSED = re.compile(r"[.!?:;,…。！？][\"'”’»)\]*_]*\Z")


class RankedSentence(NamedTuple):
    """A sentence of a passage.

    Attributes:
        passage: The passage.
        rank: The rank of the passage, from 0.
        start: The first character of the sentence, in the document's text.
        end: The character after its last.
        score: The score that it is ranked by.
    """

    passage: Passage
    rank: int
    start: int
    end: int
    score: float

    @property
    def text(self) -> str:
        """The text of the sentence."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


class PassageReading(NamedTuple):
    """The sentences of passages, read with the question in mind.

    Attributes:
        sentences: The sentences, best first.
        similar: The best MaxSim of the question over a whole passage, by exact vectors; 0 without
            an encoder.
        likeness: The greatest cosine of each token of the question with a token of the passages or
            their places, float32 [tokens]; None without an encoder.
    """

    sentences: list[RankedSentence]
    similar: float
    likeness: FloatArray | None = None


def read_passages(encoder: QuestionEncoder | None, query: PreparedQuery, passages: Sequence[Passage]) -> PassageReading:
    """Rank the sentences of the first MAX_PASSAGES passages.

    Of source code and tables the only sentence is the line that recall found.

    Args:
        encoder: The encoder of questions; None without weights.
        query: The prepared question.
        passages: The passages, as recall gave them.

    Returns:
        The sentences, best first.
    """
    question = query.text
    kind = expected_answer_type(question)
    sentences = []
    best_maxsim = 0.0
    read = passages[:MAX_PASSAGES]
    spans_of = [_spans(passage) for passage in read]
    states_of = _states_of_texts(encoder if query.encoded is not None else None, read)
    compared = [_similarities(query, states_of, *pair) for pair in zip(read, spans_of, strict=True)]
    for rank, (passage, spans, (similarities, maxsim, _)) in enumerate(zip(read, spans_of, compared, strict=True)):
        best_maxsim = max(best_maxsim, maxsim)
        for (low, high), similarity in zip(spans, similarities, strict=True):
            text = passage.text[low:high]
            score = _idf_share(query, text) + similarity - _RANK_COST * rank
            score += _TYPE_BONUS * shows_answer_type(kind, text, question) - _HEADING_COST * _is_heading(text)
            sentences.append(RankedSentence(passage, rank, passage.start + low, passage.start + high, score))
    known = [likeness for _, _, likeness in compared if likeness is not None]
    likeness: FloatArray | None = np.maximum.reduce(known) if known else None
    return PassageReading(sorted(sentences, key=lambda sentence: -sentence.score), best_maxsim, likeness)


def as_passages(sentences: Sequence[RankedSentence]) -> list[Passage]:
    """Give the passages of sentences, each with its sentence as `best`."""
    return [replace(sentence.passage, best=(sentence.start, sentence.end)) for sentence in sentences]


def _spans(passage: Passage) -> list[tuple[int, int]]:
    """Give the spans of a passage's sentences, in characters of the passage."""
    low, high = passage.best[0] - passage.start, passage.best[1] - passage.start
    if passage.place.kind in BY_LINES and 0 <= low < high <= len(passage.text):
        return [(low, high)]
    sentences = sentence_spans(passage.text, passage.place.kind in BY_LINES) or [(0, len(passage.text))]
    return sentences_within(sentences, passage.allowed_inside) or sentences


def _is_heading(text: str) -> bool:
    """Tell whether a text looks like a heading, or like a scrap of a sentence or a table."""
    return (
        text.startswith("#") or len(text) < _SCRAP_LENGTH or (len(text) < _HEADING_LENGTH and not _CLOSED.search(text))
    )


def _idf_share(query: PreparedQuery, text: str) -> float:
    """Compute the share of the question's idf that a text has."""
    return sum(query.idf[term] for term in query.terms_in(text)) / (sum(query.idf.values()) or 1.0)


def _states_of_texts(encoder: QuestionEncoder | None, passages: Sequence[Passage]) -> dict[str, _States]:
    """Encode the texts of passages and their places, each text once; nothing without an encoder."""
    if encoder is None:
        return {}
    texts = {text for passage in passages for text in (passage.text, _place_text(passage))}
    longest_first = sorted(texts, key=lambda text: (-len(text), text))  # no thread begins a long one last
    states = map_in_threads(lambda text: _states(encoder, text), longest_first)
    return dict(zip(longest_first, states, strict=True))


def _place_text(passage: Passage) -> str:
    """Give what says where a passage stands, for the words that it leaves out."""
    return f"{passage.heading or ''}\n{passage.path}"


def _similarities(
    query: PreparedQuery, states_of: Mapping[str, _States], passage: Passage, spans: Sequence[tuple[int, int]]
) -> tuple[list[float], float, FloatArray | None]:
    """Compare each span of a passage with the question.

    Args:
        query: The prepared question.
        states_of: The states of each text; without any all similarities are 0.
        passage: The passage.
        spans: The spans, in characters of the passage.

    Returns:
        The sum of cosine and MaxSim of each span, the MaxSim over all of the text, and the greatest
        cosine of each token of the question with the text or its place.
    """
    if not states_of or query.encoded is None:
        return [0.0] * len(spans), 0.0, None
    states, ends = states_of[passage.text]
    weighted = query.token_weights > 0
    weights = query.token_weights[weighted]
    if weighted.any():
        weights = weights / weights.sum()
    products = query.encoded.states[weighted] @ _unit(states).T
    similarities = []
    for low, high in spans:
        inside = (ends > low) & (ends <= high)
        if not inside.any():
            similarities.append(0.0)
            continue
        cosine = float(_unit(states[inside].mean(0)) @ query.encoded.vector)
        similarities.append(query.scale.gain * (cosine + float(weights @ products[:, inside].max(1))))
    place = states_of[_place_text(passage)][0]
    likeness = (query.encoded.states @ _unit(np.concatenate([states, place])).T).max(1)
    return similarities, float(weights @ products.max(1)) if products.size else 0.0, likeness


def _states(encoder: QuestionEncoder, text: str) -> _States:
    """Encode a text in windows of the encoder's length.

    Returns:
        The states of its tokens, float32 [n, dimension], and the character at which each ends,
        int32 [n].
    """
    states, ends, start = [], [], 0
    while start < len(text):
        ids, stops = encoder.tokens(text[start:])
        if not len(ids):
            break
        states.append(encoder.encode(ids.tolist()).states)
        ends.append(stops + start)
        start += max(1, int(stops[-1]))
    if not states:
        return np.zeros((0, encoder.config.dimension), np.float32), np.zeros(0, np.int32)
    return np.concatenate(states), np.concatenate(ends)


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: FloatArray = vectors / np.maximum(length, 1e-9)
    return result
