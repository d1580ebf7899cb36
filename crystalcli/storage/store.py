"""One crystal file: its rows and blobs, in and out. Knows zstd and digests.

How the file is opened, locked and queried is in `database`. Does not know what a vector or a term is; what the parts of a
segment mean is written in docs/FORMAT.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from crystalcli.storage.file.connection import LARGEST
from crystalcli.storage.file.database import Database
from crystalcli.storage.file.schema import CODES_SINCE
from crystalcli.storage.tables.reason_codes import reason_code_of
from crystalcli.storage.tables.rows import RUN_SIZE, LexiconRow, RunRow, SegmentRow, SourceRow, checked_row, typed_rows
from crystalcli.types import LANDMARKS

_LEVEL = 19  # zstd: text is compressed once and read many times; it takes a fiftieth of the encoder's time


def digest(data: bytes) -> bytes:
    """BLAKE2b, 16 bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()


def compressed(text: bytes) -> bytes:
    """One zstd frame, as a segment's text is stored."""
    import zstandard

    frame: bytes = zstandard.ZstdCompressor(level=_LEVEL).compress(text)
    return frame


class Store(Database):
    """An open crystal, table by table. Use `Store.create` or `Store.open`; close it, or use it as a context manager."""

    # --- the crystal as a whole -----------------------------------------------------------------

    def meta(self) -> dict[str, str]:
        """What is said of the crystal as a whole."""
        return dict(typed_rows(self.rows("SELECT key, value FROM meta"), (str, str), self.path))

    def set_meta(self, key: str, value: str) -> None:
        """Inside a transaction."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # --- the ledger ---------------------------------------------------------------------------

    def sources(self) -> list[SourceRow]:
        """Every source, in order of its id."""
        return self._sources("ORDER BY id")

    def source(self, number: int) -> SourceRow:
        """One source by its id."""
        sources = self._sources("WHERE id = ?", (number,))
        if not sources:
            raise self.damaged(f"source {number} is missing")
        return sources[0]

    def has_source(self, number: int) -> bool:
        """Whether there is a source of that number."""
        return bool(self.rows("SELECT 1 FROM source WHERE id = ?", (number,)))

    def source_named(self, path: str) -> SourceRow | None:
        """The source that is cited as `path`."""
        sources = self._sources("WHERE path = ?", (path,))
        return sources[0] if sources else None

    def _sources(self, clause: str, values: tuple[str | int, ...] = ()) -> list[SourceRow]:
        """Rows of `source`; in a file of a version without codes they follow from the sentences."""
        has_codes = self.format >= CODES_SINCE
        columns = ", ".join(name if has_codes or name != "code" else "''" for name in SourceRow._fields)
        rows = self.rows(f"SELECT {columns} FROM source {clause}", values)
        sources = [checked_row(SourceRow, row, self.path) for row in rows]
        return sources if has_codes else [each._replace(code=reason_code_of(each.reason)) for each in sources]

    def put_source(self, source: SourceRow) -> int:
        """Insert (id 0) or replace one ledger row, inside a transaction; returns its id."""
        row = {**source._asdict(), "id": source.id or None}
        if self.format < CODES_SINCE:
            del row["code"]
        query = f"INSERT OR REPLACE INTO source ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        return int(self._db.execute(query, tuple(row.values())).lastrowid or 0)

    def drop_source(self, number: int) -> None:
        """Take a source out of the ledger, inside a transaction."""
        self._db.execute("DELETE FROM source WHERE id = ?", (number,))

    def clear_source(self, number: int) -> None:
        """Forget where a source's text lies, inside a transaction."""
        self._db.execute("DELETE FROM run WHERE source = ?", (number,))
        self._db.execute("DELETE FROM landmark WHERE source = ?", (number,))

    def add_runs(self, runs: Iterable[RunRow]) -> None:
        """Inside a transaction."""
        self._db.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", runs)

    def add_landmarks(self, source: int, landmarks: Iterable[tuple[int, str, str]]) -> None:
        """(start, kind, label) each, inside a transaction."""
        rows = ((source, *landmark) for landmark in landmarks)
        self._db.executemany("INSERT OR REPLACE INTO landmark VALUES (?, ?, ?, ?)", rows)

    def runs(self) -> list[tuple[int, int]]:
        """(first chunk, chunks) of every run."""
        return typed_rows(self.rows("SELECT first_chunk, chunks FROM run"), (int, int), self.path)

    def runs_of(self, source: int) -> list[RunRow]:
        """A source's runs in order."""
        return [
            checked_row(RunRow, row, self.path)
            for row in self.rows("SELECT * FROM run WHERE source = ? ORDER BY ordinal", (source,))
        ]

    def runs_over(self, chunk: int) -> list[RunRow]:
        """Every run that holds `chunk`: one for each place where that text stands."""
        query = (
            "SELECT * FROM run WHERE first_chunk BETWEEN ? AND ? AND first_chunk + chunks > ? ORDER BY source, ordinal"
        )
        return [checked_row(RunRow, row, self.path) for row in self.rows(query, (chunk - RUN_SIZE + 1, chunk, chunk))]

    def landmark_before(self, source: int, kind: str, position: int) -> str:
        """The label of the last landmark of `kind` at or before `position`, or ""."""
        query = "SELECT label FROM landmark WHERE source = ? AND kind = ? AND start <= ? ORDER BY start DESC LIMIT 1"
        rows = self.rows(query, (source, kind, position))
        return str(rows[0][0]) if rows else ""

    def landmarks_before(self, source: int, position: int) -> dict[str, str]:
        """The label of the last landmark of every kind at or before `position`; kinds without one, or with "", are left out."""
        found = {kind: self.landmark_before(source, kind, position) for kind in LANDMARKS}
        return {kind: label for kind, label in found.items() if label}

    def landmark_count(self, source: int, kind: str, position: int | None = None) -> int:
        """How many landmarks of `kind` stand at or before `position`, or in all."""
        query = "SELECT count(*) FROM landmark WHERE source = ? AND kind = ?"
        if position is None:
            return int(self.rows(query, (source, kind))[0][0])
        return int(self.rows(query + " AND start <= ?", (source, kind, position))[0][0])

    # --- segments and their parts ---------------------------------------------------------------

    def segments(self) -> list[SegmentRow]:
        """Every segment, in order of its chunks."""
        return [checked_row(SegmentRow, row, self.path) for row in self.rows("SELECT * FROM segment ORDER BY id")]

    def add_segment(self, segment: SegmentRow) -> int:
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
        found = self._part(segment, name)
        if found is None:
            raise self.damaged(f"part {name} of segment {segment} is missing")
        return found[1]

    def _part(self, segment: int, name: str) -> tuple[int, bytes] | None:
        """A part's size once decompressed, as it is said to be, and its checked bytes; None when there is no such part."""
        rows = self.rows("SELECT size, digest, data FROM part WHERE segment = ? AND name = ?", (segment, name))
        if not rows:
            return None
        size, wanted, data = rows[0]
        if not isinstance(data, bytes) or not isinstance(size, int) or digest(data) != wanted:
            raise self.damaged(f"part {name} of segment {segment} does not match its digest")
        return int(size), bytes(data)

    def add_text(self, segment: int, text: bytes) -> None:
        """A segment's text, compressed, inside a transaction."""
        self.add_part(segment, "text", compressed(text), len(text))

    def text(self, segment: int) -> bytes:
        """A segment's text as UTF-8."""
        found = self.frame(segment, "text")
        if found is None:
            raise self.damaged(f"part text of segment {segment} is missing")
        return found

    def frame(self, segment: int, name: str) -> bytes | None:
        """A part that is one zstd frame, decompressed; None when there is no such part. Raises DamagedCrystalError."""
        import zstandard

        found = self._part(segment, name)
        if found is None:
            return None
        size, data = found
        try:
            if not 0 <= size <= LARGEST or zstandard.frame_content_size(data) != size:
                raise self.damaged(f"the {name} of segment {segment} has not the size it says")
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        except zstandard.ZstdError as error:
            raise self.damaged(f"the {name} of segment {segment} does not decompress") from error

    def part_sizes(self) -> dict[str, tuple[int, int]]:
        """For each name of a part: bytes stored in all, and bytes before compression."""
        query = "SELECT name, sum(length(data)), sum(size) FROM part GROUP BY name"
        rows = typed_rows(self.rows(query), (str, int, int), self.path)
        return {name: (stored, size) for name, stored, size in rows}

    # --- the lexical index ------------------------------------------------------------------------

    def lexicons(self) -> list[LexiconRow]:
        """The lexical segments, in order of their atoms."""
        return [
            checked_row(LexiconRow, row, self.path) for row in self.rows("SELECT * FROM lexicon ORDER BY first_atom")
        ]

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
            raise self.damaged("a block of the lexical index does not match its digest")
        return bytes(data)
