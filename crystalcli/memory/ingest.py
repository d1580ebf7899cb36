"""Files into a crystal: walk, compare with the ledger, read, cut, encode, commit. Streams; memory does not grow with the input.

The ledger has a row for every file met, read or not, so that the crystal always says what it holds and what it does not.
A file that has not changed since it was read is not opened. A file that has changed is read again, but only the chunks whose
text is new are encoded; what was read of it before stays until all of it has been read again. What the ledger says of a file
and the text it says it of are always written by the same commit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import SourceError, UnsteadySourceError
from crystalcli.memory.contexts import Contexts
from crystalcli.memory.encoders import Encoder
from crystalcli.memory.places import folders_asked, folders_noted, home_of, location_of, own_files
from crystalcli.memory.segments import SegmentWriter
from crystalcli.storage.rows import RUN, Run, Source
from crystalcli.storage.store import Store
from crystalcli.text.readers import open_source
from crystalcli.text.walk import Found, Skipped, walk
from crystalcli.types import Chunk, Fingerprint, Landmark, Progress, Reading

if TYPE_CHECKING:
    from crystalcli.memory.layers import ChunkEncoder


_WHOLE = ("done", "gone", "failed")  # states in which `digest` is that of the text which is held, if any is
_FRESH = (
    2_000_000_000  # nanoseconds: a file that changed so shortly before may change again without its time's changing
)


@dataclass(slots=True)
class IngestReport:
    """What an ingest did.

    read: files read now; unchanged: files that the crystal held already as they are; skipped: (path, reason);
    gone: files that were read once and are no longer there; pruned: gone documents that were dropped;
    tokens, encoded_tokens: read and newly encoded;
    bytes: of the files read; seconds: in all. lexical_only: there were no weights, so layers 1 to 3 are missing.
    """

    read: int = 0
    unchanged: int = 0
    gone: int = 0
    pruned: int = 0
    tokens: int = 0
    encoded_tokens: int = 0
    bytes: int = 0
    seconds: float = 0.0
    lexical_only: bool = False
    skipped: list[tuple[str, str]] = field(default_factory=list)


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

    def row(self, state: str) -> Source:
        """What the ledger says of it now."""
        row = self.source._replace(state=state, reason="")
        return row._replace(characters=self.characters, tokens=self.tokens, chunks=self.chunks)


class Ingest:
    """One run over some paths. encoder: None when there are no weights; then the lexical index alone is made.

    chunks: cuts a document's text, and code where it is told so; by default as the program's own encoder reads it.
    """

    def __init__(
        self,
        store: Store,
        encoder: ChunkEncoder | None,
        progress: Callable[[Progress], None] | None = None,
        chunks: Callable[[Iterator[str], bool], Iterator[Chunk]] | None = None,
    ) -> None:
        self._chunks = chunks or Encoder(None, None).cut
        self._store = store
        self._progress = progress or (lambda _: None)
        self._writer = SegmentWriter(store, encoder, self._write_sources)
        self._report = IngestReport(lexical_only=encoder is None)
        self._home = home_of(store.path)
        self._by_location = {source.location: source for source in store.sources()}
        self._names = {source.path: source.location for source in self._by_location.values()}
        self._folders = "[]"
        self._rows: list[Source] = []  # ledger rows that wait for the next commit
        self._stale: set[int] = set()  # sources of which nothing may stand in the crystal any more, likewise
        self._finished: list[_Open] = []
        self._open: _Open | None = None
        self._next_source = 1 + max((source.id for source in self._by_location.values()), default=0)
        self._files = self._files_total = self._bytes_done = self._bytes_total = 0

    def run(self, paths: Sequence[Path], *, prune: bool = False) -> IngestReport:
        """Read everything under `paths`; with `prune`, drop what is gone. Raises SourceError for a path that does not exist.

        When it is interrupted (KeyboardInterrupt), what has been read is committed without layers, which takes no time;
        they are made when the crystal is next ingested into.
        """
        began = time.monotonic()
        met = list(walk(paths, exclude=own_files(self._store.path), hidden=False))
        self._note_folders(paths)
        self._files_total = sum(isinstance(each, Found) for each in met)
        self._bytes_total = sum(each.size for each in met if isinstance(each, Found))
        try:
            for each in met:
                if isinstance(each, Found):
                    self._take(each)
                else:
                    self._skip(each, each.reason)
                if self._writer.full and (self._rows or self._finished):
                    self._writer.commit()
            self._mark_gone(paths, met)
            self._writer.commit()
        except KeyboardInterrupt:
            self._writer.commit(layers=False)
            raise
        if prune:
            self._prune()
        self._report.encoded_tokens = self._writer.encoded_tokens
        self._report.seconds = time.monotonic() - began
        return self._report

    # --- one file ---------------------------------------------------------------------------------

    def _take(self, found: Found) -> None:
        location = self._relative(found.path)
        before = self._by_location.get(location)
        self._tell(found.relative)
        as_it_was = before is not None and (before.size, before.mtime_ns) == (found.size, found.mtime_ns)
        if before is not None and as_it_was and before.state in ("done", "skipped"):
            self._keep(before)
        else:
            try:
                try:
                    self._look_at(found, location)
                except UnsteadySourceError:
                    self._abandon()
                    self._look_at(found, location)  # it may have been in the middle of being saved
            except SourceError as error:
                self._abandon()
                self._skip(found, str(error), unsteady=isinstance(error, UnsteadySourceError))
        self._files += 1
        self._bytes_done += found.size

    def _keep(self, before: Source) -> None:
        if before.state == "done":
            self._report.unchanged += 1
        else:
            self._report.skipped.append((before.path, before.reason))

    def _look_at(self, found: Found, location: str) -> None:
        """Read a file unless the crystal has all of it already. Raises SourceError."""
        mark, reading = open_source(found.path)
        if time.time_ns() - mark.mtime_ns < _FRESH:
            mark = Fingerprint(mark.size, 0, mark.digest)  # to be looked at again next time, by its digest
        before = self._by_location.get(location) or self._moved_here(found, location, mark)
        if before is not None and before.state in _WHOLE and before.digest == mark.digest:
            row = before._replace(state="done", reason="", size=mark.size, mtime_ns=mark.mtime_ns)
            self._keep(self._number(row))
        else:
            self._read(found, location, before, reading, mark)

    def _read(self, found: Found, location: str, before: Source | None, reading: Reading, mark: Fingerprint) -> None:
        row = before or self._row(found, location)
        held = None if row.chunks and row.state != "partial" else row.characters
        row = row._replace(kind=reading.kind, title=reading.title)
        row = row._replace(size=mark.size, mtime_ns=mark.mtime_ns, digest=mark.digest)
        current = self._open = _Open(found, self._with_id(row), held)
        contexts = Contexts(row.path, reading.kind)
        chunks = self._chunks(self._texts(reading, current, contexts), reading.kind == "code")
        for chunk in contexts.given(chunks):
            current.place(chunk, self._writer.add(chunk))
            self._report.tokens += len(chunk.ids)
            if self._writer.full:
                self._tell(found.relative, current)
                self._writer.commit()
                self._tell(found.relative, current)
        self._finished.append(current)
        self._open = None
        self._report.read += 1
        self._report.bytes += found.size

    def _texts(self, reading: Reading, current: _Open, contexts: Contexts) -> Iterator[str]:
        for piece in reading.pieces():
            if isinstance(piece, Landmark):
                current.landmarks.append((piece.start, piece.kind, piece.label))
                contexts.note(piece)
            else:
                yield piece

    def _abandon(self) -> None:
        """The file that is being read cannot be read to its end. What the crystal held of it before stays."""
        current, self._open = self._open, None
        if current is not None and current.shown:
            self._stale.add(current.source.id)
            self._by_location[current.source.location] = current.source._replace(
                state="partial", digest=b"", characters=0, tokens=0, chunks=0
            )

    def _skip(self, each: Found | Skipped, reason: str, *, unsteady: bool = False) -> None:
        """Enter a file that is not read. unsteady: it might be another time, so that it is looked at again."""
        location = self._relative(each.path)
        row = self._by_location.get(location) or self._row(each, location)
        size, mtime_ns = (each.size, each.mtime_ns) if isinstance(each, Found) and not unsteady else (0, 0)
        state = "failed" if unsteady or row.chunks else "skipped"
        self._number(_no_longer_read(row, state)._replace(reason=reason, size=size, mtime_ns=mtime_ns))
        self._report.skipped.append((row.path, reason))

    def _mark_gone(self, paths: Sequence[Path], met: Sequence[Found | Skipped]) -> None:
        """Sources under the folders asked for that the walk no longer met, unless it could not look where they were."""
        asked = tuple(self._below(path.resolve() if ".." in path.parts else path) for path in paths if path.is_dir())
        closed = tuple(
            self._below(each.path)
            for each in met
            if isinstance(each, Skipped) and not os.path.islink(each.path)  # noqa: PTH114
        )
        here = {self._relative(each.path) for each in met}
        for location, source in list(self._by_location.items()):
            place = str(self._absolute(location))
            if (
                source.state != "gone"
                and location not in here
                and place.startswith(asked)
                and not place.startswith(closed)
            ):
                self._report.gone += 1
                self._number(_no_longer_read(source, "gone"))

    def _note_folders(self, paths: Sequence[Path]) -> None:
        """Remember the folders asked for, so that what is new in them can be told later."""
        known = folders_asked(self._store)
        for path in paths:
            if path.is_dir():
                known.add(self._relative(path.resolve() if ".." in path.parts else path.absolute()))  # as walk does
        self._folders = folders_noted(known)

    def _prune(self) -> None:
        """Drop the documents whose files are gone, wherever they were, and forget the folders that are."""
        left = {each for each in folders_asked(self._store) if self._absolute(each).is_dir()}
        with self._store.transaction():
            self._store.set_meta("folders", folders_noted(left))
            for source in self._store.sources():
                if source.state == "gone":
                    self._store.clear_source(source.id)
                    self._store.drop_source(source.id)
                    self._report.pruned += 1

    # --- the ledger ---------------------------------------------------------------------------------

    def _row(self, each: Found | Skipped, location: str) -> Source:
        name = self._name(each, location)
        return Source(0, name, location, self._relative(each.root), "", "", "skipped", "", 0, 0, b"", 0, 0, 0)

    def _name(self, each: Found | Skipped, location: str) -> str:
        """What the file is cited as: its path under the folder that was asked for, made unique by that folder's name."""
        name, count = each.relative, 1
        while self._names.get(name, location) != location:
            taken = self._by_location.get(self._names[name])
            if taken is not None and self._vanished(taken):
                self._free_name(taken)
                break
            name = f"{each.root.name}/{each.relative}" if count == 1 else f"{each.root.name}~{count}/{each.relative}"
            count += 1
        self._names[name] = location
        return name

    def _free_name(self, old: Source) -> None:
        """A file that is gone leaves its name to the one that now has it; what was read of it stays until it is pruned."""
        self._report.gone += old.state != "gone"
        freed = _no_longer_read(old, "gone")._replace(path=f"{old.path} (gone, {old.id})")
        self._names[freed.path] = freed.location
        self._number(freed)

    def _moved_here(self, found: Found, location: str, mark: Fingerprint) -> Source | None:
        """The source of that name with the same bytes, when its file is no longer where it was: the folder has been moved."""
        old = self._by_location.get(self._names.get(found.relative, ""))
        if old is None or old.digest != mark.digest or old.state not in _WHOLE or not self._vanished(old):
            return None
        del self._by_location[old.location]
        self._names[old.path] = location
        return old._replace(location=location, root=self._relative(found.root))

    def _vanished(self, source: Source) -> bool:
        try:
            self._absolute(source.location).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            pass  # who knows
        return False

    def _with_id(self, row: Source) -> Source:
        if not row.id:
            row = row._replace(id=self._next_source)
            self._next_source += 1
        return row

    def _number(self, row: Source) -> Source:
        """Enter a row in the ledger of this run, with a number of its own; the next commit writes it."""
        row = self._with_id(row)
        self._by_location[row.location] = row
        self._rows.append(row)
        return row

    def _write_sources(self) -> None:
        """Everything that the ledger has to say of the chunks in this commit; runs inside its transaction."""
        for number in self._stale:
            self._store.clear_source(number)
        self._stale.clear()
        self._store.set_meta("folders", self._folders)
        for row in self._rows:
            self._store.put_source(row)
        self._rows.clear()
        current = self._open
        if current is not None and current.chunks and current.held is not None and current.characters >= current.held:
            self._show(current, "partial")
        for done in self._finished:
            self._show(done, "done")
        self._finished.clear()

    def _show(self, current: _Open, state: str) -> None:
        """Write where the text that has been read lies, in place of what was there before."""
        if not current.shown:
            self._store.clear_source(current.source.id)
            current.shown = True
        self._write_places(current)
        row = current.row(state)
        self._store.put_source(row)
        self._by_location[row.location] = row

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
                read,
                self._bytes_total,
                self._report.tokens,
                self._writer.encoded_tokens,
                name,
            )
        )

    def _relative(self, path: Path) -> str:
        """How a place is written in the ledger: relative to the crystal's folder where it lies below it, else absolute."""
        return location_of(path, self._home)

    def _below(self, folder: Path) -> str:
        """How the path of everything in a folder begins."""
        return os.path.join(os.path.normpath(folder.absolute()), "")  # noqa: PTH118 - one slash at its end

    def _absolute(self, location: str) -> Path:
        return Path(os.path.normpath(self._home / location))


def _no_longer_read(source: Source, state: str) -> Source:
    """The row of a source whose file cannot be read. Of one that was never read to its end, the digest would say too much."""
    return source._replace(state=state, digest=b"" if source.state == "partial" else source.digest)
