"""Files into a crystal: walk, compare with the ledger, read, cut, encode, commit. Streams; memory does not grow with the input.

The ledger has a row for every file met, read or not, so that the crystal always says what it holds and what it does not.
A file that has not changed since it was read is not opened. A file that has changed is read again, but only the chunks whose
text is new are encoded; what was read of it before stays until all of it has been read again. What the ledger says of a file
and the text it says it of are always written by the same commit.

An archive has a row of its own, without text, and each member one below it. It is `partial` until all of them have been met: an
archive that an ingest was stopped in is opened again, one that has not changed is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crystalcli.errors import ModelMissingError, Refusal, SourceError, UnsteadySourceError, UsageError
from crystalcli.index import (
    ENCODER,
    ContextTracker,
    Encoder,
    RunBuilder,
    SegmentWriter,
    fill_layers,
    lacks_codebooks,
    learn_codebooks,
    make_lazy_encoder,
)
from crystalcli.ingest.folder_rules import FolderRules
from crystalcli.ingest.ledger import Ledger, no_longer_read
from crystalcli.ingest.locations import own_files
from crystalcli.ingest.slack_users import users_first
from crystalcli.ingest.staleness import ChangeDetector
from crystalcli.storage import SourceRow, Store
from crystalcli.text import (
    DEFAULT_READ_OPTIONS,
    MAX_ARCHIVE_DEPTH,
    TOO_DEEP,
    Allowance,
    ArchiveReading,
    ChangedPaths,
    FileFilter,
    FoundFile,
    ReadOptions,
    SkippedPath,
    walk_files,
)
from crystalcli.types import (
    BY_LINES,
    Change,
    Chunk,
    DocumentState,
    Fingerprint,
    Landmark,
    Progress,
    Reading,
    SkippedFile,
)

if TYPE_CHECKING:
    from crystalcli.index import CachedEncoder, ChunkEncoder


# Nanoseconds: mtime is too coarse to trust for files modified less than 2 s ago.
_FRESH = 2_000_000_000


class ChangedFile(NamedTuple):
    """A file that an ingest met otherwise than the last one."""

    path: str
    change: Change


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The outcome of an ingest.

    Attributes:
        read: Files that were read.
        unchanged: Files that the crystal held already as they are.
        gone: Files that were read once and are no longer there.
        pruned: Gone documents that were dropped.
        left_out: Documents that stay as they were read, since the filters leave their files out now.
        tokens: Tokens that were read.
        encoded_tokens: Tokens that were newly encoded.
        bytes: Bytes of the files that were read.
        seconds: The time that it took.
        lexical_only: Whether layers 1 to 3 are missing, because there were no weights.
        skipped: Files that were not read.
        changed: Files that were read, and files that are gone.
        chosen: The filters of the folders that have any.
    """

    read: int
    unchanged: int
    gone: int
    pruned: int
    left_out: int
    tokens: int
    encoded_tokens: int
    bytes: int
    seconds: float
    lexical_only: bool
    skipped: tuple[SkippedFile, ...]
    changed: tuple[ChangedFile, ...]
    chosen: dict[str, dict[str, Any]]


@dataclass(slots=True)
class _Tally:
    """An IngestReport while it is counted."""

    read: int = 0
    unchanged: int = 0
    gone: int = 0
    pruned: int = 0
    left_out: int = 0
    tokens: int = 0
    encoded_tokens: int = 0
    bytes: int = 0
    seconds: float = 0.0
    lexical_only: bool = False
    skipped: list[SkippedFile] = field(default_factory=list)
    changed: list[ChangedFile] = field(default_factory=list)
    chosen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def report(self) -> IngestReport:
        return IngestReport(
            self.read, self.unchanged, self.gone, self.pruned, self.left_out, self.tokens, self.encoded_tokens, self.bytes,
            self.seconds, self.lexical_only, tuple(self.skipped), tuple(self.changed), dict(self.chosen),
        )  # fmt: skip


