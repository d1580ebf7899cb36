"""Statements with their dates, of memories and of documents, and what supersedes what among them.

Of statements that claim the same the newest holds. An older one is superseded by the next one of a
later day that cannot hold beside it; of one day the later in the same document, and the later told
of two memories. Nothing of this is stored: it follows from the rows, so that it goes with the
document that made it. Whether a memory or a statement is upheld is stored with it.

Knows: claims, rows of `memory` and `statement`. Does not know: questions, how documents are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from crystalcli.memories.claim import ToldClaim, claim_with, read_claim
from crystalcli.memories.effective_date import effective_day
from crystalcli.memories.supersession import HOLDS
from crystalcli.storage import MemoryRow, StatementRow, Store


class DatedStatement(NamedTuple):
    """A statement of a memory or of a document.

    Attributes:
        claim: What it claims.
        dated: Its day, with or without a time.
        author: Who makes it, or "".
        source: The id of its document; 0 for a memory that waits to be indexed.
        start: The first character of it, in its document.
        characters: Its length; 0 for a memory, which is all of its document.
        memory: The id of its memory; "" for a document.
        upheld: Whether it was decided by hand that it still holds.
        since: The day from which it holds, not before `dated`.
    """

    claim: ToldClaim
    dated: str
    author: str
    source: int
    start: int
    characters: int
    memory: str
    upheld: bool
    since: str

    @property
    def value(self) -> str:
        """The value, as it is shown."""
        return self.claim.stated


class StatedChange(NamedTuple):
    """A change of something that was stated.

    Attributes:
        older: The statement that is superseded.
        newer: The statement that superseded it.
    """

    older: DatedStatement
    newer: DatedStatement


def statement_of_row(row: StatementRow) -> DatedStatement:
    """Give the statement of a document's row."""
    claim = claim_with(row.claim, row.value, negated=bool(row.negated))
    place = (row.source, row.start, row.characters)
    return DatedStatement(claim, row.dated, row.author, *place, "", bool(row.upheld), row.dated[:10])


def statement_of_memory(row: MemoryRow) -> DatedStatement | None:
    """Give the statement of a memory; None where it makes no claim."""
    claim = read_claim(row.text, row.author)
    if claim is None or claim.key != row.claim:
        return None
    since = effective_day(row.text, row.dated, claim.aspect)
    return DatedStatement(claim, row.dated, row.author, row.source, 0, 0, row.id, row.successor == HOLDS, since)


def statements_on(store: Store, key: str) -> list[DatedStatement]:
    """Read the statements that claim the same, the oldest first."""
    told = [statement_of_memory(row) for row in store.memories_claiming(key)]
    stated = [statement_of_row(row) for row in store.statements_claiming(key)]
    return sorted([*stated, *(each for each in told if each is not None)], key=lambda each: each.dated)


def successor_of(number: int, statements: Sequence[DatedStatement]) -> DatedStatement | None:
    """Find what supersedes one of the statements that claim the same; None where it holds."""
    older = statements[number]
    if older.upheld:
        return None
    later = (each for each in statements[number + 1 :] if _follows(older, each))
    return next((each for each in later if not older.claim.agrees(each.claim)), None)


def holding_of(statement: DatedStatement, statements: Sequence[DatedStatement], day: str) -> DatedStatement:
    """Find the statement that holds in the place of one; the same where it holds.

    Of one that will hold from a later day it is the last one before that.

    Args:
        statement: The statement.
        statements: All that claim the same, the oldest first.
        day: The day on which it has to hold, of `present_day`.
    """
    known = [each for each in statements if each.since <= day]
    if known and statement.since > day:
        statement = known[-1]
    while statement in known and (newer := successor_of(known.index(statement), known)) is not None:
        statement = newer
    return statement


def superseded_by(statement: DatedStatement, statements: Sequence[DatedStatement]) -> list[DatedStatement]:
    """List what a statement has superseded, directly or not, the newest first; each value once."""
    history: list[DatedStatement] = []
    heads = [statement]
    for number in range(len(statements) - 1, -1, -1):
        newer = successor_of(number, statements)
        if newer is not None and newer in heads:
            heads.append(statements[number])
            history.append(statements[number])
    return history


def coming_after(
    statement: DatedStatement, statements: Sequence[DatedStatement], day: str, as_of: str = ""
) -> DatedStatement | None:
    """Find what will hold in the place of a statement that still holds; None where nothing will.

    Args:
        statement: The statement.
        statements: All that claim the same, the oldest first.
        day: The day on which the statement holds, of `present_day`.
        as_of: The day, "2026-09-20", after which nothing counts; "" for now.
    """
    newer = successor_of(statements.index(statement), statements) if statement in statements else None
    if newer is None or newer.since <= day or (as_of and newer.dated[:10] > as_of):
        return None
    return newer


def line_of_change(
    statement: DatedStatement, history: Sequence[DatedStatement], coming: DatedStatement | None = None
) -> str:
    """Say what has changed: "7 Ropewalk since 2026-09-20; before: 3 Mill Lane (2026-01-05)"."""
    first: dict[str, str] = {}
    for each in history:  # the first day of each value, the newest value first
        first[each.value] = each.since
    before = [f"before: {', '.join(f'{value} ({day})' for value, day in first.items())}"] if first else []
    after = [f"from {coming.since}: {coming.value}"] if coming is not None else []
    return "; ".join([f"{statement.value} since {statement.since}", *before, *after])


def stated_changes(store: Store) -> list[StatedChange]:
    """List all changes of statements in documents; `list_changes` has those among memories."""
    changes: list[StatedChange] = []
    for rows in _contested(store):
        for number, older in enumerate(rows):
            newer = successor_of(number, rows)
            if newer is not None and not (older.memory and newer.memory):
                changes.append(StatedChange(older, newer))
    return sorted(changes, key=lambda change: (change.newer.dated, change.older.dated), reverse=True)


def _contested(store: Store) -> Iterable[list[DatedStatement]]:
    """Give the statements of each thing of which there are several, the oldest first."""
    told = set(store.claim_keys())
    keys = {key for key, _ in groupby(store.contested_statements(), key=lambda row: row.claim)}
    keys |= {key for key in told if store.statements_claiming(key)}
    return (statements_on(store, key) for key in sorted(keys))


def _follows(older: DatedStatement, newer: DatedStatement) -> bool:
    """Tell whether a statement is surely later than one that was sorted before it."""
    if older.dated[:10] != newer.dated[:10] or (older.memory and newer.memory):
        return True
    if older.source == newer.source:
        return newer.start > older.start
    return len(older.dated) > 10 and len(newer.dated) > 10 and newer.dated > older.dated
