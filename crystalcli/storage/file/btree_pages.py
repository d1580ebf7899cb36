"""B-tree pages of an SQLite file as they lie in it, without its list of tables.

A damaged list of tables no longer says where each table begins. The pages still tell: the root of
a b-tree is a page that no interior page has for a child, and its cells tell how many columns a row
has (SQLite's file format, sections 1.5, 1.6 and 2.1).

Knows: pages, cells, free pages. Does not know: which table a b-tree is.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

_HEADER = 100  # bytes of the file's header, on its first page
# By the first byte of a page: whether it is an interior page, and whether its keys are row numbers.
_KINDS = {2: (True, False), 5: (True, True), 10: (False, False), 13: (False, True)}


def page_size_of(path: Path) -> int:
    """Read the bytes of a page from a file's header; 0 if that is damaged."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(18)[16:], "big")
    size = 65_536 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else 0


def root_pages(path: Path) -> dict[int, tuple[bool, int]]:
    """Find the roots of all b-trees but that of the list of tables.

    Args:
        path: The file, without a log beside it.

    Returns:
        By the number of the page: whether its keys are row numbers, and how many columns its first
        row has; 0 if that is unknown, as in an empty table.
    """
    size = page_size_of(path)
    if not size or path.stat().st_size < size:
        return {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        pages = len(data) // size
        seen = {1, *_free_pages(data, size, pages)}
        roots: dict[int, tuple[bool, int]] = {}
        for number in range(1, pages + 1):
            page = data[(number - 1) * size : number * size]
            kind = _KINDS.get(page[_HEADER if number == 1 else 0])
            if kind is None:
                continue
            interior, by_row_number = kind
            roots[number] = (by_row_number, 0 if interior and by_row_number else _columns(page, kind))
            if interior:
                seen.update(_children(page, _HEADER if number == 1 else 0))
    return {number: root for number, root in roots.items() if number not in seen}


def empty_first_page(path: Path) -> None:
    """Make the list of tables of a file empty: all other pages stay, those of the list unused."""
    size = page_size_of(path)
    with path.open("r+b") as file:
        header = bytearray(file.read(_HEADER))
        header[32:40] = bytes(8)  # new pages go to the end: the list of free ones may be damaged, too
        end = (size - header[20]) % 65_536
        page = header + bytes((13, 0, 0, 0, 0, *end.to_bytes(2, "big"), 0))
        file.seek(0)
        file.write(page + bytes(size - len(page)))


def _free_pages(data: mmap.mmap, size: int, pages: int) -> Iterator[int]:
    """Yield the pages on the list of free ones."""
    trunk, left = int.from_bytes(data[32:36], "big"), pages
    while 0 < trunk <= pages and left > 0:
        yield trunk
        page = data[(trunk - 1) * size : trunk * size]
        count = min(int.from_bytes(page[4:8], "big"), size // 4 - 2)
        yield from (int.from_bytes(page[8 + 4 * i : 12 + 4 * i], "big") for i in range(count))
        trunk, left = int.from_bytes(page[:4], "big"), left - 1


def _cells(page: bytes, start: int, header: int) -> Iterator[int]:
    """Yield the places of a page's cells."""
    for i in range(int.from_bytes(page[start + 3 : start + 5], "big")):
        place = int.from_bytes(page[start + header + 2 * i : start + header + 2 * i + 2], "big")
        if start + header < place < len(page) - 4:
            yield place


def _children(page: bytes, start: int) -> Iterator[int]:
    """Yield the children of an interior page whose header begins at `start`."""
    yield int.from_bytes(page[start + 8 : start + 12], "big")
    for place in _cells(page, start, 12):
        yield int.from_bytes(page[place : place + 4], "big")


def _columns(page: bytes, kind: tuple[bool, bool]) -> int:
    """Count the columns of a page's first row; 0 if it has none."""
    interior, by_row_number = kind
    for place in _cells(page, 0, 12 if interior else 8):
        _, place = _varint(page, place + 4 if interior else place)
        if by_row_number:
            _, place = _varint(page, place)
        first = place
        length, place = _varint(page, place)
        count = 0
        while place < min(first + length, len(page)):
            _, place = _varint(page, place)
            count += 1
        return count
    return 0


def _varint(page: bytes, place: int) -> tuple[int, int]:
    """Read SQLite's variable-length integer; its value, and where it ends."""
    value = 0
    for i in range(place, min(place + 8, len(page))):
        value = value << 7 | page[i] & 0x7F
        if page[i] < 0x80:
            return value, i + 1
    return value, place + 9
