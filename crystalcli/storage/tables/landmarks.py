"""The landmarks of whole documents at once, and the documents that have a certain one."""

from __future__ import annotations

from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import typed_rows


def landmarks_of(store: Store, source: int, kind: str) -> list[tuple[int, str]]:
    """(start, label) of every landmark of `kind` in a source, in order."""
    query = "SELECT start, label FROM landmark WHERE source = ? AND kind = ? ORDER BY start"
    found: list[tuple[int, str]] = typed_rows(store.rows(query, (source, kind)), (int, str), store.path)
    return found


def has_landmarks(store: Store, kind: str) -> bool:
    """Whether any source has a landmark of `kind`."""
    there = "SELECT 1 FROM landmark WHERE landmark.source = source.id AND kind = ?"  # the table's key begins so
    return bool(store.rows(f"SELECT 1 FROM source WHERE EXISTS ({there}) LIMIT 1", (kind,)))


def headings_like(store: Store, words: str, most: int = 50) -> list[tuple[int, int, str]]:
    """(source, start, label) of the first `most` headings that hold `words`, letter case aside, in order."""
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    query = (
        "SELECT source, start, label FROM landmark WHERE kind = 'heading' AND label LIKE ? ESCAPE '\\' "
        "ORDER BY source, start LIMIT ?"
    )
    found: list[tuple[int, int, str]] = typed_rows(store.rows(query, (pattern, most)), (int, int, str), store.path)
    return found
