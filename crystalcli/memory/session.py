"""An open crystal: ingest into it, recall from it, look into it. What is said on its grounds is a floor up, in `answering`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalcli.errors import CrystalError, ModelMissingError, NotFoundError, SourceError, UsageError
from crystalcli.memory.encoders import ENCODER, chosen, opened
from crystalcli.memory.lazy import LazyEncoder
from crystalcli.storage.codebooks import codebooks, put_codebooks
from crystalcli.storage.store import Store, digest
from crystalcli.types import Chunk, Citation, Decay, Document, Passage, Progress

if TYPE_CHECKING:
    from crystalcli.memory.export import ExportReport
    from crystalcli.memory.forget import ForgetReport
    from crystalcli.memory.ingest import IngestReport
    from crystalcli.memory.inspection import ChunkView, Stats
    from crystalcli.memory.layers import ChunkEncoder
    from crystalcli.memory.lazy import KeptEncoder
    from crystalcli.memory.recall import Recall
    from crystalcli.memory.resident import MemoryUse
    from crystalcli.memory.shelf import Shelf
    from crystalcli.memory.verify import Verdict
    from crystalcli.storage.rows import Source
    from crystalcli.text.choice import Choice
    from crystalcli.text.walk import Found, Near
    from crystalcli.vectors.codec import Codec

__all__ = ["DEFAULT_NAME", "ENCODER", "CrystalFile", "default_path"]

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
        self._shelf: Shelf | None = None
        self._recall: Recall | None = None
        self._version = -1
        try:
            self._encoder = opened(store.meta(), store.path, encoder)
        except BaseException:
            store.close()
            raise

    @staticmethod
    def create_store(
        path: Path,
        encoder: Path | None = None,
        wait: float = 0.0,
        waiting: Callable[[str], None] | None = None,
    ) -> Store:
        """A new, empty crystal file for the encoder in a folder; without one, for the program's own.

        wait, waiting: as in `crystalcli.storage.lock.lock_beside`. Raises ModelMissingError or UsageError, before there is a
        file, for a folder that holds no encoder.
        """
        _, meta = chosen(encoder, path.absolute().parent)
        return Store.create(path, meta, wait=wait, waiting=waiting)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._store.path

    def close(self) -> None:
        """Give the file back."""
        self._store.close()

    # --- in ---------------------------------------------------------------------------------------------

    def ingest(
        self,
        paths: Sequence[Path],
        progress: Callable[[Progress], None] | None = None,
        *,
        prune: bool = False,
        codebooks_from: Sequence[Path] = (),
        password: str = "",
    ) -> IngestReport:
        """See `crystalcli.library.Crystal.ingest`."""
        return self.bring_in(paths, progress, prune=prune, codebooks_from=codebooks_from, password=password)

    def bring_in(
        self,
        paths: Sequence[Path],
        progress: Callable[[Progress], None] | None = None,
        *,
        prune: bool = False,
        codebooks_from: Sequence[Path] = (),
        choice: Choice | None = None,
        near: Near | None = None,
        piped: Found | None = None,
        kept: KeptEncoder | None = None,
        password: str = "",
    ) -> IngestReport:
        """An ingest with all that can be said of it. choice, near, piped: see `crystalcli.memory.ingest.Ingest.run`.

        kept: where the encoder stays for the next ingest. password: opens files that are encrypted. Raises as
        `crystalcli.library.Crystal.ingest` does.
        """
        from crystalcli.memory.ingest import Ingest
        from crystalcli.text.asked import Options

        self._check_writable()
        if self._encoder.mark is not None and self._encoder.folder is None:
            raise ModelMissingError(self._encoder.missing)
        if codebooks_from and self._encoder.mark is None:
            raise UsageError(f"the codebooks of {ENCODER} ship with the program; others are for an encoder of your own")
        began = time.monotonic()
        if codebooks_from and self.lacks_codebooks:
            self._learn(codebooks_from)
        # Without codebooks there are no codes: the text comes first then, the codebooks from it, and the layers at last.
        later = self.lacks_codebooks
        encoder = self._lazy(kept) if self._encoder.folder is not None and not later else None
        ingest = Ingest(self._store, encoder, progress, self._encoder.cut, Options(password=password))
        filled = self._fill(encoder, progress) if encoder is not None else 0
        try:
            report = ingest.run(paths, prune=prune, choice=choice, near=near, piped=piped)
            if later:
                self._shelf = self._recall = None
                self._learn()
                filled = self._fill(self._lazy(kept), progress)
                report.lexical_only = False
        finally:
            self._shelf = self._recall = None
        report.encoded_tokens += filled
        report.seconds = time.monotonic() - began
        return report

    def _lazy(self, kept: KeptEncoder | None) -> LazyEncoder:
        codec = self.codec()
        if kept is None:
            return LazyEncoder(self._encoder, codec)
        books = tuple(sorted((name, digest(data)) for name, data in codebooks(self._store).items()))
        return kept.of(self._encoder, codec, (self._encoder.folder, self._encoder.mark, books))

    @property
    def own_encoder(self) -> bool:
        """Whether it goes by an encoder that the user named."""
        return self._encoder.mark is not None

    @property
    def lacks_codebooks(self) -> bool:
        """Whether its encoder is one whose codebooks are still to be learnt."""
        return self._encoder.mark is not None and not codebooks(self._store)

    def codec(self) -> Codec | None:
        """What its vectors are coded by; None when that is still to be learnt."""
        from crystalcli.vectors.codec import Codec, default_codec

        if self._encoder.mark is None:
            return default_codec()
        blobs = codebooks(self._store)
        return Codec.from_blobs(blobs, self._encoder.dimension) if blobs else None

    def _learn(self, paths: Sequence[Path] = ()) -> None:
        """Learn the codebooks, from files or from what the crystal holds. Without any text there is nothing to learn yet."""
        from crystalcli.memory.layers import LayerEncoder
        from crystalcli.memory.learn import chunks_of, learn, sampled

        encoder = self._encoder
        assert encoder.folder is not None
        encoder.verify()
        chunks = chunks_of(paths, encoder) if paths else sampled(self.shelf, encoder)
        codec = learn(chunks, LayerEncoder(encoder.folder, tokenizer=encoder.tokenizer))
        if codec is not None:
            with self._store.transaction():
                put_codebooks(self._store, codec.blobs())
        elif paths:
            raise SourceError("there is no text to learn codebooks from")

    def make_layers(self) -> int:
        """Make the layers that are missing, with the weights given; returns their tokens."""
        codec = self.codec()
        ready = self._encoder.folder is not None and codec is not None
        return self._fill(LazyEncoder(self._encoder, codec)) if ready else 0

    def _fill(self, encoder: ChunkEncoder, progress: Callable[[Progress], None] | None = None) -> int:
        """Make the layers of segments that were stored without them; returns their tokens."""
        from crystalcli.memory.fidelity import add_fidelity

        missing = [(index, segment) for index, segment in enumerate(self._store.segments()) if not segment.encoded]
        if not missing:
            return 0
        shelf, none = self.shelf, np.zeros(0, np.int32)  # the encoder tokenizes texts itself
        tokens = size = done = 0
        total = sum(segment.bytes for _, segment in missing)
        for index, segment in missing:
            numbers = range(segment.first_chunk, segment.first_chunk + segment.chunks)
            chunks = [Chunk(shelf.chunk_text(number), none, none, shelf.context_of(number)) for number in numbers]
            codes = encoder.codes(chunks, shelf.view(index).spans.tokens.tolist())
            with self._store.transaction():
                for name, data in zip(codes._fields, codes, strict=True):
                    self._store.add_part(segment.id, name, data)
                self._store.mark_encoded(segment.id)
                add_fidelity(self._store, codes.fidelity)
            tokens, size, done = tokens + segment.tokens, size + segment.bytes, done + 1
            if progress is not None:
                progress(Progress(done, len(missing), size, total, tokens, tokens, ""))
        self._shelf = self._recall = None
        return tokens

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
        return self._encoder.folder is None or self.shelf.atom_codes is None

    @property
    def encoder_missing(self) -> str:
        """What to say when its encoder is one that the user named, and is not here; else ""."""
        return self._encoder.missing if self._encoder.folder is None and self._encoder.mark is not None else ""

    def recaller(self) -> Recall:
        """Recall over the crystal as of its last commit."""
        from crystalcli.memory.recall import Recall
        from crystalcli.vectors.question import QuestionEncoder

        with self.snapshot():
            shelf, encoder = self.shelf, self._encoder
            if self._recall is None:
                if encoder.folder is None or shelf.atom_codes is None:
                    self._recall = Recall(shelf, None, None)
                else:
                    question, codec = QuestionEncoder(encoder.folder, encoder.tokenizer), self.codec()
                    self._recall = Recall(shelf, question, codec, LazyEncoder(encoder, codec).layers)
            return self._recall

    def recall(
        self,
        question: str,
        k: int = 5,
        depth: int = 3,
        *,
        reencode: int = 0,
        decay: Decay = "auto",
        now: float | None = None,
    ) -> list[Passage]:
        """The `k` passages that answer best, best first. Raises UsageError for an empty question, k or depth out of range.

        reencode: so many of the best candidates are encoded again from their text, and exact vectors put them in order; that
        needs torch, and about a second for 32 of them on two cores.
        decay: the days after which half is left of a dated message, by which it then loses; "off" lets none lose; "auto" is a year,
        and ages count from the newest message that could answer. now: the time from which ages count, seconds since 1970; else the
        system's where days are given. What is no dated message never loses (docs/INFINITE_MEMORY.md).
        """
        from crystalcli.memory.fading import fading_of

        fading = fading_of(decay, now)
        with self.snapshot():
            return self.recaller().recall(question, k, depth, reencode, fading)

    def quote(self, path: str, start: int, end: int) -> str:
        """The document's text `[start, end)`, read back from the file. Raises NotFoundError."""
        with self.snapshot():
            return self.shelf.span_text(self._named(path), start, end)

    def cite(self, path: str, start: int, end: int) -> Citation:
        """The same with the place of just that text, as a citation whose number is 0. Raises NotFoundError."""
        from crystalcli.memory.quoting import cited

        with self.snapshot():
            return cited(self.shelf, self._named(path), start, end)

    def placed(self, passage: Passage) -> Passage:
        """A passage, or a part of one, with the lines, pages and marks of just its own span. Raises NotFoundError."""
        here = self.cite(passage.path, passage.start, passage.end)
        lines, pages = (here.line_start, here.line_end), (here.page_start, here.page_end)
        return replace(
            passage, line_start=lines[0], line_end=lines[1], page_start=pages[0], page_end=pages[1], marks=here.marks
        )

    def _named(self, path: str) -> Source:
        source = self._store.source_named(path)
        if source is None:
            raise NotFoundError(f"no document {path} in this crystal")
        return self.shelf.vouch(source)

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
            return stats(self._store)

    def memory(self) -> MemoryUse:
        """What recall keeps in memory, after one question."""
        from crystalcli.memory.resident import memory_use

        return memory_use(self)

    def verify(self, *, quick: bool = False, progress: Callable[[int, int], None] | None = None) -> Verdict:
        """Whether every page, row, digest, layer and posting holds. quick: leave out the postings against the text.

        progress: told bytes done and bytes in all. Damage is what the verdict says, and is not raised; a file that is damaged
        so far that it does not open is refused by `open`.
        """
        from crystalcli.memory.verify import verify

        self._follow()
        return verify(self._store, quick=quick, progress=progress)

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
