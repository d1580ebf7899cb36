"""The topic of a conversation: the phrases of its last questions, weighed.

A phrase counts more the more of the last questions have it, the later, and if it is a name. Nouns
of something else ("the causes of the war") give way to what they are of.

Knows: turns. Does not know: how a follow-up is rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crystalcli.answering.conversation.follow_up import RELATIONS, without_reaction
from crystalcli.answering.question.phrases import noun_phrases, proper_names, stems
from crystalcli.datatypes import Turn

_TURNS = 4  # that are looked at
_FADE = 0.6  # of the weight, a turn
_NAME_WEIGHT, _FIRST_WEIGHT, _RELATION_WEIGHT = 0.4, 0.2, 0.25
_MAX_ANSWER = 400  # characters of an answer that are looked at: its first quotation
_OWNED = re.compile(r"(?P<owner>.+?)(?:['’]s|(?<=s)['’]) [^'’]+$")
_SENTENCE_END = re.compile(r"[.!?] (?=[^(])")
_LETTERS = re.compile(r"[^\W\d_][^\d_]*")
_LEADING = re.compile(r"^(?:the|a|an|this|that|these|those|its|their|his|her|some|any|other|another) ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TopicPhrase:
    """A phrase of the last questions.

    Attributes:
        text: As written, with its article.
        stems: Its words, stemmed.
        weight: How much of the topic it is.
        is_name: Whether it is a proper name or an identifier.
        is_last: Whether the last question has it.
        before: The text before it in that question.
    """

    text: str
    stems: frozenset[str]
    weight: float
    is_name: bool
    is_last: bool
    before: str

    @property
    def bare(self) -> str:
        """The phrase without article."""
        return _LEADING.sub("", self.text)

    @property
    def is_plural(self) -> bool:
        """Whether it means several, by its form."""
        return re.search(r"[^s’']s$", self.text) is not None or (self.is_name and " and " in self.text)


def topic_phrases(turns: Sequence[Turn]) -> list[TopicPhrase]:
    """Give the phrases of the last questions: of the very last first, the weightiest first.

    Args:
        turns: The turns, oldest first.
    """
    seen: dict[frozenset[str], TopicPhrase] = {}
    for age, turn in enumerate(reversed(_of_one_topic(turns[-_TURNS:]))):
        text = without_reaction(turn.read_as)
        asked = max((match.end() for match in _SENTENCE_END.finditer(text)), default=0)
        nouns = sorted(noun_phrases(text), key=lambda noun: noun.start < asked)
        for place, noun in enumerate(nouns):
            phrase = noun.text
            is_related = bool(noun.stems) and noun.stems[-1] in RELATIONS
            if is_related and (owned := _OWNED.match(phrase)) is not None:
                phrase, is_related = owned["owner"], False
            key = frozenset(stems(phrase))
            if not key:
                continue
            weight = _FADE**age * (1 + _NAME_WEIGHT * noun.is_name + _FIRST_WEIGHT * (place == 0))
            weight *= _RELATION_WEIGHT if is_related else 1
            if (known := next((known for known in seen if key <= known), None)) is not None:
                old = seen[known]
                seen[known] = TopicPhrase(old.text, known, old.weight + weight, old.is_name, old.is_last, old.before)
            else:
                seen[key] = TopicPhrase(
                    phrase, key, weight, noun.is_name, age == 0 and (noun.start >= asked), text[: noun.start]
                )
    return sorted(seen.values(), key=lambda phrase: (not phrase.is_last, -phrase.weight))


def _of_one_topic(turns: Sequence[Turn]) -> Sequence[Turn]:
    """Give the last turns without those before a question that has nothing to do with them."""
    for first in range(len(turns) - 1, 0, -1):
        before = {stem for turn in turns[:first] for text in (turn.read_as, turn.answer) for stem in stems(text)}
        is_alone = turns[first].read_as == turns[first].question
        if is_alone and before.isdisjoint(stems(turns[first].read_as)):
            return turns[first:]
    return turns


def answer_names(turn: Turn) -> list[str]:
    """Give the names of an answer that its question does not have, in order."""
    asked = set(stems(turn.read_as))
    names = (name.text for name in proper_names(turn.answer[:_MAX_ANSWER]))
    return [name for name in dict.fromkeys(names) if not asked.issuperset(stems(name)) and _LETTERS.fullmatch(name)]
