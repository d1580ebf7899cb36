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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.errors import Refusal, SourceError, UnsteadySourceError
from crystalcli.memory.choices import Chosen
from crystalcli.memory.contexts import Contexts
from crystalcli.memory.due import Due
from crystalcli.memory.encoders import Encoder
from crystalcli.memory.ledger import Ledger, no_longer_read
from crystalcli.memory.people import in_order
from crystalcli.memory.places import own_files
from crystalcli.memory.segments import SegmentWriter
from crystalcli.storage.rows import RUN, Run, Source
from crystalcli.storage.store import Store
from crystalcli.text.archive import DEPTH, TOO_DEEP, Allowance, ArchiveReading
from crystalcli.text.asked import PLAINLY, Options
from crystalcli.text.choice import Choice
from crystalcli.text.walk import Found, Near, Skipped, walk
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
    from crystalcli.memory.layers import ChunkEncoder


# Nanoseconds: mtime is too coarse to trust for files modified less than 2 s ago.
_FRESH = 2_000_000_000


@dataclass(slots=True)
class IngestReport:
    """What an ingest did.

    Attributes:
        read: files read now.
        unchanged: files that the crystal held already as they are.
        gone: files that were read once and are no longer there.
        pruned: gone documents that were dropped.
        left_out: documents that stay as they were read, since the present choice leaves their files out.
        tokens, encoded_tokens: read and newly encoded.
        bytes: of the files read.
        seconds: in all.
        lexical_only: there were no weights, so layers 1 to 3 are missing.
        skipped: files that were not read.
        changed: documents that were read or found to be gone.
        chosen: the folders asked for that are not read as usual, and how.
    """

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
    changed: list[tuple[str, Change]] = field(default_factory=list)
    chosen: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """A source that is being read.

    held: how many of its characters the crystal has from a run that was interrupted; what is read now takes their place as
    soon as it is as much, and goes on from there with each commit. None: it was read to its end once, and that stays until
    it has been again. shown: whether what is read now stands in the crystal.
    """

    found: Found
    source: Source
    held: int | None
    shown: bool = False
    runs: list[Run] = field(default_factory=list)
    landmarks: list[tuple[int, str, str]] = field(default_factory=list)
    ordinal: int = 0
    characters: int = 0
    lines: int = 0
    tokens: int = 0
    chunks: int = 0

    def place(self, chunk: Chunk, number: int) -> None:
        """Note that the document goes on with chunk `number`."""
        run = self.runs[-1] if self.runs else None
        if run is not None and run.first_chunk + run.chunks == number and run.chunks < RUN:
            self.runs[-1] = run._replace(chunks=run.chunks + 1)
        else:
            self.runs.append(Run(self.source.id, self.ordinal, number, 1, self.characters, self.lines))
            self.ordinal += 1
        self.characters += len(chunk.text)
        self.lines += chunk.text.count("\n")
        self.tokens += len(chunk.ids)
        self.chunks += 1

    def row(self, state: DocumentState) -> Source:
        """What the ledger says of it now."""
        row = self.source._replace(state=state, reason="", code="")
        return row._replace(characters=self.characters, tokens=self.tokens, chunks=self.chunks)


