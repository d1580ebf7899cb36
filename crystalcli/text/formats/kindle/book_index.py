"""Indexes in a Kindle book: rows with a name and tagged numbers, and the labels they refer to.

An index is a record INDX with a table of tags (TAGX), records of rows, and records of labels
(CNCX), as KindleUnpack describes them.

Knows variable-width numbers and tags. Does not know what an index is for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.kindle.palm_records import PalmRecords

_MAX_ROWS = 200_000
_MAX_RECORDS = 4096
_MAX_VALUES = 64  # of a tag
_DAMAGED = ("damaged: an index in it cannot be read", Reason.DAMAGED)


class IndexRow(NamedTuple):
    """A row of an index.

    Attributes:
        name: its name, in the encoding of the book.
        values: numbers by tag.
    """

    name: bytes
    values: dict[int, list[int]]


class _Tag(NamedTuple):
    """A tag of the table: its number, numbers a value, bits of the control byte, end of a byte."""

    number: int
    width: int
    mask: int
    is_end: bool


def index_rows(records: PalmRecords, first: int) -> tuple[list[IndexRow], dict[int, bytes]]:
    """Read an index.

    Args:
        records: of the book.
        first: number of its first record.

    Returns:
        Its rows, and the labels by their places.

    Raises:
        SourceError: it is damaged, or too large.
    """
    try:
        head = records[first]
        if head[:4] != b"INDX":
            raise SourceError(*_DAMAGED)
        (start,) = struct.unpack_from(">L", head, 4)
        (count,) = struct.unpack_from(">L", head, 24)
        (label_records,) = struct.unpack_from(">L", head, 52)
        if count > _MAX_RECORDS or label_records > _MAX_RECORDS:
            raise SourceError(*_DAMAGED)
        control_bytes, tags = _tag_table(head, start)
        rows: list[IndexRow] = []
        for number in range(first + 1, first + 1 + count):
            for row in _rows(records[number], control_bytes, tags):
                if len(rows) == _MAX_ROWS:
                    raise SourceError(*_DAMAGED)
                rows.append(row)
        labels: dict[int, bytes] = {}
        for number in range(label_records):
            labels.update(_labels(records[first + 1 + count + number], number << 16))
        return rows, labels
    except (struct.error, IndexError):
        raise SourceError(*_DAMAGED) from None


def _tag_table(head: bytes, start: int) -> tuple[int, list[_Tag]]:
    """Return the number of control bytes of a row, and the tags."""
    if head[start : start + 4] != b"TAGX":
        raise SourceError(*_DAMAGED)
    end, control_bytes = struct.unpack_from(">LL", head, start + 4)
    tags = [
        _Tag(head[at], head[at + 1], head[at + 2], head[at + 3] == 1)
        for at in range(start + 12, min(start + end, len(head) - 3), 4)
    ]
    return control_bytes, tags


def _rows(record: bytes, control_bytes: int, tags: list[_Tag]) -> Iterator[IndexRow]:
    if record[:4] != b"INDX":
        raise SourceError(*_DAMAGED)
    places, count = struct.unpack_from(">LL", record, 20)
    starts = struct.unpack_from(f">{count}H", record, places + 4)
    for start, end in zip(starts, (*starts[1:], places), strict=True):
        length = record[start]
        name = record[start + 1 : start + 1 + length]
        yield IndexRow(name, _values(record[: max(end, start)], start + 1 + length, control_bytes, tags))


def _values(record: bytes, start: int, control_bytes: int, tags: list[_Tag]) -> dict[int, list[int]]:
    """Read the numbers of a row, which ends where `record` does."""
    control, at = start, start + control_bytes
    counts: list[tuple[_Tag, int, int]] = []  # tag, number of values, or else bytes of them
    for tag in tags:
        if tag.is_end:
            control += 1
            continue
        bits = record[control] & tag.mask
        if not bits:
            continue
        if bits == tag.mask and tag.mask.bit_count() > 1:
            size, at = _number(record, at)
            counts.append((tag, 0, size))
        else:
            low = (tag.mask & -tag.mask).bit_length() - 1
            counts.append((tag, bits >> low, 0))
    values: dict[int, list[int]] = {}
    for tag, count, size in counts:
        numbers: list[int] = []
        end = at + size
        while len(numbers) < _MAX_VALUES and (len(numbers) < count * tag.width if count else at < end):
            number, at = _number(record, at)
            numbers.append(number)
        values[tag.number] = numbers
    return values


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number, whose last byte has the highest bit set. Returns it and the place after it."""
    value = 0
    for _ in range(5):
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte & 0x80:
            break
    return value, at


def _labels(record: bytes, base: int) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(record) and record[at]:
        place = at
        length, at = _number(record, at)
        yield base + place, record[at : at + length]
        at += length
