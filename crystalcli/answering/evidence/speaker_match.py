"""The match between the speakers of a conversation and the person in the question.

"What job did Gina take?" is not answered by Jon's "I took a job". The best sentences count for a
speaker or for the listener:

    for the speaker    sentences with "I", and answers to a question
    for the listener   sentences with "you", praise of the turn before ("That's great!"), and
                       questions with "you"
    a little for the speaker   all others, but for questions, which do not count

Knows: English; a speaker's name stands before a colon at the beginning of a line. Does not know:
files, crystals.
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from crystalcli.answering.evidence.sentence_ranking import RankedSentence
from crystalcli.lexical import query_terms

LOOKBACK = 2000  # characters before a passage in which its first speaker is looked for
_MAX_SENTENCES = 6
_SHARPNESS = 0.2  # the difference in score that makes a sentence count e times as much
_LISTENER, _NEUTRAL = 0.5, 0.3  # the worth of a sentence for the listener, and of one without sign
# The cost of a sentence that has the name: it often addresses the person, and seldom answers.
_NAME_COST = 0.25
_TURN = re.compile(r"^(?:\[[^\]\n]{1,40}\] )?([A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){0,2}):\s", re.MULTILINE)
_I = re.compile(r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Ww]e|[Oo]ur|[Oo]urs|[Uu]s)\b")
_YOU = re.compile(r"\b[Yy]ou(?:r|rs)?\b")
_PRAISE = re.compile(
    r"\b(?:[Cc]ongrat\w*|[Ww]ow|[Tt]hat(?:['’]s|['’]ll| is| was| must| sounds)|[Ss]ounds|[Mm]ust (?:have|be))\b"
)
_WORD = re.compile(r"[\w.'’-]+")
_OWNER = re.compile(r"(?:['’]s?|[.-])+\Z")


class _Turns(NamedTuple):
    """The turns of a conversation.

    Attributes:
        starts: The first character of each turn, in the document.
        speakers: The speaker of each.
        after_question: Whether the turn before it ends with a question.
    """

    starts: list[int]
    speakers: list[str]
    after_question: list[bool]

    def index_at(self, position: int) -> int:
        """Give the index of the turn at a character; -1 before the first."""
        return bisect.bisect_right(self.starts, position) - 1


def speaker_match(question: str, sentences: Sequence[RankedSentence], text: Callable[[str, int, int], str]) -> float:
    """Compute how far the best sentences count for the person in the question.

    Args:
        question: The question.
        sentences: The sentences, best first, as of `sentence_ranking.read_passages`.
        text: Gives the characters `[start, end)` of a document, by its path.

    Returns:
        From 1, all count for that person, to -1, all count for others; 0 where the question has no
        speaker's name, or more than one.
    """
    words = _words(question)
    if not any(word[0].isupper() for word in words):
        return 0.0
    passages = {(sentence.passage.path, sentence.passage.start): sentence.passage for sentence in sentences}
    paths = {path for (path, _), passage in passages.items() if _TURN.search(passage.text)}
    turns: dict[tuple[str, int], _Turns] = {}
    speakers: dict[str, dict[int, str]] = {path: {} for path in paths}
    for (path, start), passage in passages.items():
        if path in paths:
            turns[path, start] = _turns_of(text(path, max(0, start - LOOKBACK), start), passage.text, start)
            speakers[path].update(zip(turns[path, start].starts, turns[path, start].speakers, strict=True))
    persons = {
        path: {name for name in names.values() if not words.isdisjoint(_words(name))}
        for path, names in speakers.items()
        if _is_conversation(names)
    }
    person = set().union(*persons.values())
    if len(person) != 1:
        return 0.0
    name_terms = set(query_terms(*person))
    votes: list[tuple[float, float]] = []
    for sentence in sentences:
        path = sentence.passage.path
        is_question = sentence.text.rstrip().endswith("?")
        if not persons.get(path) or (is_question and not _YOU.search(sentence.text)):
            continue
        around = turns[path, sentence.passage.start]
        turn = around.index_at(sentence.end - 1)
        if turn < 0:
            continue
        sign = 1.0 if around.speakers[turn] in person else -1.0
        cost = 0.0 if name_terms.isdisjoint(query_terms(sentence.text)) else _NAME_COST
        worth = -1.0 if is_question else _worth(sentence.text, around.after_question[turn])
        votes.append((sentence.score - cost, sign * worth))
    if not votes:
        return 0.0
    votes = sorted(votes, reverse=True)[:_MAX_SENTENCES]
    weights = [math.exp((score - votes[0][0]) / _SHARPNESS) for score, _ in votes]
    return sum(weight * worth for weight, (_, worth) in zip(weights, votes, strict=True)) / sum(weights)


def _is_conversation(speakers: Mapping[int, str]) -> bool:
    """Tell whether two people speak, one of them twice.

    A name that stands before a colon only once may be a term, or a heading.
    """
    return len(speakers) > len(set(speakers.values())) > 1


def _words(text: str) -> set[str]:
    """Split a text into its words as written, "Gina's" as "Gina"."""
    return {_OWNER.sub("", word) for word in _WORD.findall(text)} - {""}


def _turns_of(preceding: str, passage: str, start: int) -> _Turns:
    """Find the turns of a passage and of the text before it.

    Args:
        preceding: The text before the passage.
        passage: The text of the passage.
        start: The first character of the passage, in the document.
    """
    text, offset = preceding + passage, start - len(preceding)
    # The first match may lie amid a line, unless the document begins there.
    matches = [match for match in _TURN.finditer(text) if match.start() or not preceding or not offset]
    starts = [match.start() for match in matches]
    after_question = [text[:position].rstrip().endswith("?") for position in starts]
    return _Turns([offset + position for position in starts], [match[1] for match in matches], after_question)


def _worth(text: str, after_question: bool) -> float:
    """Weigh a sentence for its speaker; a negative weight counts for the listener.

    Args:
        text: The sentence.
        after_question: Whether it answers a question.
    """
    if _I.search(text):
        return 1.0
    if _YOU.search(text):
        return -_LISTENER
    if after_question:
        return 1.0
    return -_LISTENER if _PRAISE.search(text) else _NEUTRAL
