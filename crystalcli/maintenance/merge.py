"""Merges crystals into a new one; text that they share is stored once.

Nothing is read or encoded again.

Knows: chunks, the order of the steps. Does not know: which documents are the same, see
`merged_ledger`.
"""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crystalcli.errors import CrystalError, UsageError
from crystalcli.index import ChunkReader, add_fidelity, fidelity_sums
from crystalcli.lexical import ANALYSIS
from crystalcli.maintenance.compact import CrystalSize, crystal_size
from crystalcli.maintenance.copier import CrystalCopier, notes_on
from crystalcli.maintenance.merged_ledger import LedgerEntry, MergedLedger, RenamedDocument, common_meta
from crystalcli.recall import RECALLS_KEY, join_recalls
from crystalcli.storage import (
    ANALYSIS_KEY,
    MemoryRow,
    Store,
    check_seal,
    copy_codebooks,
    landmark_triples,
    write_beside,
)


@dataclass(frozen=True, slots=True)
class MergeReport:
    """The outcome of a merge.

    Attributes:
        crystals: The number of crystals that were merged.
        documents: The number of documents with text in the new crystal.
        same: The number of documents that were kept once, because an earlier crystal held them with
            the same text.
        renamed: The documents that were renamed, because a document of other text had their name.
        size: The size of the new crystal.
        seconds: The time that it took.
    """

    crystals: int
    documents: int
    same: int
    renamed: tuple[RenamedDocument, ...]
    size: CrystalSize
    seconds: float


def merge_crystals(
    paths: Sequence[Path],
    output: Path,
    *,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    least: int = 2,
) -> MergeReport:
    """Merge two or more crystals into a new one.

    A document that several crystals hold under one name with the same text is kept once. Where the
    texts differ, both are kept: the later one's name is prefixed with the name of its crystal.
    Locations are rewritten, so that `ingest` finds the files again.

    Args:
        paths: The crystals.
        output: The crystal to make.
        force: Replace the crystal at `output`.
        progress: Called after each document with the tokens that are done and all tokens.
        least: The least number of crystals.

    Raises:
        UsageError: There are fewer crystals.
        EncoderMismatchError: The vectors of the crystals are not comparable.
        CrystalError: `output` exists and `force` is False, or it cannot be written.
        DamagedCrystalError: A crystal is damaged.
    """
    started = time.monotonic()
    if len(paths) < least:
        raise UsageError("give two crystals or more")
    if output.exists() and not force:
        raise CrystalError(f"{output} exists already; --force replaces it")
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(Store.open(output, writable=True)) if output.exists() else None
        stores = [stack.enter_context(Store.open(path)) for path in paths]
        meta = common_meta(stores) | {ANALYSIS_KEY: str(ANALYSIS)}
        if recalls := join_recalls(stores):
            meta[RECALLS_KEY] = recalls
        with write_beside(output, meta, old) as new:
            copy_codebooks(stores[0], new)
            merger = _Merger(new, output)
            with contextlib.ExitStack() as snapshots:
                for store in stores:
                    snapshots.enter_context(store.snapshot())
                done, total = 0, sum(source.tokens for store in stores for source in store.sources())
                for store in stores:
                    for tokens in merger.add(store):
                        done += tokens
                        if progress is not None:
                            progress(done, total)
                merger.finish()
            # One of them may be the file that is replaced.
            for store in stores:
                store.close()
            ledger, size = merger.ledger, crystal_size(new)
    seconds = time.monotonic() - started
    return MergeReport(len(stores), merger.documents, ledger.same, tuple(ledger.renamed), size, seconds)


class _Merger:
    """Writes the documents of crystals into a new one.

    Attributes:
        ledger: The ledger of the new crystal.
        documents: The documents with text that were written.
    """

    def __init__(self, new: Store, output: Path) -> None:
        """Start with an empty crystal.

        Args:
            new: The crystal to write into.
            output: Its path in the end, which locations are relative to.
        """
        self.ledger: MergedLedger[array[int]] = MergedLedger(output)
        self.documents = 0
        self._new, self._copier = new, CrystalCopier(new)
        self._fidelity: list[dict[str, tuple[int, float]]] = []
        self._waiting: list[MemoryRow] = []
        self._statement_rules: dict[Path, dict[int, int]] = {}

    def add(self, store: Store) -> Iterator[int]:
        """Add the documents of a crystal.

        Yields:
            The tokens of each document, after it was added.
        """
        chunks = ChunkReader(store)
        self.ledger.add_folders(store)
        self._fidelity.append(fidelity_sums(store))
        for source in store.sources():
            check_seal(store, source)
            row = self.ledger.relocated(store, source)
            self.ledger.settle(LedgerEntry(row, self._copier.copy_chunks(chunks, source.id), store, source.id))
            yield source.tokens
        self._waiting += store.waiting_memories()
        self._statement_rules[store.path] = store.statement_rules()

    def finish(self) -> None:
        """Write the ledger, and the metadata of all crystals."""
        for entry in self.ledger.entries:
            landmarks = landmark_triples(entry.store, entry.source)
            notes = notes_on(entry.store, entry.source, self._statement_rules[entry.store.path])
            self._copier.add_document(entry.row, entry.text, landmarks, notes)
            self.documents += entry.row.chunks > 0
        self._copier.finish()
        self._copier.add_waiting(self._waiting)
        with self._new.transaction():
            for key, value in self.ledger.meta_changes().items():
                self._new.set_meta(key, value)
            for sums in self._fidelity:
                add_fidelity(self._new, sums)