@dataclass(slots=True)
class _Open:
    """A source that is being read.

    held: how many of its characters the crystal has from a run that was interrupted; what is read now takes their place as
    soon as it is as much, and goes on from there with each commit. None: it was read to its end once, and that stays until
    it has been again. shown: whether what is read now stands in the crystal.
    """

    found: FoundFile
    source: SourceRow
    held: int | None
    shown: bool = False
    landmarks: list[tuple[int, str, str]] = field(default_factory=list)
    runs: RunBuilder = field(init=False)
    tokens: int = 0
    chunks: int = 0

    def __post_init__(self) -> None:
        self.runs = RunBuilder(self.source.id)

    @property
    def characters(self) -> int:
        """Characters that were read."""
        return self.runs.characters

    def place(self, chunk: Chunk, number: int) -> None:
        """Note that the document goes on with chunk `number`."""
        self.runs.add(number, len(chunk.text), chunk.text.count("\n"))
        self.tokens += len(chunk.ids)
        self.chunks += 1

    def row(self, state: DocumentState) -> SourceRow:
        """What the ledger says of it now."""
        row = self.source._replace(state=state, reason="", code="")
        return row._replace(characters=self.characters, tokens=self.tokens, chunks=self.chunks)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """The options of an ingest.

    Attributes:
        prune: Whether documents whose files are gone are dropped.
        choice: The filters of the folders, from now on; None: those of before.
        near: Changed paths, beyond which nothing is looked at; None: everything is.
        piped: A file that holds a document from standard input; its `relative` is the document's name.
        codebooks_from: Files that the codebooks of an own encoder are learnt from, when it has none yet; empty: the text
            of the first ingest.
        kept: The holder of the encoder for the next ingest.
        reading: How files are read.
    """

    prune: bool = False
    choice: FileFilter | None = None
    near: ChangedPaths | None = None
    piped: FoundFile | None = None
    codebooks_from: Sequence[Path] = ()
    kept: CachedEncoder | None = None
    reading: ReadOptions = DEFAULT_READ_OPTIONS


def ingest_into(
    store: Store,
    encoder: Encoder,
    paths: Sequence[Path],
    progress: Callable[[Progress], None] | None = None,
    options: IngestOptions | None = None,
) -> IngestReport:
    """Read files and folders into an open crystal, and make what it lacks: codebooks first, layers of earlier runs.

    Args:
        store: The crystal, open for writing.
        encoder: Its encoder.
        paths: Files and folders.
        progress: Called now and then.
        options: The options; None: the usual ones.

    Raises:
        SourceError: A path does not exist, or there is no text to learn codebooks from.
        ModelMissingError: The crystal has an encoder of its own, and its weights are not here.
        UsageError: Codebooks are given for the program's own encoder.
    """
    options = options or IngestOptions()
    if encoder.mark is not None and encoder.folder is None:
        raise ModelMissingError(encoder.missing)
    if options.codebooks_from and encoder.mark is None:
        raise UsageError(f"the codebooks of {ENCODER} ship with the program; others are for an encoder of your own")
    began = time.monotonic()
    if options.codebooks_from and lacks_codebooks(store, encoder):
        learn_codebooks(store, encoder, options.codebooks_from)
    # Without codebooks there are no codes: the text comes first then, the codebooks from it, and the layers at last.
    later = lacks_codebooks(store, encoder)
    layers = make_lazy_encoder(store, encoder, options.kept) if encoder.folder is not None and not later else None
    ingest = Ingester(store, layers, progress, encoder.cut, options.reading)
    filled = fill_layers(store, layers, progress) if layers is not None else 0
    report = ingest.run(paths, prune=options.prune, choice=options.choice, near=options.near, piped=options.piped)
    if later:
        learn_codebooks(store, encoder)
        filled = fill_layers(store, make_lazy_encoder(store, encoder, options.kept), progress)
    return replace(
        report,
        lexical_only=report.lexical_only and not later,
        encoded_tokens=report.encoded_tokens + filled,
        seconds=time.monotonic() - began,
    )


