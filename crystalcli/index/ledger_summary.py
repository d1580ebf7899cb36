"""Summary of a crystal's ledger: how many documents of which kinds are in which folders.

It needs neither numpy nor the index, so that a program can say what a crystal holds before it
opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crystalcli.storage import Store


@dataclass(frozen=True, slots=True)
class LedgerSummary:
    """The documents with text, counted.

    Attributes:
        documents: Their number.
        kinds: The number of each kind, the most frequent first.
        folders: The number in each outermost folder or archive, as documents are cited, likewise;
            documents in none are left out.
    """

    documents: int
    kinds: dict[str, int]
    folders: dict[str, int]


def summarize_ledger(path: Path) -> LedgerSummary:
    """Read and count the ledger of a crystal.

    Raises:
        CrystalError: The crystal does not exist, or cannot be opened.
    """
    with Store.open(path) as store, store.snapshot():
        kinds = _counts(store, "kind")
        folders = _counts(store, "substr(path, 1, instr(path, '/') - 1)")
    folders.pop("", None)
    return LedgerSummary(sum(kinds.values()), kinds, folders)


def _counts(store: Store, column: str) -> dict[str, int]:
    """Count the documents with text by a column, the most frequent value first."""
    query = f"SELECT {column}, count(*) FROM source WHERE chunks > 0 GROUP BY 1 ORDER BY 2 DESC, 1"
    return {str(value): int(count) for value, count in store.rows(query)}
