"""The table `run`: the chunks of each document, in order.

Queries over many documents read a stretch at a time, so that many take no more memory than few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from crystalcli.storage.file.database import Database
from crystalcli.storage.tables.rows import RUN_SIZE, RunRow, batched, checked_row, typed_rows

_CHUNKS_AT_ONCE = 1024


class RunTable(Database):
    """The rows of `run`."""

    def add_runs(self, runs: Iterable[RunRow]) -> None:
        """Insert runs, inside a transaction."""
        self._db.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", runs)

    def runs_of(self, source: int) -> list[RunRow]:
        """Read a source's runs, in order."""
        rows = self.rows("SELECT * FROM run WHERE source = ? ORDER BY ordinal", (source,))
        return [checked_row(RunRow, row, self.path) for row in rows]

    def all_runs(self) -> Iterator[RunRow]:
        """Read the runs of every source, in order."""
        for row in self.stream("SELECT * FROM run ORDER BY source, ordinal"):
            yield checked_row(RunRow, row, self.path)

    def runs_over(self, chunk: int) -> list[RunRow]:
        """Read every run that holds `chunk`: one for each place where that text stands."""
        query = (
            "SELECT * FROM run WHERE first_chunk BETWEEN ? AND ? AND first_chunk + chunks > ? ORDER BY source, ordinal"
        )
        return [checked_row(RunRow, row, self.path) for row in self.rows(query, (chunk - RUN_SIZE + 1, chunk, chunk))]


def runs_by_chunk(store: Database, chunks: int) -> Iterator[list[tuple[int, int]]]:
    """Read (first chunk, chunks) of the runs that begin before `chunks`, in order, some at once."""
    query = "SELECT first_chunk, chunks FROM run WHERE first_chunk >= ? AND first_chunk < ? ORDER BY first_chunk"
    for start in range(0, chunks, _CHUNKS_AT_ONCE):
        end = min(chunks, start + _CHUNKS_AT_ONCE)
        if runs := typed_rows(store.rows(query, (start, end)), (int, int), store.path):
            yield runs


def runs_in_order(store: Database) -> list[tuple[str, int, int, int]]:
    """Read (document's path, ordinal, first chunk, chunks) of every run, in order of reading."""
    query = (
        "SELECT path, ordinal, first_chunk, run.chunks FROM run JOIN source ON source.id = run.source "
        "ORDER BY run.source, ordinal"
    )
    return typed_rows(store.rows(query), (str, int, int, int), store.path)


def first_sources(store: Database, chunks: Sequence[int]) -> dict[int, tuple[int, str, str]]:
    """Find the first document of each chunk.

    Returns:
        (source id, path, kind) by chunk; chunks without a document are left out.
    """
    # SQLite takes the columns outside of the aggregate from the row with the least id.
    query = (
        "WITH wanted(chunk) AS (VALUES {}) "
        "SELECT chunk, min(source.id), source.path, source.kind FROM wanted CROSS JOIN run CROSS JOIN source "
        f"WHERE first_chunk BETWEEN chunk - {RUN_SIZE - 1} AND chunk AND first_chunk + run.chunks > chunk "
        "AND source.id = run.source GROUP BY chunk"
    )
    sources: dict[int, tuple[int, str, str]] = {}
    for batch in batched(chunks):
        rows = store.rows(query.format(", ".join(["(?)"] * len(batch))), batch)
        for chunk, source, path, kind in typed_rows(rows, (int, int, str, str), store.path):
            sources[chunk] = source, path, kind
    return sources


def runs_of_all(store: Database, sources: Sequence[int]) -> list[tuple[int, int, int]]:
    """Read (source, first chunk, chunks) of every run of `sources`."""
    runs: list[tuple[int, int, int]] = []
    for batch in batched(sources):
        query = f"SELECT source, first_chunk, chunks FROM run WHERE source IN ({', '.join('?' * len(batch))})"
        runs += typed_rows(store.rows(query, batch), (int, int, int), store.path)
    return runs
