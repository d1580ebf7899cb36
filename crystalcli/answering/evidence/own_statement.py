"""Where the person who asks, or another one, lives or works, as dated notes and chats state it.

    "Where do I live?"                  the newest statement of a home
    "Where did I live in March 2026?"   the newest until then
    "Where did I live before Mill Lane?"   the one before it

What somebody else's home is stands nearer to the words of the question than "Moved! New address:
7 Ropewalk". Statements are known by their form (`memories.claim`), so that they need not be near.

Knows: statements of documents, English. Does not know: memories; `present_statements` does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from crystalcli.answering.evidence.statement_passage import passage_in_place_of
from crystalcli.datatypes import DocumentState, FilterReading, Passage
from crystalcli.lexical import query_terms
from crystalcli.memories import PERSON
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
_PAST = re.compile(r"\b(?:did|was|had|have)\b", re.IGNORECASE)
_BEFORE = re.compile(r"\bbefore\b(?P<value>.*)", re.IGNORECASE)


def own_statement(crystal: CrystalReader, question: str, like: Passage, reading: FilterReading) -> Passage | None:
    """Find the statement of a home or a place of work that a question of its owner asks for.

    Args:
        crystal: The crystal.
        question: The question.
        like: The passage that it takes the place of.
        reading: The filter in force, with the time that the question names.

    Returns:
        The statement; None where the question is another one, or nothing is stated for that time.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    asked = next(((name, match["who"]) for name, form in _ASPECTS.items() if (match := form.match(question))), None)
    if asked is None:
        return None
    aspect, who = asked
    last = reading.read.until if _PAST.search(question) else reading.recall_filter.as_of
    before = _BEFORE.search(question)
    if _PAST.search(question) and last is None and before is None:
        return None
    with crystal.snapshot():
        store = crystal.shelf.store
        stated = [
            row
            for row in _stated_of(store, who, aspect, reading.me)
            if row.dated and not row.negated and store.source(row.source).state != DocumentState.GONE
        ]
        if last is not None:
            stated = [row for row in stated if row.dated <= str(last)]
        if before is not None:
            stated = _before(stated, before["value"])
        if not stated:
            return None
        newest = stated[-1]
        path = store.source(newest.source).path
    found = passage_in_place_of(like, crystal, path, newest.start, newest.start + newest.characters)
    return replace(found, score=like.score + _AHEAD)


def _stated_of(store: Store, who: str, aspect: str, me: str) -> list[StatementRow]:
    """Read what is stated of a person's home or work, the oldest first; "I" is who writes notes."""
    people = ["", me.casefold()] if who.casefold() in ("i", "we") else [who.casefold()]
    rows = [row for name in dict.fromkeys(people) for row in store.statements_about(f"{PERSON}{name}|{aspect}")]
    return sorted(rows, key=lambda row: (row.dated, row.source, row.start))


def _before(stated: Sequence[StatementRow], value: str) -> list[StatementRow]:
    """Keep what was stated before a value that a question names; nothing where none has it."""
    asked = set(query_terms(value))
    numbers = [number for number, row in enumerate(stated) if not asked.isdisjoint(query_terms(row.value))]
    return list(stated[: numbers[0]]) if numbers else []
