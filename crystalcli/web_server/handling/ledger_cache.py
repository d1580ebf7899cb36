"""Rows of the ledger as filters count them, read once for each state of the crystal.

Knows: documents and their days. Does not know: requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from crystalcli.datatypes import Document

if TYPE_CHECKING:
    from crystalcli.index import IndexReader
    from crystalcli.library import Crystal


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A document with its day.

    Attributes:
        document: The document.
        day: The newest date of its text, its name, or its file; None where nothing was read.
    """

    document: Document
    day: date | None

    @property
    def folders(self) -> list[str]:
        """The folders that it is in, outermost first, each with those above."""
        parts = self.document.path.split("/")[:-1]
        return ["/".join(parts[: number + 1]) for number in range(len(parts))]


class LedgerCache:
    """The rows of the ledger; used in the thread of the crystal alone."""

    def __init__(self) -> None:
        self._index: IndexReader | None = None
        self._rows: list[LedgerRow] = []

    def rows(self, crystal: Crystal) -> list[LedgerRow]:
        """List the documents in the order of their names, read or not."""
        with crystal.snapshot():
            if self._index is not crystal.shelf:
                documents = sorted(crystal.documents(), key=lambda document: document.path)
                days = crystal.document_days([document.path for document in documents if document.chunks])
                self._rows = [LedgerRow(document, days.get(document.path)) for document in documents]
                self._index = crystal.shelf
            return self._rows
