"""The telling sentences of a part, ranked.

The layers choose the passages that stand for a part (`representatives`); of their sentences those
tell most that have most of the part's own terms and a name (`topic_signatures`). Speech, letters,
questions, lists, markup and code tell little, and so do sentences that begin with a pronoun: who
speaks, and of whom, stands elsewhere.

Knows: passages, topic signatures. Does not know: language models, answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from crystalcli.datatypes import BY_LINES, Passage
from crystalcli.lexical import terms
from crystalcli.overview.topic_signatures import TopicSignature
from crystalcli.text import sentence_spans

_MIN_LENGTH, _MAX_LENGTH = 40, 320  # characters of a sentence that is worth quoting
_AWKWARD = 0.2  # the factor for a sentence that is shorter or longer, or of an awkward form
_UNNAMED = 0.4  # the factor for one without a name, or one that begins with what stands before it
_MIN_TERMS = 10  # a sentence of fewer terms is not better for being short
_NAMES, _NAME_FACTOR = 2, 2.0  # names of a sentence that count, and the factor for the weight of each
_AWKWARD_FORM = re.compile(
    r"[“”\"?!]|\b(?:you|your|yours|thee|thou|thy)\b|^(?:#|@|:|\.\. |\$ |>>>|[-*+] )|[:—]\s*$|[{};=]", re.IGNORECASE
)
_ANAPHORA = re.compile(
    r"(?:(?:and|but|then|so|yet) )?(?:he|she|it|they|his|her|its|their|this|that|these|those|there)\b", re.IGNORECASE
)


class TellingSentence(NamedTuple):
    """A sentence of a passage.

    Attributes:
        passage: The passage.
        low: Its first character, in the passage.
        high: The character after its last.
        score: How telling it is.
    """

    passage: Passage
    low: int
    high: int
    score: float

    @property
    def text(self) -> str:
        """Its words, on one line."""
        return " ".join(self.passage.text[self.low : self.high].split())

    @property
    def place(self) -> tuple[str, int]:
        """Its document and its first character there, for the order of reading."""
        return self.passage.path, self.passage.start + self.low

    @property
    def quotation(self) -> Passage:
        """Its passage, with the sentence as the best one."""
        start = self.passage.start
        return replace(self.passage, best=(start + self.low, start + self.high))

    @property
    def alone(self) -> Passage:
        """A passage of the sentence alone; its lines are those of the whole passage."""
        start, end = self.passage.start + self.low, self.passage.start + self.high
        place = replace(self.passage.place, start=start, end=end)
        return replace(self.passage, place=place, text=self.passage.text[self.low : self.high], best=(start, end))


def rank_telling(passages: Sequence[Passage], signature: TopicSignature) -> list[TellingSentence]:
    """Rank the sentences of passages by how much they tell, the best first.

    Args:
        passages: The passages that stand for a part.
        signature: The topic signature of the part.
    """
    sentences = []
    for passage in passages:
        spans = sentence_spans(passage.text, passage.place.kind in BY_LINES - {"code"})
        for low, high in spans or [(0, len(passage.text))]:
            sentences.append(TellingSentence(passage, low, high, _score(passage.text, low, high, signature)))
    return sorted(sentences, key=lambda sentence: -sentence.score)


def _score(text: str, low: int, high: int, signature: TopicSignature) -> float:
    """Score the sentence `[low, high)` of a text."""
    words = text[low:high]
    weights = {term: signature.weights.get(term, 0.0) for term, _ in terms(words)}
    names = sorted((weight for term, weight in weights.items() if term in signature.names), reverse=True)
    others = sum(weight for term, weight in weights.items() if term not in signature.names)
    score = (_NAME_FACTOR * sum(names[:_NAMES]) + others) / max(_MIN_TERMS, len(weights))
    if not names or _ANAPHORA.match(words):
        score *= _UNNAMED
    if not _MIN_LENGTH <= high - low <= _MAX_LENGTH:
        score *= _AWKWARD
    if _AWKWARD_FORM.search(words) or _is_in_speech(text, low, high):
        score *= _AWKWARD
    return score


def _is_in_speech(text: str, low: int, high: int) -> bool:
    """Tell whether `[low, high)` stands between quotation marks that are opened before it.

    A text that begins in the middle of a speech shows that by a mark that only closes one.
    """
    opened, closed = text.rfind("“", 0, low), text.rfind("”", 0, low)
    if opened != closed:
        return opened > closed
    opened, closed = text.find("“", high), text.find("”", high)
    return (0 <= closed < opened or opened < 0 <= closed) or text.count('"', 0, low) % 2 == 1
