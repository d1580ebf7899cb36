"""Aspects of a question: things that it names side by side, each of which is recalled by itself.

    How many days are there between my last exam and the start of my holidays?
    Considering my new rent, the loan for the boat, and my savings, how much can I spend?

What says one of them says nothing of the others, and comes behind what says a little of each. So
the best passages of every aspect follow the best one of all in turn.

Knows: English, passages. Does not know: how passages are found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from crystalcli.lexical import query_terms

if TYPE_CHECKING:
    from crystalcli.datatypes import Passage

OF_EACH = 3  # passages of an aspect that come before others
_MOST = 5  # aspects
_AHEAD = 0.01  # the distance in score behind the passage before
_LEADING = re.compile(
    r"\A\W*(?:considering|given|taking into account|in (?:the )?light of|based on|between|comparing|combining) (?P<all>[^?]+?), "
    r"(?=(?:how|what|which|when|where|who|should|can|could|do|did|does|is|are|was|were|have|has|will|would)\b)",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"\A\W*(?:how|what|which|when|who|where|did|do|does|is|are|was|were|have|has)\b[^.!?]*?"
    r"\b(?:between|combining|comparing) (?P<all>[^?]+)\?*\s*\Z",
    re.IGNORECASE,
)
_COMMA = re.compile(r", (?:and |or )?", re.IGNORECASE)
# Before another thing, and not within the name of one.
_AND = re.compile(r",? and (?=(?:my|our|the|when|that|I|a|an|\w+ing)\b)", re.IGNORECASE)
_ANY_AND = re.compile(r",? and ", re.IGNORECASE)
_LAST_COMMA = re.compile(r", (?:and|or) ", re.IGNORECASE)  # as lists have it
_WHEN = re.compile(r"\Awhen ", re.IGNORECASE)


def aspects_of(question: str) -> list[str]:
    """Take the things out of a question that it names side by side.

    Returns:
        Two or more of them, as they stand; [] where the question is about one thing.
    """
    match = _LEADING.search(question) or _LAST.search(question)
    if match is None:
        return []
    named = match["all"]
    cuts = list(_AND.finditer(named)) or list(_ANY_AND.finditer(named))
    parts = _COMMA.split(named)
    if len(parts) < 3 or _LAST_COMMA.search(named) is None:
        if len(cuts) != 1:
            return []
        parts = [named[: cuts[0].start()], named[cuts[0].end() :]]
    aspects = [_WHEN.sub("", part.strip(" ,.;")) for part in parts]
    return aspects if len(aspects) <= _MOST and all(map(query_terms, aspects)) else []


def take_in_turn(passages: Sequence[Passage], aspects: Sequence[Sequence[Passage]]) -> list[Passage]:
    """Put the best passages of every aspect behind the best of all, one of each in turn.

    Args:
        passages: The passages of the question, best first.
        aspects: For each aspect its passages, best first.

    Returns:
        All passages of the question, with OF_EACH of every aspect, none twice. Logits are those for
        the question: what was read for an aspect alone has none.
    """
    known = {(each.path, each.start): each for each in passages}
    in_turn = chain.from_iterable(zip_longest(*(each[:OF_EACH] for each in aspects)))
    chosen: dict[tuple[str, int], Passage] = {}
    for passage in (*passages[:1], *(each for each in in_turn if each is not None)):
        place = passage.path, passage.start
        first = next(iter(chosen.values()), passage)
        score = first.score - _AHEAD * len(chosen)
        chosen.setdefault(place, replace(known.get(place, replace(passage, logit=None)), score=score))
    return [*chosen.values(), *(passage for place, passage in known.items() if place not in chosen)]
