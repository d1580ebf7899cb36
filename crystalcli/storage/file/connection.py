"""Connections to a crystal's database, and SQLite's errors in plain words.

Knows how SQLite handles files. Does not know what the tables mean.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from crystalcli.errors import CrystalError, DamagedCrystalError, NotACrystalError
from crystalcli.storage.file.file_lock import real_path
from crystalcli.storage.file.schema import APPLICATION_ID, FORMAT_VERSION, schema_statements
from crystalcli.storage.file.seal import RowSealer
from crystalcli.storage.file.signals import signals_held_back

LARGEST = 1 << 24  # bytes of a blob, decompressed too; far more than this program writes
PAGE_CACHE = 2 << 20  # bytes of the file that SQLite keeps in memory
# Bytes of a page. Every blob leaves a part of its last page empty: 0.02 of the text with 4,096.
PAGE = 1024
_TRIES = 5
# Error codes that may go away with the writer that causes them.
_TRANSIENT = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY_ROLLBACK,
    sqlite3.SQLITE_READONLY_RECOVERY,
    sqlite3.SQLITE_READONLY_CANTINIT,
)


def make_database(path: Path, meta: dict[str, str]) -> None:
    """Make an empty crystal under another name, and rename it to `path`.

    Args:
        path: Its path, which must not exist.
        meta: The rows of its table `meta`.

    Raises:
        sqlite3.Error: SQLite cannot write it.
        OSError: The system refuses.
    """
    fresh = path.with_name(path.name + "-new")
    # Leftovers of an interruption, or the log of a deleted crystal, which SQLite would read.
    for name in (path.name, fresh.name):
        for suffix in ("-wal", "-shm", "-journal"):
            path.with_name(name + suffix).unlink(missing_ok=True)
    fresh.unlink(missing_ok=True)
    try:
        # SQLite drops exceptions in the functions that count rows for seals: no Ctrl-C there.
        with signals_held_back(), contextlib.closing(_sqlite(f"{fresh.as_uri()}?mode=rwc")) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE}")
            connection.execute("BEGIN IMMEDIATE")
            for statement in schema_statements():
                connection.execute(statement)
            sealer = RowSealer(connection)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            sealer.write()
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            connection.execute("COMMIT")
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    # So that the name is on the disk, too; not every system can sync a folder.
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def scratch_database() -> sqlite3.Connection:
    """Make the tables of an empty crystal in a private file, which goes with the connection."""
    connection = _sqlite("")
    for statement in schema_statements():
        connection.execute(statement)
    return connection


def write_error(path: Path, error: Exception) -> CrystalError:
    """Make the error that says why a file could not be written, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return CrystalError(
            f"the disk is full: make room where {path} is and run the same command again; what was committed stays"
        )
    if code == sqlite3.SQLITE_IOERR:
        return CrystalError(
            f"cannot write {path} ({error}): see whether the disk is full, sound and still there, "
            "and run the same command again; what was committed stays"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CrystalError(f"{path} is in use by another program: try again")
    return CrystalError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}")


def connect(path: Path, writable: bool) -> sqlite3.Connection:
    """Connect to the database at `path`; its tables are not read.

    Args:
        path: The crystal.
        writable: Whether to open it for writing, too.

    Raises:
        NotACrystalError: The file is not a crystal.
        DamagedCrystalError: SQLite finds the file malformed.
        CrystalError: The file cannot be opened, or another program keeps it busy.
    """
    uri = path.absolute().as_uri()
    modes = [f"{uri}?mode={'rw' if writable else 'ro'}"] * _TRIES
    if not writable and not os.access(real_path(path).absolute().parent, os.W_OK) and not _has_pending_log(path):
        # A crystal left in WAL mode on a read-only medium can only be read as immutable.
        modes = [modes[0], f"{uri}?immutable=1"]
    for number, mode in enumerate(modes, 1):
        try:
            return _open_checked(mode)
        except UnicodeDecodeError as error:  # SQLite's message quotes the broken schema
            raise DamagedCrystalError(path, "malformed database schema") from error
        except sqlite3.DatabaseError as error:
            if number == len(modes) or getattr(error, "sqlite_errorcode", 0) not in _TRANSIENT:
                raise _open_error(path, error) from error
            if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
                # A writer was killed as it began or ended. A reader cannot undo its half commit.
                with contextlib.suppress(sqlite3.DatabaseError):
                    _open_checked(f"{uri}?mode=rw").close()
            elif mode == modes[-1]:
                # A writer that begins or ends removes files beside the crystal: try again.
                time.sleep(0.02)
    raise AssertionError("unreachable")


def _open_checked(uri: str) -> sqlite3.Connection:
    """Open a database and read from its list of tables."""
    connection = _sqlite(uri)
    try:
        connection.execute("SELECT type FROM sqlite_master LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def has_log(path: Path) -> bool:
    """Tell whether SQLite's log of changes stands beside the crystal."""
    place = real_path(path)
    return place.with_name(place.name + "-wal").exists()


def _has_pending_log(path: Path) -> bool:
    """Tell whether a log or journal beside the crystal holds a part of its last commits."""
    place = real_path(path)
    logs = (place.with_name(place.name + suffix) for suffix in ("-wal", "-journal"))
    return any(log.exists() and log.stat().st_size > 0 for log in logs)


def _open_error(path: Path, error: sqlite3.Error) -> CrystalError:
    """Make the error that says why a file could not be opened, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CrystalError(f"{path} is in use by another program: try again")
    if code in _TRANSIENT and _has_pending_log(path):
        return CrystalError(
            f"cannot open {path}: it was left in the middle of a write, and this place cannot be written; "
            "copy it, with the files beside it, to where it can"
        )
    if code & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return CrystalError(f"cannot open {path}: {error}")
    return not_a_crystal_error(path, error)


def not_a_crystal_error(path: Path, error: Exception | None = None) -> CrystalError:
    """Make the error for a file that is not a crystal, or is damaged.

    Call this only for a file that SQLite cannot read, or another program's: closing a file drops
    the locks that SQLite holds on it in this process, and a reader without locks sees a file that
    changes under it.

    Args:
        path: The file.
        error: SQLite's error.
    """
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as refusal:
        return CrystalError(f"cannot read {path}: {refusal.strerror}")
    if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
        return NotACrystalError(f"{path} is not a crystal")
    if int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        return NotACrystalError(f"{path} is a database of another program, not a crystal")
    return DamagedCrystalError(path, str(error))


def _sqlite(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10, check_same_thread=False)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * LARGEST)
    connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE // 1024}")
    # Mapped pages would count as memory, and grow with the file.
    connection.execute("PRAGMA mmap_size = 0")
    return connection
