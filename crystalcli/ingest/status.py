"""Where a crystal stands: its ledger, compared with the folders as they are now. Reads nothing into it and changes nothing.

A file whose size and time are those of the ledger is taken as unchanged; of the others the bytes are hashed. What ingest
would leave out is left out here, by the same walk. Archives are not opened: what is in one stands as the archive does.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from crystalcli.errors import SourceError
from crystalcli.ingest.folder_rules import stored_rules
from crystalcli.ingest.locations import (
    folders_asked,
    home_of,
    is_piped,
    location_of,
    own_files,
    parent_locations,
    path_at_location,
)
from crystalcli.storage import SourceRow, Store, typed_rows
from crystalcli.text import DEFAULT_FILTER, FileFilter, FoundFile, SkippedPath, walk_files
from crystalcli.types import DocumentState, FileState


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source of the ledger, and how its file stands now.

    state, reason, code: as at the last ingest. now: the file, compared with that. chunks_expected: as counted
    when it was read to its end, None when it never was. without_layers: chunks stored that have no codes yet.
    """

    path: str
    location: str
    kind: str
    state: str
    reason: str
    code: str
    now: FileState
    size: int
    mtime_ns: int
    sha256: str
    characters: int
    tokens: int
    chunks_expected: int | None
    chunks_stored: int
    without_layers: int

    @property
    def complete(self) -> bool:
        """Whether the crystal holds what there is to hold of it. What is skipped or gone, and known to be, lacks nothing."""
        if self.state == DocumentState.GONE:
            return self.now == FileState.GONE and not self.without_layers
        whole = self.state == DocumentState.SKIPPED or (
            self.state == DocumentState.DONE and self.chunks_stored == self.chunks_expected
        )
        return whole and self.now in (FileState.SAME, FileState.LEFT_OUT) and not self.without_layers


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The whole ledger. folders: those asked for; missing_folders: the ones of them that are no longer there."""

    entries: tuple[SourceStatus, ...]
    folders: tuple[str, ...]
    missing_folders: tuple[str, ...]
    segments: int
    segments_without_layers: int

    @property
    def complete(self) -> bool:
        """Whether the crystal holds all that was asked for, as it is now, with all its layers."""
        return not self.segments_without_layers and all(entry.complete for entry in self.entries)


def crystal_status(store: Store) -> StatusReport:
    """Compare the ledger with the folders. Raises DamagedCrystalError."""
    home = home_of(store.path)
    with store.snapshot():
        sources, segments = store.sources(), store.segments()
        asked = sorted(folders_asked(store))
        choices = stored_rules(store)
        stored, bare = _stored(store)
    there = {each: path_at_location(each, home) for each in asked if path_at_location(each, home).is_dir()}
    met: dict[str, FoundFile | SkippedPath] = {}
    for each, folder in there.items():
        chosen = {folder: choices.get(each, DEFAULT_FILTER)}
        try:
            for found in walk_files([folder], exclude=own_files(store.path), hidden=False, choices=chosen):
                location = location_of(found.path, home)
                before = met.get(location)
                # What one folder's choice leaves out, that of another, above or below it, may keep.
                if before is None or (isinstance(before, SkippedPath) and before.chosen):
                    met[location] = found
        except SourceError:
            continue  # it went while we looked
    met_all = dict(met)
    archives = {source.location: source for source in sources if source.kind == "archive"}
    entries = []
    for source in sources:
        found_now, walked = met.pop(source.location, None), there.get(source.root)
        choice = choices.get(source.root, DEFAULT_FILTER)
        archive = next(
            (archives[each] for each in reversed([*parent_locations(source.location)]) if each in archives), None
        )
        if archive is None:
            now = _now(source, home, found_now, walked, choice)
        else:
            now = _now(archive, home, met_all.get(archive.location), walked, choice)
            now = FileState.GONE if source.state == DocumentState.GONE else now
        counts = (stored.get(source.id, 0), bare.get(source.id, 0))
        entries.append(_entry(source, now, *counts))
    entries += [_new(found) for _, found in sorted(met.items()) if isinstance(found, FoundFile)]
    return StatusReport(
        tuple(entries),
        tuple(asked),
        tuple(each for each in asked if each not in there),
        len(segments),
        sum(1 for segment in segments if not segment.encoded),
    )


def _now(
    source: SourceRow, home: Path, found: FoundFile | SkippedPath | None, walked: Path | None, choice: FileFilter
) -> FileState:
    """How a source's file stands now. walked: its folder, if that was walked, so that a file not met is gone or left out."""
    path = path_at_location(source.location, home)
    if is_piped(source.location):
        return (
            FileState.GONE if source.state == DocumentState.GONE else FileState.SAME
        )  # gone: merged with a newer one of that name
    if isinstance(found, SkippedPath):
        if source.state == DocumentState.SKIPPED:
            return FileState.SAME
        return FileState.LEFT_OUT if found.chosen else FileState.CHANGED
    if found is None and walked is not None:
        relative = os.path.relpath(path, walked).replace(os.sep, "/")
        is_left_out = choice.leaves_out(relative) and os.path.lexists(path)
        return FileState.LEFT_OUT if is_left_out else FileState.GONE
    try:
        at = path.stat()
        if not path.is_file():
            return FileState.GONE
        if (at.st_size, at.st_mtime_ns) == (source.size, source.mtime_ns):
            return FileState.SAME
        is_same = source.digest and _sha256(path) == source.digest
        return FileState.SAME if is_same else FileState.CHANGED
    except (FileNotFoundError, NotADirectoryError):
        return FileState.GONE
    except (OSError, ValueError):
        return FileState.UNREADABLE


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _stored(store: Store) -> tuple[dict[int, int], dict[int, int]]:
    """For each source, how many of its chunks are stored, and how many of them have no layers."""
    query = "SELECT source, sum(chunks) FROM run GROUP BY source"
    stored = dict(typed_rows(store.rows(query), (int, int), store.path))
    query = """
        SELECT run.source, sum(min(run.first_chunk + run.chunks, s.first_chunk + s.chunks) - max(run.first_chunk, s.first_chunk))
        FROM segment AS s JOIN run ON run.first_chunk < s.first_chunk + s.chunks AND run.first_chunk + run.chunks > s.first_chunk
        WHERE s.encoded = 0 GROUP BY run.source
    """
    return stored, dict(typed_rows(store.rows(query), (int, int), store.path))


def _entry(source: SourceRow, now: FileState, stored: int, bare: int) -> SourceStatus:
    return SourceStatus(
        path=source.path,
        location=source.location,
        kind=source.kind,
        state=source.state,
        reason=source.reason,
        code=source.code,
        now=now,
        size=source.size,
        mtime_ns=source.mtime_ns,
        sha256=source.digest.hex(),
        characters=source.characters,
        tokens=source.tokens,
        chunks_expected=source.chunks if source.code or source.state != DocumentState.PARTIAL else None,
        chunks_stored=stored,
        without_layers=bare,
    )


def _new(found: FoundFile) -> SourceStatus:
    location = os.fsencode(found.path).decode("utf-8", "backslashreplace")
    return SourceStatus(
        found.relative, location, "", "", "", "", FileState.NEW, found.size, found.mtime_ns, "", 0, 0, chunks_expected=None,
        chunks_stored=0, without_layers=0,
    )  # fmt: skip
