"""Connections to the database in a crystal's file: made, opened, and what SQLite refuses said in words.

Knows SQLite's ways with files. Does not know what the tables mean.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from crystalcli.errors import CrystalError, DamagedCrystalError, NotACrystalError
from crystalcli.storage.file.file_lock import real_path
from crystalcli.storage.file.schema import APPLICATION_ID, FORMAT_VERSION, statements
from crystalcli.storage.file.seal import RowSealer
from crystalcli.storage.file.signals import signals_held_back

LARGEST = 1 << 24  # bytes of a blob, decompressed too; nothing this program writes comes near it
PAGE_CACHE = 2 << 20  # bytes of the file that SQLite keeps in memory
PAGE = 2048  # bytes of a page: of every blob a part of one is left empty, and with 4,096 that is 0.02 of the text
_TRIES = 5
_PASSING = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY_ROLLBACK,
    sqlite3.SQLITE_READONLY_RECOVERY,
    sqlite3.SQLITE_READONLY_CANTINIT,
)


def make(path: Path, meta: dict[str, str]) -> None:
    """An empty crystal at `path`, all at once. Raises sqlite3.Error or OSError."""
    fresh = path.with_name(path.name + "-new")
    # What an interruption left, and a log whose crystal someone has deleted: SQLite would read it into the new one.
    for name in (path.name, fresh.name):
        for suffix in ("-wal", "-shm", "-journal"):
            path.with_name(name + suffix).unlink(missing_ok=True)
    fresh.unlink(missing_ok=True)
    try:
        # SQLite drops what is raised in the functions that count rows for the seals: no Ctrl-C may be raised there.
        with signals_held_back(), contextlib.closing(_sqlite(f"{fresh.as_uri()}?mode=rwc")) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE}")
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements():
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
    with contextlib.suppress(OSError):  # so that the name is on the disk, too; not every system lets us
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def refused(path: Path, error: Exception) -> CrystalError:
    """Why the file could not be written, and what to do."""
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
    """A connection to the file at `path`, without a look at its tables.

    Raises CrystalError, or DamagedCrystalError when it does not hold together.
    """
    uri = path.absolute().as_uri()
    modes = [f"{uri}?mode={'rw' if writable else 'ro'}"] * _TRIES
    if not writable and not os.access(real_path(path).absolute().parent, os.W_OK) and not _unfinished(path):
        # A crystal left in WAL mode on a read-only medium can only be read as if nothing else touched it.
        modes = [modes[0], f"{uri}?immutable=1"]
    for number, mode in enumerate(modes, 1):
        try:
            return _looked_into(mode)
        except UnicodeDecodeError as error:  # SQLite's message quotes the broken schema
            raise DamagedCrystalError(path, "malformed database schema") from error
        except sqlite3.DatabaseError as error:
            if number == len(modes) or getattr(error, "sqlite_errorcode", 0) not in _PASSING:
                raise _unreadable(path, error) from error
            if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:  # a writer was killed as it began or ended
                with contextlib.suppress(sqlite3.DatabaseError):
                    _looked_into(f"{uri}?mode=rw").close()  # takes back what was half done, which a reader may not
            elif mode == modes[-1]:  # a writer that begins or ends takes files away beside the crystal: look again
                time.sleep(0.02)
    raise AssertionError("unreachable")


def _looked_into(uri: str) -> sqlite3.Connection:
    connection = _sqlite(uri)
    try:
        connection.execute("SELECT type FROM sqlite_master LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _unfinished(path: Path) -> bool:
    """Whether something beside the crystal belongs to it: without that the file alone may be half of two commits."""
    place = real_path(path)
    beside = (place.with_name(place.name + suffix) for suffix in ("-wal", "-journal"))
    return any(each.exists() and each.stat().st_size > 0 for each in beside)


def _unreadable(path: Path, error: sqlite3.Error) -> CrystalError:
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CrystalError(f"{path} is in use by another program: try again")
    if code in _PASSING and _unfinished(path):
        return CrystalError(
            f"cannot open {path}: it was left in the middle of a write, and this place cannot be written; "
            "copy it, with the files beside it, to where it can"
        )
    if code & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return CrystalError(f"cannot open {path}: {error}")
    return not_a_crystal(path, error)


def not_a_crystal(path: Path, error: Exception | None = None) -> CrystalError:
    """What a file is that is not a crystal, or not a whole one.

    Only a file that SQLite could not read, or another program's, is opened here: to close a file takes the locks away that
    SQLite holds on it in this process, and a reader without its locks sees a file that changes under it.
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
    connection.execute("PRAGMA mmap_size = 0")  # what is mapped would count as memory, and grow with the file
    return connection
