"""Superseded statements behind those that hold, and what has changed in the words of an answer.

Asked how things are, a superseded statement gives way to the one that holds, which takes its place;
asked how they were, passages keep their order. Both are shown with both dates.

Knows: what supersedes what. Does not know: how that was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crystalcli.answering.evidence.statement_passage import memory_of, passage_in_place_of
from crystalcli.datatypes import MEMORY_KIND, Citation, Passage, RecallFilter
from crystalcli.lexical import query_terms
from crystalcli.memories import (
    DatedStatement,
    change_line,
    coming_after,
    current_of,
    history_of,
    holding_of,
    line_of_change,
    present_day,
    statement_of_memory,
    statement_of_row,
    statements_on,
    superseded_by,
)
from crystalcli.recall import CrystalReader

if TYPE_CHECKING:
    from crystalcli.storage import Store

_COST = 0.5  # on the scale of scores
_BEFORE = re.compile(
    r"\b(?:before|previous\w*|former\w*|used to|earlier|originally|first|was|were|did|had|changed?|history|old)\b",
    re.IGNORECASE,
)


def holding_first(
    crystal: CrystalReader, question: str, passages: Sequence[Passage], where: RecallFilter
) -> list[Passage]:
    """Put the statements that hold before those that they supersede.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages, best first.
        where: The filter in force. With one by documents, times or people none is put first that
            was not recalled.
    """
    if _BEFORE.search(question):
        return list(passages)
    is_closed = replace(where, as_of=None).selects
    best = {passage.path: passage for passage in reversed(passages)}
    ordered: dict[str, Passage] = {}
    asked = set(query_terms(question))
    with crystal.snapshot():
        store = crystal.shelf.store
        if not store.has_statements() and not any(passage.place.kind == MEMORY_KIND for passage in passages):
            return list(passages)
        day = present_day(store, str(where.as_of or ""))
        for passage in passages:
            for newer in _newer_passages(crystal, store, asked, passage, best, day):
                if is_closed and newer.path not in best:
                    continue
                ordered.setdefault(f"{newer.path}:{newer.start}", newer)
                passage = replace(passage, score=passage.score - _COST)
            ordered.setdefault(f"{passage.path}:{passage.start}", passage)
    return sorted(ordered.values(), key=lambda passage: -passage.score)


def changes_cited(
    crystal: CrystalReader, question: str, citations: Iterable[Citation | Passage], as_of: str = ""
) -> tuple[str, ...]:
    """Say of each statement that is cited what it has changed, with both dates.

    Of a document those count that have a word of the question.

    Args:
        crystal: The crystal.
        question: The question.
        citations: The citations of an answer, or the passages of a recall.
        as_of: The day after which nothing counts; "" for now.
    """
    lines: dict[str, None] = {}
    asked = set(query_terms(question))
    with crystal.snapshot():
        store = crystal.shelf.store
        day = present_day(store, as_of)
        for citation in citations:
            stated = _statements_in(store, citation, citation.start, citation.end, asked)
            row = None if stated or store.has_statements() else memory_of(store, citation)
            if row is not None:  # its claim was read by other rules: its links are all there is
                current = current_of(store, row, day)
                if history := history_of(store, current):
                    lines[change_line(current, history)] = None
            for statement in stated:
                rows = statements_on(store, statement.claim.key)
                holding = holding_of(statement, rows, day)
                former, coming = superseded_by(holding, rows), coming_after(holding, rows, day, as_of)
                if former or coming:
                    lines[line_of_change(holding, former, coming)] = None
    return tuple(lines)


def _newer_passages(
    crystal: CrystalReader, store: Store, asked: set[str], passage: Passage, best: dict[str, Passage], day: str
) -> list[Passage]:
    """Give the passages of what holds in the place of what a passage says; [] where that holds."""
    row = memory_of(store, passage)
    if row is not None:
        current = current_of(store, row, day)
        if current.id != row.id and current.source:
            source = store.source(current.source)
            return [_passage_of(crystal, source.path, 0, source.characters, passage, best.get(source.path))]
    for statement in _statements_in(store, passage, *passage.best, asked):
        holding = holding_of(statement, statements_on(store, statement.claim.key), day)
        if holding != statement and holding.source:
            source = store.source(holding.source)
            end = holding.start + holding.characters if holding.characters else source.characters
            known = best.get(source.path)
            if known is not None and not known.start <= holding.start < known.end:
                known = None
            return [_passage_of(crystal, source.path, holding.start, end, passage, known)]
    return []


def _passage_of(
    crystal: CrystalReader, path: str, start: int, end: int, older: Passage, known: Passage | None
) -> Passage:
    """Make the passage of a statement that takes the place of an older one."""
    made = known or passage_in_place_of(older, crystal, path, start, end)
    return replace(made, score=max(made.score, older.score), best=(start, end))


def _statements_in(
    store: Store, text: Passage | Citation, start: int, end: int, asked: set[str]
) -> list[DatedStatement]:
    """Read the statements of a text, of a document those that are about what is asked."""
    row = memory_of(store, text)
    if row is not None:
        told = statement_of_memory(row)
        return [told] if told is not None else []
    source = store.source_named(text.path) if store.has_statements() else None
    if source is None:
        return []
    stated = [statement_of_row(each) for each in store.statements(source.id, start, end)]
    return [each for each in stated if not asked.isdisjoint(_words_of(each))]


def _words_of(statement: DatedStatement) -> set[str]:
    """Give the terms by which a question may mean a statement."""
    subject, aspect = statement.claim.key.split("|")[:2]
    words = f"{subject.replace('@', ' ')} {aspect}"
    if aspect.startswith("home"):
        words += " live lives living address"
    elif aspect == "work":
        words += " works working job"
    return set(query_terms(words))
