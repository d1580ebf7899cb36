"""The status of a crystal: its ledger, compared with the folders as they are now.

Changes nothing. The walk is that of an ingest, so that both leave out the same files. Archives are
not opened: the state of a member is that of its archive.

Knows: rows of the ledger, folders, counts of stored chunks. Does not know: contents of files.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crystalcli.datatypes import DocumentState, Doubt, FileState
from crystalcli.errors import SourceError
from crystalcli.ingest.folder_rules import stored_rules
from crystalcli.ingest.layer_maker import LayerWorker, layer_worker
from crystalcli.ingest.ledger import HOLDERS, read_by_older_readers
from crystalcli.ingest.locations import (
    folders_asked,
    home_of,
    is_piped,
    location_of,
    own_files,
    parent_locations,
    path_at_location,
)
from crystalcli.ingest.staleness import file_state
from crystalcli.lexical import ANALYSIS
from crystalcli.storage import SourceRow, Store, landmarks_of_kind, stored_analysis, typed_rows
from crystalcli.text import DEFAULT_FILTER, FileFilter, FoundFile, SkippedPath, walk_files


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source of the ledger, and the state of its file.

    Attributes:
        path: The name that it is cited by.
        location: Its location; of a new file its path.
        kind: Its kind; "" for a new file, as all that the ledger would know.
        state: The DocumentState after the last ingest.
        reason: Why it was not read, or not whole.
        code: The same for programs.
        now: The file, compared with the ledger.
        size: Bytes of the file at the last ingest.
        mtime_ns: Its time of modification then, in nanoseconds since the epoch.
        sha256: The digest of its bytes then, as hexadecimal digits.
        characters: Characters that were read.
        tokens: Tokens that were read.
        chunks_expected: Chunks that were counted when it was read to its end; None: it never was.
        chunks_stored: Chunks that are stored.
        without_layers: Those of them that have no codes yet.
        doubts: What was read with a doubt.
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
    doubts: tuple[Doubt, ...] = ()

    @property
    def complete(self) -> bool:
        """True if the crystal is up to date with the file, or knows that it is skipped or gone."""
        if self.state == DocumentState.GONE:
            return self.now == FileState.GONE and not self.without_layers
        whole = self.state == DocumentState.SKIPPED or (
            self.state == DocumentState.DONE and self.chunks_stored == self.chunks_expected
        )
        return whole and self.now in (FileState.SAME, FileState.LEFT_OUT) and not self.without_layers


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The ledger of a crystal, compared with the folders.

    Attributes:
        entries: The sources, then the files that are new.
        folders: The locations of the folders that were ever ingested.
        missing_folders: Those that no longer exist.
        segments: The number of segments.
        segments_without_layers: Those that have no codes yet.
        is_index_current: Whether terms are made as this program makes them; `compact` sees to it.
        layer_share: The share of the tokens that have layers, 0 to 1.
        layer_worker: The process that makes layers now; None without one.
        older_readers: Documents that were read by an older reader than this program has; the next
            ingest reads them again.
    """

    entries: tuple[SourceStatus, ...]
    folders: tuple[str, ...]
    missing_folders: tuple[str, ...]
    segments: int
    segments_without_layers: int
    is_index_current: bool
    layer_share: float
    layer_worker: LayerWorker | None
    older_readers: int = 0

    @property
    def complete(self) -> bool:
        """True if the crystal is up to date with all folders and files, and has all its layers."""
        is_read = not self.older_readers and all(entry.complete for entry in self.entries)
        return is_read and not self.segments_without_layers


