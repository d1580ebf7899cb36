"""A crystal as an open database: opening, closing, transactions and queries.

Knows SQLite, locks and seals. Does not know what the tables mean; that is `store`. While a crystal
is being written it is in SQLite's WAL mode (readers see the last commit and never block); when the
last of the writer and those readers closes it, it becomes one plain file again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from crystalcli.errors import (
    CrystalError,
    DamagedCrystalError,
    LockedError,
    MissingFileError,
    NewerFormatError,
    NotACrystalError,
)
from crystalcli.storage.file.connection import connect, has_log, make_database, not_a_crystal_error, write_error
from crystalcli.storage.file.file_lock import lock_beside, lock_for_telling, lock_in_passing, real_path, release_lock
from crystalcli.storage.file.query_guard import QueryGuard
from crystalcli.storage.file.schema import (
    APPLICATION_ID,
    CODES_SINCE,
    COMPLETED,
    FORMAT_VERSION,
    newer_statements,
    schema_fault,
    table_names,
)
from crystalcli.storage.file.seal import RowSealer, all_sealed_columns
from crystalcli.storage.file.signals import signals_held_back

_LARGEST_LOG = 1 << 24  # bytes that the log beside a crystal keeps when it starts over
_TURN = 0.2  # seconds to wait for a program that writes layers, a commit at a time


class Database:
    """An open crystal. Use `create` or `open`; close it, or use it as a context manager.

    Attributes:
        path: The crystal, as it was named.
        writable: Whether it is open for writing.
        shared: Whether another program has the lock file: no segment may be written here then.
        format: Its format version, which a writer keeps.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, writable: bool, files: Sequence[Path] = ()) -> None:
        self.path = path
        self.writable = writable
        self.shared = False
        self.format = FORMAT_VERSION
        self._db = connection
        self._lock: Any = None
        self._identity = (0, 0)  # device and inode, to notice another file in its place
        self._sealer: RowSealer | None = None
        self._wal = False
        # The version of the schema, and the columns that it gives every table.
        self._sealed_columns: tuple[int, Mapping[str, Sequence[str]]] = (-1, {})
        self._guard = QueryGuard(connection, path, files)

    # --- opening and closing ------------------------------------------------------------------

    @classmethod
    def create(
        cls, path: Path, meta: dict[str, str], *, wait: float = 0.0, waiting: Callable[[str], None] | None = None
    ) -> Self:
        """Make a new crystal and open it for writing.

        It is made under another name and then renamed: there is never half a crystal.

        Args:
            path: Its path, which must not exist.
            meta: The rows of its table `meta`.
            wait: As in `lock_beside`.
            waiting: As in `lock_beside`.

        Raises:
            CrystalError: The path exists or cannot be written, or another program writes there.
        """
        if not path.parent.is_dir():
            raise CrystalError(f"folder {path.parent} does not exist")
        lock = lock_beside(path, wait, waiting)
        try:
            if path.exists():
                raise CrystalError(f"{path} already exists")
            try:
                make_database(real_path(path).absolute(), meta)
            except (sqlite3.Error, OSError) as error:
                raise write_error(path, error) from error
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
        """Open a crystal; the file is not changed.

        Args:
            path: The crystal.
            writable: Whether to open it for writing, too.
            wait: For writing, as in `lock_beside`.
            waiting: For writing, as in `lock_beside`.

        Raises:
            MissingFileError: The file does not exist.
            NotACrystalError: The file is not a crystal.
            DamagedCrystalError: The crystal is damaged.
            NewerFormatError: The crystal was made by a newer version of this program.
            CrystalError: The crystal cannot be opened, or not for writing.
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
    def open_for_telling(cls, path: Path, *, wait: float = 0.0) -> Self:
        """Open a crystal for short transactions, also while another program writes it.

        A program that has the lock file goes on: SQLite keeps the two apart, a commit at a time. It
        numbers segments and documents, so that none may be added here while `shared` is true.

        Args:
            path: The crystal.
            wait: Seconds to wait for a program that puts another file in its place.

        Raises:
            LockedError: That program is not done yet.
            CrystalError: As of `open`.
        """
        if not path.exists():
            return cls.open(path)  # raises the error that fits
        try:
            lock, shared = lock_beside(path, _TURN), False
        except LockedError:
            lock, shared = lock_for_telling(path, wait), True
        try:
            opened = cls._open(path, lock)
        except BaseException:
            release_lock(lock)
            raise
        opened.shared = shared
        return opened

    @classmethod
    def open_for_note(cls, path: Path) -> Self:
        """Open a crystal for one short transaction, if that takes no waiting at all.

        Raises:
            LockedError: Another program writes it.
            CrystalError: As of `open`.
        """
        if not path.exists():
            return cls.open(path)  # raises the error that fits
        lock = lock_in_passing(path)
        try:
            opened = cls._open(path, lock, wait_ms=0)
        except BaseException:
            release_lock(lock)
            raise
        opened.shared = True  # neither the log's mode nor segments are touched
        return opened

    @classmethod
    def _open(cls, path: Path, lock: Any, wait_ms: int | None = None) -> Self:
        try:
            status = path.stat()
        except OSError as error:
            raise CrystalError(f"cannot read {path}: {error.strerror}") from error
        opened = cls(path, connect(path, lock is not None), lock is not None)
        opened._lock, opened._identity = lock, (status.st_dev, status.st_ino)
        try:
            if wait_ms is not None:
                opened._db.execute(f"PRAGMA busy_timeout = {wait_ms}")
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
        """Close the file; it is one plain file as soon as nobody has it open."""
        with signals_held_back():
            if self._lock is not None and not self.shared:
                self._empty_log()
            self._db.close()
            release_lock(self._lock)
            self._lock = None
            if not self.writable and has_log(self.path):
                # The writer has gone while this reader was there, and could not do it.
                with contextlib.suppress(CrystalError), self.open_for_note(self.path) as last:
                    last._empty_log()

    def _empty_log(self) -> None:
        """Move SQLite's log into the file, and remove it; as much of it as readers allow."""
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        with contextlib.suppress(sqlite3.Error):
            # A reader that stays keeps the file in WAL mode.
            self._db.execute("PRAGMA journal_mode = DELETE")

    def give_way(self, new: Path) -> None:
        """Replace this crystal, open for writing, by another file, and close it.

        Readers that have the old file open continue with it. SQLite's log belongs to a file by name
        only, so it is first emptied into the old file: it must never be read as the new file's.

        Args:
            new: The file that takes its place.

        Raises:
            CrystalError: Another program uses the old file, or the system refuses.
        """
        place = Path(os.path.realpath(self.path))
        try:
            busy, logged, moved = self.rows("PRAGMA wal_checkpoint(FULL)")[0]
            if busy or logged != moved:  # a reader is still at an older commit
                raise CrystalError(f"{self.path} is in use by another program: try again")
            self._db.close()
            for suffix in ("-wal", "-shm"):
                place.with_name(place.name + suffix).unlink(missing_ok=True)
            os.replace(new, place)  # noqa: PTH105 - Path.rename does not replace everywhere
        except OSError as error:
            raise CrystalError(f"cannot replace {self.path}: {error.strerror}") from error
        finally:
            self.close()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is read from: several, where several crystals are read as one."""
        return (self.path,)

    def reopened(self) -> Self:
        """Open the crystal anew for reading, as it is now."""
        return self.open(self.path)

    def replaced(self) -> bool:
        """Tell whether another file has taken this one's place since it was opened."""
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
        """Find out now whether the file can be written, without changing a byte."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("ROLLBACK")
            self._sealer = RowSealer(self._db)
        except sqlite3.Error as error:
            raise write_error(self.path, error) from error

    def _check_kind(self) -> None:
        """Check the file's version and schema, and set `format`."""
        if self.rows("PRAGMA application_id") != [(APPLICATION_ID,)]:
            raise not_a_crystal_error(self.path)
        version = int(self.rows("PRAGMA user_version")[0][0])
        if version > FORMAT_VERSION:
            raise NewerFormatError(
                f"{self.path} has format version {version}; this program reads up to {FORMAT_VERSION}: upgrade crystalcli"
            )
        if version < 1:
            raise self.damaged("its format version is missing")
        self.format = version
        if fault := schema_fault(self.rows("SELECT type, name, sql FROM sqlite_master"), version):
            raise self.damaged(fault)

    # --- transactions and queries -------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything that the block writes, with its seals; or nothing, if the block raises.

        Signals wait for the end: SQLite calls Python as rows are written, and drops exceptions
        there.

        Raises:
            CrystalError: The disk is full, or SQLite cannot write.
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
                raise write_error(self.path, error) from error
            finally:
                if self._sealer is not None:
                    self._sealer.forget()

    def add_new_tables(self) -> bool:
        """Give a file of versions 3 to 5 the tables that it lacks, and with them version 6.

        Programs that have it open go on; of those that open it, older ones say that it is newer.

        Returns:
            Whether the file has all tables now; False for versions 1 and 2, which lack more.
        """
        if self.format < CODES_SINCE:
            return False
        if self.format < COMPLETED:
            with self.transaction():
                self.format = int(self.rows("PRAGMA user_version")[0][0])  # another program may have been first
                for statement in newer_statements(self.format):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {COMPLETED}")
            self.format = COMPLETED
            if self._sealer is not None:
                for table in table_names():
                    self._sealer.watch(table)
        return True

    def _begin(self) -> None:
        # Not sooner: a file that is opened for writing and refused stays as it was.
        if self._sealer is not None and not self._wal:
            if not self.shared:  # the program that has the lock file decides
                self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # a commit that returns is on the disk
            self._db.execute("PRAGMA fullfsync = ON")  # the same on macOS
            self._db.execute(f"PRAGMA journal_size_limit = {_LARGEST_LOG}")
            self._wal = True
        self._db.execute("BEGIN IMMEDIATE")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read from one commit throughout the block. Keep it short: the log grows meanwhile."""
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
        """Tell whether a snapshot or a transaction is open."""
        return self._db.in_transaction

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a query and give its rows.

        Raises:
            DamagedCrystalError: The file cannot be read.
            CrystalError: Another program keeps the file busy.
        """
        return list(self.stream(query, values))

    def stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Run a query and yield its rows; raises as `rows`."""
        return self._guard.stream(query, values)

    def version(self) -> int:
        """Give a number that changes whenever another connection commits."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def sealed_columns(self) -> Mapping[str, Sequence[str]]:
        """Name the columns of every table that count for its seal; read anew for a new schema."""
        version = int(self.rows("PRAGMA schema_version")[0][0])
        if self._sealed_columns[0] != version:
            self._sealed_columns = version, all_sealed_columns(self.stream)
        return self._sealed_columns[1]

    def file_size(self) -> int:
        """Count the bytes of the file as of the last commit, with what is still in the log."""
        return int(self.rows("PRAGMA page_count")[0][0]) * int(self.rows("PRAGMA page_size")[0][0])
