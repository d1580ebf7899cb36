"""Whether what was found in a conversation is said by, or to, the one person whom the question asks about.

"What job did Gina take?" is not answered by Jon's "I took a job". The best sentences that speak of "I", and those that answer a
question, count for whoever says them; those that speak of "you", or admire what was said before ("That's great!"), for whoever is
spoken to, and so do questions about "you"; others a little for whoever says them; other questions do not count. English only. Who
speaks is what stands before a colon at the beginning of a line. Knows neither files nor crystals.
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from crystalcli.answering.evidence.sentence_ranking import RankedSentence
from crystalcli.lexical import query_terms

BACK = 2000  # characters before a passage in which its first speaker is looked for
_LOOKED_AT = 6  # sentences
_SHARPNESS = 0.2  # of a sentence's score: what makes it count e times as much
_TO, _PLAIN = 0.5, 0.3  # what a sentence about "you" or what "you" said, and one about neither, counts
_NAMED = 0.25  # of the score of a sentence that holds the name: it is often spoken to, and seldom what was asked for
_TURN = re.compile(r"^(?:\[[^\]\n]{1,40}\] )?([A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){0,2}):\s", re.MULTILINE)
_I = re.compile(r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Ww]e|[Oo]ur|[Oo]urs|[Uu]s)\b")
_YOU = re.compile(r"\b[Yy]ou(?:r|rs)?\b")
_ADMIRES = re.compile(
    r"\b(?:[Cc]ongrat\w*|[Ww]ow|[Tt]hat(?:['’]s|['’]ll| is| was| must| sounds)|[Ss]ounds|[Mm]ust (?:have|be))\b"
)
_WORD = re.compile(r"[\w.'’-]+")
_OWNER = re.compile(r"(?:['’]s?|[.-])+\Z")


class _Talk(NamedTuple):
    """Turns: where each begins, in characters of the document, who speaks, and whether the one before ends with a question."""

    starts: list[int]
    speakers: list[str]
    asked: list[bool]

    def at(self, place: int) -> int:
        """Which turn `place` stands in, -1 before the first."""
        return bisect.bisect_right(self.starts, place) - 1


def speaker_match(question: str, sentences: Sequence[RankedSentence], text: Callable[[str, int, int], str]) -> float:
    """From 1, all said by or to the one asked about, to -1, all by or to somebody else; 0 where there is nobody, or more than one.

    sentences: as `extract.ranked` gives them, best first. text: characters `[start, end)` of a document, by its path.
    """
    words = _words(question)
    if not any(word[0].isupper() for word in words):
        return 0.0
    passages = {(each.passage.path, each.passage.start): each.passage for each in sentences}
    paths = {path for (path, _), passage in passages.items() if _TURN.search(passage.text)}
    talks: dict[tuple[str, int], _Talk] = {}
    turns: dict[str, dict[int, str]] = {path: {} for path in paths}
    for (path, start), passage in passages.items():
        if path in paths:
            talks[path, start] = talk = _talk(text(path, max(0, start - BACK), start), passage.text, start)
            turns[path].update(zip(talk.starts, talk.speakers, strict=True))
    named = {
        path: {name for name in some.values() if not words.isdisjoint(_words(name))}
        for path, some in turns.items()
        if _is_conversation(some)
    }
    about = set().union(*named.values())
    if len(about) != 1:
        return 0.0
    called = set(query_terms(*about))
    counted: list[tuple[float, float]] = []
    for each in sentences:
        path = each.passage.path
        asks = each.text.rstrip().endswith("?")
        if not named.get(path) or (asks and not _YOU.search(each.text)):
            continue
        talk = talks[path, each.passage.start]
        turn = talk.at(each.end - 1)
        if turn < 0:
            continue
        own = 1.0 if talk.speakers[turn] in about else -1.0
        less = 0.0 if called.isdisjoint(query_terms(each.text)) else _NAMED
        worth = -1.0 if asks else _worth(each.text, talk.asked[turn])
        counted.append((each.score - less, own * worth))
    if not counted:
        return 0.0
    counted = sorted(counted, reverse=True)[:_LOOKED_AT]
    weights = [math.exp((score - counted[0][0]) / _SHARPNESS) for score, _ in counted]
    return sum(weight * worth for weight, (_, worth) in zip(weights, counted, strict=True)) / sum(weights)


def _is_conversation(turns: Mapping[int, str]) -> bool:
    """Whether two people speak, one of them twice: what stands once before a colon may be a term, or a heading."""
    return len(turns) > len(set(turns.values())) > 1


def _words(text: str) -> set[str]:
    """Its words as they are written, "Gina's" as "Gina"."""
    return {_OWNER.sub("", word) for word in _WORD.findall(text)} - {""}


def _talk(before: str, passage: str, start: int) -> _Talk:
    """The turns of a passage that begins at `start`, and of what stands before it."""
    text, first = before + passage, start - len(before)
    turns = [turn for turn in _TURN.finditer(text) if turn.start() or not before or not first]  # else maybe amid a line
    starts = [turn.start() for turn in turns]
    asked = [text[:at].rstrip().endswith("?") for at in starts]
    return _Talk([first + at for at in starts], [turn[1] for turn in turns], asked)


def _worth(text: str, asked: bool) -> float:
    """What a sentence counts for who says it; less than nothing: for who is spoken to. asked: whether it answers a question."""
    if _I.search(text):
        return 1.0
    if _YOU.search(text):
        return -_TO
    if asked:
        return 1.0
    return -_TO if _ADMIRES.search(text) else _PLAIN
