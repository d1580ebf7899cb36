"""Keeps a crystal current while files change: one ingest at first, and one of what changed after each burst of events.

The crystal is open only while it is written, so that other programs come to it between two bursts; the encoder stays in memory.
A folder that goes away is not taken for deleted files, since a disk may have been unmounted; when it is back, it is read again.
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

_TICK = 1.0  # seconds between two looks at whether the folders are still there
_IDLE = 600.0  # seconds after which the encoder's memory is given back
_AGAIN = 3600.0  # seconds after which all is looked at again: a system may lose events
_MANY = 2000  # changed paths from which on all is looked at
_RULES = (".gitignore", ".crystalignore", os.path.join(".git", "info", "exclude"))  # noqa: PTH118 - an ending


@dataclass(frozen=True, slots=True)
class WatchBatch:
    """One ingest of a watch. whole: everything was looked at, as at first, and not only what had changed."""

    report: IngestReport
    whole: bool


class Watcher:
    """Follows files and folders into a crystal.

    Args:
        crystal: The path of the crystal.
        paths: Files and folders.
        ingest: Opens the crystal for writing, waits for another program that writes it, and ingests paths with options.
        on_batch: Called after each ingest.
        note: Called with a line when a path goes away or comes back.
        choice: The filters of the folders, as in an ingest.
        reading: How files are read, as in an ingest.
    """

    def __init__(
        self,
        crystal: Path,
        paths: Sequence[Path],
        ingest: Callable[[list[Path], IngestOptions], IngestReport],
        on_batch: Callable[[WatchBatch], None],
        note: Callable[[str], None],
        choice: FileFilter | None = None,
        reading: ReadOptions = DEFAULT_READ_OPTIONS,
    ) -> None:
        self._paths = [asked_place(path) for path in paths]
        self._named = {str(path) for path in self._paths if not path.is_dir()}
        self._crystal, self._own = crystal, {str(path) for path in own_files(crystal)}
        self._ingest_paths, self._on_batch, self._note = ingest, on_batch, note
        self._choice, self._reading = choice, reading
        self._kept = CachedEncoder()

    def run(self) -> None:
        """Does not return. Raises KeyboardInterrupt when it is stopped, CrystalError when it cannot go on."""
        missing: set[Path] = set()
        while True:
            there = self._there()
            gone = set(self._paths) - there.keys()
            for path in sorted(gone - missing):
                self._note(f"{path} is not there; what was read of it stays")
            for path in sorted(missing - gone):
                self._note(f"{path} is there again")
            missing = gone
            with watch_events(list(there), self.matters) as burst:
                self._follow(there, burst)

    def _follow(self, there: dict[Path, tuple[int, int]], burst: NextBurst) -> None:
        """All at first, then what changes, for as long as the same folders are there."""
        self._ingest(list(there), None)
        whole = last = time.monotonic()
        while self._there() == there:
            changed = burst(_TICK)
            now = time.monotonic()
            if changed is None and now - whole < _AGAIN:
                if now - last > _IDLE:
                    self._kept.let_go()
                continue
            near = None
            if changed is not None:
                while more := burst(0.0):  # what came while the last ingest ran
                    changed |= more
                near = self._near(changed)
            self._ingest(list(there), near)
            last = time.monotonic()
            if near is None:
                whole = last

    def _ingest(self, paths: list[Path], near: ChangedPaths | None) -> None:
        # A named file that is gone stands for itself; of the folders only those that are there are asked for.
        paths = [path for path in paths if path.exists()]
        near = near if self._crystal.exists() else None  # a new crystal holds nothing yet
        options = IngestOptions(choice=self._choice, near=near, kept=self._kept, reading=self._reading)
        try:
            report = self._ingest_paths(paths, options)
        except SourceError as error:  # gone between the look and the walk: `run` sees to it
            self._note(str(error))
            return
        self._choice = None  # it is remembered
        self._on_batch(WatchBatch(report, near is None))

    def _near(self, changed: frozenset[str]) -> ChangedPaths | None:
        """Where to look; None for everywhere."""
        if len(changed) > _MANY or any(path.endswith((*_RULES, SLACK_USERS_FILE)) for path in changed):
            return None
        return ChangedPaths(changed, self._named & changed)

    def _there(self) -> dict[Path, tuple[int, int]]:
        """The paths that can be watched, and which folder each is: one of the same name may take its place."""
        found = {}
        for path in self._paths:
            try:
                status = (path.parent if str(path) in self._named else path).stat()
            except OSError:
                continue
            found[path] = (status.st_dev, status.st_ino)
        return found

    def matters(self, path: str) -> bool:
        """Whether an event at an absolute path can change what the crystal holds."""
        if path in self._own:
            return False
        for root in self._paths:
            if path == str(root):
                return True
            if path.startswith(os.path.join(root, "")):  # noqa: PTH118 - one slash at its end
                parts = Path(path).relative_to(root).parts
                if path.endswith(_RULES):
                    return True
                closed = any(
                    part.startswith(".") or part in INSTALLED_FOLDERS or part in NEVER_ENTERED for part in parts
                )
                if not closed and not parts[-1].endswith(OWN_SUFFIXES) and ".crystal-" not in parts[-1]:
                    return True
        return False
