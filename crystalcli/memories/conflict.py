"""Conflicts: two statements about the same thing with different values, each with its place.

Knows: statements of memories and documents. Does not know: how they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from crystalcli.errors import NotFoundError
from crystalcli.memories.dated_statement import (
    DatedStatement,
    StatedChange,
    coming_after,
    holding_of,
    line_of_change,
    stated_changes,
    statement_of_memory,
    statement_of_row,
    statements_on,
    superseded_by,
)
from crystalcli.memories.effective_date import present_day
from crystalcli.memories.supersession import list_changes
from crystalcli.storage import Store

_VERBS = frozenset(
    ("open", "close", "start", "begin", "end", "leave", "depart", "arrive", "cost", "weigh", "measure", "take")
)


@dataclass(frozen=True, slots=True)
class ConflictSide:
    """One of two statements that cannot both hold.

    Attributes:
        value: What it says, as it is written.
        dated: Its day, with or without a time.
        author: Who says it; "" where that is not known.
        path: Its document, as it is cited; "" for a memory that waits to be indexed.
        start: The first character of it, in its document.
        memory: The id of its memory; "" for a document.
    """

    value: str
    dated: str
    author: str
    path: str
    start: int
    memory: str = ""

    @property
    def handle(self) -> str:
        """What `crystal memories uphold` takes: the id of the memory, or document and character."""
        return self.memory or f"{self.path}:{self.start}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two statements about the same thing, of which the newer holds.

    Attributes:
        subject: What they are about, in the words that both have.
        older: The one that is superseded.
        newer: The one that superseded it.
    """

    subject: str
    older: ConflictSide
    newer: ConflictSide


def list_conflicts(store: Store) -> list[Conflict]:
    """List all conflicts, the newest first, inside a snapshot."""
    pairs = stated_changes(store)
    for change in list_changes(store):
        older, newer = statement_of_memory(change.older), statement_of_memory(change.newer)
        if older is not None and newer is not None:
            pairs.append(StatedChange(older, newer))
    pairs.sort(key=lambda pair: (pair.newer.dated, pair.older.dated), reverse=True)
    return [Conflict(subject_of(pair.older), _side(store, pair.older), _side(store, pair.newer)) for pair in pairs]


def subject_of(statement: DatedStatement) -> str:
    """Name what a statement is about: "rent", "home", "Ann's rent"."""
    subject, aspect = statement.claim.key.split("|")[:2]
    words = [
        f"{word[1:].title()}'s" if len(word) > 1 and word[0] == "@" else word for word in subject.split() if word != "@"
    ]
    name = " ".join(words).strip()
    if aspect in ("number", "name", "day", "place", "favourite") and name:
        return name.removesuffix("'s")
    return f"{name} {aspect}{'s' if aspect in _VERBS else ''}".strip()


def changes_of_document(store: Store, path: str, as_of: str = "") -> tuple[str, ...]:
    """Say of each statement of a document what has changed, each in a line with dates.

    Args:
        store: The crystal, inside a snapshot.
        path: The document.
        as_of: The day after which nothing counts; "" for now.
    """
    source = store.source_named(path)
    if source is None:
        return ()
    stated = [statement_of_row(row) for row in store.statements(source.id)]
    memory = store.memory_of(source.id)
    if memory is not None and (told := statement_of_memory(memory)) is not None:
        stated.append(told)
    lines: dict[str, None] = {}
    day = present_day(store, as_of)
    for statement in stated:
        if as_of and statement.dated[:10] > as_of:
            continue
        rows = statements_on(store, statement.claim.key)
        holding = holding_of(statement, rows, day)
        history, coming = superseded_by(holding, rows), coming_after(holding, rows, day, as_of)
        if history or coming:
            lines[f"{subject_of(statement)}: {line_of_change(holding, history, coming)}"] = None
    return tuple(lines)


def uphold_statement(store: Store, path: str, start: int, *, holds: bool = True) -> None:
    """Decide by hand that a statement of a document still holds, or leave that to the rules.

    Args:
        store: The crystal, open for writing.
        path: The document.
        start: The first character of the statement.
        holds: Whether nothing supersedes it from now on.

    Raises:
        NotFoundError: No statement begins there.
    """
    source = store.source_named(path)
    rows = store.statements(source.id, start, start + 1) if source is not None else []
    if not rows:
        raise NotFoundError(f"no statement at {path}:{start}; `crystal memories list --conflicts` lists them")
    with store.transaction():
        store.put_statements(row._replace(upheld=int(holds)) for row in rows)


def _side(store: Store, statement: DatedStatement) -> ConflictSide:
    path = store.source(statement.source).path if statement.source else ""
    return ConflictSide(statement.value, statement.dated, statement.author, path, statement.start, statement.memory)
