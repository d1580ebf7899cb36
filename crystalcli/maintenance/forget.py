"""Takes documents out of a crystal's ledger. Their text is in the file's bytes until it is compacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crystalcli.index import describe_document
from crystalcli.ingest import parent_locations
from crystalcli.maintenance.selection import select_documents
from crystalcli.storage import SourceRow, Store
from crystalcli.types import Document, DocumentState


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """What was forgotten, or would be. `kept` counts tokens of theirs that other documents hold too."""

    documents: tuple[Document, ...]
    tokens: int
    kept: int


def forget_documents(store: Store, names: Sequence[str], *, dry_run: bool = False) -> ForgetReport:
    """Drop the documents that `names` mean (see `selection.select`), all in one transaction; dry_run: only say which.

    They are neither recalled nor listed any more. An archive that loses some of what it holds will be opened again by the next
    ingest, as a folder would be. Raises NotFoundError, and forgets nothing, when a name means no document.
    """
    chosen = select_documents(store, names, endings=False)  # said a second time, the name of one must not mean another
    documents = tuple(describe_document(store, source) for source in chosen)
    numbers = {source.id for source in chosen}
    kept = _kept(store, numbers)
    if not dry_run:
        with store.transaction():
            for number in sorted(numbers):
                store.clear_source(number)
                store.drop_source(number)
            for archive in _opened_again(store, [source.location for source in chosen]):
                store.put_source(archive._replace(state=DocumentState.PARTIAL, digest=b""))
    return ForgetReport(documents, sum(each.tokens for each in documents), kept)


def _opened_again(store: Store, forgotten: Sequence[str]) -> list[SourceRow]:
    """The archives that still stand in the ledger and held any of these places."""
    folders = {folder for location in forgotten for folder in parent_locations(location)}
    return [
        each
        for each in store.sources()
        if each.kind == "archive" and each.state == DocumentState.DONE and each.location in folders
    ]


def _kept(store: Store, forgotten: set[int]) -> int:
    from crystalcli.index import ChunkReader

    chunks = ChunkReader(store)
    ours: set[int] = set()
    others: set[int] = set()
    for source in store.sources():
        (ours if source.id in forgotten else others).update(chunks.of(source.id))
    return sum(chunks.tokens(chunk) for chunk in ours & others)