class Ingester:
    """One run over some paths. encoder: None when there are no weights; then the lexical index alone is made.

    chunks: cuts a document's text, and code where it is told so; by default as the program's own encoder reads it.
    options: how files are to be read.
    """

    def __init__(
        self,
        store: Store,
        encoder: ChunkEncoder | None,
        progress: Callable[[Progress], None] | None = None,
        chunks: Callable[[Iterator[str | Landmark], bool], Iterator[Chunk]] | None = None,
        options: ReadOptions = DEFAULT_READ_OPTIONS,
    ) -> None:
        self._chunks = chunks or Encoder(None, None).cut
        self._store = store
        self._progress = progress or (lambda _: None)
        self._writer = SegmentWriter(store, encoder, self._write_sources)
        self._tally = _Tally(lexical_only=encoder is None)
        self._ledger = Ledger(store)
        self._due = ChangeDetector(self._ledger, options)
        self._stale: set[int] = set()  # sources of which nothing may stand in the crystal after the next commit
        self._finished: list[_Open] = []
        self._open: _Open | None = None
        self._allowance: Allowance | None = None  # of the archive that is being unpacked
        self._depth = 0  # how many archives deep
        self._files = self._files_total = self._bytes_done = self._bytes_total = 0

    def run(
        self,
        paths: Sequence[Path],
        *,
        prune: bool = False,
        choice: FileFilter | None = None,
        near: ChangedPaths | None = None,
        piped: FoundFile | None = None,
    ) -> IngestReport:
        """Read everything under `paths`; with `prune`, drop what is gone. Raises SourceError for a path that does not exist.

        choice: what of the folders is read, from now on; None: what was chosen before. near: look there only. piped: a file
        that holds what came through standard input; `relative` is what it is called.

        When it is interrupted (KeyboardInterrupt), what has been read is committed without layers, which takes no time;
        they are made when the crystal is next ingested into.
        """
        began = time.monotonic()
        chosen = FolderRules(self._store, paths, choice)
        own = own_files(self._store.path)
        met = users_first(list(walk_files(paths, exclude=own, hidden=False, choices=chosen.by_folder, near=near)))
        self._due.expect(met)
        self._ledger.notes, self._tally.chosen = chosen.notes(), chosen.said()
        if piped is not None:
            self._ledger.piped = piped
            met.append(piped)
        self._files_total = sum(isinstance(each, FoundFile) for each in met)
        self._bytes_total = sum(each.size for each in met if isinstance(each, FoundFile))
        try:
            for each in met:
                if isinstance(each, FoundFile):
                    self._take(each)
                elif each.chosen and self._holds(each):
                    self._tally.left_out += 1
                else:
                    self._skip(each, self._ledger.location(each.path), Refusal(each.reason, each.code))
                self._commit_when_full()
            self._ledger.mark_gone(paths, met, chosen, near)
            self._writer.commit()
        except KeyboardInterrupt:
            self._writer.commit(layers=False)
            raise
        if prune:
            self._tally.pruned = self._ledger.prune(chosen)
        self._tally.gone = len(self._ledger.gone)
        self._tally.changed += [ChangedFile(*each) for each in self._ledger.gone]
        self._tally.left_out += self._ledger.left_out
        self._tally.encoded_tokens = self._writer.encoded_tokens
        self._tally.seconds = time.monotonic() - began
        return self._tally.report()

    def _commit_when_full(self) -> None:
        if self._writer.full and (self._ledger.waits or self._finished):
            self._writer.commit()

    # --- one file ---------------------------------------------------------------------------------

    def _take(self, found: FoundFile) -> None:
        location = self._ledger.location(found.path)
        before = self._ledger.at(location)
        self._tell(found.relative)
        if before is not None and self._due.is_settled(found, before):
            self._keep(before)
        else:
            self._try(found, location)
        self._files += 1
        self._bytes_done += found.size

    def _try(self, found: FoundFile, location: str) -> None:
        try:
            try:
                self._look_at(found, location)
            except UnsteadySourceError:
                self._abandon()
                self._look_at(found, location)  # it may have been in the middle of being saved
        except SourceError as error:
            self._abandon()
            refusal = Refusal(str(error), error.code)
            self._skip(found, location, refusal, unsteady=isinstance(error, UnsteadySourceError))

    def _keep(self, before: SourceRow) -> None:
        if before.state == DocumentState.SKIPPED:
            self._tally.skipped.append(SkippedFile(before.path, before.reason, before.code))
        elif before.kind == "archive":
            for member in self._ledger.inside(before):
                if member.state == DocumentState.SKIPPED or (
                    member.state == DocumentState.DONE and member.kind != "archive"
                ):
                    self._keep(member)
        else:
            self._tally.unchanged += 1

    def _look_at(self, found: FoundFile, location: str) -> None:
        """Read a file unless the crystal has all of it already. Raises SourceError."""
        mark, reading, before, is_held = self._due.look_at(found, location)
        if time.time_ns() - mark.mtime_ns < _FRESH:
            mark = Fingerprint(mark.size, 0, mark.digest)  # to be looked at again next time, by its digest
        if self._allowance is not None:
            mark = Fingerprint(mark.size, found.mtime_ns, mark.digest)  # the archive's
        if before is not None and is_held:
            row = before._replace(state=DocumentState.DONE, reason="", code="", size=mark.size, mtime_ns=mark.mtime_ns)
            self._keep(self._ledger.enter(row))
        elif isinstance(reading, ArchiveReading):
            self._unpack(found, location, before, reading, mark)
        else:
            for each in self._ledger.inside(before) if before is not None else ():
                self._ledger.mark_gone_at(each.location)  # it was an archive
            self._read(found, location, before, reading, mark)

    def _read(
        self, found: FoundFile, location: str, before: SourceRow | None, reading: Reading, mark: Fingerprint
    ) -> None:
        row = before or self._ledger.row(found, location)
        held = None if row.chunks and row.state != DocumentState.PARTIAL else row.characters
        row = row._replace(kind=reading.kind, title=reading.title)
        row = row._replace(size=mark.size, mtime_ns=mark.mtime_ns, digest=mark.digest)
        current = self._open = _Open(found, self._ledger.numbered(row), held)
        contexts = ContextTracker(row.path, reading.kind)
        chunks = self._chunks(self._texts(reading, current, contexts), reading.kind in BY_LINES)
        for chunk in contexts.given(chunks):
            current.place(chunk, self._writer.add(chunk))
            self._tally.tokens += len(chunk.ids)
            if self._writer.full:
                self._tell(found.relative, current)
                self._writer.commit()
                self._tell(found.relative, current)
        self._finished.append(current)
        self._open = None
        self._tally.changed.append(ChangedFile(current.source.path, Change.READ))
        self._tally.read += 1
        self._tally.bytes += found.size

    def _unpack(
        self, found: FoundFile, location: str, before: SourceRow | None, archive: ArchiveReading, mark: Fingerprint
    ) -> None:
        """Read the members of an archive as files below it. Its own row says that all of them have been. Raises SourceError."""
        outer = self._allowance
        if self._depth == MAX_ARCHIVE_DEPTH:
            raise SourceError(*TOO_DEEP)
        row = (before or self._ledger.row(found, location))._replace(kind="archive", title="", characters=0, tokens=0)
        row = row._replace(state=DocumentState.PARTIAL, reason="", code="", digest=b"", chunks=0)
        row = row._replace(size=mark.size, mtime_ns=mark.mtime_ns)
        row = self._ledger.numbered(row)
        met: set[str] = set()
        self._allowance, self._depth = outer or Allowance(mark.size), self._depth + 1
        try:
            with closing(archive.members(self._allowance)) as members:
                for member in members:
                    if not met:
                        self._ledger.enter(row)
                        if before is not None and before.chunks:
                            self._stale.add(row.id)  # it was a text
                    place, name = f"{location}/{member.name}", f"{found.relative}/{member.name}"
                    met.add(place)
                    if member.refusal is not None:
                        self._skip(SkippedPath(found.path, found.root, name, *member.refusal), place, member.refusal)
                    elif member.path is not None:
                        self._try(FoundFile(member.path, found.root, name, member.size, mark.mtime_ns), place)
                    self._commit_when_full()
        except UnsteadySourceError:
            self._writer.commit()  # so that the ledger knows what has been read of it when it is tried again
            raise
        finally:
            self._allowance, self._depth = outer, self._depth - 1
            gone = self._ledger.note_inside(location, met)
        for each in gone:
            self._ledger.mark_gone_at(each)
        self._ledger.enter(row._replace(state=DocumentState.DONE, digest=mark.digest))

    def _texts(self, reading: Reading, current: _Open, contexts: ContextTracker) -> Iterator[str | Landmark]:
        for piece in contexts.noted(reading.pieces()):
            if isinstance(piece, Landmark):
                current.landmarks.append((piece.start, piece.kind, piece.label))
            yield piece

    def _abandon(self) -> None:
        """The file that is being read cannot be read to its end. What the crystal held of it before stays."""
        current, self._open = self._open, None
        if current is not None and current.shown:
            self._stale.add(current.source.id)
            row = current.source._replace(state=DocumentState.PARTIAL, digest=b"", characters=0, tokens=0, chunks=0)
            self._ledger.note(row)

    def _skip(self, each: FoundFile | SkippedPath, location: str, refusal: Refusal, *, unsteady: bool = False) -> None:
        """Enter a file that is not read. unsteady: it might be another time, so that it is looked at again."""
        row = self._ledger.at(location) or self._ledger.row(each, location)
        size, mtime_ns = (each.size, each.mtime_ns) if isinstance(each, FoundFile) and not unsteady else (0, 0)
        is_held = unsteady or row.chunks or self._ledger.inside(row)
        state = DocumentState.FAILED if is_held else DocumentState.SKIPPED
        message, code = refusal
        row = no_longer_read(row, state)._replace(reason=message, code=code, size=size, mtime_ns=mtime_ns)
        self._ledger.enter(row)
        self._tally.skipped.append(SkippedFile(row.path, message, code))

    def _holds(self, each: FoundFile | SkippedPath) -> bool:
        before = self._ledger.at(self._ledger.location(each.path))
        return before is not None and before.chunks > 0

    # --- the ledger ---------------------------------------------------------------------------------

    def _write_sources(self) -> None:
        """Everything that the ledger has to say of the chunks in this commit; runs inside its transaction."""
        for number in self._stale:
            self._store.clear_source(number)
        self._stale.clear()
        self._ledger.write()
        current = self._open
        if current is not None and current.chunks and current.held is not None and current.characters >= current.held:
            self._show(current, DocumentState.PARTIAL)
        for done in self._finished:
            self._show(done, DocumentState.DONE)
        self._finished.clear()

    def _show(self, current: _Open, state: DocumentState) -> None:
        """Write where the text that has been read lies, in place of what was there before."""
        if not current.shown:
            self._store.clear_source(current.source.id)
            current.shown = True
        self._write_places(current)
        row = current.row(state)
        self._store.put_source(row)
        self._ledger.note(row)

    def _write_places(self, current: _Open) -> None:
        self._store.add_runs(current.runs.take())
        self._store.add_landmarks(current.source.id, current.landmarks)
        current.landmarks.clear()

    # --- small things ---------------------------------------------------------------------------------

    def _tell(self, name: str, current: _Open | None = None) -> None:
        read = self._bytes_done + (min(current.characters, current.found.size) if current else 0)
        self._progress(
            Progress(
                min(read, self._bytes_total),  # archives unpack to more
                self._bytes_total,
                "bytes",
                self._files,
                self._files_total,
                self._tally.tokens,
                self._writer.encoded_tokens,
                name,
            )
        )
