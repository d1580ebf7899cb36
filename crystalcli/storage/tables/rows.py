"""The rows of a crystal's tables, and their checks.

`storage.file.schema` has the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from crystalcli.datatypes import DocumentState
from crystalcli.errors import DamagedCrystalError

RUN_SIZE = 64  # most chunks in a run, so that the runs over a chunk are in one range of the index


class SegmentRow(NamedTuple):
    """A row of `segment`.

    Attributes:
        id: The segment's number, from 1.
        first_chunk: Its first chunk.
        chunks: The number of its chunks.
        first_atom: Its first atom.
        atoms: The number of its atoms.
        clusters: The number of its clusters.
        units: The number of its units.
        tokens: The number of its tokens.
        bytes: Bytes of its text, before compression.
        encoded: 1 when its layers are stored, else 0.
    """

    id: int
    first_chunk: int
    chunks: int
    first_atom: int
    atoms: int
    clusters: int
    units: int
    tokens: int
    bytes: int
    encoded: int


class SourceRow(NamedTuple):
    """A row of `source`.

    Attributes:
        id: The source's number, from 1; 0 before it has one.
        path: The name shown and cited.
        location: The file's path: relative to the crystal's folder, or absolute.
        root: The folder that was asked for, in the same form.
        kind: "text", "markdown", "pdf", ... (docs/FORMATS.md); "" when it was not read.
        title: The document's title, or "".
        state: A `types.DocumentState`.
        reason: Why it was skipped, failed, or lost something, for people; else "".
        code: The same for programs, an `errors.Reason`; else "". A later program may write codes
            that this one does not know.
        size: Bytes of the file.
        mtime_ns: Nanoseconds since 1970; 0 for a time that cannot be trusted.
        digest: SHA-256 of the file's bytes; empty when no whole text is held.
        characters: Characters of its text, as far as it was read.
        tokens: Tokens of the same.
        chunks: Chunks of the same.
        reader: The version of the reader that read it, 0 without one. Files of versions before 7
            have a landmark instead.
    """

    id: int
    path: str
    location: str
    root: str
    kind: str = ""
    title: str = ""
    state: str = ""
    reason: str = ""
    code: str = ""
    size: int = 0
    mtime_ns: int = 0
    digest: bytes = b""
    characters: int = 0
    tokens: int = 0
    chunks: int = 0
    reader: int = 0

    @property
    def whole(self) -> bool:
        """True if its whole text is held; the digest is then that of the text."""
        return self.state != DocumentState.PARTIAL and bool(self.digest)


class RunRow(NamedTuple):
    """A row of `run`.

    Attributes:
        source: The id of the document.
        ordinal: The run's number in its document, from 0.
        first_chunk: Its first chunk.
        chunks: The number of its chunks, 1 to RUN_SIZE.
        start: Characters before it in its document.
        lines: Newlines before it in its document.
    """

    source: int
    ordinal: int
    first_chunk: int
    chunks: int
    start: int
    lines: int


class LexiconRow(NamedTuple):
    """A row of `lexicon`.

    Attributes:
        id: The lexical segment's number, from 1.
        level: How often it has been merged.
        first_atom: Its first atom.
        atoms: The number of its atoms.
    """

    id: int
    level: int
    first_atom: int
    atoms: int


class SummaryRow(NamedTuple):
    """A row of `summary`.

    Attributes:
        source: The id of the document.
        start: The first character of the part.
        characters: The number of its characters.
        model: The name of the language model.
        digest: BLAKE2b with 16 bytes over the request to the model and the part's text.
        text: The sentences that the part bears out; "" without one.
    """

    source: int
    start: int
    characters: int
    model: str
    digest: bytes
    text: str


class MemoryRow(NamedTuple):
    """A row of `memory`.

    Attributes:
        id: Eight hexadecimal digits.
        source: The id of its document; 0 while it waits to be indexed.
        kind: "memory"; or "conversation", for a turn that waits.
        document: The name of its document while it waits, else "".
        dated: The day that it speaks of: `2026-09-20`, or `2026-09-20 14:30`.
        told: Seconds since 1970 at which it was told.
        author: Who told it, or "".
        tags: Its tags in order, with spaces between.
        pinned: 1 if it is pinned, else 0.
        text: Its text as it was told.
        claim: The key of what it claims; "" without a claim.
        successor: The id of the memory that superseded it; "-" where it was decided by hand that
            none does; else "".
    """

    id: str
    source: int
    kind: str
    document: str
    dated: str
    told: int
    author: str
    tags: str
    pinned: int
    text: str
    claim: str = ""
    successor: str = ""


class StatementRow(NamedTuple):
    """A row of `statement`.

    Attributes:
        source: The id of its document.
        start: The first character of the sentence, in its document.
        characters: The length of the sentence.
        dated: The day of its message, section or document, or the later one from which it says
            that it holds: `2026-09-20`.
        author: The author of its message, or "".
        claim: The key of what it claims.
        value: The value, as it is written.
        negated: 1 where it says that the value does not hold, or no longer, else 0.
        upheld: 1 where it was decided by hand that it still holds, else 0.
    """

    source: int
    start: int
    characters: int
    dated: str
    author: str
    claim: str
    value: str
    negated: int = 0
    upheld: int = 0


_Row = TypeVar("_Row", SegmentRow, SourceRow, RunRow, LexiconRow, SummaryRow, MemoryRow, StatementRow)
_TYPES_BY_NAME = {"int": int, "str": str, "bytes": bytes}
_FIELD_TYPES = {
    kind: tuple(_TYPES_BY_NAME[str(kind.__annotations__[name].__forward_arg__)] for name in kind._fields)
    for kind in (SegmentRow, SourceRow, RunRow, LexiconRow, SummaryRow, MemoryRow, StatementRow)
}
# Largest value of any number but times, which are nanoseconds and may be negative, too.
_LARGEST_NUMBER = 1 << 48


def checked_row(kind: type[_Row], row: tuple[Any, ...], path: Path) -> _Row:
    """Make a row of a table from its values.

    Args:
        kind: The row's class.
        row: The values, in the order of its fields.
        path: The crystal, for the error.

    Raises:
        DamagedCrystalError: A value has another type than its field or is out of range.
    """
    if tuple(map(type, row)) == _FIELD_TYPES[kind]:
        checked = kind(*row)
        numbers = [
            value for name, value in zip(kind._fields, row, strict=True) if type(value) is int and name != "mtime_ns"
        ]
        if (
            min(numbers) >= 0
            and max(numbers) <= _LARGEST_NUMBER
            and not (isinstance(checked, RunRow) and not 0 < checked.chunks <= RUN_SIZE)
        ):
            return checked
    raise DamagedCrystalError(
        path, f"a row of the table {kind.__name__.removesuffix('Row').lower()} has impossible values"
    )


def typed_rows(rows: Iterable[tuple[Any, ...]], types: tuple[type, ...], path: Path) -> list[Any]:
    """Check the types of all values.

    Args:
        rows: Rows of values.
        types: The type of each column.
        path: The crystal, for the error.

    Returns:
        The rows.

    Raises:
        DamagedCrystalError: A value has another type than its column.
    """
    checked = list(rows)
    if any(tuple(map(type, row)) != types for row in checked):
        raise DamagedCrystalError(path, "a row has values of other types than its table")
    return checked


def batched(values: Sequence[int], size: int = 512) -> Iterator[Sequence[int]]:
    """Cut values into batches: a query takes only so many."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
