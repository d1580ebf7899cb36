"""The table `landmark`: named places in documents, such as headings.

Knows in which stretch between two landmarks a character lies. Does not know what labels mean;
`types.LANDMARKS` says that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from crystalcli.datatypes import LANDMARKS
from crystalcli.storage.file.database import Database
from crystalcli.storage.tables.rows import batched, typed_rows

_LAST_OF_EACH_KIND = (
    "WITH of (kind) AS (VALUES {}) SELECT kind, (SELECT label FROM landmark "
    "WHERE source = ?1 AND kind = of.kind AND start <= ?2 ORDER BY start DESC LIMIT 1) FROM of"
).format(", ".join(f"(?{number})" for number in range(3, 3 + len(LANDMARKS))))
_LONGEST_VERSION = 10  # digits


class LandmarkTable(Database):
    """The rows of `landmark`.

    Kinds are those of `types.LANDMARKS`; positions are characters in the document.
    """

    def add_landmarks(self, source: int, landmarks: Iterable[tuple[int, str, str]]) -> None:
        """Insert landmarks, each (start, kind, label), inside a transaction."""
        rows = ((source, *landmark) for landmark in landmarks)
        self._db.executemany("INSERT OR REPLACE INTO landmark VALUES (?, ?, ?, ?)", rows)

    def add_all_landmarks(self, rows: Iterable[tuple[int, int, str, str]]) -> None:
        """Insert landmarks of many sources, each (source, start, kind, label), in a transaction."""
        self._db.executemany("INSERT INTO landmark VALUES (?, ?, ?, ?)", rows)

    def all_landmarks(self) -> Iterator[tuple[int, int, str, str]]:
        """Read (source, start, kind, label) of every landmark."""
        for row in self.stream("SELECT source, start, kind, label FROM landmark ORDER BY source, kind, start"):
            if tuple(map(type, row)) != (int, int, str, str):
                raise self.damaged("a row of the table landmark has impossible values")
            yield row

    def landmark_before(self, source: int, kind: str, position: int) -> str:
        """Read the label of the last landmark of `kind` at or before `position`, or ""."""
        query = "SELECT label FROM landmark WHERE source = ? AND kind = ? AND start <= ? ORDER BY start DESC LIMIT 1"
        rows = self.rows(query, (source, kind, position))
        return str(rows[0][0]) if rows else ""

    def landmarks_before(self, source: int, position: int) -> dict[str, str]:
        """Read the label of the last landmark of every kind at or before `position`.

        Kinds without a landmark there, or with the label "", are left out.
        """
        rows = self.rows(_LAST_OF_EACH_KIND, (source, position, *LANDMARKS))
        return {str(kind): str(label) for kind, label in rows if label}

    def landmark_count(self, source: int, kind: str, position: int | None = None) -> int:
        """Count the landmarks of `kind` at or before `position`, or all of them."""
        query = "SELECT count(*) FROM landmark WHERE source = ? AND kind = ?"
        if position is None:
            return int(self.rows(query, (source, kind))[0][0])
        return int(self.rows(query + " AND start <= ?", (source, kind, position))[0][0])


def landmarks_of(store: Database, source: int, kind: str) -> list[tuple[int, str]]:
    """Read (start, label) of every landmark of `kind` in a source, in order."""
    query = "SELECT start, label FROM landmark WHERE source = ? AND kind = ? ORDER BY start"
    return typed_rows(store.rows(query, (source, kind)), (int, str), store.path)


def landmarks_between(store: Database, source: int, start: int, end: int) -> list[tuple[int, str, str]]:
    """Read (start, kind, label) of the landmarks of a source in `[start, end)`, in order."""
    query = "SELECT start, kind, label FROM landmark WHERE source = ? AND start >= ? AND start < ? ORDER BY start, kind"
    return typed_rows(store.rows(query, (source, start, end)), (int, str, str), store.path)


def landmarks_of_kind(store: Database, sources: Sequence[int], kind: str) -> list[tuple[int, int, str]]:
    """Read (source, start, label) of every landmark of `kind` in `sources`, rising in a source."""
    landmarks: list[tuple[int, int, str]] = []
    for batch in batched(sources):
        query = (
            f"SELECT source, start, label FROM landmark WHERE source IN ({', '.join('?' * len(batch))}) AND kind = ? "
            "ORDER BY source, start"
        )
        landmarks += typed_rows(store.rows(query, (*batch, kind)), (int, int, str), store.path)
    return landmarks


def landmark_triples(store: Database, source: int) -> list[tuple[int, str, str]]:
    """Read (start, kind, label) of every landmark of a source, in order."""
    query = "SELECT start, kind, label FROM landmark WHERE source = ? ORDER BY start, kind"
    return typed_rows(store.rows(query, (source,)), (int, str, str), store.path)


def without_reader(landmarks: Iterable[tuple[int, str, str]]) -> tuple[list[tuple[int, str, str]], int]:
    """Take the version of the reader, which older files keep as a landmark, out of landmarks.

    Returns:
        The other landmarks, and the version; 0 without one.
    """
    others, reader = [], 0
    for start, kind, label in landmarks:
        if kind != "reader":
            others.append((start, kind, label))
        elif label.isdecimal() and len(label) < _LONGEST_VERSION:
            reader = int(label)
    return others, reader


def landmark_span(store: Database, source: int, kind: str, position: int) -> tuple[str, int, int | None]:
    """Find the stretch, from one landmark of `kind` to the next, that a character lies in.

    Args:
        store: The crystal.
        source: The document.
        kind: One of `types.LANDMARKS`.
        position: The character.

    Returns:
        Its label, "" before the first landmark; its start; its end, None for the document's.
    """
    last_query = (
        "SELECT start, label FROM landmark WHERE source = ? AND kind = ? AND start <= ? ORDER BY start DESC LIMIT 1"
    )
    next_query = "SELECT start FROM landmark WHERE source = ? AND kind = ? AND start > ? ORDER BY start LIMIT 1"
    last = store.rows(last_query, (source, kind, position))
    following = store.rows(next_query, (source, kind, position))
    start, label = last[0] if last else (0, "")
    return str(label), int(start), int(following[0][0]) if following else None


def landmarks_over(store: Database, source: int, kind: str, start: int, end: int) -> list[tuple[int, str]]:
    """Read (start, label) of the landmarks of `kind` in force somewhere in a span, in order.

    Args:
        store: The crystal.
        source: The document.
        kind: One of `types.LANDMARKS`.
        start: The first character of the span.
        end: The character after the last.
    """
    before = (
        "SELECT start, label FROM landmark WHERE source = ? AND kind = ? AND start <= ? ORDER BY start DESC LIMIT 1"
    )
    inside = (
        "SELECT start, label FROM landmark WHERE source = ? AND kind = ? AND start > ? AND start < ? ORDER BY start"
    )
    rows = [*store.rows(before, (source, kind, start)), *store.rows(inside, (source, kind, start, end))]
    return typed_rows(rows, (int, str), store.path)


def has_landmarks(store: Database, kind: str) -> bool:
    """Tell whether any source has a landmark of `kind`."""
    # By source and kind, as the table's key begins: no landmark of another kind is read.
    landmark = "SELECT 1 FROM landmark WHERE landmark.source = source.id AND kind = ?"
    return bool(store.rows(f"SELECT 1 FROM source WHERE EXISTS ({landmark}) LIMIT 1", (kind,)))


def with_landmarks(store: Database, sources: Sequence[int], kind: str, count: int) -> list[int]:
    """Select sources with at least `count` landmarks of a kind; no more of each are read."""
    selected: list[int] = []
    for batch in batched(sources):
        query = (
            f"WITH wanted(source) AS (VALUES {', '.join(['(?)'] * len(batch))}) SELECT source FROM wanted WHERE EXISTS "
            "(SELECT 1 FROM landmark WHERE landmark.source = wanted.source AND kind = ? LIMIT 1 OFFSET ?)"
        )
        rows = store.rows(query, (*batch, kind, count - 1))
        selected += (source for (source,) in typed_rows(rows, (int,), store.path))
    return selected


def headings_like(store: Database, words: str, most: int = 50) -> list[tuple[int, int, str]]:
    """Find headings that hold `words`, ignoring case.

    Returns:
        (source, start, label) of the first `most`, in order.
    """
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    query = (
        "SELECT source, start, label FROM landmark WHERE kind = 'heading' AND label LIKE ? ESCAPE '\\' "
        "ORDER BY source, start LIMIT ?"
    )
    return typed_rows(store.rows(query, (pattern, most)), (int, int, str), store.path)


def definitions_named(store: Database, name: str) -> list[tuple[int, int, str]]:
    """Find the landmarks of definitions whose label is `name`, or ends in it after a joint.

    Args:
        store: The crystal.
        name: The last part of a label: `method` of `Class.method` or `Class::method`.

    Returns:
        (source, start, label), in order. A definition goes on under its label after one inside of
        it, so that not every landmark is a beginning.
    """
    query = (
        "SELECT source, start, label FROM landmark WHERE kind = 'definition' AND (label = ?1 OR "
        "substr(label, -length(?1) - 1) = '.' || ?1 OR substr(label, -length(?1) - 2) = '::' || ?1) "
        "ORDER BY source, start"
    )
    return typed_rows(store.rows(query, (name,)), (int, int, str), store.path)
