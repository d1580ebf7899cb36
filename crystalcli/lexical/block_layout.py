r"""The bytes of a block of the inverted index, in two layouts.

Packed, in files of format version 7 and later (integers little-endian):

    offset    size  what
    0         2     0, which no plain block begins with
    2         2     n, the number of terms
    4         4     t, the size of the term column
    8         4     d, the size of the count column
    12        4     g, the size of the gap column
    16        t     the terms, UTF-8, sorted, joined by "\n", compressed with zlib
    16+t      d     n varints, the df of each term: varints in Huffman codes
    16+t+d    g     for each term df varints, the gaps of its atoms: all in Huffman codes
    16+t+d+g  …     for each term ceil(df / 4) bytes of frequencies: all in Huffman codes

Plain, in older files:

    0         2     n, the number of terms
    2         4     t, the size of the term column
    6         4     h, the size of the head column
    10        t     the terms, as above
    10+t      h     2n varints: for each term df, then the size in bytes of its postings
    10+t+h    …     the postings, one term after the other: its gaps, then its frequencies

Knows: columns. Does not know: what gaps and frequencies are (`postings`).
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli import huffman
from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical import varint

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

_PLAIN = struct.Struct("<HII")
_PACKED = struct.Struct("<HHIII")
# A term and its newline: 64 characters of UTF-8, and what a stemmer could add.
_MAX_TERM_BYTES = 260


class OpenBlock(NamedTuple):
    """A block's columns.

    Attributes:
        terms: The terms, sorted.
        counts: The number of atoms of each, int64 [terms].
        columns: Bytes, and the bounds in them of each term, int64 [terms + 1]; what a term has of
            each column, one after the other, is its postings.
    """

    terms: list[str]
    counts: Int64Array
    columns: tuple[tuple[bytes, Int64Array], ...]

    def postings(self, place: int) -> bytes:
        """Cut out the postings of a term, by its index."""
        return b"".join(data[int(bounds[place]) : int(bounds[place + 1])] for data, bounds in self.columns)

    def entries(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield each term with its count and its postings."""
        pieces = [
            [data[low:high] for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
            for data, bounds in self.columns
        ]
        return zip(self.terms, self.counts.tolist(), map(b"".join, zip(*pieces, strict=True)), strict=True)


def pack_block(terms: Sequence[str], counts: Sequence[int], postings: Sequence[bytes]) -> bytes:
    """Pack the columns of a block.

    Args:
        terms: The terms, sorted.
        counts: The number of atoms of each.
        postings: The postings of each: gaps, then frequencies.
    """
    sizes = [len(data) - -(-count // 4) for count, data in zip(counts, postings, strict=True)]
    term_column = _packed_terms(terms)
    count_column = huffman.pack_bytes(varint.encode(np.array(counts, np.int64)))
    gap_column = huffman.pack_bytes(b"".join(data[:size] for size, data in zip(sizes, postings, strict=True)))
    frequencies = huffman.pack_bytes(b"".join(data[size:] for size, data in zip(sizes, postings, strict=True)))
    head = _PACKED.pack(0, len(terms), len(term_column), len(count_column), len(gap_column))
    return b"".join((head, term_column, count_column, gap_column, frequencies))


def plain_block(data: bytes) -> bytes:
    """Give a block the plain layout, for a file of an older format version.

    Raises:
        DamagedCrystalError: The block does not decode.
    """
    terms, counts, postings = zip(*open_block(data).entries(), strict=True)
    column = _packed_terms(terms)
    heads = [number for pair in zip(counts, map(len, postings), strict=True) for number in pair]
    head = varint.encode(np.array(heads, np.int64))
    return b"".join((_PLAIN.pack(len(terms), len(column), len(head)), column, head, *postings))


def open_block(data: bytes) -> OpenBlock:
    """Decode a block of either layout.

    Raises:
        DamagedCrystalError: The block does not decode.
    """
    with _naming_damage():
        return _PackedBlock(data).open() if _is_packed(data) else _open_plain(data)


def find_in_block(data: bytes, term: str) -> tuple[int, bytes] | None:
    """Find a term in a block, and decode no more than that takes.

    Args:
        data: The block.
        term: The term.

    Returns:
        The number of its atoms, and its postings; None if the block does not have it.

    Raises:
        DamagedCrystalError: The block does not decode.
    """
    with _naming_damage():
        if _is_packed(data):
            return _PackedBlock(data).find(term)
        block = _open_plain(data)
        place = bisect_left(block.terms, term)
        if place == len(block.terms) or block.terms[place] != term:
            return None
        return int(block.counts[place]), block.postings(place)


class _PackedBlock:
    """The columns of a packed block, of which each is decoded when it is needed."""

    def __init__(self, data: bytes) -> None:
        _, self._size, *sizes = _PACKED.unpack_from(data)
        ends = [*accumulate(sizes, initial=_PACKED.size), len(data)]
        terms, self._counts, self._gaps, self._frequencies = (data[low:high] for low, high in pairwise(ends))
        self._terms = _term_column(terms, self._size)
        self._most = 8 * len(data)  # a number takes a bit at least

    def find(self, term: str) -> tuple[int, bytes] | None:
        """Find a term as `find_in_block` does."""
        column = b"\n%b\n" % self._terms
        at = column.find(b"\n%b\n" % term.encode())
        if at < 0:
            return None
        place = column.count(b"\n", 0, at)
        counts, (gaps, ends), frequencies = self._decoded()
        count, before = int(counts[place]), int(counts[:place].sum())
        first, last = int(ends[before]), int(ends[before + count])
        skipped = int((-(-counts[:place] // 4)).sum())
        return count, gaps[first:last] + frequencies[skipped : skipped - (-count // 4)]

    def open(self) -> OpenBlock:
        """Decode all columns."""
        counts, (gaps, ends), frequencies = self._decoded()
        bounds = _bounds(-(-counts // 4), 0)
        terms = self._terms.decode().split("\n")
        return OpenBlock(terms, counts, ((gaps, ends[_bounds(counts, 0)]), (frequencies, bounds)))

    def _decoded(self) -> tuple[Int64Array, tuple[bytes, Int64Array], bytes]:
        """Decode the counts, the gaps with their ends, int64 [gaps + 1], and the frequencies."""
        counts = varint.decode(huffman.unpack_bytes(self._counts))
        if len(counts) != self._size or not 0 < int(counts.min()) <= int(counts.max()) <= self._most:
            raise _contradiction()
        gaps = huffman.unpack_bytes(self._gaps)
        ends = np.flatnonzero(np.frombuffer(b"\0" + gaps, np.uint8) < 128)  # the last byte of each
        if len(ends) != int(counts.sum()) + 1 or int(ends[-1]) != len(gaps):
            raise _contradiction()
        return counts, (gaps, ends), huffman.unpack_bytes(self._frequencies, int((-(-counts // 4)).sum()))


def _open_plain(data: bytes) -> OpenBlock:
    """Decode a plain block."""
    count, terms_size, heads_size = _PLAIN.unpack_from(data)
    start = _PLAIN.size + terms_size
    terms = _term_column(data[_PLAIN.size : start], count).decode().split("\n")
    heads = varint.decode(data[start : start + heads_size])
    if len(heads) != 2 * count or int(heads.max()) > len(data):
        raise _contradiction()
    bounds = _bounds(heads[1::2], start + heads_size)
    if int(bounds[-1]) != len(data):
        raise _contradiction()
    return OpenBlock(terms, heads[::2], ((data, bounds),))


def _is_packed(data: bytes) -> bool:
    return data[:2] == b"\0\0"


def _bounds(sizes: Int64Array, start: int) -> Int64Array:
    """Compute the bounds of consecutive pieces from their sizes, int64 [n + 1]."""
    return start + np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))


def _packed_terms(terms: Sequence[str]) -> bytes:
    return zlib.compress("\n".join(terms).encode(), 9)


def _term_column(packed: bytes, count: int) -> bytes:
    """Decompress the term column; ValueError where it has another number of terms."""
    inflate = zlib.decompressobj()
    column = inflate.decompress(packed, _MAX_TERM_BYTES * count + 1)
    if inflate.unconsumed_tail or column.count(b"\n") != count - 1:
        raise ValueError("the number of terms does not match its header")
    return column


@contextlib.contextmanager
def _naming_damage() -> Iterator[None]:
    """Raise DamagedCrystalError in place of the errors of decoders."""
    try:
        yield
    except (struct.error, zlib.error, ValueError) as error:
        message = f"a block of the lexical index does not decode ({error}); run `crystal repair`"
        raise DamagedCrystalError(None, message) from error


def _contradiction() -> DamagedCrystalError:
    return DamagedCrystalError(None, "a block of the lexical index contradicts itself; run `crystal repair`")
