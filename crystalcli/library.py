"""The Python door: one class, `Crystal`, with a method for each command.

    from crystalcli import Crystal

    with Crystal("shelf.crystal") as crystal:
        crystal.ingest(["books", "papers"])
        print(crystal.ask("Who keeps the light?"))

Knows: the modes of an open crystal, its lock and its encoder. Does not know: the work behind a
method, which is in the rooms below.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self, TypeAlias, Unpack

from crystalcli import models
from crystalcli.answering import AskArguments, AskOptions, options_of
from crystalcli.cpu import one_blas_thread
from crystalcli.datatypes import MEMORY_KIND, FilterReading, Progress
from crystalcli.errors import CrystalError, ModelMissingError, NotFoundError, SourceError, UsageError
from crystalcli.index import ENCODER, find_encoder, find_named_encoder, resolve_encoder
from crystalcli.language_models import LANGUAGE_MODEL, ModelStart, is_builtin, is_model_named, open_model, resolve_model
from crystalcli.paths import expanded
from crystalcli.recall import ME_KEY, RERANKER, CrystalReader, RecallNotes
from crystalcli.storage import Store

if TYPE_CHECKING:
    from datetime import date

    from crystalcli.answering import PackedContext
    from crystalcli.datatypes import Answer, ChatModel, Citation, HalfLife, Passage, RecallFilter, Turn
    from crystalcli.evaluation import EvaluationQuestion, EvaluationReport
    from crystalcli.index import CachedEncoder
    from crystalcli.ingest import (
        ForecastReport,
        IngestOptions,
        IngestReport,
        LayersReport,
        LayerWorker,
        StatusReport,
        WatchBatch,
    )
    from crystalcli.maintenance import (
        CompactReport,
        DiffReport,
        ExportReport,
        ForgetReport,
        MergeReport,
        RepairReport,
        VerifyReport,
    )
    from crystalcli.memories import Conflict, FadedMemory, Memory, ProfileReport
    from crystalcli.overview import DocumentOutline, Excerpt, LayerScope, LayerView, LitPassage
    from crystalcli.recall import LayerTrace, MemoryReport, Results, Searcher
    from crystalcli.retrieval_lm import PerplexityReport
    from crystalcli.storage import SourceRow, SummaryRow
    from crystalcli.text import FileFilter

__all__ = ["LANGUAGE_MODEL", "Crystal", "expand_paths", "file_filter_of", "locate_or_fetch", "open_model"]

Mode: TypeAlias = Literal["auto", "read", "write"]
Paths: TypeAlias = str | Path | Sequence[str | Path]
OnProgress: TypeAlias = Callable[[Progress], None]
Fetch: TypeAlias = Callable[[str], Path | None]

_TRACES = 4  # questions whose scores are kept, 4 bytes for each atom of the crystal
_WAIT_TO_KEEP = 2.0  # seconds that a summary waits for another program that writes the file
_WAIT_TO_TELL = 10.0  # seconds that a memory waits for a program that puts another file in its place


class Crystal(CrystalReader):
    """One crystal file, open. A context manager; iterating gives the paths of its documents.

    Four commands need no open crystal, and take paths: `Crystal.forecast`, `Crystal.merge`,
    `Crystal.repair` and `Crystal.perplexity`.

    Several crystals are read as one, ranked as their merge would be: name a folder of them, a glob,
    or a list. They are not written then.

    Args:
        path: The file; or a folder of crystals, a glob, or several of these.
        mode: "auto": open the crystal, or make it where it does not exist; it is read without a
            lock, while others write, and a command that writes locks it for as long as it runs.
            "read": it must exist, and commands that write raise. "write": open or make it, and
            lock it until it is closed.
        encoder: A folder with a model of the BERT family in Hugging Face's layout, or the name of
            an encoder of the catalogue ("multilingual"); "auto": the one that $CRYSTAL_ENCODER
            names, else the one that the crystal was made with, else the program's own; found here
            or fetched once; None: no encoder. Without weights a crystal
            has its lexical index alone, `lexical_only` says so, and a later ingest with weights
            makes the layers.
        fetch: Gives the folder of an encoder or reranker of the catalogue by its name; None: it is
            fetched where it is not here.
        wait: The seconds to wait for another program that writes the file.
        on_wait: Called once, with a line, when there is waiting to do.
        reranker: A folder with a cross-encoder, `model.onnx`; "auto": the one that
            $CRYSTAL_RERANKER names, else the program's own, found here or fetched at the first
            question, unless `encoder` is None; "off" or None: no reranker.
        strengthen: Whether it is kept which memories were recalled, so that they fade less, and
            which text has no layers yet, so that it gets them first. Nothing is kept of a crystal
            that is open for reading only, or that another program is writing.

    Raises:
        CrystalError: The file cannot be made or opened, or another program is writing it.
        NotACrystalError: The file is not a crystal.
        DamagedCrystalError: The crystal is damaged.
        NewerFormatError: The crystal was made by a newer version.
        EncoderMismatchError: The encoder is not the crystal's.
        ModelMissingError: The folder holds no encoder.
    """

    def __init__(
        self,
        path: Paths,
        *,
        mode: Mode = "auto",
        encoder: str | Path | None = "auto",
        fetch: Fetch | None = None,
        wait: float = 0.0,
        on_wait: Callable[[str], None] | None = None,
        reranker: str | Path | None = "auto",
        strengthen: bool = True,
    ) -> None:
        several = _several(path, writable=mode == "write")
        if several:
            store: Store = _open_several(several)
            folder = _encoder_folder_of(store, encoder, fetch)
            self._attach(store, folder, "read", wait, on_wait, _reranker_finder(reranker, encoder, fetch))
            return
        target, start = _one_path(path, mode != "write"), time.monotonic()
        while True:
            left = max(0.0, wait - (time.monotonic() - start))
            existed = target.exists()
            try:
                if existed or mode == "read":
                    store = Store.open(target, writable=mode == "write", wait=left, waiting=on_wait)
                    folder = _encoder_folder_of(store, encoder, fetch)
                else:
                    store, folder = _create(target, encoder, fetch, left, on_wait)
                break
            except CrystalError:
                if target.exists() == existed:  # else another program has just made or deleted it
                    raise
        self._attach(store, folder, mode, wait, on_wait, _reranker_finder(reranker, encoder, fetch))
        self._strengthens = strengthen and mode != "read"

    def _attach(
        self,
        store: Store,
        folder: Path | None,
        mode: Mode,
        wait: float = 0.0,
        on_wait: Callable[[str], None] | None = None,
        find_reranker: Callable[[], Path | None] | None = None,
    ) -> None:
        """Take an open store; in a mode other than "write" give its lock back."""
        CrystalReader.__init__(self, store, folder, find_reranker)
        self._mode, self._wait, self._on_wait = mode, wait, on_wait
        self._strengthens = False
        self._notes = RecallNotes()
        self._traces: OrderedDict[tuple[str, int, RecallFilter | None], tuple[LayerTrace, tuple[LitPassage, ...]]] = (
            OrderedDict()
        )
        self._traced_by: Searcher | None = None
        if mode != "write" and store.writable:
            self._replace_store()

    @classmethod
    def create(cls, path: str | Path, *, encoder: str | Path | None = "auto", fetch: Fetch | None = None) -> Self:
        """Make a new crystal, locked for writing until it is closed.

        Args:
            path: The file.
            encoder: As of the class.
            fetch: As of the class.

        Raises:
            CrystalError: The file exists already.
        """
        crystal = cls.__new__(cls)
        store, folder = _create(Path(path), encoder, fetch)
        crystal._attach(store, folder, "write", find_reranker=_reranker_finder("auto", encoder, fetch))
        return crystal

    @classmethod
    def open(
        cls,
        path: Paths,
        *,
        writable: bool = False,
        encoder: str | Path | None = "auto",
        fetch: Fetch | None = None,
        reranker: str | Path | None = "auto",
    ) -> Self:
        """Open a crystal that exists, for reading or locked for writing.

        Args:
            path: The file; or several for reading, as of the class.
            writable: Whether to lock it for writing until it is closed.
            encoder: As of the class.
            fetch: As of the class.
            reranker: As of the class.

        Raises:
            CrystalError: The file does not exist.
        """
        crystal = cls.__new__(cls)
        several = _several(path, writable=writable)
        store = _open_several(several) if several else Store.open(_one_path(path, not writable), writable=writable)
        folder = _encoder_folder_of(store, encoder, fetch)
        finder = _reranker_finder(reranker, encoder, fetch)
        crystal._attach(store, folder, "write" if writable else "read", find_reranker=finder)
        return crystal

    def close(self) -> None:
        """Close the file, after notes of what was recalled."""
        self._keep_notes()
        super().close()

    def _keep_notes(self) -> None:
        """Keep notes of what was recalled, unless that takes waiting: they are for later."""
        notes, self._notes = self._notes, RecallNotes()
        now = int(time.time())
        with suppress(CrystalError, OSError):
            if notes and self._store.writable:
                notes.keep(self._store, now)
            elif notes and self.path.exists() and notes.are_due(self._store, now):
                with Store.open_for_note(self.path) as store:
                    notes.keep(store, now)

    def _note_recalled(self, items: Sequence[Passage | Citation]) -> None:
        """Note which memories, and which text without layers, were recalled or cited."""
        if self._strengthens:
            self._notes.add_memories(items)
            if self.has_weights:  # else nothing is going to make layers
                self._notes.add_segments(self.shelf, items)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[str]:
        return (document.path for document in self.documents() if document.chunks)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.path)!r}, mode {self._mode!r}>"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are open: several, where several crystals are read as one."""
        return self._store.files

    @property
    def read_only(self) -> bool:
        """True if it was opened for reading alone."""
        return self._mode == "read"

    # --- the file, for writing ----------------------------------------------------------------

    @contextmanager
    def _writing(self, wait: float | None = None) -> Iterator[Store]:
        """Lock the file for writing inside the block.

        Args:
            wait: The seconds to wait for another program that writes it; None: as of the class.

        Raises:
            CrystalError: The crystal was opened for reading only, or another program is writing it.
        """
        if self._mode == "read":
            raise CrystalError(f"{self.path} was opened for reading only")
        if not self._store.writable:
            left = self._wait if wait is None else wait
            if self.path.exists():
                store = Store.open(self.path, writable=True, wait=left, waiting=self._on_wait)
            else:  # the file was deleted
                meta = resolve_encoder(self._encoder.folder, self.path.absolute().parent)[1]
                store = Store.create(self.path, meta, wait=left, waiting=self._on_wait)
            self._store.close()
            self._store = store
            self._drop_index()
        try:
            yield self._store
        finally:
            self._drop_index()
            if self._mode != "write":
                self._replace_store()

    def _replace_store(self) -> None:
        """Close the file and open it anew, for writing where the mode says so."""
        self._store.close()
        self._store = Store.open(self.path, writable=self._mode == "write", wait=self._wait, waiting=self._on_wait)
        self._drop_index()

    # --- ingest -------------------------------------------------------------------------------

    def ingest(
        self,
        paths: Paths,
        *,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        max_file_size: int | None = None,
        password: str = "",
        ocr: bool | None = None,
        prune: bool = False,
        reread: bool = False,
        codebooks_from: Paths = (),
        layers: bool = True,
        jobs: int | None = None,
        progress: OnProgress | None = None,
    ) -> IngestReport:
        """Read files and folders into the crystal.

        Unchanged files are read again only if their reader has become better since.

        All text is committed first; questions are answered from then on. Layers follow, also those
        that an earlier run left out, unless another process is making them.

        The filters hold for these folders from now on, all three together, until others are given;
        `exclude=[]` takes them back.

        Args:
            paths: Files and folders, and web addresses, each of which is fetched once.
            include: Patterns as in `.gitignore`, relative to each folder: only files that match one
                are read.
            exclude: Patterns likewise: files that match one are not read.
            max_file_size: The largest file that is read, in bytes; 0: any.
            password: Opens files that are encrypted.
            ocr: Whether the letters in pictures of text are recognized: pages of PDFs that are
                scans, or have letters without meaning, and pictures that are named or match
                `include`. Holds for these files and folders from now on; None: as remembered. It
                needs the extra `crystalcli[ocr]`.
            prune: Whether documents whose files are gone are dropped.
            reread: Whether all unchanged files are read again.
            codebooks_from: Files from which the codebooks of an own encoder are learnt, if the
                crystal lacks them; empty: the text of the first ingest.
            layers: Whether layers are made after the text; False leaves them to `make_layers`.
            jobs: The number of processes that make layers, and of files that are parsed at a time;
                None: one process with a thread for each processor where there are up to two, else
                one process for each.
            progress: Called now and then.

        Raises:
            SourceError: A path does not exist.
            ModelMissingError: The crystal has an encoder of its own, and its weights are not here.
            CrystalError: Pictures are to be read, and the extra for it is not installed.
        """
        from crystalcli.ingest import IngestOptions, fetch_documents, is_address
        from crystalcli.text import ReadOptions

        options = IngestOptions(
            prune=prune,
            file_filter=file_filter_of(include, exclude, max_file_size),
            ocr=ocr,
            codebooks_from=expand_paths(_as_sequence(codebooks_from)),
            read_options=ReadOptions(password=password, reread=reread),
            layers=layers,
            jobs=jobs,
        )
        named = _as_sequence(paths)
        addresses = [path for path in named if isinstance(path, str) and is_address(path)]
        existing = expand_paths([path for path in named if path not in addresses])
        if not addresses:
            return self.ingest_with_options(existing, options, progress=progress)
        with fetch_documents(addresses, max_file_size, ocr=bool(ocr)) as files:
            return self.ingest_with_options(existing, replace(options, fetched=files), progress=progress)

    def ingest_stream(
        self,
        stream: BinaryIO,
        name: str = "stdin",
        *,
        max_file_size: int | None = None,
        ocr: bool = False,
        progress: OnProgress | None = None,
    ) -> IngestReport:
        """Read one document from a stream, in place of an earlier one of the same name.

        Args:
            stream: The bytes, which are read to their end before the crystal is locked.
            name: The name that the document is cited by.
            max_file_size: The most bytes that are read; None: 100 MB; 0: any.
            ocr: As in `ingest`, for this document.
            progress: Called now and then.

        Raises:
            UsageError: The name cannot be cited.
            SourceError: The stream is empty, too long, or of a kind that cannot be read.
        """
        from crystalcli.ingest import IngestOptions, spool_stream
        from crystalcli.text import DEFAULT_MAX_FILE_SIZE

        size = DEFAULT_MAX_FILE_SIZE if max_file_size is None else max_file_size
        with spool_stream(stream, name, size, ocr=ocr) as piped:
            return self.ingest_with_options([], IngestOptions(piped=piped), progress=progress)

    def ingest_with_options(
        self,
        paths: Sequence[Path],
        options: IngestOptions,
        *,
        wait: float | None = None,
        progress: OnProgress | None = None,
    ) -> IngestReport:
        """Ingest with options that are made already, as the command line does; see `ingest`.

        Args:
            paths: Files and folders, and web addresses, each of which is fetched once.
            options: The options, with filters, and the document from standard input if any.
            wait: The seconds to wait for another program that writes the crystal; None: as of the
                class.
            progress: Called now and then.

        Returns:
            A report of what was read.
        """
        from crystalcli.ingest import ingest_into
        from crystalcli.memories import read_new_statements

        with self._writing(wait) as store:
            report = ingest_into(store, self._encoder, paths, progress, options)
            read_new_statements(store)
        if not options.layers or report.lexical_only:
            return replace(report, layer_share=self.layer_share)
        return report.with_layers(self._make_layers(progress, options.encoder_cache, jobs=options.jobs))

    def make_layers(
        self,
        *,
        wait: float = 0.0,
        background: bool = False,
        jobs: int | None = None,
        progress: OnProgress | None = None,
    ) -> LayersReport:
        """Make the layers of text that has none yet, of the most asked and newest first.

        In mode "auto" the crystal is locked for each commit alone, so that other programs can write
        in between.

        Args:
            wait: The seconds to wait for another process that makes layers of this crystal; after
                these they are left to it.
            background: Whether this process is the crystal's worker in the background, which
                `crystal ingest --stop` stops.
            jobs: As in `ingest`.
            progress: Called now and then.

        Raises:
            ModelMissingError: The encoder's weights are not here.
            CrystalError: The crystal was opened for reading only, or cannot be written.
        """
        if self._mode == "read":
            raise CrystalError(f"{self.path} was opened for reading only")
        if self._encoder.folder is None:
            raise ModelMissingError(self._encoder.missing)
        return self._make_layers(progress, wait=wait, background=background, jobs=jobs)

    def _make_layers(
        self,
        progress: OnProgress | None = None,
        cache: CachedEncoder | None = None,
        wait: float = 0.0,
        background: bool = False,
        jobs: int | None = None,
    ) -> LayersReport:
        """Make layers with the encoder's weights, which are here."""
        from crystalcli.ingest import make_layers

        def current() -> Store:
            self._follow()
            return self._store

        return make_layers(
            self.path,
            current,
            lambda: self._writing(float("inf")),
            self._encoder,
            progress=progress,
            cache=cache,
            wait=wait,
            on_wait=self._on_wait,
            background=background,
            jobs=jobs,
        )

    @property
    def layer_worker(self) -> LayerWorker | None:
        """The process that makes layers of this crystal now; None without one."""
        from crystalcli.ingest import layer_worker

        return layer_worker(self.path)

    # --- memories -----------------------------------------------------------------------------

    def remember(
        self,
        text: str,
        *,
        by: str = "",
        at: str | date | None = None,
        tags: Sequence[str] = (),
        pin: bool = False,
    ) -> Memory:
        """Keep a sentence or a note as a dated document of its own. No model is needed.

        It is committed when this returns, also while another program ingests; that program indexes
        it at its next commit, and it can be recalled from then on. It never replaces another.

        Args:
            text: The text.
            by: Who tells it.
            at: The day that it speaks of: a date, "2026-09-20 14:30", "yesterday"; None: now.
            tags: Its tags.
            pin: Whether it is pinned.

        Raises:
            UsageError: The text is empty or too long, or the date, the name or a tag cannot be
                used.
            CrystalError: The crystal cannot be written.
        """
        from crystalcli.memories import describe_memory, tell_memory

        dated = "" if at is None else str(at)
        with self._telling() as store:
            row = tell_memory(store, self._encoder, text, author=by, dated=dated, tags=tags, pinned=pin)
            return describe_memory(store, row)

    def memories(
        self,
        *,
        tags: Sequence[str] = (),
        by: str = "",
        pinned: bool = False,
        superseded: bool | None = None,
        limit: int | None = None,
    ) -> list[Memory]:
        """List what was told, the newest date first.

        Args:
            tags: Only memories with all of these tags.
            by: Only those of this person.
            pinned: Only those that are pinned.
            superseded: True: only those that others have superseded; False: only those that hold.
            limit: The most memories; None for all.
        """
        from crystalcli.memories import describe_memory

        wanted = [tag.lstrip("#").lower() for tag in tags]
        with self.snapshot():
            rows = self._store.memories(
                author=" ".join(by.split()), tags=wanted, pinned=pinned, superseded=superseded, limit=limit
            )
            return [describe_memory(self._store, row) for row in rows]

    def memory_count(self) -> int:
        """Count what was told."""
        with self.snapshot():
            return self._store.memory_count()

    def edit_memory(self, number: str, text: str) -> Memory:
        """Give a memory another text; its date, its tags and its id stay.

        Args:
            number: Its id, or the beginning of its id.
            text: The new text.

        Raises:
            NotFoundError: No memory has the id.
            UsageError: The text is empty or too long, or several ids begin like that.
        """
        from crystalcli.memories import describe_memory, edit_memory

        with self._telling() as store:
            return describe_memory(store, edit_memory(store, self._encoder, number, text))

    def find_memory(self, number: str) -> Memory:
        """Find a memory by its id, the beginning of its id, or the name of its document.

        Raises:
            NotFoundError: No memory has it.
            UsageError: Several ids begin like that.
        """
        from crystalcli.memories import describe_memory, find_memory

        with self.snapshot():
            return describe_memory(self._store, find_memory(self._store, number))

    def pin_memories(self, numbers: Sequence[str], *, pinned: bool = True) -> list[Memory]:
        """Pin memories, or take the pins away.

        Args:
            numbers: Their ids, or the beginnings of these.
            pinned: Whether they are pinned from now on.

        Raises:
            NotFoundError: No memory has an id; nothing is changed then.
        """
        from crystalcli.memories import describe_memory, pin_memories

        with self._telling() as store:
            return [describe_memory(store, row) for row in pin_memories(store, numbers, pinned=pinned)]

    def memory_changes(self) -> list[tuple[Memory, Memory]]:
        """List what has changed: the memory that is superseded, and the one that superseded it."""
        from crystalcli.memories import describe_memory, list_changes

        with self.snapshot():
            return [
                (describe_memory(self._store, change.older), describe_memory(self._store, change.newer))
                for change in list_changes(self._store)
            ]

    def conflicts(self) -> list[Conflict]:
        """List what contradicts: each superseded statement with the newer one, the newest first.

        Statements are those of memories, and of dated notes, chats and mail.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        from crystalcli.memories import list_conflicts

        self.index_told()
        with self.snapshot():
            return list_conflicts(self._store)

    def changes(self, name: str, *, as_of: date | None = None) -> tuple[str, ...]:
        """Say of each statement of a document what has changed, each in a line with dates.

        Args:
            name: The document.
            as_of: The day after which nothing counts; None: now.

        Raises:
            NotFoundError: It means no document, or several.
        """
        from crystalcli.memories import changes_of_document

        source = self._store.source_named(name)
        path = source.path if source is not None else self.find_document(name).path  # an archive has no text
        with self.snapshot():
            return changes_of_document(self._store, path, str(as_of or ""))

    def changes_recalled(
        self, question: str, passages: Sequence[Passage | Citation], as_of: date | None = None
    ) -> tuple[str, ...]:
        """Say what has changed of the statements in passages that have a word of the question.

        Args:
            question: The question.
            passages: The passages, or the citations of an answer.
            as_of: The day after which nothing counts; None: now.
        """
        with self.snapshot():
            told = any(passage.place.kind == MEMORY_KIND for passage in passages)
            if not told and not self._store.has_statements():
                return ()  # the rules of statements take long to load
        from crystalcli.answering import changes_cited

        return changes_cited(self, question, passages, str(as_of or ""))

    def uphold_statement(self, path: str, start: int, *, holds: bool = True) -> None:
        """Decide that a statement of a document still holds, whatever was stated since.

        Args:
            path: The document, as it is cited.
            start: The first character of the statement, as of `conflicts`.
            holds: False: leave it to what was stated since.

        Raises:
            NotFoundError: No statement begins there; nothing is changed then.
        """
        from crystalcli.memories import uphold_statement

        with self._telling() as store:
            uphold_statement(store, path, start, holds=holds)

    def uphold_memories(self, numbers: Sequence[str], *, holds: bool = True) -> list[Memory]:
        """Decide that memories still hold, whatever was told since.

        Args:
            numbers: Their ids, or the beginnings of these.
            holds: False: leave it to what was told since.

        Raises:
            NotFoundError: No memory has an id; nothing is changed then.
        """
        from crystalcli.memories import describe_memory, uphold_memories

        with self._telling() as store:
            return [describe_memory(store, row) for row in uphold_memories(store, numbers, holds=holds)]

    def forget_memories(self, numbers: Sequence[str]) -> list[Memory]:
        """Forget memories; their text leaves the bytes of the file with the next `compact`.

        Args:
            numbers: Their ids, or the beginnings of these.

        Returns:
            The memories that are forgotten.

        Raises:
            NotFoundError: No memory has an id; nothing is forgotten then.
        """
        from crystalcli.memories import describe_memory, forget_memories

        with self._telling() as store:
            return [describe_memory(store, row._replace(source=0)) for row in forget_memories(store, numbers)]

    def faded_memories(self, half_life: float = 365.0) -> list[FadedMemory]:
        """List the memories of which less than a half is left, the most faded first.

        Nothing is forgotten by itself: `forget_memories` does that. Pinned memories never fade, and
        recalled ones fade less.

        Args:
            half_life: Days after which a half of a memory is left that was never recalled.

        Raises:
            UsageError: The half-life is not a finite number above 0.
        """
        from crystalcli.memories import faded_memories

        with self.snapshot():
            return faded_memories(self._store, half_life, time.time())

    def profile(self, name: str = "") -> ProfileReport:
        """Gather what a person has said of themselves: quotations with their dates and places.

        Args:
            name: The person, by words of the name; "" for the crystal's owner, who is `me`, and who
                speaks in memories, notes and chats with assistants.

        Raises:
            NotFoundError: Nobody of the name has said anything of themselves.
        """
        from crystalcli.memories import make_profile

        return make_profile(self, " ".join(name.split()))

    def set_me(self, name: str) -> None:
        """Say who "I" and "my" are in questions; what that person said is then preferred.

        Args:
            name: The name, as messages have it; "" for nobody.

        Raises:
            UsageError: The name cannot be one.
            CrystalError: The crystal cannot be written.
        """
        from crystalcli.memories import check_author

        author = check_author(name)
        with self._telling() as store, store.transaction():
            store.set_meta(ME_KEY, author)

    def begin_conversation(self) -> str:
        """Name the document of a new conversation, which `keep_turn` writes."""
        from datetime import datetime

        stem = f"conversations/{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
        name, count = stem, 1
        with self.snapshot():
            while self._store.source_named(name) is not None:
                count += 1
                name = f"{stem}~{count}"
        return name

    def last_conversation_day(self) -> date | None:
        """Find the day of the last turn of a conversation that is kept; None without any."""
        from crystalcli.memories import last_conversation_day

        with self.snapshot():
            return last_conversation_day(self._store)

    def keep_turn(self, conversation: str, answer: Answer) -> None:
        """Keep a question and its answer, with what was cited, at the end of a conversation.

        It is a document of kind "conversation", which other answers leave out unless the question
        or a filter means it.

        Args:
            conversation: The name of its document, as of `begin_conversation`.
            answer: The answer.

        Raises:
            CrystalError: The crystal was opened for reading only, or cannot be written.
        """
        from crystalcli.memories import tell_turn, turn_messages

        with self._telling() as store:
            tell_turn(store, self._encoder, conversation, turn_messages(answer))

    def index_told(self) -> bool:
        """Index what was told while another program was writing the file, unless one is now.

        Returns:
            Whether all that was told can be recalled.
        """
        from crystalcli.ingest import index_waiting

        self._follow()
        if not self._store.has_waiting():
            return True
        if self._mode == "read":
            return False
        with suppress(CrystalError), self._telling() as store:  # it is only put off
            if not store.shared:
                index_waiting(store, self._encoder)
        return not self._store.has_waiting()

    @contextmanager
    def _telling(self) -> Iterator[Store]:
        """Open the file for short transactions inside the block, also while another program writes.

        Raises:
            CrystalError: The crystal was opened for reading only, or cannot be written.
        """
        if self._mode == "read":
            raise CrystalError(f"{self.path} was opened for reading only")
        if self._store.writable or not self.path.exists():
            with self._writing() as store:
                yield store
            return
        self._store.close()
        try:
            with Store.open_for_telling(self.path, wait=max(self._wait, _WAIT_TO_TELL)) as store:
                yield store
        finally:
            self._replace_store()

    def watch(
        self,
        paths: Paths,
        *,
        on_batch: Callable[[WatchBatch], None],
        on_note: Callable[[str], None] = lambda line: None,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        max_file_size: int | None = None,
        password: str = "",
        ocr: bool | None = None,
    ) -> None:
        """Keep the crystal current while files change. Does not return.

        The paths are ingested, then each change in them. In mode "auto" the crystal is locked only
        while a batch is read, so that other programs can write it in between.

        Args:
            paths: Files and folders.
            on_batch: Called after each ingest.
            on_note: Called with a line when a path goes away or comes back.
            include: As in `ingest`.
            exclude: As in `ingest`.
            max_file_size: As in `ingest`.
            password: As in `ingest`.
            ocr: As in `ingest`.

        Raises:
            KeyboardInterrupt: It was stopped.
            SourceError: A path does not exist at the beginning.
            CrystalError: It cannot go on.
        """
        from crystalcli.ingest import Watcher
        from crystalcli.text import ReadOptions

        def ingest(changed: list[Path], options: IngestOptions) -> IngestReport:
            return self.ingest_with_options(changed, options, wait=float("inf"))

        choice = file_filter_of(include, exclude, max_file_size)
        sources = expand_paths(_as_sequence(paths))
        Watcher(self.path, sources, ingest, on_batch, on_note, choice, ReadOptions(password=password), ocr).run()

    @staticmethod
    def forecast(
        path: str | Path,
        paths: Paths,
        *,
        encoder: str | Path | None = "auto",
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        max_file_size: int | None = None,
        password: str = "",
        ocr: bool | None = None,
        reread: bool = False,
    ) -> ForecastReport:
        """Predict an ingest. Changes no file and fetches no weights.

        Args:
            path: The crystal, which need not exist.
            paths: Files and folders.
            encoder: As of the class.
            include: As in `ingest`.
            exclude: As in `ingest`.
            max_file_size: As in `ingest`.
            password: As in `ingest`.
            ocr: As in `ingest`.
            reread: As in `ingest`.

        Raises:
            SourceError: A path does not exist.
        """
        from crystalcli.index import open_encoder
        from crystalcli.ingest import forecast_ingest
        from crystalcli.text import ReadOptions

        target, sources = Path(path), expand_paths(_as_sequence(paths))
        options = ReadOptions(password=password, reread=reread)
        choice = file_filter_of(include, exclude, max_file_size)
        if not target.exists():
            folder = _encoder_folder(encoder, {}, target, models.locate)
            return forecast_ingest(
                sources, target, None, resolve_encoder(folder, target.absolute().parent)[0], choice, options, ocr
            )
        with Store.open(target) as store, store.snapshot():
            meta = store.meta()
            folder = _encoder_folder(encoder, meta, target, models.locate)
            return forecast_ingest(sources, target, store, open_encoder(meta, target, folder), choice, options, ocr)

    # --- recall and answers -------------------------------------------------------------------

    def recall(
        self,
        question: str,
        k: int = 5,
        *,
        depth: int = 3,
        reencode: int = 0,
        half_life: HalfLife = "auto",
        now: float | None = None,
        rerank: bool = True,
        where: RecallFilter | FilterReading | None = None,
        today: date | None = None,
    ) -> Results:
        """Find the passages that answer a question best.

        The words of the question may say where to look: "in August", "what did Ann say", "in
        Dracula". `Results.reading` says what was read.

        Args:
            question: The question, in words.
            k: As in `CrystalReader.recall`, like all below.
            depth: The deepest layer.
            reencode: The candidates to encode again.
            half_life: The half-life of dated messages.
            now: The time from which ages count.
            rerank: Whether the reranker reads the best passages.
            where: The documents, times and people to answer from; the words of the question add to
                it. With a `FilterReading` they are not read.
            today: The day that "last week" is counted from; None: the newest date in the text.

        Returns:
            The passages, best first, and the prepared question. What the words said is dropped
            where it leaves nothing.

        Raises:
            UsageError: The question is empty, or an option is out of range.
            NotFoundError: The filter names a document, kind, author or tag that is nowhere.
            DamagedCrystalError: The crystal is damaged.
        """
        results = self._recall(question, k, depth, reencode, half_life, now, rerank, where, today)
        self._note_recalled(results.passages)
        return results

    def _recall(
        self,
        question: str,
        k: int,
        depth: int,
        reencode: int,
        half_life: HalfLife,
        now: float | None,
        rerank: bool,
        where: RecallFilter | FilterReading | None,
        today: date | None,
    ) -> Results:
        """Find the passages that answer a question best, where its words say to look."""
        find = partial(
            super().recall, question, k, depth=depth, reencode=reencode, half_life=half_life, now=now, rerank=rerank
        )
        if isinstance(where, FilterReading):
            return find(where=where)
        reading = self.read_filter(question, where, today)
        if not reading.from_words:
            return find(where=reading)
        try:
            if results := find(where=reading):
                return results
        except NotFoundError:  # nothing is there
            pass
        return find(where=reading.without_words())

    def read_filter(self, question: str, where: RecallFilter | None = None, today: date | None = None) -> FilterReading:
        """Read where the words of a question say to look, against the names in the crystal.

        Args:
            question: The question.
            where: The filter that the words add to.
            today: The day that "last week" is counted from; None: the newest date in the text.
        """
        from crystalcli.answering import read_filter

        return read_filter(self, question, where, today)

    def ask(
        self,
        question: str,
        options: AskOptions | None = None,
        *,
        model: str | Path | ChatModel | None = None,
        allow_remote: bool = False,
        history: Sequence[Turn] = (),
        on_text: Callable[[str], None] | None = None,
        on_evidence: Callable[[tuple[Citation, ...]], None] | None = None,
        on_read_as: Callable[[str], None] | None = None,
        progress: OnProgress | None = None,
        **single: Unpack[AskArguments],
    ) -> Answer:
        """Answer a question from the crystal, with citations.

        What a language model says of the parts of a document is kept in the file, unless the
        crystal was opened for reading only, or cannot be written now.

        Args:
            question: The question.
            options: All options in one.
            model: A GGUF file, a folder in Hugging Face's layout, the URL of a local server, the
                name of a model, or a model that is open (`open_model`), which keeps its weights
                from one question to the next; None: the one that $CRYSTAL_MODEL names, else the
                default, which may be fetched. A model that is named is opened before passages are
                recalled.
            allow_remote: Whether a server may be another machine.
            history: The turns before the question, oldest first (`Answer.turn`). A question that
                leans on them is rewritten so that it stands alone.
            on_text: Called with each piece of the answer as it is written.
            on_evidence: Called with the best sentences before a model is opened; not for an
                extractive answer, which consists of them.
            on_read_as: Called with the question as it was rewritten.
            progress: Called before each part of an answer from the whole.
            **single: The options one by one, with the names of the fields of `AskOptions`.

        Returns:
            The answer, with its citations, claims and passages.

        Raises:
            UsageError: The question is empty, an option is out of range, or is given both ways.
            ModelMissingError: The model does not exist.
            NotFoundError: Nothing was recalled, or a document that the question names does not
                exist.
        """
        ask_options = options_of(options, single).with_defaults(lambda: is_model_named(model))
        self.index_told()
        read_as = self._understand(question, history)
        if read_as is not None and on_read_as is not None:
            on_read_as(read_as)
        as_of = ask_options.where.as_of if ask_options.where is not None else None
        before = self._notes.copy()
        answer = self._answer(read_as or question, ask_options, model, allow_remote, on_text, on_evidence, progress)
        self._notes = before  # of all that was recalled for it, what is cited counts
        self._note_recalled(answer.citations)
        if self._notes.segments:  # a worker may make layers now, while a conversation goes on
            self._keep_notes()
        changes = answer.changes or self.changes_recalled(read_as or question, answer.citations, as_of)
        return replace(answer, question=question, read_as=read_as, changes=changes)

    def _answer(
        self,
        question: str,
        ask_options: AskOptions,
        model: str | Path | ChatModel | None,
        allow_remote: bool,
        on_text: Callable[[str], None] | None,
        on_evidence: Callable[[tuple[Citation, ...]], None] | None,
        progress: OnProgress | None,
    ) -> Answer:
        """Answer a question that stands alone."""
        from crystalcli.answering import answer_question, broad_intent

        intent = broad_intent(question) if ask_options.broad is not False else None
        if ask_options.extractive or (intent is not None and intent.needs_no_model):
            return answer_question(
                self,
                question,
                ask_options,
                intent=intent,
                open_model=lambda: _open_chat_model(model, allow_remote),
                on_text=on_text,
                on_progress=progress,
            )
        start = ModelStart(model, allow_remote=allow_remote)

        def on_quotations(quotations: tuple[Citation, ...]) -> None:
            start.go_on()  # not sooner: a thread would slow the search for quotations
            if on_evidence is not None:
                on_evidence(quotations)

        try:
            return answer_question(
                self,
                question,
                ask_options,
                intent=intent,
                open_model=start,
                on_text=on_text,
                on_search=start.begin,
                on_evidence=on_quotations,
                on_progress=progress,
                keep_summaries=self._keep_summaries,
            )
        finally:
            start.close()

    def _understand(self, question: str, history: Sequence[Turn]) -> str | None:
        """Rewrite a question that leans on those before it; None where it stands alone."""
        if not history:
            return None
        from crystalcli.answering import understand_question

        read_as = understand_question(question, history, self)
        return read_as if read_as != question else None

    def _keep_summaries(self, summaries: Sequence[tuple[SourceRow, SummaryRow]]) -> None:
        """Keep what a language model has said of parts of documents, where the file can be written.

        Args:
            summaries: Each summary with its document as it was read; one whose document has
                changed since is not kept.
        """
        if self._mode == "read" or not self.path.exists():
            return
        # It is a note for the next time: nothing is lost where it cannot be written.
        with suppress(CrystalError), self._writing(max(self._wait, _WAIT_TO_KEEP)) as store:
            if store.add_new_tables():
                with store.transaction():
                    known = {source.id: source for source in store.sources()}
                    store.add_summaries(row for source, row in summaries if known.get(source.id) == source)

    def pack_context(
        self,
        question: str,
        options: AskOptions | None = None,
        *,
        model: str | Path | ChatModel | None = None,
        allow_remote: bool = False,
        history: Sequence[Turn] = (),
        **single: Unpack[AskArguments],
    ) -> PackedContext:
        """Pack the prompt that `ask` would give a language model, for use with any other one.

        No model is loaded or fetched.

        Args:
            question: The question.
            options: All options in one.
            model: The model whose vocabulary counts the budget and whose window bounds it; None:
                the program's own counts, or an estimate where that is not here, and the budget
                alone bounds.
            allow_remote: Whether a server may be another machine.
            history: The turns before the question, as in `ask`.
            **single: The options one by one, with the names of the fields of `AskOptions`.

        Raises:
            UsageError: The question is empty, an option is out of range, or is given both ways.
            ModelMissingError: A model that is named does not exist.
            NotFoundError: Nothing was recalled.
        """
        from crystalcli.answering import pack_context

        question = self._understand(question, history) or question
        ask_options, is_named = options_of(options, single), is_model_named(model)
        if model is None or isinstance(model, str | Path):
            resolved = resolve_model(model)
            if is_builtin(resolved) and models.locate(resolved) is None:
                return pack_context(self, question, ask_options)
            model = open_model(resolved, allow_remote=allow_remote)
        return pack_context(self, question, ask_options, model, bounded=is_named)

    # --- documents ----------------------------------------------------------------------------

    def outline(self, name: str) -> DocumentOutline:
        """Outline a document: its headings, definitions, pages or other parts.

        Args:
            name: The document, as in `find_document`.

        Raises:
            NotFoundError: The crystal does not hold the document.
        """
        from crystalcli.overview import outline_document

        with self.snapshot():
            return outline_document(self.shelf, self._source_named(self.find_document(name).path))

    def read(
        self,
        name: str,
        *,
        lines: tuple[int, int | None] | None = None,
        pages: tuple[int, int | None] | None = None,
        section: str | None = None,
        around: int | None = None,
        limit: int = 4_000,
    ) -> Excerpt:
        """Read a part of a document back from the crystal; without a part, its beginning.

        Args:
            name: The document, as in `find_document`.
            lines: The first and the last line of the file; None as the last: to the end.
            pages: The same for pages, counted from 1.
            section: A section: an id of `outline`, a heading, or "chapter 12" and the like.
            around: A character of the document, such as `Passage.start`: a window around it.
            limit: The most characters; a longer part is cut after a line.

        Raises:
            NotFoundError: The crystal does not hold the document, or the document the part.
            UsageError: Several parts are given, a range is empty, or the document has no lines or
                pages.
        """
        from crystalcli.overview import Excerpt, cut_span, find_section, lines_span, pages_span, window_around

        if sum(part is not None for part in (lines, pages, section, around)) > 1:
            raise UsageError("read one part at a time: lines, pages, a section, or around a character")
        if limit < 1:
            raise UsageError(f"limit: expected 1 character or more, got {limit}")
        with self.snapshot():
            document = self.find_document(name)
            source = self._source_named(document.path)
            if lines is not None:
                wanted = lines_span(self.shelf, source, *lines)
            elif pages is not None:
                wanted = pages_span(self.shelf, source, *pages)
            elif section is not None:
                wanted = find_section(self.shelf, source, section)
            elif around is not None:
                wanted = window_around(self.shelf, source, around, limit)
            else:
                wanted = (0, source.characters)
            end = cut_span(self.shelf, source, *wanted, limit)
            return Excerpt(document, self.cite(document.path, wanted[0], end), wanted)

    def layers(
        self, scope: LayerScope | None = None, question: str = "", k: int = 5, *, where: RecallFilter | None = None
    ) -> LayerView:
        """View the layers of the crystal, a folder, a document or a span: bands of cells.

        Without a question, each cell has the direction of its meaning among the others. With one,
        the cells that are near to it have light, and the passages that answer it best have their
        places. The recall of the last questions is kept.

        Args:
            scope: The part of the crystal; None: all of it.
            question: The question; "": none.
            k: How many passages, at most.
            where: The filter of the question, as in `recall`.

        Raises:
            NotFoundError: The crystal does not hold the document, or no document in the folder.
        """
        from crystalcli.overview import LayerScope, build_layer_view

        with self.snapshot():
            scope = scope or LayerScope()
            if question.strip():
                return build_layer_view(self.shelf, scope, *self._trace_of(question, k, where))
            with one_blas_thread():
                return build_layer_view(self.shelf, scope, codec=self.codec())

    def _trace_of(self, question: str, k: int, where: RecallFilter | None) -> tuple[LayerTrace, tuple[LitPassage, ...]]:
        """Recall a question with the scores of every layer, once for each state of the file."""
        from crystalcli.overview import lit_passages

        searcher = self.searcher()
        if self._traced_by is not searcher:
            self._traces, self._traced_by = OrderedDict(), searcher
        traced = self._traces.pop((question, k, where), None)
        if traced is None:
            results = self.recall(question, k, where=where)
            with one_blas_thread():
                trace = searcher.trace(results)
            traced = trace, tuple(lit_passages(self.shelf, trace))
        self._traces[question, k, where] = traced
        while len(self._traces) > _TRACES:
            self._traces.popitem(last=False)
        return traced

    def mentions(self, phrase: str, *, unit: str = "", where: RecallFilter | None = None) -> Answer:
        """Count and list every mention of a word or a phrase, exactly.

        Args:
            phrase: One word or several, as written; letter case counts in identifiers alone.
            unit: What is counted by: "file", "chapter", "page", "function", "message", "slide" or
                "sheet"; "": files, or in one document its chapters, functions or pages.
            where: The documents, times and people to look at; None: all.

        Returns:
            The answer, with a portion and its count for each unit that has mentions.

        Raises:
            UsageError: The phrase is empty, or the unit unknown.
            NotFoundError: The phrase does not occur, or the filter names what is nowhere.
        """
        from crystalcli.answering import count_mentions

        return count_mentions(self, phrase, unit=unit, where=where)

    # --- evaluation ---------------------------------------------------------------------------

    def evaluate(
        self,
        questions: str | Path | Sequence[EvaluationQuestion],
        options: AskOptions | None = None,
        *,
        model: str | Path | ChatModel | None = None,
        allow_remote: bool = False,
        limit: int | None = None,
        only_recall: bool = False,
        progress: OnProgress | None = None,
        **single: Unpack[AskArguments],
    ) -> EvaluationReport:
        """Measure recall and answers on questions with known answers.

        BM25 and flat vectors over the same passages are measured beside the crystal.

        Args:
            questions: The questions, or a file of them in JSON Lines (docs/GUIDE.md).
            options: All options of an answer in one.
            model: The language model, as in `ask`.
            allow_remote: Whether a server may be another machine.
            limit: The number of questions to take, from the first on; None: all.
            only_recall: Measure no answers.
            progress: Called after each question.
            **single: The options one by one, with the names of the fields of `AskOptions`.

        Raises:
            SourceError: The file cannot be read.
            UsageError: A line of the file is no question, or an option is out of range.
            ModelMissingError: The model does not exist.
        """
        from crystalcli.evaluation import evaluate_questions, read_questions

        ask_options = options_of(options, single).with_defaults(lambda: is_model_named(model))
        if limit is not None and limit < 1:
            raise UsageError(f"limit: expected 1 or more, got {limit}")
        rows = read_questions(expanded(questions)) if isinstance(questions, str | Path) else list(questions)
        if not only_recall and not ask_options.extractive:
            model = _open_chat_model(model, allow_remote)
        strengthens, self._strengthens = self._strengthens, False  # a test is no use
        try:
            return evaluate_questions(
                self,
                rows[:limit],
                None if only_recall else lambda question: self.ask(question, ask_options, model=model),
                k=ask_options.k,
                progress=_count_progress(progress, "questions"),
            )
        finally:
            self._strengthens = strengthens

    # --- upkeep -------------------------------------------------------------------------------

    def status(self) -> StatusReport:
        """Compare the ledger with the folders as they are now. Raises DamagedCrystalError."""
        from crystalcli.ingest import crystal_status

        self._follow()
        return crystal_status(self._store)

    def verify(self, *, quick: bool = False, progress: OnProgress | None = None) -> VerifyReport:
        """Check every page, row, digest, layer and posting of the file.

        Damage is reported and not raised.

        Args:
            quick: Leave out the postings against the text.
            progress: Called with the bytes that are done.
        """
        from crystalcli.maintenance import verify_crystal

        self._follow()
        return verify_crystal(self._store, quick=quick, progress=_count_progress(progress, "bytes"))

    def forget(self, names: Paths, *, dry_run: bool = False) -> ForgetReport:
        """Drop documents, all of them or, after an error, none.

        Their text stays in the file's bytes until `compact`.

        Args:
            names: Names as cited, folders, paths or globs.
            dry_run: Only list them.

        Raises:
            NotFoundError: A name matches no document.
        """
        from crystalcli.maintenance import forget_documents

        patterns = [str(name) for name in _as_sequence(names)]
        if dry_run:
            self._follow()
            return forget_documents(self._store, patterns, dry_run=True)
        with self._writing() as store:
            return forget_documents(store, patterns)

    def compact(self, *, progress: OnProgress | None = None) -> CompactReport:
        """Free the space that no document uses.

        The file is written anew and replaced at the end; until then, and after an interruption, the
        old one is whole.

        Args:
            progress: Called with the tokens that are done.

        Raises:
            CrystalError: It was opened for reading only, or another program is writing it.
            DamagedCrystalError: The crystal is damaged.
        """
        from crystalcli.maintenance import compact_crystal

        if self._mode == "read":
            raise CrystalError(f"{self.path} was opened for reading only")
        self._store.close()
        try:
            return compact_crystal(self.path, _count_progress(progress, "tokens"))
        finally:
            self._replace_store()

    def export(self, folder: str | Path, names: Paths = (), *, force: bool = False) -> ExportReport:
        """Write documents as files.

        Args:
            folder: The folder to write to, which is made if need be.
            names: Names as cited, folders, paths or globs; empty: all documents.
            force: Replace files that exist.

        Raises:
            NotFoundError: A name matches no document.
            CrystalError: A file exists and `force` is False, or it cannot be written.
        """
        from crystalcli.maintenance import export_documents

        self._follow()
        return export_documents(self._store, expanded(folder), [str(name) for name in _as_sequence(names)], force=force)

    def passages(self, names: Paths = ()) -> Iterator[dict[str, Any]]:
        """Give every passage of the documents as a row with its text, place and metadata.

        Joined, the texts are the documents.

        Args:
            names: Names as cited, folders, paths or globs; empty: all documents.

        Raises:
            NotFoundError: A name matches no document.
        """
        from crystalcli.maintenance import passage_rows

        self._follow()
        return passage_rows(self._store, [str(name) for name in _as_sequence(names)])

    def diff(self, other: str | Path) -> DiffReport:
        """Compare with another crystal: documents and passages that only one of the two holds.

        Args:
            other: The other crystal, which this one is compared to as the older one.
        """
        from crystalcli.maintenance import diff_crystals

        return diff_crystals(self.path, expanded(other))

    def memory_use(self) -> MemoryReport:
        """Measure the memory that recall keeps, after one question."""
        from crystalcli.recall import measure_memory

        return measure_memory(self)

    @staticmethod
    def merge(
        paths: Sequence[str | Path], output: str | Path, *, force: bool = False, progress: OnProgress | None = None
    ) -> MergeReport:
        """Make one crystal of several. Text that they share is stored once.

        No file is read and no text is encoded again.

        Args:
            paths: Two crystals or more.
            output: The crystal to make.
            force: Replace the one that exists.
            progress: Called with the tokens that are done.

        Raises:
            EncoderMismatchError: Their vectors are not comparable.
            CrystalError: The output exists and `force` is False.
        """
        from crystalcli.maintenance import merge_crystals
        from crystalcli.memories import settle_all_claims

        inputs = [expanded(path) for path in paths]
        report = merge_crystals(inputs, expanded(output), force=force, progress=_count_progress(progress, "tokens"))
        with Store.open(expanded(output)) as merged:
            has_claims = bool(merged.claim_keys())
        if has_claims:  # a memory of one crystal may supersede one of another
            with Store.open(expanded(output), writable=True, wait=_WAIT_TO_TELL) as merged, merged.transaction():
                settle_all_claims(merged)
        return report

    @staticmethod
    def repair(
        path: str | Path,
        *,
        encoder: str | Path | None = "auto",
        fetch: Fetch | None = None,
        backup: bool = True,
        progress: OnProgress | None = None,
    ) -> RepairReport:
        """Make a damaged crystal whole from its readable parts. A sound crystal stays as it is.

        Args:
            path: The crystal, which must not be open for writing.
            encoder: As of the class, for layers that have to be made again; without one they wait
                for the next ingest.
            fetch: As of the class.
            backup: Keep the damaged file as NAME.crystal.damaged.
            progress: Called with the bytes that are checked.

        Raises:
            DamagedCrystalError: The file cannot be read at all; it is then as it was.
        """
        from crystalcli.maintenance import repair_crystal

        target = Path(path)
        return repair_crystal(
            target,
            encoder=lambda meta, _: _encoder_folder(encoder, meta, target, fetch),
            backup=backup,
            progress=_count_progress(progress, "bytes"),
        )

    @staticmethod
    def perplexity(
        paths: Paths,
        *,
        model: str | Path | ChatModel | None = None,
        window: int = 1024,
        targets: int = 40,
        encoder: Path | None = None,
        fetch: Fetch | None = None,
        progress: OnProgress | None = None,
    ) -> PerplexityReport:
        """Measure how well a language model predicts the end of a text, with memory and without.

        Makes no crystal.

        Args:
            paths: Files and folders, which are one text in the order given.
            model: The language model, as in `ask`, or one that is open; not a server.
            window: Tokens before each target, memory included.
            targets: The number of pieces of 128 tokens to predict.
            encoder: The folder of the program's own encoder; None: it is found here or fetched.
            fetch: As of the class.
            progress: Called after each target.

        Raises:
            SourceError: The paths hold no text.
            UsageError: The text is too short, or the model does not give probabilities of tokens.
        """
        from crystalcli.retrieval_lm import measure_perplexity, open_scoring_model, read_text

        text = read_text(expand_paths(_as_sequence(paths)))
        if model is None or isinstance(model, str | Path):
            resolved = resolve_model(model)
            model = (
                (models.locate(resolved) or models.pull(resolved)) / models.catalogue_entry(resolved).main
                if is_builtin(resolved)
                else resolved
            )
        folder = encoder if encoder is not None else (fetch or locate_or_fetch)(ENCODER)
        return measure_perplexity(
            open_scoring_model(model),
            text,
            folder,
            window=window,
            targets=targets,
            progress=_count_progress(progress, "targets"),
        )


def _several(path: Paths, *, writable: bool) -> list[Path]:
    """List the crystals that are named together; none where one file is named.

    Raises:
        UsageError: No crystal is named, or several are, to be written.
    """
    names = _as_sequence(path)
    if not names:
        raise UsageError("give a crystal")
    if len(names) == 1 and Path(names[0]).is_file():  # nearly always: nothing is imported for it
        return []
    from crystalcli.maintenance import crystal_files

    files = list(dict.fromkeys(file for name in names for file in crystal_files(name)))
    if len(files) == 1:
        return []
    if writable:
        raise UsageError(f"{len(files)} crystals are one for reading alone: name one of them to write it")
    return files


def _one_path(path: Paths, only_reads: bool) -> Path:
    """Give the path of the one file that is named; for reading also by a folder or glob of one."""
    name = _as_sequence(path)[0]
    if Path(name).is_file() or not only_reads:
        return Path(name)
    from crystalcli.maintenance import crystal_files

    return crystal_files(name)[0]


def _open_several(paths: Sequence[Path]) -> Store:
    """Open several crystals as one. What is told in them supersedes as after a merge."""
    from crystalcli.maintenance import open_several
    from crystalcli.memories import settle_all_claims

    return open_several(paths, settle_all_claims)


def _create(
    path: Path,
    encoder: str | Path | None,
    fetch: Fetch | None,
    wait: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
) -> tuple[Store, Path | None]:
    """Make a new, empty crystal file, and find the folder of its encoder."""
    folder = _encoder_folder(encoder, {}, path, fetch)
    _, meta = resolve_encoder(folder, path.absolute().parent)
    return Store.create(path, meta, wait=wait, waiting=on_wait), folder


def _encoder_folder_of(store: Store, encoder: str | Path | None, fetch: Fetch | None) -> Path | None:
    """Find the folder of an open crystal's encoder. Closes the store if that fails."""
    try:
        return _encoder_folder(encoder, store.meta(), store.path, fetch)
    except BaseException:
        store.close()
        raise


