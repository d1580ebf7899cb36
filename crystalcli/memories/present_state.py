"""What holds of the thing that a question asks for, and what held before, among what was told.

    Where do I live?      "I live at 3 Mill Lane."                     2026-01-05
                          "All boxes are unpacked, 7 Ropewalk is my home now."   2026-09-20

The statement that is nearest to the question says what kind of value is asked for. Of the others
those are about the same thing that are near the question too, say how things are, and have a value
of that kind; the newest holds. A statement whose form says that it is about another thing is none
of them.

Knows: statements with dates, and how near each is to a question. Does not know: how that was found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from crystalcli.lexical import query_terms
from crystalcli.memories.claim import ToldClaim, read_claim
from crystalcli.memories.state import states_how_it_is, tells_change
from crystalcli.memories.value_type import ValueType, may_be_values_of_one_thing, value_types

_NEAR = 0.55  # the least nearness, as a share of that of the nearest
_LEAST_LOGIT, _SURE_LOGIT = -9.5, -4.0  # of the reranker; foreign texts have from -7 to -11
_ANSWER_LOGIT = 3.0  # of sentences that answer in other words than the question's
_ASPECT_LOGIT = 0.0  # where a home or a job is asked for, and no word of the sentence is of one
# What these values are of, the words have to say: a date is of any appointment.
_OF_ALL_SORTS = frozenset(("number", "code", "time", "weekday", "date"))
_WHEN = re.compile(r"\W*(?:when\b|(?:at |on |by |until )?(?:what|which) (?:time|day|date)\b)", re.IGNORECASE)
_WHO = re.compile(r"\W*who(?:se|m)?\b(?!['’]s\b)|\W*who['’]s\b", re.IGNORECASE)
_WHERE = re.compile(r"\W*(?:to |from )?where\b", re.IGNORECASE)
_SPOT = re.compile(r"\b(?:in|at|on|to|under|behind|inside|near|below|above|by) (?:the|a|an|my|our)\b", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\W*how (?:much|many|far|old|long|tall|heavy|often|high|fast|big|large|warm|deep)\b", re.IGNORECASE
)
_ASPECTS = {
    "home": re.compile(r"\b(?:live|lives|living|home|address|reside|flat|house)\b", re.IGNORECASE),
    "work": re.compile(r"\b(?:work|works|working|job|employ\w*|company)\b", re.IGNORECASE),
}
_OWN_SUBJECT = re.compile(r"(?:My|Our) (?P<subject>[\w'’ -]+?) (?:is|are|has been|was|costs|weighs|comes to)\b")
_OF_ONE_THING = re.compile(
    r"\W*(?:how (?:old|tall|heavy|big|large|long|far|high|wide|deep)\b|(?:what|when|who|where)(?:['’]s| is| are) )",
    re.IGNORECASE,
)
_GENERIC = frozenset(query_terms("my our the number code name address time date day size price cost amount rate place"))


_VALUE = re.compile(
    r"\W*(?:(?:and|so|but) )?(?:(?:on|at|in|by|to|from|with|for|of|until) )?(?:what|which|who|whom|whose|where|when|"
    r"how (?:many|much|long|often|old|far|big|tall|high|fast|heavy|large|deep|warm|do|does|is|are))\b"
    r"[^?]*?(?:['’](?:s|re|m)\b|\b(?:is|are|am|do|does|has|have|must|should)\b|\bwho(?:m)? (?!did|was|were|had)[a-z]+s\b)",
    re.IGNORECASE,
)
# A few words without a verb, as one types them: "alarm code", "my rent".
_KEYWORDS = re.compile(
    r"\W*(?!(?:what|which|who|whom|whose|where|when|why|how|is|are|am|was|were|do|does|did|can|could|will|would|should|has|have|had|"
    r"tell|show|list|find|give|name|explain|describe|summari[sz]e|compare|remember|forget|search|read|write|translate)\b)"
    r"[\w'’-]+(?: [\w'’-]+){0,3}\W*\Z",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:did|was|were|had|used to|before|previous(?:ly)?|former(?:ly)?|original(?:ly)?|initial(?:ly)?|at first|first|earlier|"
    r"ago|back then|once|history|changed?|ever)\b",
    re.IGNORECASE,
)


class Candidate(NamedTuple):
    """A statement that may say what is asked for.

    Attributes:
        text: The statement, without its author.
        dated: Its day, with or without a time.
        nearness: How near it is to the question, on any scale that begins near 0.
        logit: The reranker's logit; None where it was not read.
        author: Who made it.
    """

    text: str
    dated: str
    nearness: float
    logit: float | None
    author: str


def asks_for_state(question: str) -> bool:
    """Tell whether a question asks how something is: "Where does", "Who cuts", "alarm code"."""
    forms = (_VALUE, _WHO, _KEYWORDS)
    return any(form.match(question) for form in forms) and _PAST.search(question) is None


def state_value(text: str, author: str = "") -> str:
    """Give the value of a statement where its form tells it, else the statement."""
    claim = read_claim(text, author)
    if claim is None or not claim.shown:
        return text.strip().rstrip(".")
    return claim.stated


def states_another_thing(question: str, text: str, author: str = "") -> bool:
    """Tell whether a statement is by its form about another thing than the one that is asked for.

    "Lena's shoe size is 33" does not say how old Lena is.
    """
    if _OF_ONE_THING.match(question) is None:
        return False
    claim, asked = read_claim(text, author), set(query_terms(question)) - _GENERIC
    if claim is None or not asked.isdisjoint(query_terms(claim.shown)):  # "My manager is Ann" tells who Ann is
        return False
    return not _may_be_about(claim, question, asked)


def select_states(question: str, candidates: Sequence[Candidate]) -> list[int]:
    """Choose the statements that say what a question asks for, now or before.

    Args:
        question: The question, how something is.
        candidates: Statements, the nearest first.

    Returns:
        Their numbers, the nearest first; [] where none says it.
    """
    asked = set(query_terms(question)) - _GENERIC
    chosen: list[int] = []
    wanted: frozenset[ValueType] = frozenset()
    key = ""
    for number, candidate in enumerate(candidates):
        claim = read_claim(candidate.text, candidate.author)
        if claim is not None and claim.key == key:
            chosen.append(number)
            continue
        if not (_may_be_about(claim, question, asked) if claim else _may_be_of(candidate.text, asked)):
            continue
        types = value_types(candidate.text)
        if not _fits(question, candidate.text, types) or not states_how_it_is(candidate.text, question):
            continue
        if not chosen:
            if asked.isdisjoint(query_terms(candidate.text)) and (candidate.logit or 0.0) < _SURE_LOGIT - 3.0:
                continue
            chosen, wanted, key = [number], types, claim.key if claim is not None else ""
            nearest = candidate.nearness
        elif _is_near(candidate, nearest, wanted, types, question, asked) and may_be_values_of_one_thing(wanted, types):
            chosen.append(number)
    return chosen + _changes_of_value(chosen, candidates) if chosen else []


def _changes_of_value(chosen: Sequence[int], candidates: Sequence[Candidate]) -> list[int]:
    """Choose later statements of a change that name the value: "I've gone off Assam, it's ..."."""
    newest = max((candidates[number] for number in chosen), key=lambda each: each.dated)
    claim = read_claim(newest.text, newest.author)
    value = set(query_terms(claim.shown)) if claim is not None else set()
    return [
        number
        for number, candidate in enumerate(candidates)
        if value
        and number not in chosen
        and candidate.dated > newest.dated
        and candidate.author == newest.author
        and value <= set(query_terms(candidate.text))
        and tells_change(candidate.text)
        and states_how_it_is(candidate.text)
    ]


def _is_near(
    candidate: Candidate,
    nearest: float,
    wanted: frozenset[ValueType],
    types: frozenset[ValueType],
    question: str,
    asked: set[str],
) -> bool:
    """Tell whether a statement is near enough to the question to be about what it asks for."""
    if candidate.logit is not None:
        if candidate.logit < _LEAST_LOGIT:
            return False
        shared = {each.unit for each in wanted & types if each.kind == "number"} - {""}
        if wanted and all(each.kind in _OF_ALL_SORTS for each in wanted) and not shared:
            return candidate.logit >= _ANSWER_LOGIT or not asked.isdisjoint(query_terms(candidate.text))
        aspects = [form for form in _ASPECTS.values() if form.search(question)]
        if any(form.search(candidate.text) for form in aspects):
            return True
        if aspects:
            return candidate.logit >= _ASPECT_LOGIT
        if candidate.logit >= _SURE_LOGIT:
            return True
    return candidate.nearness >= _NEAR * nearest or (
        tells_change(candidate.text) and candidate.nearness >= 0.4 * nearest
    )


def _fits(question: str, text: str, types: frozenset[ValueType]) -> bool:
    """Tell whether a sentence has a value of the kind that a question asks for."""
    kinds = {each.kind for each in types}
    if _WHEN.match(question):
        return not kinds.isdisjoint(("time", "weekday", "date"))
    if _WHO.match(question):
        return "name" in kinds
    if _AMOUNT.match(question):
        return not kinds.isdisjoint(("number", "code", "time"))
    if _WHERE.match(question):
        return not kinds.isdisjoint(("name", "address", "code")) or _SPOT.search(text) is not None
    return True


def _may_be_of(text: str, asked: set[str]) -> bool:
    """Tell whether a sentence may be about what is asked: not "My X is" of another X."""
    match = _OWN_SUBJECT.match(text)
    if match is None:
        return True
    subject = set(query_terms(match["subject"])) - _GENERIC
    return not subject or not asked or not subject.isdisjoint(asked)


def _may_be_about(claim: ToldClaim, question: str, asked: set[str]) -> bool:
    """Tell whether a claim may be about what is asked: its subject has none but its words."""
    words, _, aspect = claim.key.rpartition("|")
    if (form := _ASPECTS.get(aspect.partition(" ")[0])) is not None:
        return form.search(question) is not None
    terms = set(query_terms(" ".join(word for word in words.split() if not word.startswith("@")))) - _GENERIC
    return not terms or terms <= asked
