"""Files into a crystal: walk, compare with the ledger, read, cut, encode, commit. Streams; memory does not grow with the input.

The ledger has a row for every file met, read or not, so that the crystal always says what it holds and what it does not.
A file that has not changed since it was read is not opened. A file that has changed is read again, but only the chunks whose
text is new are encoded.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import DamagedCrystalError, SourceError
from crystalcli.memory.segments import SegmentWriter
from crystalcli.storage.rows import RUN, Run, Source
from crystalcli.storage.store import Store
from crystalcli.text.cut import cut
from crystalcli.text.readers import open_source
from crystalcli.text.walk import Found, Skipped, walk
from crystalcli.types import Chunk, Landmark, Progress, Reading
from crystalcli.vectors.tokenizer import default_tokenizer

if TYPE_CHECKING:
    from crystalcli.memory.layers import ChunkEncoder


def own_files(crystal: Path) -> set[Path]:
    """A crystal and what lies beside it: files that are never read into it."""
    return {Path(f"{crystal.absolute()}{suffix}") for suffix in ("", "-wal", "-shm", "-journal", "-lock")}


def location_of(path: Path, home: Path) -> str:
    """How a place is written in the ledger of a crystal in the folder `home`: relative to it where it lies below, else absolute."""
    place = path.relative_to(home) if path.is_relative_to(home) else path
    return os.fsencode(place.as_posix()).decode("utf-8", "backslashreplace")  # names need not be UTF-8


def folders_asked(store: Store) -> set[str]:
    """The folders that were ever asked for, as the ledger writes places. Raises DamagedCrystalError."""
    try:
        found = json.loads(store.meta().get("folders", "[]"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) and "\0" not in each for each in found):
        raise DamagedCrystalError(f"{store.path} is damaged: its list of folders does not decode")
    return set(found)


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
    """A source that is being read."""

    found: Found
    source: Source
    progressive: bool  # whether its text may be recalled before it is read to the end
    runs: list[Run] = field(default_factory=list)
    landmarks: list[tuple[int, str, str]] = field(default_factory=list)
    run: Run | None = None
    ordinal: int = 0
    characters: int = 0
    lines: int = 0
    tokens: int = 0
    chunks: int = 0

    def place(self, chunk: Chunk, number: int) -> None:
        """Note that the document goes on with chunk `number`."""
        run = self.run
        if run is not None and run.first_chunk + run.chunks == number and run.chunks < RUN:
            self.run = run._replace(chunks=run.chunks + 1)
        else:
            self.close_run()
            self.run = Run(self.source.id, self.ordinal, number, 1, self.characters, self.lines)
            self.ordinal += 1
        self.characters += len(chunk.text)
        self.lines += chunk.text.count("\n")
        self.tokens += len(chunk.ids)
        self.chunks += 1

    def close_run(self) -> None:
        if self.run is not None:
            self.runs.append(self.run)
            self.run = None


class Ingest:
    """One run over some paths. encoder: None when there are no weights; then the lexical index alone is made."""

    def __init__(
        self, store: Store, encoder: ChunkEncoder | None, progress: Callable[[Progress], None] | None = None
    ) -> None:
        self._store = store
        self._progress = progress or (lambda _: None)
        self._writer = SegmentWriter(store, encoder, self._write_sources)
        self._report = IngestReport(lexical_only=encoder is None)
        self._home = store.path.absolute().parent
        self._by_location = {source.location: source for source in store.sources()}
        self._names = {source.path: source.location for source in self._by_location.values()}
        self._folders = "[]"
        self._rows: list[Source] = []  # ledger rows that wait for the next commit
        self._finished: list[_Open] = []
        self._open: _Open | None = None
        self._next_source = 1 + max((source.id for source in self._by_location.values()), default=0)
        self._files = self._files_total = self._bytes_done = self._bytes_total = 0

    def run(self, paths: Sequence[Path], *, prune: bool = False) -> IngestReport:
        """Read everything under `paths`; with `prune`, drop what is gone. Raises SourceError for a path that does not exist."""
        began = time.monotonic()
        met = list(walk(paths, exclude=own_files(self._store.path), hidden=False))
        self._note_folders(paths)
        self._files_total = sum(isinstance(each, Found) for each in met)
        self._bytes_total = sum(each.size for each in met if isinstance(each, Found))
        for each in met:
            if isinstance(each, Found):
                self._take(each)
            else:
                self._skip(each, each.reason, 0, 0)
        self._mark_gone(paths, met)
        self._writer.commit()
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
        if (
            before
            and (before.size, before.mtime_ns) == (found.size, found.mtime_ns)
            and before.state in ("done", "skipped")
        ):
            self._keep(before)
        else:
            try:
                mark, reading = open_source(found.path)
                if before and before.state == "done" and before.digest == mark.digest:
                    self._rows.append(before._replace(size=mark.size, mtime_ns=mark.mtime_ns))
                    self._keep(before)
                else:
                    self._read(found, location, before, reading, mark.digest)
            except SourceError as error:
                self._abandon(found, str(error))
        self._files += 1
        self._bytes_done += found.size

    def _keep(self, before: Source) -> None:
        if before.state == "done":
            self._report.unchanged += 1
        else:
            self._report.skipped.append((before.path, before.reason))

    def _read(self, found: Found, location: str, before: Source | None, reading: Reading, digest: bytes) -> None:
        row = self._row(found, location, before)._replace(kind=reading.kind, title=reading.title, digest=digest)
        progressive = before is None or not before.chunks or before.state == "partial"
        if before is None or before.state != "done":
            row = row._replace(state="partial", reason="")
        row = self._number(row)
        current = self._open = _Open(found, row, progressive)
        if progressive and before is not None:
            with self._store.transaction():
                self._store.clear_source(row.id)
        for chunk in cut(self._texts(reading, current), default_tokenizer(), code=reading.kind == "code"):
            current.place(chunk, self._writer.add(chunk))
            self._report.tokens += len(chunk.ids)
            if self._writer.full:
                self._tell(found.relative, current)
                self._writer.commit()
                self._tell(found.relative, current)
        current.close_run()
        self._finished.append(current)
        self._open = None
        self._report.read += 1
        self._report.bytes += found.size

    def _texts(self, reading: Reading, current: _Open) -> Iterator[str]:
        for piece in reading.pieces():
            if isinstance(piece, Landmark):
                current.landmarks.append((piece.start, piece.kind, piece.label))
            else:
                yield piece

    def _abandon(self, found: Found, reason: str) -> None:
        """The file cannot be read (to its end). What the crystal held of it before stays."""
        current, self._open = self._open, None
        if current is not None and current.progressive:
            with self._store.transaction():
                self._store.clear_source(current.source.id)
            self._by_location[current.source.location] = current.source._replace(characters=0, tokens=0, chunks=0)
        self._skip(found, reason, found.size, found.mtime_ns)

    def _skip(self, each: Found | Skipped, reason: str, size: int, mtime_ns: int) -> None:
        location = self._relative(each.path)
        before = self._by_location.get(location)
        row = self._row(each, location, before)._replace(size=size, mtime_ns=mtime_ns, reason=reason)
        self._number(row._replace(state="failed" if row.chunks else "skipped"))
        self._report.skipped.append((row.path, reason))

    def _mark_gone(self, paths: Sequence[Path], met: Sequence[Found | Skipped]) -> None:
        """Sources under the folders asked for that the walk no longer met."""
        roots = {self._relative(Path(os.path.abspath(path))) for path in paths if path.is_dir()}  # noqa: PTH100 - as walk does
        here = {self._relative(each.path) for each in met}
        for location, source in self._by_location.items():
            if source.root in roots and location not in here and source.state != "gone":
                self._report.gone += 1
                self._rows.append(source._replace(state="gone"))

    def _note_folders(self, paths: Sequence[Path]) -> None:
        """Remember the folders asked for, so that what is new in them can be told later."""
        known = folders_asked(self._store)
        known |= {self._relative(Path(os.path.abspath(path))) for path in paths if path.is_dir()}  # noqa: PTH100 - as walk does
        self._folders = json.dumps(sorted(known), ensure_ascii=False)

    def _prune(self) -> None:
        """Drop the documents whose files are gone, wherever they were, and forget the folders that are."""
        left = sorted(each for each in folders_asked(self._store) if self._absolute(each).is_dir())
        with self._store.transaction():
            self._store.set_meta("folders", json.dumps(left, ensure_ascii=False))
            for source in self._store.sources():
                if source.state == "gone":
                    self._store.clear_source(source.id)
                    self._store.drop_source(source.id)
                    self._report.pruned += 1

    # --- the ledger ---------------------------------------------------------------------------------

    def _row(self, each: Found | Skipped, location: str, before: Source | None) -> Source:
        if before is not None:
            size, mtime_ns = (each.size, each.mtime_ns) if isinstance(each, Found) else (0, 0)
            return before._replace(size=size, mtime_ns=mtime_ns)
        name = self._name(each, location)
        size, mtime_ns = (each.size, each.mtime_ns) if isinstance(each, Found) else (0, 0)
        return Source(0, name, location, self._relative(each.root), "", "", "skipped", "", size, mtime_ns, b"", 0, 0, 0)

    def _name(self, each: Found | Skipped, location: str) -> str:
        """What the file is cited as: its path under the folder that was asked for, made unique by that folder's name."""
        name, count = each.relative, 1
        while self._names.get(name, location) != location:
            taken = self._by_location.get(self._names[name])
            if taken is not None and not self._absolute(taken.location).exists():
                self._move(taken)  # the file has been moved: the name goes with it
                break
            name = f"{each.root.name}/{each.relative}" if count == 1 else f"{each.root.name}~{count}/{each.relative}"
            count += 1
        self._names[name] = location
        return name

    def _move(self, old: Source) -> None:
        """Free the name of a source whose file is gone."""
        freed = old._replace(path=f"{old.path} (gone, {old.id})", state="gone", characters=0, tokens=0, chunks=0)
        self._by_location[old.location] = freed
        with self._store.transaction():
            self._store.put_source(freed)
            self._store.clear_source(old.id)

    def _number(self, row: Source) -> Source:
        """Enter a row in the ledger of this run, with a number of its own; the next commit writes it."""
        if not row.id:
            row = row._replace(id=self._next_source)
            self._next_source += 1
        self._by_location[row.location] = row
        self._rows.append(row)
        return row

    def _write_sources(self) -> None:
        """Everything that the ledger has to say of the chunks in this commit; runs inside its transaction."""
        self._store.set_meta("folders", self._folders)
        for row in self._rows:
            self._store.put_source(row)
        self._rows.clear()
        if self._open is not None and self._open.progressive:
            self._open.close_run()
            self._write_places(self._open)
        for done in self._finished:
            if not done.progressive:
                self._store.clear_source(done.source.id)
            self._write_places(done)
            row = done.source._replace(
                state="done", reason="", characters=done.characters, tokens=done.tokens, chunks=done.chunks
            )
            self._store.put_source(row)
            self._by_location[row.location] = row
        self._finished.clear()

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

    def _absolute(self, location: str) -> Path:
        return Path(os.path.normpath(self._home / location))
