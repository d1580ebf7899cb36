"""One crystal file: rows and blobs in, rows and blobs out, in transactions. Knows SQLite, zstd and digests.

Does not know what a vector or a term is; what the parts of a segment mean is written in docs/FORMAT.md.
While a crystal is being written it is in SQLite's WAL mode (readers see the last commit and block nobody); when the
writer closes it goes back to one plain file.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError, DamagedCrystalError, NewerFormatError, NotACrystalError
from crystalcli.storage.lock import lock_beside, release
from crystalcli.storage.query import Guard
from crystalcli.storage.rows import RUN, Lexicon, Run, Segment, Source, checked, typed
from crystalcli.storage.schema import APPLICATION_ID, FORMAT_VERSION, contradiction, statements
from crystalcli.storage.seal import Sealer

_MAX_PART = 1 << 24  # bytes; nothing this program writes comes near it
_LEVEL = 19  # zstd: text is compressed once and read many times; it takes a fiftieth of the encoder's time


def digest(data: bytes) -> bytes:
    """BLAKE2b, 16 bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()


class Store:
    """An open crystal. Use `Store.create` or `Store.open`; close it, or use it as a context manager."""

    def __init__(self, path: Path, connection: sqlite3.Connection, writable: bool) -> None:
        self.path = path
        self.writable = writable
        self._db = connection
        self._lock: Any = None
        self._sealer: Sealer | None = None
        self._wal = False
        self._guard = Guard(connection, path)

    # --- opening and closing ------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, meta: dict[str, str]) -> Store:
        """A new crystal at `path`, which must not exist. Raises CrystalError when the place cannot be written."""
        if not path.parent.is_dir():
            raise CrystalError(f"no such folder: {path.parent}")
        lock = lock_beside(path)
        try:
            if path.exists():
                raise CrystalError(f"{path} exists already")
            connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
            store = cls(path, connection, True)
            store._lock = lock
            with store.transaction():
                for statement in statements():
                    connection.execute(statement)
                store._sealer = Sealer(connection)
                connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        except BaseException as error:
            release(lock)
            if isinstance(error, sqlite3.Error):
                raise CrystalError(f"cannot write {path}: {error}") from error
            raise
        return store

    @classmethod
    def open(cls, path: Path, *, writable: bool = False) -> Store:
        """The crystal at `path`.

        Raises NotACrystalError, DamagedCrystalError or NewerFormatError for what is not a readable crystal of this
        version, and CrystalError when it cannot be opened, or not for writing.
        """
        if path.is_dir():
            raise NotACrystalError(f"{path} is a folder, not a crystal")
        if not path.exists():
            raise CrystalError(f"no crystal at {path}; make one with `crystal ingest FOLDER`")
        lock = lock_beside(path) if writable else None
        try:
            return cls._open(path, lock)
        except BaseException:
            release(lock)
            raise

    @classmethod
    def _open(cls, path: Path, lock: Any) -> Store:
        try:
            with path.open("rb") as file:
                head = file.read(100)
        except OSError as error:
            raise CrystalError(f"cannot read {path}: {error.strerror}") from error
        if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
            raise NotACrystalError(f"{path} is not a crystal")
        if int.from_bytes(head[68:72], "big") != APPLICATION_ID:
            raise NotACrystalError(f"{path} is a database of another program, not a crystal")
        version = int.from_bytes(head[60:64], "big")
        if version > FORMAT_VERSION:
            raise NewerFormatError(
                f"{path} has format version {version}; this program reads up to {FORMAT_VERSION}: upgrade crystalcli"
            )
        if version < 1:
            raise DamagedCrystalError(f"{path} is damaged: it says no format version")
        store = cls(path, _open(path, lock is not None), lock is not None)
        store._lock = lock
        try:
            store._check_schema()
            if lock is not None:
                store._check_writable()
        except BaseException:
            store._db.close()
            raise
        return store

    def close(self) -> None:
        """Give the file back. After writing, it is one plain file again unless someone else still reads it."""
        if self._lock is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()
        release(self._lock)
        self._lock = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_writable(self) -> None:
        """Find out now rather than at the first commit, and without changing a byte."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("ROLLBACK")
            self._sealer = Sealer(self._db)
        except sqlite3.Error as error:
            raise CrystalError(f"cannot write {self.path}: {error}") from error

    def _check_schema(self) -> None:
        if wrong := contradiction(self.rows("SELECT type, name, sql FROM sqlite_master")):
            raise DamagedCrystalError(f"{self.path} is damaged: {wrong}")

    # --- transactions and rows ----------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. A full disk or a database error comes out as CrystalError."""
        try:
            if self._sealer is not None and not self._wal:  # not sooner: a file that is refused stays as it was
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")
                self._wal = True
            self._db.execute("BEGIN IMMEDIATE")
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
            raise CrystalError(f"cannot write {self.path}: {error}") from error
        finally:
            if self._sealer is not None:
                self._sealer.forget()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Every row of a query. Raises DamagedCrystalError, or CrystalError when another program keeps the file busy."""
        return list(self.stream(query, values))

    def stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The same, one row after the other."""
        return self._guard.stream(query, values)

    def meta(self) -> dict[str, str]:
        """What is said of the crystal as a whole."""
        return dict(typed(self.rows("SELECT key, value FROM meta"), (str, str), self.path))

    def set_meta(self, key: str, value: str) -> None:
        """Inside a transaction."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def version(self) -> int:
        """Changes whenever another connection commits: a reader's cue to look again."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def file_size(self) -> int:
        """Bytes of the file as of the last commit, what still waits beside it while writing included."""
        return int(self.rows("PRAGMA page_count")[0][0]) * int(self.rows("PRAGMA page_size")[0][0])

    # --- the ledger ---------------------------------------------------------------------------

    def sources(self) -> list[Source]:
        """Every source, in order of its id."""
        return [checked(Source, row, self.path) for row in self.rows("SELECT * FROM source ORDER BY id")]

    def source(self, number: int) -> Source:
        """One source by its id."""
        rows = self.rows("SELECT * FROM source WHERE id = ?", (number,))
        if not rows:
            raise DamagedCrystalError(f"{self.path} is damaged: source {number} is missing")
        return checked(Source, rows[0], self.path)

    def source_at(self, location: str) -> Source | None:
        """The source that was read from `location`."""
        rows = self.rows("SELECT * FROM source WHERE location = ?", (location,))
        return checked(Source, rows[0], self.path) if rows else None

    def source_named(self, path: str) -> Source | None:
        """The source that is cited as `path`."""
        rows = self.rows("SELECT * FROM source WHERE path = ?", (path,))
        return checked(Source, rows[0], self.path) if rows else None

    def put_source(self, source: Source) -> int:
        """Insert (id 0) or replace one ledger row, inside a transaction; returns its id."""
        values = (source.id or None, *source[1:])
        marks = ", ".join("?" * len(values))
        return int(self._db.execute(f"INSERT OR REPLACE INTO source VALUES ({marks})", values).lastrowid or 0)

    def drop_source(self, number: int) -> None:
        """Take a source out of the ledger, inside a transaction."""
        self._db.execute("DELETE FROM source WHERE id = ?", (number,))

    def clear_source(self, number: int) -> None:
        """Forget where a source's text lies, inside a transaction."""
        self._db.execute("DELETE FROM run WHERE source = ?", (number,))
        self._db.execute("DELETE FROM landmark WHERE source = ?", (number,))

    def add_runs(self, runs: Iterable[Run]) -> None:
        """Inside a transaction."""
        self._db.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", runs)

    def add_landmarks(self, source: int, landmarks: Iterable[tuple[int, str, str]]) -> None:
        """(start, kind, label) each, inside a transaction."""
        rows = ((source, *landmark) for landmark in landmarks)
        self._db.executemany("INSERT OR REPLACE INTO landmark VALUES (?, ?, ?, ?)", rows)

    def runs(self) -> list[tuple[int, int]]:
        """(first chunk, chunks) of every run."""
        return typed(self.rows("SELECT first_chunk, chunks FROM run"), (int, int), self.path)

    def runs_of(self, source: int) -> list[Run]:
        """A source's runs in order."""
        return [
            checked(Run, row, self.path)
            for row in self.rows("SELECT * FROM run WHERE source = ? ORDER BY ordinal", (source,))
        ]

    def runs_over(self, chunk: int) -> list[Run]:
        """Every run that holds `chunk`: one for each place where that text stands."""
        query = (
            "SELECT * FROM run WHERE first_chunk BETWEEN ? AND ? AND first_chunk + chunks > ? ORDER BY source, ordinal"
        )
        return [checked(Run, row, self.path) for row in self.rows(query, (chunk - RUN + 1, chunk, chunk))]

    def landmark_before(self, source: int, kind: str, position: int) -> str:
        """The label of the last landmark of `kind` at or before `position`, or ""."""
        query = "SELECT label FROM landmark WHERE source = ? AND kind = ? AND start <= ? ORDER BY start DESC LIMIT 1"
        rows = self.rows(query, (source, kind, position))
        return str(rows[0][0]) if rows else ""

    def landmark_count(self, source: int, kind: str, position: int | None = None) -> int:
        """How many landmarks of `kind` stand at or before `position`, or in all."""
        query = "SELECT count(*) FROM landmark WHERE source = ? AND kind = ?"
        if position is None:
            return int(self.rows(query, (source, kind))[0][0])
        return int(self.rows(query + " AND start <= ?", (source, kind, position))[0][0])

    # --- segments and their parts ---------------------------------------------------------------

    def segments(self) -> list[Segment]:
        """Every segment, in order of its chunks."""
        return [checked(Segment, row, self.path) for row in self.rows("SELECT * FROM segment ORDER BY id")]

    def add_segment(self, segment: Segment) -> int:
        """Insert a segment (its id is ignored) inside a transaction; returns its id."""
        marks = ", ".join("?" * len(segment))
        return int(self._db.execute(f"INSERT INTO segment VALUES ({marks})", (None, *segment[1:])).lastrowid or 0)

    def mark_encoded(self, segment: int) -> None:
        """Inside a transaction."""
        self._db.execute("UPDATE segment SET encoded = 1 WHERE id = ?", (segment,))

    def add_part(self, segment: int, name: str, data: bytes, size: int | None = None) -> None:
        """Inside a transaction. size: bytes once decompressed, when data is compressed."""
        values = (segment, name, len(data) if size is None else size, digest(data), data)
        self._db.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)", values)

    def part(self, segment: int, name: str) -> bytes:
        """A part's bytes as stored. Raises DamagedCrystalError when it is missing or not what was written."""
        return self._part(segment, name)[1]

    def _part(self, segment: int, name: str) -> tuple[int, bytes]:
        """A part's size once decompressed, as it is said to be, and its checked bytes."""
        rows = self.rows("SELECT size, digest, data FROM part WHERE segment = ? AND name = ?", (segment, name))
        if not rows:
            raise DamagedCrystalError(f"{self.path} is damaged: part {name} of segment {segment} is missing")
        size, wanted, data = rows[0]
        if not isinstance(data, bytes) or not isinstance(size, int) or digest(data) != wanted:
            raise DamagedCrystalError(
                f"{self.path} is damaged: part {name} of segment {segment} does not match its digest"
            )
        return int(size), bytes(data)

    def add_text(self, segment: int, text: bytes) -> None:
        """A segment's text, compressed, inside a transaction."""
        import zstandard

        self.add_part(segment, "text", zstandard.ZstdCompressor(level=_LEVEL).compress(text), len(text))

    def text(self, segment: int) -> bytes:
        """A segment's text as UTF-8."""
        import zstandard

        size, data = self._part(segment, "text")
        try:
            if not 0 <= size <= _MAX_PART or zstandard.frame_content_size(data) != size:
                raise DamagedCrystalError(
                    f"{self.path} is damaged: the text of segment {segment} has not the size it says"
                )
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        except zstandard.ZstdError as error:
            raise DamagedCrystalError(
                f"{self.path} is damaged: the text of segment {segment} does not decompress"
            ) from error

    def part_sizes(self) -> dict[str, tuple[int, int]]:
        """For each name of a part: bytes stored in all, and bytes before compression."""
        query = "SELECT name, sum(length(data)), sum(size) FROM part GROUP BY name"
        rows = typed(self.rows(query), (str, int, int), self.path)
        return {name: (stored, size) for name, stored, size in rows}

    # --- the lexical index ------------------------------------------------------------------------

    def lexicons(self) -> list[Lexicon]:
        """The lexical segments, in order of their atoms."""
        return [checked(Lexicon, row, self.path) for row in self.rows("SELECT * FROM lexicon ORDER BY first_atom")]

    def add_lexicon(self, level: int, first_atom: int, atoms: int, blocks: Iterable[tuple[str, bytes]]) -> int:
        """A lexical segment and its blocks, inside a transaction; returns its id."""
        row = self._db.execute("INSERT INTO lexicon VALUES (NULL, ?, ?, ?)", (level, first_atom, atoms))
        number = int(row.lastrowid or 0)
        rows = ((number, term, digest(data), data) for term, data in blocks)
        self._db.executemany("INSERT INTO posting VALUES (?, ?, ?, ?)", rows)
        return number

    def drop_lexicon(self, number: int) -> None:
        """Inside a transaction."""
        self._db.execute("DELETE FROM posting WHERE lexicon = ?", (number,))
        self._db.execute("DELETE FROM lexicon WHERE id = ?", (number,))

    def block(self, lexicon: int, term: str) -> bytes | None:
        """The block that holds `term`, if any block of that lexical segment does."""
        query = (
            "SELECT digest, data FROM posting WHERE lexicon = ? AND first_term <= ? ORDER BY first_term DESC LIMIT 1"
        )
        rows = self.rows(query, (lexicon, term))
        return self._checked(rows[0]) if rows else None

    def blocks(self, lexicon: int) -> Iterator[bytes]:
        """All blocks of a lexical segment in order of their terms."""
        for row in self.stream("SELECT digest, data FROM posting WHERE lexicon = ? ORDER BY first_term", (lexicon,)):
            yield self._checked(row)

    def lexical_size(self) -> int:
        """Bytes of all blocks and their first terms."""
        return int(self.rows("SELECT coalesce(sum(length(data) + length(first_term) + 16), 0) FROM posting")[0][0])

    def _checked(self, row: tuple[bytes, bytes]) -> bytes:
        wanted, data = row
        if not isinstance(data, bytes) or digest(data) != wanted:
            raise DamagedCrystalError(f"{self.path} is damaged: a block of the lexical index does not match its digest")
        return bytes(data)


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10, check_same_thread=False)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * _MAX_PART)
    return connection


def _open(path: Path, writable: bool) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    modes = [f"{uri}?mode=rw"] if writable else [f"{uri}?mode=ro", f"{uri}?immutable=1"]
    for mode in modes:
        try:
            connection = _connect(mode)
            connection.execute("SELECT type FROM sqlite_master LIMIT 1").fetchone()
            return connection
        except UnicodeDecodeError as error:  # SQLite's message quotes the broken schema
            raise DamagedCrystalError(f"{path} is damaged: malformed database schema") from error
        except sqlite3.DatabaseError as error:
            # A crystal left in WAL mode on a read-only medium can only be read as if nothing else touched it.
            if mode is modes[-1] or "unable to open" not in str(error):
                if isinstance(error, sqlite3.OperationalError) and ("open" in str(error) or "readonly" in str(error)):
                    raise CrystalError(f"cannot open {path}: {error}") from error
                raise DamagedCrystalError(f"{path} is damaged: {error}") from error
    raise AssertionError("unreachable")


def connect_readable(path: Path) -> sqlite3.Connection:
    """A connection that reads whatever is there, without a look at its schema. Raises DamagedCrystalError, CrystalError."""
    return _open(path, False)
