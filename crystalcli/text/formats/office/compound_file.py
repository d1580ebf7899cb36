"""Compound file (OLE2, MS-CFB): a file that holds folders and streams, as Outlook's messages do.

Knows sectors, their chains, and the tree of entries. Does not know what a stream means. All sizes
that the file claims are bounded by its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from crystalcli.errors import Reason, SourceError

_HEADER = struct.Struct("<8x16xHHHHH6xIIIIIIIIII")
_ENTRY = struct.Struct("<64sHBxIII16x4x8x8xIQ")
_FOLDER, _STREAM = 1, 2
_FREE = 0xFFFFFFFC  # from here on numbers of sectors mean something else
_MAX_ENTRIES = 200_000
_MAX_DEPTH = 50  # nested folders


class _Entry(NamedTuple):
    """An entry of the tree, as the file has it."""

    name: bytes
    name_size: int
    kind: int
    left: int
    right: int
    child: int
    start: int
    size: int


class CompoundEntry(NamedTuple):
    """A stream of a compound file.

    Attributes:
        path: the names of the folders around it, and its own.
        start: its first sector.
        size: bytes.
    """

    path: tuple[str, ...]
    start: int
    size: int


class CompoundFile:
    """A compound file, held in memory.

    Args:
        data: all of it.

    Attributes:
        streams: its streams by their paths.

    Raises:
        SourceError: It is damaged.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            self._open()
        except (struct.error, IndexError, ValueError) as error:
            raise SourceError("damaged", Reason.DAMAGED) from error

    def _open(self) -> None:
        (
            _, _, _, shift, mini_shift, _, _, first_folder, _, self._cutoff, first_mini, _, first_table, _, *_,
        ) = _HEADER.unpack_from(self._data)  # fmt: skip
        if shift not in (9, 12) or not 4 <= mini_shift <= shift:
            raise ValueError
        self._size, self._mini_size = 1 << shift, 1 << mini_shift
        self._next = self._sector_table(first_table)
        self._next_mini = self._numbers(self._chain(first_mini, self._next))
        folder = self._join(self._chain(first_folder, self._next))
        entries = [_Entry._make(_ENTRY.unpack_from(folder, at)) for at in range(0, len(folder) - 127, 128)]
        root = entries[0]
        self._mini = self._join(self._chain(root.start, self._next))
        self.streams = {entry.path: entry for entry in self._walk(entries[:_MAX_ENTRIES], root.child, (), set())}

    def read(self, path: tuple[str, ...]) -> bytes:
        """Return the bytes of a stream; b"" where there is no such stream."""
        entry = self.streams.get(path)
        if entry is None:
            return b""
        if entry.size < self._cutoff:
            chain, size, source = self._chain(entry.start, self._next_mini), self._mini_size, self._mini
            return b"".join(source[at * size : (at + 1) * size] for at in chain)[: entry.size]
        return self._join(self._chain(entry.start, self._next))[: entry.size]

    def _sector_table(self, first: int) -> list[int]:
        """Return the sector after each sector, from the list of the sectors that hold the table."""
        sectors = list(struct.unpack_from("<109I", self._data, 76))
        for sector in self._chain_of_lists(first):
            sectors += struct.unpack_from(f"<{self._size // 4 - 1}I", self._data, (sector + 1) * self._size)
        return self._numbers(sector for sector in sectors if sector < _FREE)

    def _chain_of_lists(self, first: int) -> Iterator[int]:
        seen: set[int] = set()
        while first < _FREE and first not in seen:
            seen.add(first)
            yield first
            (first,) = struct.unpack_from("<I", self._data, (first + 2) * self._size - 4)

    def _numbers(self, sectors: Iterator[int]) -> list[int]:
        data = self._join(sectors)
        return list(struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4]))

    def _chain(self, sector: int, following: list[int]) -> Iterator[int]:
        """Yield a sector and those after it, within the file and not without end."""
        for _ in range(len(following)):
            if sector >= len(following):
                return
            yield sector
            sector = following[sector]

    def _join(self, sectors: Iterator[int]) -> bytes:
        size, pieces, total = self._size, [], 0
        for sector in sectors:
            pieces.append(self._data[(sector + 1) * size : (sector + 2) * size])
            total += size
            if total > len(self._data) + size:
                break
        return b"".join(pieces)

    def _walk(
        self, entries: list[_Entry], child: int, folder: tuple[str, ...], seen: set[int]
    ) -> Iterator[CompoundEntry]:
        """Yield the streams of a folder and of those in it, whose entries form a tree."""
        waiting = [child]
        while waiting:
            number = waiting.pop()
            if number >= len(entries) or number in seen or len(folder) > _MAX_DEPTH:
                continue
            seen.add(number)
            entry = entries[number]
            waiting += [entry.left, entry.right]
            path = (*folder, entry.name[: max(0, min(64, entry.name_size) - 2)].decode("utf-16-le", "replace"))
            if entry.kind == _FOLDER:
                yield from self._walk(entries, entry.child, path, seen)
            elif entry.kind == _STREAM:
                # The upper half of the size means nothing in small files.
                yield CompoundEntry(path, entry.start, min(entry.size & 0xFFFFFFFF, len(self._data)))
