"""Identification: where a question asks who somebody is, a passage that says it comes first.

    "Who is Ann Marl?"     ... the well-known singer, Ann Marl
                           Ann Marl was a singer at the harbour
                           a singer called Ann Marl

Other passages have the name as well, often more often. Those that say who it is put the name beside
a noun, or a form of "to be" behind it (Hearst 1992; Hildebrandt, Katz and Lin 2004).

Knows: English. Does not know: whether the person is introduced elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crystalcli.datatypes import Passage

WORTH = 0.3  # on the scale of scores
_NEAR = 0.8  # the distance in score to the best passage in which one is put first
_WHO = re.compile(r"\W*who(?:['’]s| is| was| are| were) (?P<name>[\w.'’-]+(?: [\w.'’-]+){0,3})\W*", re.IGNORECASE)
_NO_NAME = re.compile(
    r"(?:the|an?|my|his|her|our|your|their|this|that|it|he|she|in|at|on|I|you|there)\b", re.IGNORECASE
)
_NOUN = r"(?:the|an?|my|his|her|our|your|their|one of|one)\b"
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
    pattern = _identification(name)
    least = passages[0].score - _NEAR
    raised = [
        replace(passage, score=passage.score + WORTH, shares={**passage.shares, "identification": WORTH})
        if passage.score >= least and pattern.search(passage.text)
        else passage
        for passage in passages
    ]
    return sorted(raised, key=lambda passage: -passage.score)


def asked_name(question: str) -> str:
    """Give the name in a question that asks who somebody is; "" for any other."""
    match = _WHO.fullmatch(question)
    return match["name"] if match is not None and not _NO_NAME.match(match["name"]) else ""


def _identification(name: str) -> re.Pattern[str]:
    """Make the pattern of the forms that say who a person of that name is."""
    words = r"\s+".join(map(re.escape, name.split()))
    return re.compile(
        rf"\b{words},?\s+{_BE}\s+{_NOUN}"  # Ann Marl was a singer
        rf"|\b{words},\s+{_NOUN}"  # Ann Marl, the singer
        rf"|\b{_DETERMINER}\s+(?:[\w'’-]+\s+){{1,4}}?(?:called|named)\s+{words}\b"
        rf"|\b{_DETERMINER}\s+(?:[\w'’-]+\s+){{0,3}}[\w'’-]+,\s+{words}\b"  # the singer, Ann Marl
        rf"|\b{words}\s+\((?:the|an?)\b",
        re.IGNORECASE,
    )
