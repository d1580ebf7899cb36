"""Files that are parsed before they are asked for, each by a process of its own.

The reader of a PDF works in another process anyway: begun early, it has pages ready when the files
before it are done. What it may have ready is bounded, so that it then waits.

Knows: which kinds are read in a process. Does not know: which files have changed, ledgers.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from crystalcli.datatypes import Fingerprint, Reading
from crystalcli.text.readers import WORKER_KINDS, open_source
from crystalcli.text.source.read_request import ReadOptions


class ReadAhead:
    """Opens files, some of them before their turn.

    Args:
        options: How files are read.
        jobs: The number of files that are parsed at a time, with the one whose turn it is.
    """

    def __init__(self, options: ReadOptions, jobs: int) -> None:
        self._options, self.ahead = options, jobs - 1
        self._threads = ThreadPoolExecutor(max(1, self.ahead))  # each hashes a file and starts a process
        self._begun: dict[Path, Future[tuple[Fingerprint, Reading]]] = {}

    @property
    def room(self) -> int:
        """The number of files that may be begun now."""
        return self.ahead - len(self._begun)

    def is_worthwhile(self, path: Path) -> bool:
        """Tell whether a file that is not begun yet would be parsed in another process."""
        return path.suffix.lower().removeprefix(".") in WORKER_KINDS and path not in self._begun

    def begin(self, path: Path, *, ocr: bool) -> None:
        """Begin to parse a file.

        Args:
            path: The file.
            ocr: Whether letters in its pictures are recognized.
        """
        self._begun[path] = self._threads.submit(self._begin, path, ocr)

    def open(self, path: Path, *, ocr: bool) -> tuple[Fingerprint, Reading]:
        """Open a file as `open_source` does, begun before or not.

        Args:
            path: The file.
            ocr: Whether letters in its pictures are recognized; the same as when it was begun.

        Raises:
            SourceError: As of `open_source`.
        """
        begun = self._begun.pop(path, None)
        return begun.result() if begun is not None else self._open(path, ocr)

    def close(self) -> None:
        """Stop what was begun and not asked for."""
        self._threads.shutdown(cancel_futures=True)
        self._begun.clear()

    def _open(self, path: Path, ocr: bool) -> tuple[Fingerprint, Reading]:
        return open_source(path, replace(self._options, ocr=ocr))

    def _begin(self, path: Path, ocr: bool) -> tuple[Fingerprint, Reading]:
        fingerprint, reading = self._open(path, ocr)
        _ = reading.title  # starts the process
        return fingerprint, reading