class Ingest:
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
        options: Options = PLAINLY,
    ) -> None:
        self._chunks = chunks or Encoder(None, None).cut
        self._store = store
        self._progress = progress or (lambda _: None)
        self._writer = SegmentWriter(store, encoder, self._write_sources)
        self._report = IngestReport(lexical_only=encoder is None)
        self._ledger = Ledger(store)
        self._due = Due(self._ledger, options)
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
        choice: Choice | None = None,
        near: Near | None = None,
        piped: Found | None = None,
    ) -> IngestReport:
        """Read everything under `paths`; with `prune`, drop what is gone. Raises SourceError for a path that does not exist.

        choice: what of the folders is read, from now on; None: what was chosen before. near: look there only. piped: a file
        that holds what came through standard input; `relative` is what it is called.

        When it is interrupted (KeyboardInterrupt), what has been read is committed without layers, which takes no time;
        they are made when the crystal is next ingested into.
        """
        began = time.monotonic()
        chosen = Chosen(self._store, paths, choice)
        own = own_files(self._store.path)
        met = in_order(list(walk(paths, exclude=own, hidden=False, choices=chosen.by_folder, near=near)))
        self._due.expect(met)
        self._ledger.notes, self._report.chosen = chosen.notes(), chosen.said()
        if piped is not None:
            self._ledger.piped = piped
            met.append(piped)
        self._files_total = sum(isinstance(each, Found) for each in met)
        self._bytes_total = sum(each.size for each in met if isinstance(each, Found))
        try:
            for each in met:
                if isinstance(each, Found):
                    self._take(each)
                elif each.chosen and self._holds(each):
                    self._report.left_out += 1
                else:
                    self._skip(each, self._ledger.location(each.path), Refusal(each.reason, each.code))
                self._commit_when_full()
            self._ledger.mark_gone(paths, met, chosen, near)
            self._writer.commit()
        except KeyboardInterrupt:
            self._writer.commit(layers=False)
            raise
        if prune:
            self._report.pruned = self._ledger.prune(chosen)
        self._report.gone, self._report.changed = len(self._ledger.gone), self._report.changed + self._ledger.gone
        self._report.left_out += self._ledger.left_out
        self._report.encoded_tokens = self._writer.encoded_tokens
        self._report.seconds = time.monotonic() - began
        return self._report

    def _commit_when_full(self) -> None:
        if self._writer.full and (self._ledger.waits or self._finished):
            self._writer.commit()

    # --- one file ---------------------------------------------------------------------------------

    def _take(self, found: Found) -> None:
        location = self._ledger.location(found.path)
        before = self._ledger.at(location)
        self._tell(found.relative)
        if before is not None and self._due.is_settled(found, before):
            self._keep(before)
        else:
            self._try(found, location)
        self._files += 1
        self._bytes_done += found.size

    def _try(self, found: Found, location: str) -> None:
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

    def _keep(self, before: Source) -> None:
        if before.state == DocumentState.SKIPPED:
            self._report.skipped.append(SkippedFile(before.path, before.reason, before.code))
        elif before.kind == "archive":
            for member in self._ledger.inside(before):
                if member.state == DocumentState.SKIPPED or (
                    member.state == DocumentState.DONE and member.kind != "archive"
                ):
                    self._keep(member)
        else:
            self._report.unchanged += 1

    def _look_at(self, found: Found, location: str) -> None:
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

    def _read(self, found: Found, location: str, before: Source | None, reading: Reading, mark: Fingerprint) -> None:
        row = before or self._ledger.row(found, location)
        held = None if row.chunks and row.state != DocumentState.PARTIAL else row.characters
        row = row._replace(kind=reading.kind, title=reading.title)
        row = row._replace(size=mark.size, mtime_ns=mark.mtime_ns, digest=mark.digest)
        current = self._open = _Open(found, self._ledger.numbered(row), held)
        contexts = Contexts(row.path, reading.kind)
        chunks = self._chunks(self._texts(reading, current, contexts), reading.kind in BY_LINES)
        for chunk in contexts.given(chunks):
            current.place(chunk, self._writer.add(chunk))
            self._report.tokens += len(chunk.ids)
            if self._writer.full:
                self._tell(found.relative, current)
                self._writer.commit()
                self._tell(found.relative, current)
        self._finished.append(current)
        self._open = None
        self._report.changed.append((current.source.path, Change.READ))
        self._report.read += 1
        self._report.bytes += found.size

    def _unpack(
        self, found: Found, location: str, before: Source | None, archive: ArchiveReading, mark: Fingerprint
    ) -> None:
        """Read the members of an archive as files below it. Its own row says that all of them have been. Raises SourceError."""
        outer = self._allowance
        if self._depth == DEPTH:
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
                        self._skip(Skipped(found.path, found.root, name, *member.refusal), place, member.refusal)
                    elif member.path is not None:
                        self._try(Found(member.path, found.root, name, member.size, mark.mtime_ns), place)
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

    def _texts(self, reading: Reading, current: _Open, contexts: Contexts) -> Iterator[str | Landmark]:
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

    def _skip(self, each: Found | Skipped, location: str, refusal: Refusal, *, unsteady: bool = False) -> None:
        """Enter a file that is not read. unsteady: it might be another time, so that it is looked at again."""
        row = self._ledger.at(location) or self._ledger.row(each, location)
        size, mtime_ns = (each.size, each.mtime_ns) if isinstance(each, Found) and not unsteady else (0, 0)
        is_held = unsteady or row.chunks or self._ledger.inside(row)
        state = DocumentState.FAILED if is_held else DocumentState.SKIPPED
        message, code = refusal
        row = no_longer_read(row, state)._replace(reason=message, code=code, size=size, mtime_ns=mtime_ns)
        self._ledger.enter(row)
        self._report.skipped.append(SkippedFile(row.path, message, code))

    def _holds(self, each: Found | Skipped) -> bool:
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
        self._store.add_runs(current.runs)
        self._store.add_landmarks(current.source.id, current.landmarks)
        current.runs.clear()
        current.landmarks.clear()

    # --- small things ---------------------------------------------------------------------------------

    def _tell(self, name: str, current: _Open | None = None) -> None:
        read = self._bytes_done + (min(current.characters, current.found.size) if current else 0)
        self._progress(
            Progress(
                self._files,
                self._files_total,
                min(read, self._bytes_total),  # archives unpack to more
                self._bytes_total,
                self._report.tokens,
                self._writer.encoded_tokens,
                name,
            )
        )
