"""Supersession: of memories that claim the same with different values the newest holds.

An older one is superseded by the next one that cannot hold beside it, and stays. What was decided
by hand stays as it was decided. The result follows from the memories alone, in whatever order they
were told or merged. "The alarm" of one person may not be that of another: only where the claim
names whose it is does one person's word supersede another's.

Knows: claims, rows of the table `memory`. Does not know: questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from crystalcli.memories.claim import PERSON, ToldClaim, read_claim
from crystalcli.memories.effective_date import told_since
from crystalcli.storage import MemoryRow, Store

HOLDS = "-"  # in place of a successor: decided by hand that the memory still holds


class Supersession(NamedTuple):
    """A change of something that was told.

    Attributes:
        older: The memory that is superseded.
        newer: The memory that superseded it.
    """

    older: MemoryRow
    newer: MemoryRow


def settle_claims(store: Store, keys: Iterable[str]) -> None:
    """Find anew what supersedes what among the memories with some claims, inside a transaction."""
    for key in {key for key in keys if key}:
        rows = store.memories_claiming(key)
        claims = [read_claim(row.text, row.author) for row in rows]
        changed = []
        for number, (row, claim) in enumerate(zip(rows, claims, strict=True)):
            if row.successor == HOLDS or claim is None:
                continue
            later = zip(rows[number + 1 :], claims[number + 1 :], strict=True)
            successor = _first_against(claim, [pair for pair in later if may_be_of_one_thing(row, pair[0])])
            if successor != row.successor:
                changed.append(row._replace(successor=successor))
        store.put_memories(changed)


def settle_all_claims(store: Store) -> None:
    """Find anew what supersedes what in a whole crystal, inside a transaction."""
    settle_claims(store, store.claim_keys())


def may_be_of_one_thing(row: MemoryRow, other: MemoryRow) -> bool:
    """Tell whether two memories with one claim's key are about the same thing."""
    return PERSON in row.claim or row.author.casefold() == other.author.casefold()


def history_of(store: Store, row: MemoryRow) -> list[MemoryRow]:
    """List the memories that a memory has superseded, directly or not, the newest first."""
    history: list[MemoryRow] = []
    known = {row.id}
    for other in reversed(store.memories_claiming(row.claim) if row.claim else []):
        if other.successor in known:
            history.append(other)
            known.add(other.id)
    return history


def current_of(store: Store, row: MemoryRow, day: str) -> MemoryRow:
    """Find the memory that holds in the place of a superseded one; the same where it holds.

    Args:
        store: The crystal.
        row: The memory.
        day: The day on which it has to hold, of `present_day`.
    """
    seen = {row.id}
    while row.successor not in ("", HOLDS):
        rows = store.memories_like(row.successor)
        if not rows or rows[0].id in seen or _since(rows[0]) > day:
            break
        row = rows[0]
        seen.add(row.id)
    return row


def change_line(row: MemoryRow, history: Sequence[MemoryRow]) -> str:
    """Say what has changed: "7 Ropewalk since 2026-09-20; before: 3 Mill Lane (2026-01-05)"."""
    before = ", ".join(f"{_value(each)} ({_since(each)})" for each in history)
    return f"{_value(row)} since {_since(row)}; before: {before}"


def list_changes(store: Store) -> list[Supersession]:
    """List everything that has changed, the newest change first."""
    rows = {row.id: row for row in store.memories()}
    changes = [Supersession(row, rows[row.successor]) for row in rows.values() if row.successor in rows]
    return sorted(changes, key=lambda change: (change.newer.dated, change.older.dated), reverse=True)


def _first_against(claim: ToldClaim, later: Iterable[tuple[MemoryRow, ToldClaim | None]]) -> str:
    """Give the id of the first later memory that cannot hold beside a claim; "" without one."""
    against = (row.id for row, other in later if other is not None and not claim.agrees(other))
    return next(against, "")


def _since(row: MemoryRow) -> str:
    return told_since(row.text, row.dated, row.author)


def _value(row: MemoryRow) -> str:
    claim = read_claim(row.text, row.author)
    return row.text if claim is None else claim.stated