def crystal_status(store: Store) -> StatusReport:
    """Compare the ledger with the folders.

    Raises:
        DamagedCrystalError: The ledger, or its list of folders or filters, does not decode.
    """
    home = home_of(store.path)
    with store.snapshot():
        sources, segments = store.sources(), store.segments()
        asked = sorted(folders_asked(store))
        rules = stored_rules(store)
        stored, without_layers = _chunk_counts(store)
        is_index_current, share = stored_analysis(store) == ANALYSIS, store.layer_share()
        doubts = _doubts(store, sources)
        older_readers = len(read_by_older_readers(store, sources))
    roots = {location: path_at_location(location, home) for location in asked}
    roots = {location: root for location, root in roots.items() if root.is_dir()}
    walked = _walk(store, roots, rules, home)
    unmatched = dict(walked)  # entries without a source
    holders = {source.location: source for source in sources if source.kind in HOLDERS}
    entries = []
    for source in sources:
        unmatched.pop(source.location, None)
        outermost = next(
            (holders[parent] for parent in reversed([*parent_locations(source.location)]) if parent in holders), None
        )
        file = source if outermost is None else outermost
        if outermost is not None and source.state == DocumentState.GONE:
            now = FileState.GONE
        elif is_piped(file.location):
            # Gone: a merge brought a newer one of that name.
            now = FileState.GONE if file.state == DocumentState.GONE else FileState.SAME
        else:
            now = file_state(
                file,
                path_at_location(file.location, home),
                walked.get(file.location),
                roots.get(source.root),
                rules.get(source.root, DEFAULT_FILTER),
            )
        entry = _entry(source, now, stored.get(source.id, 0), without_layers.get(source.id, 0))
        entries.append(replace(entry, doubts=tuple(doubts.get(source.id, ()))))
    entries += [_new_entry(entry) for _, entry in sorted(unmatched.items()) if isinstance(entry, FoundFile)]
    return StatusReport(
        tuple(entries),
        tuple(asked),
        tuple(location for location in asked if location not in roots),
        len(segments),
        sum(1 for segment in segments if not segment.encoded),
        is_index_current,
        share,
        next(filter(None, map(layer_worker, store.files)), None),
        older_readers,
    )


def _walk(
    store: Store, roots: dict[str, Path], rules: dict[str, FileFilter], home: Path
) -> dict[str, FoundFile | SkippedPath]:
    """Walk folders, each with its own filter.

    Args:
        store: The crystal, whose own files are passed over.
        roots: The folders, by location.
        rules: The filters, by location.
        home: The crystal's folder.

    Returns:
        Everything that was met, by location.
    """
    walked: dict[str, FoundFile | SkippedPath] = {}
    own = set[Path]().union(*map(own_files, store.files))
    for root_location, root in roots.items():
        choices = {root: rules.get(root_location, DEFAULT_FILTER)}
        try:
            for entry in walk_files([root], exclude=own, hidden=False, choices=choices):
                location = location_of(entry.path, home)
                earlier = walked.get(location)
                # Folders may be nested: one filter may keep a file that another leaves out.
                if earlier is None or (isinstance(earlier, SkippedPath) and earlier.chosen):
                    walked[location] = entry
        except SourceError:
            continue  # the folder has gone meanwhile
    return walked


def _chunk_counts(store: Store) -> tuple[dict[int, int], dict[int, int]]:
    """Count the stored chunks of each source, and those of them that have no layers."""
    query = "SELECT source, sum(chunks) FROM run GROUP BY source"
    stored = dict(typed_rows(store.rows(query), (int, int), store.path))
    query = """
        SELECT run.source, sum(min(run.first_chunk + run.chunks, s.first_chunk + s.chunks) - max(run.first_chunk, s.first_chunk))
        FROM segment AS s JOIN run ON run.first_chunk < s.first_chunk + s.chunks AND run.first_chunk + run.chunks > s.first_chunk
        WHERE s.encoded = 0 GROUP BY run.source
    """
    return stored, dict(typed_rows(store.rows(query), (int, int), store.path))


def _doubts(store: Store, sources: Sequence[SourceRow]) -> dict[int, list[Doubt]]:
    """Read what was read with a doubt, by the id of the source."""
    doubts: defaultdict[int, list[Doubt]] = defaultdict(list)
    for source, _, label in landmarks_of_kind(store, [source.id for source in sources if source.chunks], "doubt"):
        doubts[source] += Doubt.parse(label)
    return doubts


def _entry(source: SourceRow, now: FileState, stored: int, without_layers: int) -> SourceStatus:
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
        without_layers=without_layers,
    )


def _new_entry(file: FoundFile) -> SourceStatus:
    location = os.fsencode(file.path).decode("utf-8", "backslashreplace")
    return SourceStatus(
        file.relative, location, "", "", "", "", FileState.NEW, file.size, file.mtime_ns, "", 0, 0, chunks_expected=None,
        chunks_stored=0, without_layers=0,
    )  # fmt: skip
