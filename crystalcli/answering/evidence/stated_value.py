"""The newest statement of what a question asks for, by the forms of both.

    "Where do I live?"                  the newest statement of a home
    "Where did I live in March 2026?"   the newest until then
    "Where did I live before Mill Lane?"   the one before it
    "Who is the chair of the parents' council?"   "New chair: Ann Crask" in notes on that council

What somebody else's home is stands nearer to the words of the question than "Moved! New address:
7 Ropewalk". Statements are known by their form (`memories.claim`), so that they need not be near.

Knows: statements of memories and documents, English. Does not know: how near a passage is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from crystalcli.answering.evidence.statement_passage import passage_in_place_of
from crystalcli.datatypes import MEMORY_KIND, DocumentState, FilterReading, Passage
from crystalcli.lexical import query_terms
from crystalcli.memories import PERSON, DatedStatement, present_day, statements_on
from crystalcli.recall import CrystalReader
from crystalcli.storage import StatementRow, Store

STATED = 0.9
"""The least probability that such a statement answers: of 120 lines by form 113 were right."""

_AHEAD = 1.0  # the distance in score: what is stated so needs no further source
_WHERE = r"\s*where (?:do|does|did|am|is|was|have|has|had) (?P<who>I|we|[\w-]+)\b[^?]*\b"
_ASPECTS = {
    "home": re.compile(_WHERE + r"(?:live|living|lived|reside)\b", re.IGNORECASE),
    "work": re.compile(_WHERE + r"(?:work|working|worked|employed)\b", re.IGNORECASE),
}
_VALUE = re.compile(
    r"\s*(?P<asks>who|what|when|where|how (?:much|many|high|big|long))(?:['’]s| is| are| was| were) "
    r"(?P<owner>my|our|the|(?-i:[A-Z])[\w-]*['’]s) (?P<subject>[\w'’ -]+?)"
    r"(?: (?:now|at the moment|these days|currently|at present|today))?\s*\??\s*",
    re.IGNORECASE,
)
_FITTING = {  # aspects of claims
    "who": ("name",),
    "when": ("day",),
    "where": ("place", "address"),
    "what": ("name", "number", "day", "favourite"),
}
_ADDRESSES = ("address", "home address", "current address", "new address", "postal address")
_PAST = re.compile(r"\b(?:did|was|were|had|have)\b", re.IGNORECASE)
_BEFORE = re.compile(r"\bbefore\b(?P<value>.*)", re.IGNORECASE)


class _Asked(NamedTuple):
    """What a question asks for.

    Attributes:
        owner: Whose it is, as in the keys of claims: "@ann"; "" where it is not said.
        subject: The words for it, and for what it belongs to; "" of a home or a work.
        aspects: The aspects of claims that have such values.
    """

    owner: str
    subject: str
    aspects: tuple[str, ...]


def stated_value(crystal: CrystalReader, question: str, like: Passage, reading: FilterReading) -> Passage | None:
    """Find the statement of what a question asks for.

    Args:
        crystal: The crystal.
        question: The question.
        like: The passage that it takes the place of: the best one.
        reading: The filter in force, with the time that the question names.

    Returns:
        The statement; None where the question is another one, nothing is stated for that time, or
        the best passage is later.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    asked = _asked(question)
    if asked is None:
        return None
    is_past = _PAST.search(question) is not None
    last = reading.read.until if is_past else reading.recall_filter.as_of
    before = _BEFORE.search(question)
    if is_past and last is None and before is None:
        return None
    with crystal.snapshot():
        store = crystal.shelf.store
        stated = [
            each
            for each in _stated(store, asked, reading.me)
            if each.dated and each.source and store.source(each.source).state != DocumentState.GONE
        ]
        if last is not None:
            stated = [each for each in stated if each.dated[:10] <= str(last)]
        if before is not None:
            stated = _before(stated, before["value"])
        day = present_day(store, str(last or ""))
        coming = {each.source for each in stated if each.since > day}
        stated = _not_denied([each for each in stated if each.since <= day])
        if not stated:
            return None
        newest = stated[-1]
        # What is recalled first may say in other words what has changed since.
        found_in = store.source_named(like.path)
        is_told_later = str(like.date or "") > newest.dated[:10] and (found_in is None or found_in.id not in coming)
        if is_told_later and (asked.subject or like.place.kind == MEMORY_KIND):
            return None
        source = store.source(newest.source)
    end = newest.start + newest.characters if newest.characters else source.characters
    found = passage_in_place_of(like, crystal, source.path, newest.start, end)
    return replace(found, score=like.score + _AHEAD)


