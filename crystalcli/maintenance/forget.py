"""Removes documents from a crystal's ledger.

Their text stays in the bytes of the file until the crystal is compacted.

Knows: the ledger, and archives that hold documents. Does not know: files on this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crystalcli.datatypes import Document, DocumentState
from crystalcli.index import ChunkReader, describe_document
from crystalcli.ingest import parent_locations
from crystalcli.maintenance.selection import select_documents
from crystalcli.storage import SourceRow, Store


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """The outcome of a forget, or of its dry run.

    Attributes:
        documents: The documents that are forgotten.
        tokens: Their tokens.
        kept: The tokens among these that other documents share, and that therefore stay.
    """

    documents: tuple[Document, ...]
    tokens: int
    kept: int


def forget_documents(store: Store, names: Sequence[str], *, dry_run: bool = False) -> ForgetReport:
    """Remove documents from the ledger, all in one transaction.

    They are neither recalled nor listed any more. The next ingest opens an archive again that has
    lost one of its documents, and reads it as it would read a folder.

    Args:
        store: The crystal.
        names: Names, as in `select_documents`, but without ends of paths.
        dry_run: Only report.

    Raises:
        NotFoundError: A name matches no document. Nothing is forgotten then.
    """
    # Without ends of paths: a name that is given twice must not forget a second document.
    sources = select_documents(store, names, endings=False)
    documents = tuple(describe_document(store, source) for source in sources)
    forgotten = {source.id for source in sources}
    kept = _shared_tokens(store, forgotten)
    if not dry_run:
        with store.transaction():
            for number in sorted(forgotten):
                store.clear_source(number)
                store.drop_source(number)
            for archive in _archives_around(store, [source.location for source in sources]):
                store.put_source(archive._replace(state=DocumentState.PARTIAL, digest=b""))
    return ForgetReport(documents, sum(document.tokens for document in documents), kept)


def _archives_around(store: Store, locations: Sequence[str]) -> list[SourceRow]:
    """Return the archives in the ledger that held a document at any of `locations`."""
    parents = {parent for location in locations for parent in parent_locations(location)}
    return [
        source
        for source in store.sources()
        if source.kind == "archive" and source.state == DocumentState.DONE and source.location in parents
    ]


def _shared_tokens(store: Store, forgotten: set[int]) -> int:
    """Count the tokens of chunks that both forgotten and other documents refer to."""
    chunks = ChunkReader(store)
    forgotten_chunks: set[int] = set()
    other_chunks: set[int] = set()
    for source in store.sources():
        (forgotten_chunks if source.id in forgotten else other_chunks).update(chunks.of(source.id))
    return sum(chunks.tokens(chunk) for chunk in forgotten_chunks & other_chunks)
