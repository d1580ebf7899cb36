"""Ingest of the text of files into a crystal: walk, compare with the ledger, read, cut, commit.

Everything streams; memory does not grow with the input. The text of all files is committed with
its lexical index before layers are made (`layer_maker`), so that questions can be answered soon.

The ledger has a row for every file of the walk, read or not, so that the crystal always says which
files it holds and which it does not. A file that has not changed since it was read is not opened. A
file that has changed is read again, but only chunks with new text are stored; its former text stays
until all of it has been read again. The row of a file and its text are always written by the same
commit.

An archive has a row of its own, without text, and each member has one below it; so have the
attachments of a mail. The row of an archive or a mail is `partial` until all members have been met:
one in which an ingest was stopped is opened again, an unchanged one is not.

Knows: the order of the steps and of the commits. Does not know: formats, codes, tables.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crystalcli.cpu import available_processors
from crystalcli.datatypes import (
    Change,
    Chunk,
    DocumentState,
    Doubt,
    DoubtfulFile,
    Fingerprint,
    Landmark,
    Progress,
    Reading,
    SkippedFile,
)
from crystalcli.errors import ModelMissingError, Refusal, SourceError, UnsteadySourceError, UsageError
from crystalcli.index import (
    ENCODER,
    Encoder,
    RunBuilder,
    SegmentWriter,
    begin_early_encoder,
    begin_import,
    chunks_of,
    dismiss_early_encoder,
    lacks_codebooks,
    learn_codebooks,
)
from crystalcli.ingest.folder_rules import FolderRules
from crystalcli.ingest.layer_maker import jobs_by_default
from crystalcli.ingest.ledger import Ledger, unread_row
from crystalcli.ingest.locations import own_files
from crystalcli.ingest.slack_users import users_last
from crystalcli.ingest.staleness import ChangeDetector, Verdict, WalkedFile
from crystalcli.ingest.told_documents import index_waiting
from crystalcli.ingest.web_address import fetch_label, is_address
from crystalcli.storage import PACKED_SINCE, SourceRow, Store
from crystalcli.text import (
    DEFAULT_READ_OPTIONS,
    MAX_ARCHIVE_DEPTH,
    TOO_DEEP,
    Allowance,
    ArchiveMember,
    ArchiveReading,
    ChangedPaths,
    FileFilter,
    FoundFile,
    ReadingWithFiles,
    ReadOptions,
    SkippedPath,
    check_ocr_installed,
    dismiss_large,
    reader_version,
    walk_files,
)

if TYPE_CHECKING:
    from crystalcli.index import CachedEncoder, ChunkEncoder
    from crystalcli.ingest.layer_maker import LayersReport


# Nanoseconds: mtime is too coarse to trust for files modified less than 2 s ago.
_FRESH_NS = 2_000_000_000
# New tokens from which on layers are made by a process of its own. Its start takes a second, which
# a program that ingests a little again and again would pay each time.
_CHILD_TOKENS = 10_000


class ChangedFile(NamedTuple):
    """A file that has changed since the last ingest.

    Attributes:
        path: The name of its document.
        change: Whether it was read or is gone.
    """

    path: str
    change: Change


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The outcome of an ingest.

    Attributes:
        read: Files that were read.
        unchanged: Files that the crystal held already as they are.
        gone: Files that were read once and are no longer there.
        pruned: Documents of gone files that were dropped.
        left_out: Documents that stay as they were read, since filters leave their files out now.
        tokens: Tokens that were read.
        encoded_tokens: Tokens that were newly encoded.
        bytes: Bytes of the files that were read.
        seconds: The time that it took, layers included.
        lexical_only: Whether layers 1 to 3 are missing, because there were no weights.
        skipped: Files that were not read.
        changed: Files that were read, and files that are gone.
        chosen: The fields of the filters that are not the default, by the folder's location.
        languages: Tokens that were read, by language (`lexical.identify_language` has the codes);
            "" where it is not clear, as in source code and tables.
        text_seconds: The time until all text was committed.
        layer_share: The share of the crystal's tokens that have layers, 0 to 1.
        layers_by: The process that makes layers of the crystal now; None without one.
        doubtful: Files that were read with a doubt, as in an encoding that was guessed.
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
    languages: dict[str, int] = field(default_factory=dict)
    text_seconds: float = 0.0
    layer_share: float = 1.0
    layers_by: int | None = None
    doubtful: tuple[DoubtfulFile, ...] = ()

    def with_layers(self, layers: LayersReport) -> IngestReport:
        """Give the report of this text and of the layers that were made after it."""
        return replace(
            self,
            encoded_tokens=layers.encoded_tokens,
            seconds=self.seconds + layers.seconds,
            layer_share=layers.layer_share,
            layers_by=layers.layers_by,
        )


@dataclass(slots=True)
class _Tally:
    """The counts of an IngestReport while the ingest runs."""

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
    languages: Counter[str] = field(default_factory=Counter)
    doubtful: list[DoubtfulFile] = field(default_factory=list)

    def report(self) -> IngestReport:
        return IngestReport(
            self.read, self.unchanged, self.gone, self.pruned, self.left_out, self.tokens, self.encoded_tokens, self.bytes,
            self.seconds, self.lexical_only, tuple(self.skipped), tuple(self.changed), dict(self.chosen),
            dict(self.languages), doubtful=tuple(self.doubtful),
        )  # fmt: skip


@dataclass(slots=True)
class _OpenSource:
    """A source that is being read.

    Attributes:
        file: Its file.
        row: Its row, with the fingerprint of the file as it is read now.
        replaceable: How many characters the crystal has of it from an interrupted run: the text
            that is read now replaces them as soon as it is as long, and grows with each commit.
            None: it was read to its end once, and that text stays until the new one is complete.
        is_written: Whether text that is read now stands in the crystal.
        state: Its state once all of its text has been read: PARTIAL while files in it wait.
        landmarks: Landmarks that wait for the next commit, as (start, kind, label).
        runs: Runs that wait for it.
        tokens: Tokens that were read.
        chunks: Chunks that were read.
    """

    file: FoundFile
    row: SourceRow
    replaceable: int | None
    is_written: bool = False
    state: DocumentState = DocumentState.DONE
    landmarks: list[tuple[int, str, str]] = field(default_factory=list)
    runs: RunBuilder = field(init=False)
    tokens: int = 0
    chunks: int = 0

    def __post_init__(self) -> None:
        self.runs = RunBuilder(self.row.id)

    @property
    def characters(self) -> int:
        """Characters that were read."""
        return self.runs.characters

    def add(self, chunk: Chunk, number: int) -> None:
        """Append the document's next chunk, which has the given number in the crystal."""
        self.runs.add(number, len(chunk.text), chunk.text.count("\n"))
        self.tokens += len(chunk.ids)
        self.chunks += 1

    def row_in(self, state: DocumentState) -> SourceRow:
        """Return its row in a state, with the counts of what was read so far."""
        row = self.row._replace(state=state, reason="", code="")
        return row._replace(characters=self.characters, tokens=self.tokens, chunks=self.chunks)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """The options of an ingest.

    Attributes:
        prune: Whether documents whose files are gone are dropped.
        file_filter: The filter of the folders, from now on; None: the remembered ones.
        ocr: Whether letters in pictures of text are recognized in these files and folders from now
            on; None: as remembered.
        changed_paths: The only paths to look at; None: everything.
        piped: A file that holds a document from standard input; `relative` is the document's name.
        fetched: Files that hold documents from web addresses, which are their names.
        codebooks_from: Files that the codebooks of an own encoder are learnt from, when it has none
            yet; empty: the text of the first ingest.
        encoder_cache: The holder of the encoder from one ingest to the next; None: it is not kept.
        read_options: How files are read.
        layers: Whether layers are made once the text is committed; False leaves them to a later
            ingest.
        jobs: The number of processes that make layers, and of files that are parsed at a time;
            None: as many as suit the machine.
        layers_follow: Whether the caller makes layers next, in this process.
    """

    prune: bool = False
    file_filter: FileFilter | None = None
    ocr: bool | None = None
    changed_paths: ChangedPaths | None = None
    piped: FoundFile | None = None
    fetched: Sequence[FoundFile] = ()
    codebooks_from: Sequence[Path] = ()
    encoder_cache: CachedEncoder | None = None
    read_options: ReadOptions = DEFAULT_READ_OPTIONS
    layers: bool = True
    jobs: int | None = None
    layers_follow: bool = False


