"""Which chunks documents refer to, read a stretch at a time, so that many documents take no more memory than few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import RUN_SIZE, typed_rows

_AT_ONCE = 1024  # chunks in a stretch


def runs_by_chunk(store: Store, chunks: int) -> Iterator[tuple[int, int]]:
    """(first chunk, chunks) of every run that begins before chunk `chunks`, in order of their first chunks."""
    query = "SELECT first_chunk, chunks FROM run WHERE first_chunk >= ? AND first_chunk < ? ORDER BY first_chunk"
    for start in range(0, chunks, _AT_ONCE):
        yield from typed_rows(store.rows(query, (start, min(chunks, start + _AT_ONCE))), (int, int), store.path)


def runs_in_order(store: Store) -> list[tuple[str, int, int, int]]:
    """(path of the document, ordinal, first chunk, chunks) of every run, in the order in which documents were read."""
    query = (
        "SELECT path, ordinal, first_chunk, run.chunks FROM run JOIN source ON source.id = run.source "
        "ORDER BY run.source, ordinal"
    )
    return typed_rows(store.rows(query), (str, int, int, int), store.path)


def first_sources(store: Store, chunks: Sequence[int]) -> dict[int, tuple[int, str, str]]:
    """For each chunk that a document refers to: the first such document's id, path and kind."""
    query = (
        "WITH wanted(chunk) AS (VALUES {}) "
        "SELECT chunk, min(source.id), source.path, source.kind FROM wanted CROSS JOIN run CROSS JOIN source "
        f"WHERE first_chunk BETWEEN chunk - {RUN_SIZE - 1} AND chunk AND first_chunk + run.chunks > chunk "
        "AND source.id = run.source GROUP BY chunk"  # SQLite takes the other columns from the row with the least id
    )
    found: dict[int, tuple[int, str, str]] = {}
    for some in batched(chunks):
        rows = store.rows(query.format(", ".join(["(?)"] * len(some))), some)
        for chunk, source, path, kind in typed_rows(rows, (int, int, str, str), store.path):
            found[chunk] = source, path, kind
    return found


def runs_of_all(store: Store, sources: Sequence[int]) -> list[tuple[int, int, int]]:
    """(source, first chunk, chunks) of every run of `sources`."""
    found: list[tuple[int, int, int]] = []
    for some in batched(sources):
        query = f"SELECT source, first_chunk, chunks FROM run WHERE source IN ({', '.join('?' * len(some))})"
        found += typed_rows(store.rows(query, some), (int, int, int), store.path)
    return found


def with_landmarks(store: Store, sources: Sequence[int], kind: str, count: int) -> list[int]:
    """Those of `sources` that have at least `count` landmarks of a kind; only so many of each are looked at."""
    found: list[int] = []
    for some in batched(sources):
        query = (
            f"WITH wanted(source) AS (VALUES {', '.join(['(?)'] * len(some))}) SELECT source FROM wanted WHERE EXISTS "
            "(SELECT 1 FROM landmark WHERE landmark.source = wanted.source AND kind = ? LIMIT 1 OFFSET ?)"
        )
        found += (source for (source,) in typed_rows(store.rows(query, (*some, kind, count - 1)), (int,), store.path))
    return found


def batched(values: Sequence[int], size: int = 512) -> Iterator[Sequence[int]]:
    """The values, some at a time: a query takes only so many."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
