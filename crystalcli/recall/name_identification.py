"""Identification: where a question asks who somebody is, a passage that says it comes first.

    "Who is Ann Marl?"     ... the well-known singer, Ann Marl
                           Ann Marl was a singer at the harbour
                           a singer called Ann Marl

Other passages have the name as well, often more often. Those that say who it is put the name beside
a noun, or a form of "to be" behind it (Hearst 1992; Hildebrandt, Katz and Lin 2004). In what people
say, a single name beside a noun is somebody spoken to: "in the mood for a song, Ann?"

Knows: English. Does not know: whether the person is introduced elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crystalcli.lexical import without_accents

if TYPE_CHECKING:
    from crystalcli.datatypes import Passage

WORTH = 0.3  # on the scale of scores
_NEAR = 0.8  # the distance in score to the best passage in which one is put first
_WHO = re.compile(r"\W*who(?:['’]s| is| was| are| were) (?P<name>[\w.'’-]+(?: [\w.'’-]+){0,3})\W*", re.IGNORECASE)
_NO_NAME = re.compile(
    r"(?:the|an?|my|his|her|our|your|their|this|that|it|he|she|in|at|on|I|you|there)\b", re.IGNORECASE
)
_NOUN = r"(?:the|an?|my|his|her|our|your|their|one of|one)\b"
# What people say, also where its beginning or its end is in another passage.
_SAID = re.compile(r"\A[^“”]*”|“[^”]*(?:”|\Z)|\"[^\"]*\"")
# A name by which somebody is spoken to; few are by their whole name.
_SINGLE = re.compile(r"(?:(?:mr|mrs|ms|miss|dr|sir|lady|lord|captain|uncle|aunt)\.? )?[\w'’-]+", re.IGNORECASE)
_DETERMINER = r"(?:the|an?|my|his|her|our|their)"
_BE = r"(?:is|was|are|were|being|became|had been|has been|have been|am)"


def identifications_first(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """Put passages that say who somebody is before others that name the same person.

    Args:
        question: The question.
        passages: The passages, best first.

    Returns:
        All passages, best first; the same ones for any other question.
    """
    name = asked_name(question)
    if not name or not passages:
        return list(passages)
    least = passages[0].score - _NEAR
    raised = [
        replace(passage, score=passage.score + WORTH, shares={**passage.shares, "identification": WORTH})
        if passage.score >= least and identifies(name, passage.text)
        else passage
        for passage in passages
    ]
    return sorted(raised, key=lambda passage: -passage.score)


def asked_name(question: str) -> str:
    """Give the name in a question that asks who somebody is; "" for any other."""
    match = _WHO.fullmatch(question)
    return match["name"] if match is not None and not _NO_NAME.match(match["name"]) else ""


def identifies(name: str, text: str) -> bool:
    """Tell whether a text says who a person of that name is."""
    text = without_accents(text)
    words = r"\s+".join(map(re.escape, without_accents(name).split()))
    if re.search(
        rf"\b{words},?\s+{_BE}\s+{_NOUN}"  # Ann Marl was a singer
        rf"|\b{words},\s+(?:the|an?|one of)\b"  # Ann Marl, the singer
        rf"|\b{_DETERMINER}\s+(?:[\w'’-]+\s+){{1,4}}?(?:called|named)\s+{words}\b"
        rf"|\b{words}\s+\((?:the|an?)\b",
        text,
        re.IGNORECASE,
    ):
        return True
    told = re.search(
        rf"\b{words},\s+{_NOUN}"  # Ann Marl, his sister
        rf"|\b{_DETERMINER}\s+(?:[\w'’-]+\s+){{0,3}}[\w'’-]+,\s+{words}\b",  # the singer, Ann Marl
        _SAID.sub(" ", text) if _SINGLE.fullmatch(name) else text,
        re.IGNORECASE,
    )
    return told is not None