def _asked(question: str) -> _Asked | None:
    """Read what a question asks for; None where it is of another form."""
    for aspect, form in _ASPECTS.items():
        if (match := form.match(question)) is not None:
            who = match["who"].casefold()
            return _Asked(PERSON + ("" if who in ("i", "we") else who), "", (aspect, f"{aspect} address"))
    match = _VALUE.fullmatch(question)
    if match is None:
        return None
    subject = match["subject"].casefold()
    owner = match["owner"].casefold().replace("’", "'").removesuffix("'s")
    owner = "" if owner == "the" else PERSON + ("" if owner in ("my", "our") else owner)
    if owner and match["asks"].casefold() == "what" and subject in _ADDRESSES:
        return _Asked(owner, "", ("home address", "home"))
    aspects = _FITTING.get(match["asks"].casefold(), ("number",))
    return _Asked(owner, subject, aspects) if query_terms(subject) else None


def _stated(store: Store, asked: _Asked, me: str) -> list[DatedStatement]:
    """Read what is stated of the thing asked for, the oldest first; "I" is who writes notes."""
    owners = [PERSON, PERSON + me.casefold()] if asked.owner == PERSON and me else [asked.owner]
    keys = list(dict.fromkeys(key for owner in owners for key in _keys(store, asked, owner)))
    if not asked.owner and len(keys) > 1:
        return []  # of several things with one name
    rows = [each for key in keys for each in statements_on(store, key)]
    return sorted(rows, key=lambda each: (each.dated, each.source, each.start))


def _keys(store: Store, asked: _Asked, owner: str) -> Iterator[str]:
    """Give the keys of the claims of a thing of an owner, as they stand in a crystal."""
    if not asked.subject:
        yield from (f"{owner}|{aspect}" for aspect in asked.aspects)
        return
    told, terms = set(store.claim_keys()), set(query_terms(asked.subject))
    for prefix in [f"{owner} "] if owner else dict.fromkeys(asked.subject.split()):
        places = {row.claim: _place_words(store, row) for row in store.statements_about(prefix)}
        places |= {key: set() for key in told - places.keys() if key.startswith(prefix)}
        for key, place in sorted(places.items()):
            subject, aspect = key.split("|")[:2]
            words = set(query_terms(subject[len(owner) :].replace(PERSON, " ")))
            if aspect in asked.aspects and words and words <= terms and terms - words <= place:
                yield key


def _place_words(store: Store, row: StatementRow) -> set[str]:
    """Give the terms of where a statement stands, by which a question may name its owner."""
    heading = store.landmark_before(row.source, "heading", row.start)
    return set(query_terms(f"{store.source(row.source).path} {heading}"))


def _before(stated: Sequence[DatedStatement], value: str) -> list[DatedStatement]:
    """Keep what was stated before a value that a question names; nothing where none has it."""
    asked = set(query_terms(value))
    numbers = [number for number, each in enumerate(stated) if not asked.isdisjoint(query_terms(each.claim.shown))]
    return list(stated[: numbers[0]]) if numbers else []


def _not_denied(stated: Sequence[DatedStatement]) -> list[DatedStatement]:
    """Keep what nothing later denies: "I no longer work at Harland"."""
    return [
        each
        for number, each in enumerate(stated)
        if not each.claim.negated
        and not any(later.claim.negated and not each.claim.agrees(later.claim) for later in stated[number + 1 :])
    ]
