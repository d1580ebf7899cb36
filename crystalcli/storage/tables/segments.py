"""The tables `segment` and `part`: the chunks of each commit, as blobs.

Knows digests of parts, and that texts and contexts are zstd frames. Does not know what a vector
code or a term is; docs/FORMAT.md says what each part holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crystalcli import huffman
from crystalcli.storage.file.database import Database
from crystalcli.storage.file.schema import PACKED_SINCE
from crystalcli.storage.tables.blobs import compressed, decompressed, digest
from crystalcli.storage.tables.rows import SegmentRow, batched, checked_row, typed_rows

CONTEXTS_PART = "contexts"  # the part's name
CONTEXTS_SINCE = 2  # the format version from which on chunks have contexts
LANGUAGES_PART = "languages"  # the part's name
LANGUAGES_SINCE = 3  # the format version from which on chunks have languages
LANGUAGES_KEY = "languages"  # of the table `meta`: the languages of all chunks
ANALYSIS_KEY = "analysis"  # of the table `meta`: how text became terms
FIRST_ANALYSIS = 1  # of crystals without the key
_SPANS_PART = "spans"  # the part's name
_SEGMENTS_AT_ONCE = 32  # in a query: some hundred kilobytes
_SLICES_AT_ONCE = 128  # in a query


class PartSlice(NamedTuple):
    """A stretch of the bytes of a part.

    Attributes:
        segment: The segment's id.
        name: The part's name.
        start: The first byte.
        size: The number of bytes.
    """

    segment: int
    name: str
    start: int
    size: int


class SegmentTables(Database):
    """The rows of `segment` and `part`."""

    def segments(self) -> list[SegmentRow]:
        """Read every segment, in order of its chunks."""
        return [checked_row(SegmentRow, row, self.path) for row in self.rows("SELECT * FROM segment ORDER BY id")]

    def add_segment(self, segment: SegmentRow) -> int:
        """Insert a segment (its id is ignored), inside a transaction; return its id."""
        marks = ", ".join("?" * len(segment))
        return int(self._db.execute(f"INSERT INTO segment VALUES ({marks})", (None, *segment[1:])).lastrowid or 0)

    def drop_segment(self, segment: int) -> None:
        """Delete a segment with its parts, inside a transaction."""
        self._db.execute("DELETE FROM part WHERE segment = ?", (segment,))
        self._db.execute("DELETE FROM segment WHERE id = ?", (segment,))

    def mark_encoded(self, segment: int) -> None:
        """Record that a segment's layers are stored, inside a transaction."""
        self._db.execute("UPDATE segment SET encoded = 1 WHERE id = ?", (segment,))

    def encoded_tokens(self) -> tuple[int, int]:
        """Count the tokens of segments with layers, and those of all segments."""
        query = "SELECT coalesce(sum(tokens * (encoded <> 0)), 0), coalesce(sum(tokens), 0) FROM segment"
        rows = typed_rows(self.rows(query), (int, int), self.path)
        return rows[0][0], rows[0][1]

    def layer_share(self) -> float:
        """Compute the share of the tokens that have layers, 0 to 1; 1 without text."""
        encoded, tokens = self.encoded_tokens()
        return encoded / tokens if tokens else 1.0

    def add_part(self, segment: int, name: str, data: bytes, size: int | None = None) -> None:
        """Insert or replace a part, inside a transaction.

        Args:
            segment: The segment's id.
            name: The part's name.
            data: Its bytes as they are stored.
            size: Bytes once decompressed, when `data` is as it is stored.
        """
        if name == _SPANS_PART and size is None and self.format >= PACKED_SINCE:
            size, data = len(data), huffman.pack_bytes(data)
        values = (segment, name, len(data) if size is None else size, digest(data), data)
        self._db.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)", values)

    def part(self, segment: int, name: str) -> bytes:
        """Read a part's bytes; those of spans unpacked, those of others as they are stored.

        Raises:
            DamagedCrystalError: The part is missing or does not match its digest.
        """
        part = self._part(segment, name)
        if part is None:
            raise self.damaged(f"part {name} of segment {segment} is missing")
        return self._unpacked(segment, name, *part)

    def _unpacked(self, segment: int, name: str, size: int, data: bytes) -> bytes:
        """Unpack the spans of a segment; other parts stay as they are."""
        if name != _SPANS_PART or self.format < PACKED_SINCE:
            return data
        try:
            return huffman.unpack_bytes(data, size)
        except ValueError as error:
            raise self.damaged(f"part {name} of segment {segment} does not decode ({error})") from error

    def _part(self, segment: int, name: str) -> tuple[int, bytes] | None:
        """Read a part's stated size, once decompressed, and its checked bytes; None without it."""
        rows = self.rows("SELECT size, digest, data FROM part WHERE segment = ? AND name = ?", (segment, name))
        if not rows:
            return None
        size, stored_digest, data = rows[0]
        if not isinstance(data, bytes) or not isinstance(size, int) or digest(data) != stored_digest:
            raise self.damaged(f"part {name} of segment {segment} does not match its digest")
        return int(size), bytes(data)

    def add_text(self, segment: int, text: bytes) -> None:
        """Compress and insert a segment's text, inside a transaction."""
        self.add_part(segment, "text", compressed(text), len(text))

    def text(self, segment: int) -> bytes:
        """Read a segment's text as UTF-8.

        Raises:
            DamagedCrystalError: The text is missing or does not match its digest or size.
        """
        text = self.frame(segment, "text")
        if text is None:
            raise self.damaged(f"part text of segment {segment} is missing")
        return text

    def frame(self, segment: int, name: str) -> bytes | None:
        """Read and decompress a part that is one zstd frame; None without the part.

        Raises:
            DamagedCrystalError: The part does not match its digest or does not decompress.
        """
        part = self._part(segment, name)
        if part is None:
            return None
        size, frame = part
        try:
            return decompressed(frame, size)
        except ValueError as error:
            raise self.damaged(f"part {name} of segment {segment} {error}") from error

    def parts_of(self, segments: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, bytes]]:
        """Read parts of a few segments in one query.

        Args:
            segments: Ids of segments.
            names: Names of parts.

        Returns:
            The parts by name, for each segment; missing parts are left out.

        Raises:
            DamagedCrystalError: A part does not match its digest.
        """
        query = "SELECT segment, name, size, digest, data FROM part WHERE segment IN ({}) AND name IN ({})"
        marks = (", ".join("?" * len(values)) for values in (segments, names))
        parts: dict[int, dict[str, bytes]] = {segment: {} for segment in segments}
        for segment, name, size, stored_digest, data in self.rows(query.format(*marks), [*segments, *names]):
            fits = isinstance(data, bytes) and isinstance(size, int) and name in names
            if not fits or digest(data) != stored_digest:
                raise self.damaged(f"part {name} of segment {segment} does not match its digest")
            parts[segment][name] = self._unpacked(segment, name, size, data)
        return parts

    def part_slices(self, slices: Sequence[PartSlice]) -> list[bytes]:
        """Read stretches of parts that are stored as they are, such as codes.

        A digest is that of a whole part, so that it must have been compared before.

        Args:
            slices: The stretches.

        Returns:
            The bytes of each, in order; fewer than asked for where the part is shorter.

        Raises:
            DamagedCrystalError: A part is missing.
        """
        query = (
            "WITH wanted(number, segment, name, first, size) AS (VALUES {}) "
            "SELECT number, substr(data, first, wanted.size) FROM wanted CROSS JOIN part "
            "WHERE part.segment = wanted.segment AND part.name = wanted.name"
        )
        found: dict[int, bytes] = {}
        for numbers in batched(range(len(slices)), _SLICES_AT_ONCE):
            rows = [(number, slices[number]) for number in numbers]
            values = [
                value
                for number, (segment, name, start, size) in rows
                for value in (number, segment, name, start + 1, size)
            ]
            found.update(self.rows(query.format(", ".join(["(?, ?, ?, ?, ?)"] * len(rows))), values))
        if len(found) != len(slices) or not all(isinstance(data, bytes) for data in found.values()):
            raise self.damaged("a part of a segment is missing")
        return [found[number] for number in range(len(slices))]

    def part_sizes(self) -> dict[str, tuple[int, int]]:
        """Sum the sizes of parts by name: bytes as stored, and bytes before compression."""
        query = "SELECT name, sum(length(data)), sum(size) FROM part GROUP BY name"
        rows = typed_rows(self.rows(query), (str, int, int), self.path)
        return {name: (stored, size) for name, stored, size in rows}