def ingest_into(
    store: Store,
    encoder: Encoder,
    paths: Sequence[Path],
    progress: Callable[[Progress], None] | None = None,
    options: IngestOptions | None = None,
) -> IngestReport:
    """Read the text of files and folders into an open crystal; layers are made afterwards.

    Args:
        store: The crystal, open for writing.
        encoder: Its encoder.
        paths: Files and folders.
        progress: Called now and then.
        options: The options; None: the defaults.

    Raises:
        SourceError: A path does not exist, or there is no text to learn codebooks from.
        ModelMissingError: The crystal has an encoder of its own, and its weights are not here.
        UsageError: Codebooks are given for the program's own encoder.
    """
    options = options or IngestOptions()
    if encoder.mark is not None and encoder.folder is None:
        raise ModelMissingError(encoder.missing)
    if options.codebooks_from and encoder.mark is None:
        raise UsageError(f"the codebooks of {ENCODER} ship with the program; learn others for your own encoder only")
    began = time.monotonic()
    if options.codebooks_from and lacks_codebooks(store, encoder):
        learn_codebooks(store, encoder, options.codebooks_from)
    if (options.layers or options.layers_follow) and encoder.folder is not None and available_processors() > 1:
        if _encodes_in_child(store, encoder, options):
            progress = _calling_at_text(progress, _CHILD_TOKENS, lambda: begin_early_encoder(store.path, encoder))
        elif (jobs_by_default() if options.jobs is None else options.jobs) == 1:
            progress = _calling_at_text(progress, 1, begin_import)
    jobs = available_processors() if options.jobs is None else options.jobs
    ingester = Ingester(store, None, progress, encoder, options.read_options, jobs)
    try:
        report = ingester.run(
            paths,
            prune=options.prune,
            file_filter=options.file_filter,
            ocr=options.ocr,
            changed_paths=options.changed_paths,
            piped=options.piped,
            fetched=options.fetched,
        )
    except BaseException:
        dismiss_early_encoder()
        raise
    seconds, lexical_only = time.monotonic() - began, encoder.folder is None
    return replace(report, lexical_only=lexical_only, seconds=seconds, text_seconds=seconds)


