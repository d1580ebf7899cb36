"""The newest of the statements that say what a question asks for, before the older ones.

    "Where do I live?"     changed: 7 Ropewalk since 2026-09-20; before: 3 Mill Lane (2026-01-05)

Memories are recalled once more by themselves, those of the person whom the question is about. What
their forms do not tell, the nearness of each to the question does (`memories.present_state`). Of
those whose form tells what they claim, all others that claim the same are read, too, in whatever
words.

Knows: passages with dates, people in questions. Does not know: what makes two statements one thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from crystalcli.answering.evidence.own_memories import FIRST_PERSON, WORTH
from crystalcli.answering.evidence.statement_passage import DATED, author_of_memory, memory_of, passage_in_place_of
from crystalcli.datatypes import MEMORY_KIND, FilterReading, Passage
from crystalcli.errors import NotFoundError
from crystalcli.memories import (
    Candidate,
    asks_for_state,
    may_be_of_one_thing,
    present_day,
    select_states,
    state_value,
    states_another_thing,
    told_since,
)
from crystalcli.recall import CrystalReader, is_author

_MOST = 24  # passages, as many as the reranker reads
_AHEAD = 0.01  # the distance in score by which the newest comes first
_ABOUT_AS_WELL = 0.3  # the distance in score to the best of other documents
_LONGEST = 80  # characters of a statement that is shown for its value
_PERSON = re.compile(r"\b([A-Z][\w-]+)(?:['’]s\b| (?!(?:I|my)\b)[a-z])")


class PresentStatements(NamedTuple):
    """What was found of the thing that a question asks for.

    Attributes:
        passages: All passages, with the newest statement first.
        changes: A line that says what has changed, with dates; () where nothing has.
    """

    passages: list[Passage]
    changes: tuple[str, ...]


class _Statement(NamedTuple):
    """A statement in a passage.

    Attributes:
        passage: The passage.
        candidate: The statement.
    """

    passage: Passage
    candidate: Candidate

    @property
    def since(self) -> str:
        """The day from which it holds."""
        return told_since(self.candidate.text, self.candidate.dated, self.candidate.author)


def newest_statement_first(
    crystal: CrystalReader, question: str, passages: Sequence[Passage], reading: FilterReading
) -> PresentStatements:
    """Put the newest of the memories that say what is asked for before all other passages.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages that were recalled, best first.
        reading: The filter in force.
    """
    where = reading.recall_filter
    unchanged = PresentStatements(list(passages), ())
    if where.within or not asks_for_state(question) or not crystal.has_memories():
        return unchanged
    if where.kinds and MEMORY_KIND not in where.kinds:
        return unchanged
    people = where.people or _people_of(crystal, question)
    try:
        told = crystal.recall(
            reading.searched_for(question), _MOST, where=replace(where, kinds=(MEMORY_KIND,), people=people)
        )
    except NotFoundError:  # none is of that time or person
        return unchanged
    statements = [_statement_of(passage) for passage in told]
    chosen = [statements[number] for number in select_states(question, [each.candidate for each in statements])]
    if not chosen:
        return unchanged
    others = max((passage.score for passage in passages if passage.place.kind != MEMORY_KIND), default=0.0)
    worth = WORTH if FIRST_PERSON.search(question) else 0.0
    if chosen[0].passage.score + worth < others - _ABOUT_AS_WELL:
        return unchanged  # what is asked for is no memory
    if not replace(where, as_of=None).selects:
        chosen += _claiming_the_same(crystal, chosen, str(where.as_of or ""))
    with crystal.snapshot():
        day = present_day(crystal.shelf.store, str(where.as_of or ""))
    chosen.sort(key=lambda each: (each.since <= day, each.candidate.dated), reverse=True)
    newest = chosen[0].passage
    first = replace(newest, score=max(passage.score for passage in (*passages, newest)) + _AHEAD)
    ordered = [first, *(passage for passage in passages if passage.path != newest.path)]
    return PresentStatements(ordered, _changes(chosen, day))


def is_of_another_thing(question: str, passage: Passage) -> bool:
    """Tell whether a passage is a memory whose form says that it is not of what is asked for."""
    if passage.place.kind != MEMORY_KIND:
        return False
    stated = _statement_of(passage).candidate
    return states_another_thing(question, stated.text, stated.author)


def _claiming_the_same(crystal: CrystalReader, chosen: Sequence[_Statement], as_of: str) -> list[_Statement]:
    """Read the other memories that claim the same as those that were chosen.

    Args:
        crystal: The crystal.
        chosen: Statements that were recalled.
        as_of: The day after which nothing counts; "" for now.
    """
    paths = {each.passage.path for each in chosen}
    older = chosen[0].passage
    found = []
    with crystal.snapshot():
        store = crystal.shelf.store
        told = [memory_of(store, each.passage) for each in sorted(chosen, key=lambda each: each.passage.path)]
        claiming = {row.claim: row for row in told if row is not None and row.claim}
        for row in (row for key in claiming for row in store.memories_claiming(key) if row.source):
            source = store.source(row.source)
            if source.path in paths or (as_of and row.dated[:10] > as_of):
                continue
            if not may_be_of_one_thing(row, claiming[row.claim]):
                continue
            passage = passage_in_place_of(older, crystal, source.path, 0, source.characters)
            found.append(_Statement(passage, Candidate(row.text, row.dated, 0.0, None, row.author)))
    return found


def _people_of(crystal: CrystalReader, question: str) -> tuple[str, ...]:
    """Name whose memories a question is about: its own writer's, "", or somebody's; () for all."""
    authors = crystal.memory_authors()
    if FIRST_PERSON.search(question):
        return ("",) if "" in authors and len(authors) > 1 else ()
    named = {match[1] for match in _PERSON.finditer(question)}
    return tuple(name for name in sorted(named) if any(is_author(name, author) for author in authors))[:1]


def _statement_of(passage: Passage) -> _Statement:
    """Take the statement that a passage of a memory holds."""
    dates = DATED.findall(passage.place.marks.get("message", ""))
    author = author_of_memory(passage)
    text = passage.text.strip().removeprefix(f"{author}: ")
    dated = dates[-1] if dates else str(passage.date or "")
    return _Statement(passage, Candidate(text, dated, passage.score, passage.logit, author))


def _changes(statements: Sequence[_Statement], day: str) -> tuple[str, ...]:
    """Say what has changed, and what will after a day: the statement that holds first."""
    lines: dict[str, str] = {}
    coming: dict[str, str] = {}
    for each in reversed(statements):  # the first day of each value
        value = state_value(each.candidate.text, each.candidate.author)
        (lines if each.since <= day else coming).setdefault(value, each.since)
    if not lines:
        return ()
    newest = state_value(statements[0].candidate.text, statements[0].candidate.author)
    before = [f"{_short(value)} ({since})" for value, since in reversed(lines.items()) if value != newest]
    parts = [f"before: {', '.join(before)}"] * bool(before)
    parts += [f"from {since}: {_short(value)}" for value, since in coming.items()]
    return ("; ".join([f"{_short(newest)} since {lines[newest]}", *parts]),) if parts else ()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3].rstrip() + "..."
