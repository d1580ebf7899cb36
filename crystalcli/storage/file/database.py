"""A crystal as an open database: opened and given back, its transactions, its queries. Knows SQLite, locks and seals.

Does not know what the tables mean; that is `store`. While a crystal is being written it is in SQLite's WAL mode (readers see
the last commit and block nobody); when the writer closes it goes back to one plain file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from crystalcli.errors import CrystalError, DamagedCrystalError, MissingFileError, NewerFormatError, NotACrystalError
from crystalcli.storage.file.connection import connect, make, not_a_crystal, refused
from crystalcli.storage.file.file_lock import lock_beside, real_path, release_lock
from crystalcli.storage.file.query_guard import QueryGuard
from crystalcli.storage.file.schema import APPLICATION_ID, FORMAT_VERSION, contradiction
from crystalcli.storage.file.seal import RowSealer
from crystalcli.storage.file.signals import signals_held_back

_LARGEST_LOG = 1 << 24  # bytes that the log beside a crystal keeps when it starts over


class Database:
    """An open crystal. Use `create` or `open`; close it, or use it as a context manager."""

    def __init__(self, path: Path, connection: sqlite3.Connection, writable: bool) -> None:
        self.path = path
        self.writable = writable
        self.format = FORMAT_VERSION  # its version, which a program that writes to it keeps
        self._db = connection
        self._lock: Any = None
        self._identity = (0, 0)  # of the file, so that another in its place is noticed
        self._sealer: RowSealer | None = None
        self._wal = False
        self._guard = QueryGuard(connection, path)

    # --- opening and closing ------------------------------------------------------------------

    @classmethod
    def create(
        cls, path: Path, meta: dict[str, str], *, wait: float = 0.0, waiting: Callable[[str], None] | None = None
    ) -> Self:
        """A new crystal at `path`, which must not exist; wait, waiting: as in `lock_beside`.

        It is made under another name and then renamed: there is never half a crystal. Raises CrystalError when the place
        cannot be written.
        """
        if not path.parent.is_dir():
            raise CrystalError(f"no such folder: {path.parent}")
        lock = lock_beside(path, wait, waiting)
        try:
            if path.exists():
                raise CrystalError(f"{path} exists already")
            try:
                make(real_path(path).absolute(), meta)
            except (sqlite3.Error, OSError) as error:
                raise refused(path, error) from error
            return cls._open(path, lock)
        except BaseException:
            release_lock(lock)
            raise

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        writable: bool = False,
        wait: float = 0.0,
        waiting: Callable[[str], None] | None = None,
    ) -> Self:
        """The crystal at `path`; wait, waiting: for writing, as in `lock_beside`.

        Changes nothing.

        Raises:
            MissingFileError: The file does not exist.
            NotACrystalError, DamagedCrystalError, NewerFormatError: The file is not a crystal that this program reads.
            CrystalError: It cannot be opened, or not for writing.
        """
        if path.is_dir():
            raise NotACrystalError(f"{path} is a folder, not a crystal")
        if not path.exists():
            raise MissingFileError(f"{path} does not exist; make a crystal with `crystal ingest FOLDER`")
        lock = lock_beside(path, wait, waiting) if writable else None
        try:
            return cls._open(path, lock)
        except BaseException:
            release_lock(lock)
            raise

    @classmethod
    def _open(cls, path: Path, lock: Any) -> Self:
        try:
            status = path.stat()
        except OSError as error:
            raise CrystalError(f"cannot read {path}: {error.strerror}") from error
        opened = cls(path, connect(path, lock is not None), lock is not None)
        opened._lock, opened._identity = lock, (status.st_dev, status.st_ino)
        try:
            opened._check_kind()
            if lock is not None:
                opened._check_writable()
        except BaseException:
            opened._db.close()
            raise
        return opened

    def damaged(self, what: str) -> DamagedCrystalError:
        """Make the error that says what is damaged in this file."""
        return DamagedCrystalError(self.path, what)

    def close(self) -> None:
        """Give the file back. After writing, it is one plain file again unless someone else still reads it."""
        with signals_held_back():
            if self._lock is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # all that can be moved, whoever is reading
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("PRAGMA busy_timeout = 200")  # a reader that stays keeps the file in WAL mode
                    self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.close()
            release_lock(self._lock)
            self._lock = None

    def give_way(self, new: Path) -> None:
        """Let the crystal file `new` take the place of this one, open for writing, and close. Raises CrystalError.

        Readers that have the old file open go on with it. What SQLite keeps beside a file belongs to it by name only, so
        first everything is brought into the old file: what is left of its log must never be read as the new file's.
        """
        place = Path(os.path.realpath(self.path))
        try:
            busy, logged, moved = self.rows("PRAGMA wal_checkpoint(FULL)")[0]
            if busy or logged != moved:  # someone reads what was there before the last commit
                raise CrystalError(f"{self.path} is in use by another program: try again")
            self._db.close()
            for suffix in ("-wal", "-shm"):
                place.with_name(place.name + suffix).unlink(missing_ok=True)
            os.replace(new, place)  # noqa: PTH105 - the same, and says that it replaces
        except OSError as error:
            raise CrystalError(f"cannot replace {self.path}: {error.strerror}") from error
        finally:
            self.close()

    def replaced(self) -> bool:
        """Whether another file has taken this one's place since it was opened."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        return self._identity not in ((status.st_dev, status.st_ino), (0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_writable(self) -> None:
        """Find out now rather than at the first commit, and without changing a byte."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("ROLLBACK")
            self._sealer = RowSealer(self._db)
        except sqlite3.Error as error:
            raise refused(self.path, error) from error

    def _check_kind(self) -> None:
        if self.rows("PRAGMA application_id") != [(APPLICATION_ID,)]:
            raise not_a_crystal(self.path)
        version = int(self.rows("PRAGMA user_version")[0][0])
        if version > FORMAT_VERSION:
            raise NewerFormatError(
                f"{self.path} has format version {version}; this program reads up to {FORMAT_VERSION}: upgrade crystalcli"
            )
        if version < 1:
            raise self.damaged("it says no format version")
        self.format = version
        if wrong := contradiction(self.rows("SELECT type, name, sql FROM sqlite_master"), version):
            raise self.damaged(wrong)

    # --- transactions and queries -------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, with the seals of what was changed. A full disk or a database error comes out as CrystalError.

        Signals wait until it is over: SQLite calls back into Python as rows are written, and drops what is raised there.
        """
        with signals_held_back():
            try:
                self._begin()
                try:
                    yield
                    if self._sealer is not None:
                        self._sealer.write()
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self._db.execute("ROLLBACK")
                raise refused(self.path, error) from error
            finally:
                if self._sealer is not None:
                    self._sealer.forget()

    def _begin(self) -> None:
        if self._sealer is not None and not self._wal:  # not sooner: a file that is refused stays as it was
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it is said to be there
            self._db.execute("PRAGMA fullfsync = ON")  # on macOS, where else the disk may still hold it back
            self._db.execute(f"PRAGMA journal_size_limit = {_LARGEST_LOG}")
            self._wal = True
        self._db.execute("BEGIN IMMEDIATE")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is as of one commit, whatever is written meanwhile. Keep it short: the log grows."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    @property
    def reading(self) -> bool:
        """Whether a snapshot is open."""
        return self._db.in_transaction

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Every row of a query. Raises DamagedCrystalError, or CrystalError when another program keeps the file busy."""
        return list(self.stream(query, values))

    def stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The same, one row after the other."""
        return self._guard.stream(query, values)

    def version(self) -> int:
        """Changes whenever another connection commits: a reader's cue to look again."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def file_size(self) -> int:
        """Bytes of the file as of the last commit, what still waits beside it while writing included."""
        return int(self.rows("PRAGMA page_count")[0][0]) * int(self.rows("PRAGMA page_size")[0][0])
