"""Which sentences of the passages answer a question best.

    score   share of the question's idf that the sentence holds
            + cosine of question and sentence, read in its passage
            + MaxSim of the question's tokens over the sentence's, weighted by idf (Khattab and Zaharia, 2020)
            + 0.3 when it shows what is asked for (see `cues`)
            - 0.05 for each passage that recall puts before its own, - 0.4 for headings and scraps

The vectors are exact: passages are encoded again, 0.2 to 0.4 s for five of them on one core. Without an encoder the other terms decide.
Sentences are ranked over all passages together: a passage may give several, and a later one the best.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.answering.evidence.question_type import expected_answer_type, shows_answer_type
from crystalcli.lexical import terms
from crystalcli.recall import PreparedQuery
from crystalcli.text import sentence_spans
from crystalcli.types import BY_LINES, Passage

if TYPE_CHECKING:
    from crystalcli.types import FloatArray, IntArray
    from crystalcli.vectors import QuestionEncoder

AROUND = 1  # sentences on either side that a language model is given with a good one
READ = 5  # passages whose sentences are looked at
_CUE, _RANK, _HEADING = 0.3, 0.05, 0.4
_SCRAP, _HEADING_LENGTH = 25, 100  # characters: what is shorter is seldom a sentence; what is longer is no heading
_CLOSED = re.compile(r"[.!?:;,…。！？][\"'”’»)\]*_]*\Z")


class RankedSentence(NamedTuple):
    """A sentence: `[start, end)` of its document, in characters. rank: of its passage, from 0."""

    passage: Passage
    rank: int
    start: int
    end: int
    score: float

    @property
    def text(self) -> str:
        """Its text."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


class PassageReading(NamedTuple):
    """What reading passages shows. sentences: best first. similar: the best MaxSim of the question over a whole passage, exact; 0
    without an encoder.
    """

    sentences: list[RankedSentence]
    similar: float


def read_passages(encoder: QuestionEncoder | None, query: PreparedQuery, passages: Sequence[Passage]) -> PassageReading:
    """Rank the sentences of the first READ passages, best first; of source code and tables, the line that recall found.

    Args:
        encoder: The encoder of questions; None without weights.
        query: The prepared question.
        passages: The passages, as recall gave them.
    """
    question = query.text
    kind = expected_answer_type(question)
    found = []
    most = 0.0
    for rank, passage in enumerate(passages[:READ]):
        spans = _spans(passage)
        near, whole = _nearness(encoder, query, passage.text, spans)
        most = max(most, whole)
        for (low, high), similar in zip(spans, near, strict=True):
            text = passage.text[low:high]
            score = _shared(query, text) + similar - _RANK * rank
            score += _CUE * shows_answer_type(kind, text, question) - _HEADING * _is_heading(text)
            found.append(RankedSentence(passage, rank, passage.start + low, passage.start + high, score))
    return PassageReading(sorted(found, key=lambda each: -each.score), most)


def sentence_windows(
    sentences: Sequence[RankedSentence], count: Callable[[str], int], budget: int, around: int = AROUND
) -> list[Passage]:
    """Passages narrowed to their best sentences and `around` on either side, so that all come to about `budget` tokens.

    sentences: as `ranked` gives them; the next best is taken until it no longer fits, the first always. Of a passage what lies
    between its first and its last sentence that is taken stays; passages come in the order of their best, each with it as `best`.
    """
    by_place = {(each.rank, each.start): each for each in sentences}
    order = {
        rank: [each.start for each in sorted(group, key=lambda each: each.start)] for rank, group in _by_rank(sentences)
    }
    kept: dict[int, tuple[int, int]] = {}
    used = 0
    for each in sentences:
        starts = order[each.rank]
        index = starts.index(each.start)
        first, last = (
            starts[max(0, index - around)],
            by_place[each.rank, starts[min(len(starts) - 1, index + around)]].end,
        )
        if each.passage.place.kind in BY_LINES:  # a line alone says little
            first, last = each.passage.start, each.passage.end
        low, high = kept.get(each.rank, (first, last))
        wide = min(low, first), max(high, last)
        size = count(_cut(each.passage, *wide).text)
        before = count(_cut(each.passage, low, high).text) if each.rank in kept else 0
        if kept and used + size - before > budget:
            break
        used += size - before
        kept[each.rank] = wide
    best = {each.rank: each for each in reversed(sentences)}
    return [
        replace(_cut(best[rank].passage, low, high), best=(best[rank].start, best[rank].end))
        for rank, (low, high) in kept.items()
    ]


def as_passages(sentences: Sequence[RankedSentence]) -> list[Passage]:
    """The passages of sentences, each with its sentence as `best`."""
    return [replace(each.passage, best=(each.start, each.end)) for each in sentences]


def _by_rank(sentences: Sequence[RankedSentence]) -> list[tuple[int, list[RankedSentence]]]:
    found: dict[int, list[RankedSentence]] = {}
    for each in sentences:
        found.setdefault(each.rank, []).append(each)
    return list(found.items())


def _cut(passage: Passage, low: int, high: int) -> Passage:
    """The part `[low, high)`, in characters of the document."""
    text = passage.text[low - passage.start : high - passage.start]
    line = passage.place.line_start + passage.text.count("\n", 0, low - passage.start)
    place = replace(passage.place, start=low, end=high, line_start=line, line_end=line + text.count("\n"))
    return replace(passage, place=place, text=text)


def _spans(passage: Passage) -> list[tuple[int, int]]:
    low, high = passage.best[0] - passage.start, passage.best[1] - passage.start
    if passage.place.kind in BY_LINES and 0 <= low < high <= len(passage.text):
        return [(low, high)]
    return sentence_spans(passage.text, passage.place.kind in BY_LINES) or [(0, len(passage.text))]


def _is_heading(text: str) -> bool:
    """Whether it looks like a heading, or like what is left of a sentence or a table."""
    return text.startswith("#") or len(text) < _SCRAP or (len(text) < _HEADING_LENGTH and not _CLOSED.search(text))


def _shared(query: PreparedQuery, text: str) -> float:
    own = {term for term, _ in terms(text)} & query.idf.keys()
    return sum(query.idf[term] for term in own) / (sum(query.idf.values()) or 1.0)


def _nearness(
    encoder: QuestionEncoder | None, query: PreparedQuery, text: str, spans: Sequence[tuple[int, int]]
) -> tuple[list[float], float]:
    """Cosine and MaxSim together of each span of `text` with the question, and MaxSim over all of it; 0 without an encoder."""
    if encoder is None or query.encoded is None:
        return [0.0] * len(spans), 0.0
    states, ends = _states(encoder, text)
    kept = query.token_weights > 0
    weights = query.token_weights[kept] / query.token_weights[kept].sum() if kept.any() else query.token_weights[kept]
    products = query.encoded.states[kept] @ _unit(states).T
    found = []
    for low, high in spans:
        here = (ends > low) & (ends <= high)
        if not here.any():
            found.append(0.0)
            continue
        cosine = float(_unit(states[here].mean(0)) @ query.encoded.vector)
        found.append(cosine + float(weights @ products[:, here].max(1)))
    return found, float(weights @ products.max(1)) if products.size else 0.0


def _states(encoder: QuestionEncoder, text: str) -> tuple[FloatArray, IntArray]:
    """The states of a text's tokens, float32 [n, dimension], and the character at which each ends, in windows of what it takes."""
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