def _encodes_in_child(store: Store, encoder: Encoder, options: IngestOptions) -> bool:
    """Return whether a process of its own is to make the layers that follow, with all processors.

    Where torch is imported already, or stays for the next ingest, a second copy would cost memory
    and gain nothing.
    """
    return (
        options.jobs is None
        and options.encoder_cache is None
        and "torch" not in sys.modules
        and jobs_by_default() == 1
        and not lacks_codebooks(store, encoder)
    )


def _calling_at_text(
    progress: Callable[[Progress], None] | None, tokens: int, begin: Callable[[], None]
) -> Callable[[Progress], None]:
    """Begin with the encoder of chunks once text has been read.

    An ingest without new text needs no encoder.

    Args:
        progress: Called with each progress that is told.
        tokens: The least tokens that have been read then.
        begin: Called once.
    """
    is_begun = False

    def tell(told: Progress) -> None:
        nonlocal is_begun
        if told.tokens >= tokens and not is_begun:
            is_begun = True
            begin()
        if progress is not None:
            progress(told)

    return tell


class Ingester:
    """One run over some paths."""

    def __init__(
        self,
        store: Store,
        chunk_encoder: ChunkEncoder | None,
        progress: Callable[[Progress], None] | None = None,
        encoder: Encoder | None = None,
        options: ReadOptions = DEFAULT_READ_OPTIONS,
        jobs: int = 1,
    ) -> None:
        """Prepare a run.

        Args:
            store: The crystal, open for writing.
            chunk_encoder: Makes the layers of each commit along with its text; None: only the
                lexical index is made.
            progress: Called now and then.
            encoder: The crystal's encoder, which decides where chunks end; None: the program's own.
            options: How files are read.
            jobs: The number of files that are parsed at a time.
        """
        self._encoder = encoder or Encoder(None, None)
        self._store = store
        self._progress = progress or (lambda _: None)
        self._writer = SegmentWriter(store, chunk_encoder, self._write_sources)
        self._tally = _Tally(lexical_only=chunk_encoder is None)
        self._ledger = Ledger(store)
        self._detector = ChangeDetector(self._ledger, options, jobs)
        self._stale: set[int] = set()  # ids of sources whose text the next commit takes away
        self._finished: list[_OpenSource] = []
        self._current: _OpenSource | None = None
        self._allowance: Allowance | None = None  # of the outermost archive that is being unpacked
        self._depth = 0  # of nested archives that are being unpacked
        self._files = self._files_total = self._bytes_done = self._bytes_total = 0

    def run(
        self,
        paths: Sequence[Path],
        *,
        prune: bool = False,
        file_filter: FileFilter | None = None,
        ocr: bool | None = None,
        changed_paths: ChangedPaths | None = None,
        piped: FoundFile | None = None,
        fetched: Sequence[FoundFile] = (),
    ) -> IngestReport:
        """Read everything under `paths`.

        When it is interrupted (KeyboardInterrupt), the text that has been read is committed without
        layers, which takes no time; they are made by the next ingest into the crystal.

        Args:
            paths: Files and folders.
            prune: Whether documents whose files are gone are dropped.
            file_filter: The filter of the folders, from now on; None: the remembered ones.
            ocr: Whether pictures of text are read in them, from now on; None: as remembered.
            changed_paths: The only paths to look at; None: everything.
            piped: A file that holds a document from standard input.
            fetched: Files that hold documents from web addresses.

        Raises:
            SourceError: A path does not exist.
            CrystalError: Pictures are to be read, and the extra for it is not installed.
        """
        began = time.monotonic()
        rules = FolderRules(self._store, paths, file_filter, ocr)
        without_file = [*fetched, *([piped] if piped is not None else ())]
        if rules.reads_pictures or any(file.ocr for file in without_file):
            check_ocr_installed()
        own = own_files(self._store.path)
        entries = users_last(walk_files(paths, exclude=own, hidden=False, choices=rules.by_folder, near=changed_paths))
        self._ledger.meta_changes, self._tally.chosen = rules.meta_changes(), rules.summary()
        self._ledger.piped = {file.path: file.relative for file in without_file}
        entries += without_file
        self._files_total = sum(isinstance(entry, FoundFile) for entry in entries)
        self._bytes_total = sum(entry.size for entry in entries if isinstance(entry, FoundFile))
        try:
            self._take_told()
            for walked in self._detector.judge(entries):
                self._take(walked)
                self._commit_when_full()
            self._ledger.mark_gone(paths, entries, rules, changed_paths)
            if changed_paths is None:
                self._ledger.note_readers(paths)
            self._commit()
            self._writer.settle()
        except KeyboardInterrupt:
            self._writer.commit(layers=False)
            raise
        finally:
            dismiss_large()
        if prune:
            self._tally.pruned = self._ledger.prune(rules)
        self._tally.gone = len(self._ledger.gone)
        self._tally.changed += [ChangedFile(*gone) for gone in self._ledger.gone]
        self._tally.left_out += self._ledger.left_out
        self._tally.encoded_tokens = self._writer.encoded_tokens
        self._tally.seconds = time.monotonic() - began
        return self._tally.report()

    def _commit(self) -> None:
        """Commit what is pending, and then what was told meanwhile by other programs."""
        self._writer.commit()
        self._take_told()

    def _take_told(self) -> None:
        """Make documents of what was told and waits; nothing is pending in the writer."""
        told = index_waiting(self._store, self._encoder, new_id=self._ledger.new_id, is_taken=self._ledger.is_taken)
        for row in told:
            self._ledger.learn(row)
        if told:
            self._writer.resume()

    def _commit_when_full(self) -> None:
        if self._writer.full and (self._ledger.has_pending or self._finished):
            self._commit()

    # --- one file ---------------------------------------------------------------------------------

    def _take(self, walked: WalkedFile) -> None:
        """Act on the verdict on a file of the walk."""
        entry, location, row, verdict = walked
        if isinstance(entry, SkippedPath):
            if verdict is Verdict.LEFT_OUT:
                self._tally.left_out += 1
            else:
                self._skip(entry, location, Refusal(entry.reason, entry.code))
            return
        self._tell(entry.relative)
        if row is not None and verdict is Verdict.SETTLED:
            self._keep(row)
        else:
            self._try(entry, location)
        self._files += 1
        self._bytes_done += entry.size

    def _try(self, file: FoundFile, location: str) -> None:
        """Open a file, twice if it changes meanwhile; skip it if it cannot be read."""
        try:
            try:
                self._open(file, location)
            except UnsteadySourceError:
                self._abandon()
                self._open(file, location)  # it may have been in the middle of being saved
        except SourceError as error:
            self._abandon()
            refusal = Refusal(str(error), error.code)
            self._skip(file, location, refusal, unsteady=isinstance(error, UnsteadySourceError))

    def _keep(self, row: SourceRow) -> None:
        """Count a file that stays as it is, or the members of an archive."""
        for kept in self._ledger.kept_documents(row):
            if kept.state == DocumentState.SKIPPED:
                self._tally.skipped.append(SkippedFile(kept.path, kept.reason, kept.code))
            else:
                self._tally.unchanged += 1

    def _open(self, file: FoundFile, location: str) -> None:
        """Open a file and read it, unless the crystal has all of it already.

        Raises:
            SourceError: It cannot be read.
        """
        fingerprint, reading, row, is_held = self._detector.open_file(file, location)
        if time.time_ns() - fingerprint.mtime_ns < _FRESH_NS:
            # Without a time, the next ingest goes by the digest.
            fingerprint = Fingerprint(fingerprint.size, 0, fingerprint.digest)
        if self._allowance is not None or is_address(file.relative):
            # A member has the time of its archive, and a page that at which it was fetched.
            fingerprint = Fingerprint(fingerprint.size, file.mtime_ns, fingerprint.digest)
        if row is not None and is_held:
            held = row._replace(
                state=DocumentState.DONE, reason="", code="", size=fingerprint.size, mtime_ns=fingerprint.mtime_ns
            )
            self._keep(self._ledger.enter(held))
        elif isinstance(reading, ArchiveReading):
            self._unpack(file, location, row, reading, fingerprint)
        else:
            current = self._read(file, location, row, reading, fingerprint)
            if isinstance(reading, ReadingWithFiles) and self._depth < MAX_ARCHIVE_DEPTH:
                self._read_attached(file, current, reading, fingerprint)
            else:
                for member_location in self._ledger.note_members(location, set()):
                    self._ledger.mark_gone_at(member_location)  # the file was an archive

    def _read(
        self, file: FoundFile, location: str, known: SourceRow | None, reading: Reading, fingerprint: Fingerprint
    ) -> _OpenSource:
        """Read a document and write its chunks, committing whenever a segment is full.

        Args:
            file: The file.
            location: Its location.
            known: Its row; None: it is new.
            reading: Its text.
            fingerprint: Its bytes.

        Returns:
            The document, whose row the next commit writes.

        Raises:
            SourceError: It cannot be read to its end.
        """
        row = known or self._ledger.new_row(file, location)
        replaceable = None if row.chunks and row.state != DocumentState.PARTIAL else row.characters
        row = row._replace(kind=reading.kind, title=reading.title, reader=reader_version(reading.kind))
        row = row._replace(size=fingerprint.size, mtime_ns=fingerprint.mtime_ns, digest=fingerprint.digest)
        current = self._current = _OpenSource(file, self._ledger.with_id(row), replaceable)
        if self._store.format < PACKED_SINCE:
            current.landmarks.append((0, "reader", str(row.reader)))
        for chunk in chunks_of(reading, row.path, self._encoder, self._pieces(reading, current)):
            current.add(chunk, self._writer.add(chunk))
            self._tally.tokens += len(chunk.ids)
            self._tally.languages[chunk.language] += len(chunk.ids)
            if self._writer.full:
                self._tell(file.relative, current)
                self._commit()
                self._tell(file.relative, current)
        self._finished.append(current)
        self._ledger.note_read(current.row.id)
        self._current = None
        self._tally.changed.append(ChangedFile(current.row.path, Change.READ))
        self._tally.read += 1
        self._tally.bytes += file.size
        return current

    def _read_attached(
        self, file: FoundFile, current: _OpenSource, reading: ReadingWithFiles, fingerprint: Fingerprint
    ) -> None:
        """Read the files that a document holds beside its text, as files below it.

        Args:
            file: The document's file.
            current: The document, whose text has been read.
            reading: Its reading.
            fingerprint: Its bytes.

        Raises:
            UnsteadySourceError: The document has changed meanwhile.
        """
        location = current.row.location
        outer_allowance = self._allowance
        self._allowance, self._depth = outer_allowance or Allowance(fingerprint.size), self._depth + 1
        current.state = DocumentState.PARTIAL
        self._ledger.remember(current.row_in(DocumentState.PARTIAL))  # its files are looked up by it
        seen: set[str] = set()
        try:
            with closing(reading.members()) as members:
                self._take_members(members, file, location, fingerprint, seen)
        except UnsteadySourceError:
            self._commit()  # the second attempt then finds the document
            raise
        except SourceError:
            pass  # its text is whole; it names the files that could not be read
        finally:
            self._allowance, self._depth = outer_allowance, self._depth - 1
            removed = self._ledger.note_members(location, seen)
        for member_location in removed:
            self._ledger.mark_gone_at(member_location)
        current.state = DocumentState.DONE
        if all(finished is not current for finished in self._finished):  # it was written as partial
            self._ledger.enter(current.row_in(DocumentState.DONE))

    def _take_members(
        self,
        members: Iterable[ArchiveMember],
        file: FoundFile,
        location: str,
        fingerprint: Fingerprint,
        seen: set[str],
    ) -> None:
        """Read the members of a file as files below it.

        Args:
            members: The members; each one's file exists until the next is asked for.
            file: The file.
            location: Its location.
            fingerprint: Its bytes.
            seen: Where the locations of the members go.
        """
        for member in members:
            member_location, name = f"{location}/{member.name}", f"{file.relative}/{member.name}"
            seen.add(member_location)
            if member.refusal is not None:
                self._skip(SkippedPath(file.path, file.root, name, *member.refusal), member_location, member.refusal)
            elif member.path is not None:
                unpacked = FoundFile(member.path, file.root, name, member.size, fingerprint.mtime_ns, ocr=file.ocr)
                self._try(unpacked, member_location)
            self._commit_when_full()

    def _unpack(
        self,
        file: FoundFile,
        location: str,
        known: SourceRow | None,
        archive: ArchiveReading,
        fingerprint: Fingerprint,
    ) -> None:
        """Read the members of an archive as files below it; archives among them come back here.

        The archive's own row is entered as `partial` before the first member and as `done` after
        the last one. All nested archives share the allowance of the outermost.

        Args:
            file: The archive's file.
            location: Its location.
            known: Its row; None: it is new.
            archive: Its members.
            fingerprint: Its bytes.

        Raises:
            SourceError: The archive cannot be read to its end, or is nested too deeply.
        """
        if self._depth == MAX_ARCHIVE_DEPTH:
            raise SourceError(*TOO_DEEP)
        row = (known or self._ledger.new_row(file, location))._replace(kind="archive", title="", characters=0, tokens=0)
        row = row._replace(state=DocumentState.PARTIAL, reason="", code="", digest=b"", chunks=0)
        row = row._replace(size=fingerprint.size, mtime_ns=fingerprint.mtime_ns)
        row = self._ledger.with_id(row)
        seen: set[str] = set()  # locations of the members so far
        outer_allowance = self._allowance
        self._allowance, self._depth = outer_allowance or Allowance(fingerprint.size), self._depth + 1
        try:
            with closing(archive.members(self._allowance)) as members:
                self._take_members(self._entering(row, known, members), file, location, fingerprint, seen)
        except UnsteadySourceError:
            self._commit()  # the second attempt then finds the members that were read
            raise
        finally:
            self._allowance, self._depth = outer_allowance, self._depth - 1
            removed = self._ledger.note_members(location, seen)
        for member_location in removed:
            self._ledger.mark_gone_at(member_location)
        self._ledger.note_read(row.id)
        self._ledger.enter(row._replace(state=DocumentState.DONE, digest=fingerprint.digest))

    def _entering(
        self, row: SourceRow, known: SourceRow | None, members: Iterable[ArchiveMember]
    ) -> Iterator[ArchiveMember]:
        """Yield the members of an archive, and enter its row before the first one."""
        for number, member in enumerate(members):
            if not number:
                self._ledger.enter(row)
                if known is not None and known.chunks:
                    self._stale.add(row.id)  # the file was a text
            yield member

    def _pieces(self, reading: Reading, current: _OpenSource) -> Iterator[str | Landmark]:
        """Yield the pieces of a document, and collect its landmarks for the ledger."""
        if is_address(current.row.path):
            fetched = Landmark(0, "time", fetch_label(current.file.mtime_ns))
            current.landmarks.append((fetched.start, fetched.kind, fetched.label))
            yield fetched
        for piece in reading.pieces():
            if isinstance(piece, Landmark):
                current.landmarks.append((piece.start, piece.kind, piece.label))
                if piece.kind == "doubt":
                    doubts = Doubt.parse(piece.label)
                    self._tally.doubtful += (DoubtfulFile(current.row.path, one.detail, one.code) for one in doubts)
            yield piece

    def _abandon(self) -> None:
        """Give up the file that is being read; the text that the crystal held of it before stays.

        If some of its new text has replaced that already, the next commit takes it away.
        """
        current, self._current = self._current, None
        if current is not None and current.is_written:
            self._stale.add(current.row.id)
            row = current.row._replace(state=DocumentState.PARTIAL, digest=b"", characters=0, tokens=0, chunks=0)
            self._ledger.remember(row)

    def _skip(self, entry: FoundFile | SkippedPath, location: str, refusal: Refusal, *, unsteady: bool = False) -> None:
        """Enter a file that is not read.

        Args:
            entry: The file.
            location: Its location.
            refusal: The reason.
            unsteady: Whether it kept changing: the next ingest then tries again.
        """
        row = self._ledger.row_at(location) or self._ledger.new_row(entry, location)
        size, mtime_ns = (entry.size, entry.mtime_ns) if isinstance(entry, FoundFile) and not unsteady else (0, 0)
        has_text = row.chunks or self._ledger.members_of(row)
        state = DocumentState.FAILED if has_text or unsteady else DocumentState.SKIPPED
        reason, code = refusal
        row = unread_row(row, state)._replace(reason=reason, code=code, size=size, mtime_ns=mtime_ns)
        self._ledger.enter(row)
        self._tally.skipped.append(SkippedFile(row.path, reason, code))

    # --- commits ----------------------------------------------------------------------------------

    def _write_sources(self) -> None:
        """Write the rows that belong to the chunks of this commit; runs inside its transaction."""
        for source in self._stale:
            self._store.clear_source(source)
        self._stale.clear()
        self._ledger.write()
        current = self._current
        if (
            current is not None
            and current.chunks
            and current.replaceable is not None
            and current.characters >= current.replaceable
        ):
            self._write_source(current, DocumentState.PARTIAL)
        for finished in self._finished:
            self._write_source(finished, finished.state)
        self._finished.clear()

    def _write_source(self, source: _OpenSource, state: DocumentState) -> None:
        """Write the row, runs and landmarks of a source, in place of its former text."""
        if not source.is_written:
            self._store.clear_source(source.row.id)
            source.is_written = True
        self._store.add_runs(source.runs.take())
        self._store.add_landmarks(source.row.id, source.landmarks)
        source.landmarks.clear()
        row = source.row_in(state)
        self._store.put_source(row)
        self._ledger.remember(row)

    # --- progress ---------------------------------------------------------------------------------

    def _tell(self, name: str, current: _OpenSource | None = None) -> None:
        """Report the progress.

        Args:
            name: The file that is being read.
            current: The source of it, once it is open.
        """
        read = self._bytes_done + (min(current.characters, current.file.size) if current else 0)
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
