"""Whether what was found in a conversation is said by, or to, the one person whom the question asks about.

"What job did Gina take?" is not answered by Jon's "I took a job". The best sentences that speak of "I" count for whoever says them,
those that speak of "you" for whoever is spoken to, others a little for whoever says them; questions do not count. English only. Who
speaks is what stands before a colon at the beginning of a line. Knows neither files nor crystals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from crystalcli.answering.extract import Sentence
from crystalcli.lexical.analysis import query_terms

BACK = 2000  # characters before a passage in which its first speaker is looked for
_LOOKED_AT = 6  # sentences
_SHARPNESS = 0.2  # of a sentence's score: what makes it count e times as much
_TO, _PLAIN = 0.5, 0.3  # what a sentence about "you", and one about neither, counts
_NAMED = 0.25  # of the score of a sentence that holds the name: it is often spoken to, and seldom what was asked for
_TURN = re.compile(r"^(?:\[[^\]\n]{1,40}\] )?([A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){0,2}):\s", re.MULTILINE)
_I = re.compile(r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Ww]e|[Oo]ur|[Oo]urs|[Uu]s)\b")
_YOU = re.compile(r"\b[Yy]ou(?:r|rs)?\b")
_WORD = re.compile(r"[\w.'’-]+")


def voice(question: str, sentences: Sequence[Sentence], text: Callable[[str, int, int], str]) -> float:
    """From 1, all said by or to the one asked about, to -1, all by or to somebody else; 0 where there is nobody, or more than one.

    sentences: as `extract.ranked` gives them, best first. text: characters `[start, end)` of a document, by its path.
    """
    words = set(_WORD.findall(question))
    if not any(word[0].isupper() for word in words):
        return 0.0
    best = [each for each in sentences[: _LOOKED_AT + 2] if not each.text.rstrip().endswith("?")]
    talks = {each.passage.path for each in best if _TURN.search(each.passage.text)}
    best = [each for each in best if each.passage.path in talks]
    before = {
        (path, start): text(path, max(0, start - BACK), start)
        for path, start in {(each.passage.path, each.passage.start) for each in best}
    }
    people: dict[str, set[str]] = {path: set() for path in talks}
    for each in best:
        path, start = each.passage.path, each.passage.start
        people[path].update(_TURN.findall(before[path, start] + each.passage.text))
    named = {
        path: {name for name in some if not words.isdisjoint(_WORD.findall(name))} for path, some in people.items()
    }
    asked = set().union(*named.values())
    if len(asked) != 1:
        return 0.0
    called = set(query_terms(*asked))
    counted: list[tuple[float, float]] = []
    for each in best:
        path, start = each.passage.path, each.passage.start
        speakers = _TURN.findall(before[path, start] + each.passage.text[: each.end - start])
        if not speakers or not named[path]:
            continue
        own = 1.0 if speakers[-1] in asked else -1.0
        worth = own if _I.search(each.text) else -_TO * own if _YOU.search(each.text) else _PLAIN * own
        counted.append((each.score - (0.0 if called.isdisjoint(query_terms(each.text)) else _NAMED), worth))
    if not counted:
        return 0.0
    counted = sorted(counted, reverse=True)[:_LOOKED_AT]
    weights = [math.exp((score - counted[0][0]) / _SHARPNESS) for score, _ in counted]
    return sum(weight * worth for weight, (_, worth) in zip(weights, counted, strict=True)) / sum(weights)
