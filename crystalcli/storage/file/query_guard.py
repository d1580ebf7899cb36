"""Queries on a file of unknown origin, with bounds on rows and time.

A damaged page that is referred to many times makes a table longer than any file. So a query gets
at most as many rows as the file has bytes, and steps of SQLite's machine in proportion.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError, DamagedCrystalError
from crystalcli.storage.file.file_lock import real_path

_STEPS = 1 << 16  # of SQLite's machine, between two checks of the running query
_STEPS_PER_BYTE = 32  # of the file; a scan takes a tenth of it
_ROWS_AT_ONCE = 1 << 7


class QueryGuard:
    """Runs the queries of one connection."""

    def __init__(self, db: sqlite3.Connection, path: Path, files: Sequence[Path] = ()) -> None:
        """Bound the queries of a connection.

        Args:
            db: The connection.
            path: The crystal, for errors.
            files: The files whose sizes bound the queries; empty: the crystal alone.
        """
        self._db = db
        self._path = path
        self._files = files or (path,)
        # Checks left to the running query; None while no guarded query runs.
        self._checks_left: int | None = None
        self._size = 0  # bytes of the file when it was last looked at
        db.set_progress_handler(self._too_long, _STEPS)

    def stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Run a query and yield its rows.

        Raises:
            DamagedCrystalError: The file cannot be read, or the query exceeds its bounds.
            CrystalError: Another program keeps the file busy.
        """
        if not self._size:
            self._size = self._file_size()
        rows_left = self._size
        checks = 64 + _STEPS_PER_BYTE * rows_left // _STEPS
        try:
            self._checks_left = checks
            cursor = self._db.execute(query, values)
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                rows_left -= len(rows)
                if rows_left < 0 and (rows_left := rows_left + self._growth()) < 0:
                    raise DamagedCrystalError(self._path, "a query gives more rows than the file has bytes")
                self._checks_left, checks = None, self._checks_left or 0
                yield from rows
                self._checks_left = checks
        except sqlite3.OperationalError as error:
            interrupted = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT
            if interrupted and (self._checks_left or 0) >= 0:
                # Ctrl-C was raised in `_too_long`, where SQLite drops exceptions.
                raise KeyboardInterrupt from None
            if "locked" in str(error) or "busy" in str(error):
                raise CrystalError(f"{self._path} is in use by another program: try again") from error
            raise DamagedCrystalError(self._path, str(error)) from error
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise DamagedCrystalError(self._path, str(error)) from error
        finally:
            self._checks_left = None

    def _file_size(self) -> int:
        """Sum the bytes of the files and their logs, and a few pages more."""
        size = 1 << 16
        for place in map(real_path, self._files):
            for suffix in ("", "-wal"):
                with contextlib.suppress(OSError):
                    size += Path(f"{place}{suffix}").stat().st_size
        return size

    def _growth(self) -> int:
        """Look at the file again, and count the bytes by which it has grown.

        To look at it for every query would take longer than most queries.
        """
        before, self._size = self._size, self._file_size()
        return max(0, self._size - before)

    def _too_long(self) -> int:
        """Tell SQLite, by any number but 0, to interrupt the running query."""
        if self._checks_left is None:
            return 0
        self._checks_left -= 1
        if self._checks_left < 0:
            self._checks_left += _STEPS_PER_BYTE * self._growth() // _STEPS
        return int(self._checks_left < 0)
