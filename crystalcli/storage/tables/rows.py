"""The rows of a crystal's tables, as `crystalcli.storage.file.schema` describes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from crystalcli.errors import DamagedCrystalError
from crystalcli.types import DocumentState

RUN_SIZE = 64  # chunks in a run at most, so that the runs over a chunk are found in one index range


class SegmentRow(NamedTuple):
    """A row of `segment`."""

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
        state: a `types.DocumentState`.
        reason: why it was skipped, failed, or lost something, for people; else "".
        code: the same for programs, an `errors.Reason`; else "". A later program may write codes that
            this one does not know.
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

    @property
    def whole(self) -> bool:
        """Whether its text is held from beginning to end: the digest is then that of the text which is held."""
        return self.state != DocumentState.PARTIAL and bool(self.digest)


class RunRow(NamedTuple):
    """A row of `run`."""

    source: int
    ordinal: int
    first_chunk: int
    chunks: int
    start: int
    lines: int


class LexiconRow(NamedTuple):
    """A row of `lexicon`."""

    id: int
    level: int
    first_atom: int
    atoms: int


_Row = TypeVar("_Row", SegmentRow, SourceRow, RunRow, LexiconRow)
_NAMES = {"int": int, "str": str, "bytes": bytes}
_TYPES = {
    kind: tuple(_NAMES[str(kind.__annotations__[name].__forward_arg__)] for name in kind._fields)
    for kind in (SegmentRow, SourceRow, RunRow, LexiconRow)
}
_MOST = 1 << 48  # of anything; times are nanoseconds, and are the one thing that may be more, or less than 0


def checked_row(kind: type[_Row], row: tuple[Any, ...], path: Path) -> _Row:
    """The row as `kind`. Raises DamagedCrystalError when a value has another type or is out of all bounds."""
    types = _TYPES[kind]
    if tuple(map(type, row)) == types:
        found = kind(*row)
        numbers = [
            value for name, value in zip(kind._fields, row, strict=True) if type(value) is int and name != "mtime_ns"
        ]
        if (
            min(numbers) >= 0
            and max(numbers) <= _MOST
            and not (isinstance(found, RunRow) and not 0 < found.chunks <= RUN_SIZE)
        ):
            return found
    raise DamagedCrystalError(path, f"a row of the table {kind.__name__.lower()} has impossible values")


def typed_rows(rows: Iterable[tuple[Any, ...]], types: tuple[type, ...], path: Path) -> list[Any]:
    """The rows, once every value has the type that its column should. Raises DamagedCrystalError."""
    found = list(rows)
    if any(tuple(map(type, row)) != types for row in found):
        raise DamagedCrystalError(path, "a row has values of other types than its table")
    return found