def _encoder_folder(
    encoder: str | Path | None, meta: Mapping[str, str], path: Path, fetch: Fetch | None
) -> Path | None:
    """Find the folder of the encoder for a crystal.

    Args:
        encoder: As of the class.
        meta: The metadata of the crystal; empty for a new one.
        path: The crystal.
        fetch: As of the class.

    Returns:
        The folder; None without one.
    """
    if encoder == "auto":
        return find_encoder(meta, path.absolute().parent, fetch or locate_or_fetch)
    return find_named_encoder(str(encoder), fetch or locate_or_fetch) if encoder is not None else None


def _reranker_finder(
    reranker: str | Path | None, encoder: str | Path | None, fetch: Fetch | None
) -> Callable[[], Path | None] | None:
    """Make the function that finds the reranker's folder; None without a reranker.

    Args:
        reranker: As of the class.
        encoder: As of the class.
        fetch: As of the class.
    """
    if reranker == "auto":
        reranker = os.environ.get("CRYSTAL_RERANKER") or "auto"
    if reranker in (None, "off") or (reranker == "auto" and encoder is None):
        return None
    if reranker != "auto":
        folder = expanded(reranker)
        return lambda: folder
    return lambda: (fetch or locate_or_fetch)(RERANKER)


def locate_or_fetch(name: str) -> Path | None:
    """Find the folder of a model's weights, fetched if need be.

    Args:
        name: The name of the model.

    Returns:
        The folder; None where the weights are not here and cannot be fetched.
    """
    try:
        return models.locate(name) or models.pull(name)
    except ModelMissingError:
        return None