def stored_parts(store: SegmentTables, segments: Sequence[int], names: Sequence[str]) -> Iterator[dict[str, bytes]]:
    """Read parts of many segments in few queries, never all at once.

    Args:
        store: The crystal.
        segments: Ids of segments.
        names: Names of parts.

    Yields:
        The parts of each segment by name, in the order of `segments`; missing parts are left out.

    Raises:
        DamagedCrystalError: A part does not match its digest.
    """
    for batch in batched(segments, _SEGMENTS_AT_ONCE):
        parts = store.parts_of(batch, names)
        for segment in batch:
            yield parts.pop(segment)


def add_contexts(store: SegmentTables, segment: int, contexts: Sequence[str]) -> None:
    """Store the contexts of a segment's chunks, inside a transaction; no part if all are empty."""
    _add_lines(store, segment, CONTEXTS_PART, contexts)


def contexts_of(store: SegmentTables, row: SegmentRow) -> list[str]:
    """Read the context of each of a segment's chunks, "" where none is known.

    Raises:
        DamagedCrystalError: The part is damaged or not UTF-8, or the counts differ.
    """
    return _lines_of(store, row, CONTEXTS_PART)


def add_languages(store: SegmentTables, segment: int, languages: Sequence[str]) -> None:
    """Store the languages of a segment's chunks, inside a transaction; no part if all are English.

    Args:
        store: The crystal.
        segment: The segment's id.
        languages: The code of each chunk's language, "" for English.
    """
    _add_lines(store, segment, LANGUAGES_PART, languages)
    known = stored_languages(store)
    if new := set(languages) - {"", *known}:
        row = (LANGUAGES_KEY, " ".join(sorted({*known, *new})))
        store.rows("INSERT OR REPLACE INTO meta VALUES (?, ?)", row)


