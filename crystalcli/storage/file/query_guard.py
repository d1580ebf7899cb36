"""Queries on a file that may be anybody's: errors by name, and an end to those that go in circles.

A page that is pointed at twice, or a thousand times, makes a table longer than any file. So a query gets as many rows as the
file has bytes, and steps of SQLite's machine in proportion.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError, DamagedCrystalError
from crystalcli.storage.file.file_lock import real_path

_STEPS = 1 << 16  # of SQLite's machine, between two looks at how long a query has gone on
_PER_BYTE = 32  # steps for each byte of the file; a scan takes a tenth of it
_ROWS_AT_ONCE = 1 << 7


class QueryGuard:
    """Runs the queries of one connection."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._left: int | None = None  # looks that the running query has left; None: no query of ours runs
        db.set_progress_handler(self._too_long, _STEPS)

    def stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Every row of a query. Raises DamagedCrystalError, or CrystalError when another program keeps the file busy."""
        room = self._size()
        looks = 64 + _PER_BYTE * room // _STEPS
        try:
            self._left = looks
            cursor = self._db.execute(query, values)
            while found := cursor.fetchmany(_ROWS_AT_ONCE):
                room -= len(found)
                if room < 0:
                    raise DamagedCrystalError(self._path, "it says to hold more rows than it has bytes")
                self._left, looks = None, self._left or 0
                yield from found
                self._left = looks
        except sqlite3.OperationalError as error:
            stopped = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT
            if stopped and (self._left or 0) >= 0:
                raise KeyboardInterrupt from None  # it was raised in `_too_long`, where SQLite drops what is raised
            if "locked" in str(error) or "busy" in str(error):
                raise CrystalError(f"{self._path} is in use by another program: try again") from error
            raise DamagedCrystalError(self._path, str(error)) from error
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise DamagedCrystalError(self._path, str(error)) from error
        finally:
            self._left = None

    def _size(self) -> int:
        """Bytes of the file, what waits beside it included, and a few pages more."""
        size, place = 1 << 16, real_path(self._path)
        for suffix in ("", "-wal"):
            with contextlib.suppress(OSError):
                size += Path(f"{place}{suffix}").stat().st_size
        return size

    def _too_long(self) -> int:
        if self._left is None:
            return 0
        self._left -= 1
        return int(self._left < 0)
