"""An open crystal: ingest into it, recall from it, look into it. What is said on its grounds is a floor up, in `answering`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.errors import CrystalError, EncoderMismatchError, NotFoundError
from crystalcli.storage.schema import FORMAT_VERSION
from crystalcli.storage.store import Store
from crystalcli.types import Chunk, Citation, Document, Passage, Progress

if TYPE_CHECKING:
    from crystalcli.memory.export import ExportReport
    from crystalcli.memory.forget import ForgetReport
    from crystalcli.memory.ingest import IngestReport
    from crystalcli.memory.inspection import ChunkView, Stats
    from crystalcli.memory.layers import LayerCodes, LayerEncoder
    from crystalcli.memory.recall import Recall
    from crystalcli.memory.resident import MemoryUse
    from crystalcli.memory.shelf import Shelf

ENCODER = "all-MiniLM-L6-v2"
META = {"encoder": ENCODER, "dimension": "384", "ratios": "10 5 2", "codec": "opq-32-12-4"}
DEFAULT_NAME = "memory.crystal"


def default_path(start: Path, given: str | None) -> Path:
    """`given` (from $CRYSTAL_FILE), else the nearest `memory.crystal` from `start` upward, else one in `start`."""
    if given:
        return Path(given)
    for folder in (start, *start.parents):
        if (folder / DEFAULT_NAME).is_file():
            return folder / DEFAULT_NAME
    return start / DEFAULT_NAME


class CrystalFile:
    """A crystal with the encoder's weights in `encoder` (a folder), or without them: BM25 alone then.

    Raises EncoderMismatchError when its vectors were made by another encoder.
    """

    def __init__(self, store: Store, encoder: Path | None) -> None:
        self._store = store
        self._encoder = encoder
        self._shelf: Shelf | None = None
        self._recall: Recall | None = None
        self._version = -1
        found = store.meta().get("encoder", "")
        if found != ENCODER:
            store.close()
            raise EncoderMismatchError(
                f"{store.path} was made with the encoder {found or 'unknown'}, and this program has {ENCODER}"
            )

    @staticmethod
    def create_store(path: Path, wait: float = 0.0, waiting: Callable[[str], None] | None = None) -> Store:
        """A new, empty crystal file; wait, waiting: as in `crystalcli.storage.lock.lock_beside`."""
        return Store.create(path, META, wait=wait, waiting=waiting)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._store.path

    def close(self) -> None:
        """Give the file back."""
        self._store.close()

    # --- in ---------------------------------------------------------------------------------------------

    def ingest(
        self, paths: Sequence[Path], progress: Callable[[Progress], None] | None = None, *, prune: bool = False
    ) -> IngestReport:
        """See `crystalcli.library.Crystal.ingest`."""
        from crystalcli.memory.ingest import Ingest

        self._check_writable()
        began = time.monotonic()
        encoder = _Lazy(self._encoder) if self._encoder is not None else None
        ingest = Ingest(self._store, encoder, progress)
        filled = self._fill(encoder) if encoder is not None else 0
        try:
            report = ingest.run(paths, prune=prune)
        finally:
            self._shelf = self._recall = None
        report.encoded_tokens += filled
        report.seconds = time.monotonic() - began
        return report

    def make_layers(self) -> int:
        """Make the layers that are missing, with the weights given; returns their tokens."""
        return self._fill(_Lazy(self._encoder)) if self._encoder is not None else 0

    def _fill(self, encoder: _Lazy) -> int:
        """Make the layers of segments that were stored without weights; returns their tokens."""
        from crystalcli.vectors.tokenizer import default_tokenizer

        missing = [(index, segment) for index, segment in enumerate(self._store.segments()) if not segment.encoded]
        if not missing:
            return 0
        shelf = self.shelf
        for index, segment in missing:
            texts = [shelf.chunk_text(segment.first_chunk + i) for i in range(segment.chunks)]
            tokens = default_tokenizer().tokenize(texts)
            wanted = shelf.view(index).spans.tokens.tolist()
            chunks = [Chunk(t, ids, ends) for t, (ids, ends) in zip(texts, tokens, strict=True)]
            codes = encoder.codes(chunks, wanted)
            with self._store.transaction():
                for name, data in zip(codes._fields, codes, strict=True):
                    self._store.add_part(segment.id, name, data)
                self._store.mark_encoded(segment.id)
        self._shelf = self._recall = None
        return sum(segment.tokens for _, segment in missing)

    def forget(self, names: Sequence[str], *, dry_run: bool = False) -> ForgetReport:
        """Drop documents: by name, folder, path or glob, all or none; dry_run: only say which.

        Their text is in the file's bytes until `compact`; a later ingest of their files reads them again. Raises NotFoundError.
        """
        from crystalcli.memory.forget import forget

        if not dry_run:
            self._check_writable()
        report = forget(self._store, names, dry_run=dry_run)
        self._shelf = self._recall = None
        return report

    def _check_writable(self) -> None:
        if not self._store.writable:
            raise CrystalError(f"{self.path} was opened for reading only")

    # --- out ----------------------------------------------------------------------------------------------

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything that is read inside is as of one commit, while another program writes."""
        self._follow()
        return self._store.snapshot()

    @property
    def shelf(self) -> Shelf:
        """The crystal as of its last commit."""
        from crystalcli.memory.shelf import Shelf

        with self.snapshot():
            version = self._store.version()
            if self._shelf is None or version != self._version:
                self._shelf, self._recall, self._version = Shelf(self._store), None, version
            return self._shelf

    def _follow(self) -> None:
        """Where `compact` has put a new file in this one's place, go by that from now on."""
        if not self._store.writable and not self._store.reading and self._store.replaced():
            self._store, self._shelf = Store.open(self.path), None

    @property
    def lexical_only(self) -> bool:
        """Whether recall has to do without vectors: no weights here, or none when the crystal was made."""
        return self._encoder is None or self.shelf.atom_codes is None

    def recaller(self) -> Recall:
        """Recall over the crystal as of its last commit."""
        from crystalcli.memory.recall import Recall
        from crystalcli.vectors.codec import default_codec
        from crystalcli.vectors.question import QuestionEncoder

        with self.snapshot():
            shelf = self.shelf
            if self._recall is None:
                if self._encoder is None or shelf.atom_codes is None:
                    self._recall = Recall(shelf, None, None)
                else:
                    lazy = _Lazy(self._encoder)
                    self._recall = Recall(shelf, QuestionEncoder(self._encoder), default_codec(), lazy.encoder)
            return self._recall

    def recall(self, question: str, k: int = 5, depth: int = 3, *, reencode: int = 0) -> list[Passage]:
        """The `k` passages that answer best, best first. Raises UsageError for an empty question, k or depth out of range.

        reencode: so many of the best candidates are encoded again from their text, and exact vectors put them in order; that
        needs torch, and about a second for 32 of them on two cores.
        """
        with self.snapshot():
            return self.recaller().recall(question, k, depth, reencode)

    def quote(self, path: str, start: int, end: int) -> str:
        """The document's text `[start, end)`, read back from the file. Raises NotFoundError."""
        with self.snapshot():
            source = self._store.source_named(path)
            if source is None:
                raise NotFoundError(f"no document {path} in this crystal")
            return self.shelf.span_text(self.shelf.vouch(source), start, end)

    def verified(self, citation: Citation) -> bool:
        """Whether the quotation is what the file says at its place."""
        return self.quote(citation.path, citation.start, citation.end) == citation.quote

    def documents(self) -> list[Document]:
        """Every source that the ledger knows, read or not."""
        from crystalcli.memory.inspection import document

        with self.snapshot():
            return [document(self._store, source) for source in self._store.sources()]

    def stats(self) -> Stats:
        """The crystal in figures."""
        from crystalcli.memory.inspection import stats

        with self.snapshot():
            return stats(self._store, FORMAT_VERSION)

    def memory(self) -> MemoryUse:
        """What recall keeps in memory, after one question."""
        from crystalcli.memory.resident import memory_use

        return memory_use(self)

    def zoom(self, name: str) -> tuple[Document, Iterator[ChunkView]]:
        """A document and its chunks down to units. Raises NotFoundError."""
        from crystalcli.memory.inspection import document, find_document, zoom

        with self.snapshot():
            source = self.shelf.vouch(find_document(self._store, name))
            return document(self._store, source), zoom(self.shelf, source)

    def export(self, folder: Path, names: Sequence[str] = (), *, force: bool = False) -> ExportReport:
        """Write documents (all, or those that `names` mean) as files under `folder`. See `crystalcli.memory.export`."""
        from crystalcli.memory.export import export

        self._follow()
        return export(self._store, folder, names, force=force)

    def passages(self, names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """Every passage of the documents as a row with its text, place and metadata; joined, their texts are the documents."""
        from crystalcli.memory.export import rows

        self._follow()
        return rows(self._store, names)


class _Lazy:
    """A LayerEncoder that is loaded when the first chunk needs it: an ingest with nothing new never waits for torch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encoder: LayerEncoder | None = None

    def encoder(self) -> LayerEncoder:
        if self._encoder is None:
            from crystalcli.memory.layers import LayerEncoder

            self._encoder = LayerEncoder(self._folder)
        return self._encoder

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        return self.encoder().codes(chunks, tokens)