def _open_chat_model(model: str | Path | ChatModel | None, allow_remote: bool) -> ChatModel:
    """Open a language model, unless it is open."""
    if model is None or isinstance(model, str | Path):
        return open_model(model, allow_remote=allow_remote)
    return model


def _count_progress(progress: OnProgress | None, unit: str) -> Callable[[int, int], None] | None:
    """Make a callback of amounts, done and total, that reports Progress in a unit."""
    if progress is None:
        return None
    report = progress
    return lambda done, total: report(Progress(done, total, unit))


def _as_sequence(paths: Paths) -> Sequence[str | Path]:
    """Give one path, or several, as a sequence."""
    return [paths] if isinstance(paths, str | Path) else paths


def file_filter_of(
    include: Sequence[str] | None = None, exclude: Sequence[str] | None = None, max_file_size: int | None = None
) -> FileFilter | None:
    """Make the filter of folders.

    Args:
        include: Patterns of files to read.
        exclude: Patterns of files to leave out.
        max_file_size: The largest file, in bytes; 0: any; None: the usual.

    Returns:
        The filter; None if all three are None, so that the folders keep theirs.

    Raises:
        UsageError: A pattern or the size is invalid.
    """
    if include is None and exclude is None and max_file_size is None:
        return None
    from crystalcli.text import DEFAULT_MAX_FILE_SIZE, FileFilter

    largest = DEFAULT_MAX_FILE_SIZE if max_file_size is None else max_file_size
    return FileFilter(tuple(include or ()), tuple(exclude or ()), largest)


def expand_paths(paths: Sequence[str | Path]) -> list[Path]:
    """Expand `~` in paths that the user wrote. Raises SourceError for one that does not exist."""
    existing = [expanded(path) for path in paths]
    for path in existing:
        if not path.exists():
            raise SourceError(f"{path} does not exist")
    return existing
