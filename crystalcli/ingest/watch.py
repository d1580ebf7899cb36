"""A watcher that keeps a crystal current while files change.

It ingests everything at first, then the changed paths after each burst of events. The crystal is
open only while it is written, so that other programs can use it between two bursts; the encoder
stays in memory. Files of a folder that goes away do not count as deleted, since a disk may have
been unmounted; when the folder is back, it is read again.

Knows: events, times, when to ingest. Does not know: the ledger, formats.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import SourceError
from crystalcli.index import CachedEncoder
from crystalcli.ingest.ingester import IngestOptions, IngestReport
from crystalcli.ingest.locations import own_files
from crystalcli.text import (
    DEFAULT_READ_OPTIONS,
    INSTALLED_FOLDERS,
    NEVER_ENTERED,
    OWN_SUFFIXES,
    SLACK_USERS_FILE,
    ChangedPaths,
    NextBurst,
    ReadOptions,
    asked_place,
    watch_events,
)

if TYPE_CHECKING:
    from crystalcli.text import FileFilter

_TICK_SECONDS = 1.0  # between two checks that the folders still exist
_IDLE_SECONDS = 600.0  # until the encoder's memory is given back
_RESCAN_SECONDS = 3600.0  # between two ingests of everything: a system may lose events
_MAX_CHANGED = 2000  # changed paths; after more, everything is ingested
_IGNORE_FILES = (".gitignore", ".crystalignore", os.path.join(".git", "info", "exclude"))  # noqa: PTH118 - an ending


@dataclass(frozen=True, slots=True)
class WatchBatch:
    """One ingest of a watch.

    Attributes:
        report: Its outcome.
        whole: Whether everything was looked at, as at first, and not only changed paths.
    """

    report: IngestReport
    whole: bool


class Watcher:
    """Follows files and folders into a crystal."""

    def __init__(
        self,
        crystal: Path,
        paths: Sequence[Path],
        ingest: Callable[[list[Path], IngestOptions], IngestReport],
        on_batch: Callable[[WatchBatch], None],
        note: Callable[[str], None],
        file_filter: FileFilter | None = None,
        read_options: ReadOptions = DEFAULT_READ_OPTIONS,
        ocr: bool | None = None,
    ) -> None:
        """Prepare a watch.

        Args:
            crystal: The path of the crystal.
            paths: Files and folders.
            ingest: Opens the crystal for writing, waits for another program that writes it, and
                ingests paths with options.
            on_batch: Called after each ingest.
            note: Called with a line when a path goes away or comes back.
            file_filter: The filter of the folders; None: the remembered ones.
            read_options: How files are read.
            ocr: Whether letters in pictures of text are recognized; None: as remembered.
        """
        self._paths = [asked_place(path) for path in paths]
        self._named = {str(path) for path in self._paths if not path.is_dir()}
        self._crystal, self._own = crystal, {str(path) for path in own_files(crystal)}
        self._ingest_paths, self._on_batch, self._note = ingest, on_batch, note
        self._file_filter, self._read_options, self._ocr = file_filter, read_options, ocr
        self._encoder_cache = CachedEncoder()

    def run(self) -> None:
        """Watch until it is stopped; never returns.

        Raises:
            KeyboardInterrupt: It was stopped.
            CrystalError: It cannot go on.
        """
        missing: set[Path] = set()
        while True:
            existing = self._existing()
            gone = set(self._paths) - existing.keys()
            for path in sorted(gone - missing):
                self._note(f"{path} does not exist; its documents stay")
            for path in sorted(missing - gone):
                self._note(f"{path} exists again")
            missing = gone
            with watch_events(list(existing), self.matters) as next_burst:
                self._follow(existing, next_burst)

    def _follow(self, existing: dict[Path, tuple[int, int]], next_burst: NextBurst) -> None:
        """Ingest everything, then changes, for as long as the same folders exist.

        Args:
            existing: The paths that exist, with the identity of their folders.
            next_burst: Waits for the next changed paths.
        """
        self._ingest(list(existing), None)
        last_whole = last = time.monotonic()
        while self._existing() == existing:
            changed = next_burst(_TICK_SECONDS)
            now = time.monotonic()
            if changed is None and now - last_whole < _RESCAN_SECONDS:
                if now - last > _IDLE_SECONDS:
                    self._encoder_cache.let_go()
                continue
            changed_paths = None
            if changed is not None:
                while more := next_burst(0.0):  # events during the last ingest
                    changed |= more
                changed_paths = self._changed_paths(changed)
            self._ingest(list(existing), changed_paths)
            last = time.monotonic()
            if changed_paths is None:
                last_whole = last

    def _ingest(self, paths: list[Path], changed_paths: ChangedPaths | None) -> None:
        """Ingest some paths, or their changes, and report the batch."""
        # The walk takes existing paths only; a named file that is gone is found by its row.
        paths = [path for path in paths if path.exists()]
        changed_paths = changed_paths if self._crystal.exists() else None  # a new crystal is empty
        options = IngestOptions(
            file_filter=self._file_filter,
            ocr=self._ocr,
            changed_paths=changed_paths,
            encoder_cache=self._encoder_cache,
            read_options=self._read_options,
        )
        try:
            report = self._ingest_paths(paths, options)
        except SourceError as error:  # the path has gone meanwhile; `run` notes that
            self._note(str(error))
            return
        self._file_filter = None  # the crystal remembers it
        self._on_batch(WatchBatch(report, changed_paths is None))

    def _changed_paths(self, changed: frozenset[str]) -> ChangedPaths | None:
        """Return the paths to look at after a burst of events; None for everything."""
        if len(changed) > _MAX_CHANGED or any(path.endswith((*_IGNORE_FILES, SLACK_USERS_FILE)) for path in changed):
            return None
        return ChangedPaths(changed, self._named & changed)

    def _existing(self) -> dict[Path, tuple[int, int]]:
        """Return the paths that can be watched, each with device and inode of its folder.

        Another folder of the same name may take its place.
        """
        existing = {}
        for path in self._paths:
            try:
                status = (path.parent if str(path) in self._named else path).stat()
            except OSError:
                continue
            existing[path] = (status.st_dev, status.st_ino)
        return existing

    def matters(self, path: str) -> bool:
        """Tell whether an event at an absolute path can change the crystal's documents."""
        if path in self._own:
            return False
        for root in self._paths:
            if path == str(root):
                return True
            if path.startswith(os.path.join(root, "")):  # noqa: PTH118 - one slash at its end
                parts = Path(path).relative_to(root).parts
                if path.endswith(_IGNORE_FILES):
                    return True
                closed = any(
                    part.startswith(".") or part in INSTALLED_FOLDERS or part in NEVER_ENTERED for part in parts
                )
                if not closed and not parts[-1].endswith(OWN_SUFFIXES) and ".crystal-" not in parts[-1]:
                    return True
        return False