def languages_of(store: SegmentTables, row: SegmentRow) -> list[str]:
    """Read the code of the language of each of a segment's chunks, "" for English.

    Raises:
        DamagedCrystalError: The part is damaged or not UTF-8, or the counts differ.
    """
    return _lines_of(store, row, LANGUAGES_PART)


def stored_languages(store: Database) -> list[str]:
    """Read the codes of all languages of a crystal's chunks, without English."""
    rows = typed_rows(store.rows("SELECT value FROM meta WHERE key = ?", (LANGUAGES_KEY,)), (str,), store.path)
    return rows[0][0].split() if rows else []


def stored_analysis(store: Database) -> int:
    """Read by which analysis the terms of a crystal were made.

    Raises:
        DamagedCrystalError: It is no number.
    """
    rows = typed_rows(store.rows("SELECT value FROM meta WHERE key = ?", (ANALYSIS_KEY,)), (str,), store.path)
    if rows and not rows[0][0].isdecimal():
        raise store.damaged(f"its analysis is {rows[0][0]!r}, which is no number")
    return int(rows[0][0]) if rows else FIRST_ANALYSIS


def _add_lines(store: SegmentTables, segment: int, name: str, lines: Sequence[str]) -> None:
    """Store a line for each of a segment's chunks as a part; no part if all are empty."""
    if any(lines):
        text = "\n".join(lines).encode()
        store.add_part(segment, name, compressed(text), len(text))


def _lines_of(store: SegmentTables, row: SegmentRow, name: str) -> list[str]:
    """Read the lines of a segment's chunks; all are empty without the part."""
    data = store.frame(row.id, name)
    try:
        lines = data.decode().split("\n") if data is not None else [""] * row.chunks
    except UnicodeDecodeError as error:
        raise store.damaged(f"part {name} of segment {row.id} is not UTF-8") from error
    if len(lines) != row.chunks:
        raise store.damaged(f"segment {row.id}: expected {row.chunks} {name}, got {len(lines)}")
    return lines
