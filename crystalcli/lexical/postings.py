"""The inverted index as sorted blocks of terms with their postings, small enough to read one at a time.

A block's bytes (integers little-endian):

    offset  size      what
    0       2         n, the number of terms
    2       4         t, the size of the term column
    6       4         h, the size of the head column
    10      t         the terms, UTF-8, sorted, joined by "\\n", compressed with zlib
    10+t    h         2n varints: for each term df, then the size in bytes of its postings
    10+t+h  …         the postings, one term after the other

Postings of one term: df varints, the gaps between atom numbers (the first counted from the segment's first atom),
then ceil(df / 4) bytes with the term's frequency in each atom, less one, capped at 3, two bits each, low bits first.

Knows nothing of where blocks are kept. Segments merge by re-coding, so any number of small ones become one.
"""

from __future__ import annotations

import heapq
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical import varint

if TYPE_CHECKING:
    import numpy.typing as npt

    Atoms = npt.NDArray[np.int64]
    Frequencies = npt.NDArray[np.uint8]

_HEAD = struct.Struct("<HII")
_TARGET = 6000  # bytes of postings and terms in a block, about: a few pages of the file
_MAX_TERM = 260  # bytes of a term and its newline: 64 characters of UTF-8, and what a stemmer could add
_FARTHEST = 1 << 40  # no atom is as far from another, so that no sum of gaps overflows
_OUT_OF_ORDER = "postings of the lexical index are out of order; run `crystal repair`"
_SHORT = 48  # postings up to which a plain loop beats an array
_AT_ONCE = 1 << 14  # bytes of gaps decoded at a time, so that a long list takes no more memory than a short one


# The four frequencies in a byte, uint8 [256, 4].
_FREQUENCIES = ((np.arange(256)[:, None] >> np.array([0, 2, 4, 6]) & 3) + 1).astype(np.uint8)


class Posting(NamedTuple):
    """A term's atoms, int64 [df], rising, and its frequency in each, uint8 [df], 1 to 4."""

    atoms: Atoms
    frequencies: Frequencies


class Packed(NamedTuple):
    """A term's postings as they are stored: `df` atoms, their gaps counted from `first_atom`."""

    df: int
    first_atom: int
    data: bytes

    def pieces(self) -> Iterator[Posting]:
        """The postings in order, some thousands at a time. Raises DamagedCrystalError."""
        gaps = np.frombuffer(self.data, np.uint8)[: max(0, len(self.data) - -(-self.df // 4))]
        quads = np.frombuffer(self.data, np.uint8)[len(gaps) :]
        atom, done, start = self.first_atom, 0, 0
        while start < len(gaps):
            piece = gaps[start : start + _AT_ONCE]
            if start + len(piece) < len(gaps):  # end where a number ends
                piece = piece[: len(piece) - int((piece[:-11:-1] < 128).argmax())]
            try:
                atoms = varint.decode(piece)
            except ValueError as error:
                raise DamagedCrystalError(None, f"postings of the lexical index do not decode ({error})") from error
            widest = int(atoms.max())
            np.cumsum(atoms, out=atoms)
            if max(widest, atom - self.first_atom + int(atoms[-1])) >= _FARTHEST:
                raise DamagedCrystalError(None, "postings of the lexical index do not decode (a gap is too wide)")
            atoms += atom
            if done + len(atoms) > self.df:
                break
            skip = done % 4
            codes = _FREQUENCIES[quads[done // 4 : (done + len(atoms) + 3) // 4]].reshape(-1)
            yield Posting(atoms, codes[skip : skip + len(atoms)])
            atom, done, start = int(atoms[-1]), done + len(atoms), start + len(piece)
        if done != self.df or start != len(gaps):
            raise DamagedCrystalError(None, "postings of the lexical index contradict their count")


class Block(NamedTuple):
    """One block as it is stored, under its first term."""

    first_term: str
    data: bytes


def index(counts: Iterable[dict[str, int]], first_atom: int) -> Iterator[Block]:
    """Blocks for consecutive atoms from `first_atom` on; `counts` gives each atom's term frequencies."""
    atoms: dict[str, list[int]] = {}
    frequencies: dict[str, list[int]] = {}
    for atom, terms in enumerate(counts, first_atom):
        for term, count in terms.items():
            atoms.setdefault(term, []).append(atom)
            frequencies.setdefault(term, []).append(min(count, 4))
    return _pack(
        (term, len(atoms[term]), _encode(atoms[term], frequencies[term], first_atom)) for term in sorted(atoms)
    )


def find(data: bytes, term: str, first_atom: int) -> Posting | None:
    """The postings of `term` in a block of the segment that begins at `first_atom`, or None."""
    found = packed(data, term, first_atom)
    return _decode(found.data, found.df, first_atom) if found is not None else None


def packed(data: bytes, term: str, first_atom: int) -> Packed | None:
    """The same, not decoded yet."""
    terms, heads, body = _columns(data)
    place = bisect_left(terms, term)
    if place == len(terms) or terms[place] != term:
        return None
    start = body + int(heads[1 : 2 * place : 2].sum())
    return Packed(int(heads[2 * place]), first_atom, data[start : start + int(heads[2 * place + 1])])


def entries(data: bytes, first_atom: int) -> Iterator[tuple[str, Posting]]:
    """Every term of a block with its postings, in order. Raises DamagedCrystalError."""
    terms, heads, start = _columns(data)
    for place, term in enumerate(terms):
        size = int(heads[2 * place + 1])
        yield term, _decode(data[start : start + size], int(heads[2 * place]), first_atom)
        start += size


def merge(segments: Sequence[tuple[int, Iterable[bytes]]]) -> Iterator[Block]:
    """One segment's blocks out of several: each (its first atom, its blocks in order), in order of their atoms."""
    base = segments[0][0]

    def entries(order: int, first: int, blocks: Iterable[bytes]) -> Iterator[tuple[str, int, int, bytes, int]]:
        for data in blocks:
            terms, heads, start = _columns(data)
            for place, term in enumerate(terms):
                size = int(heads[2 * place + 1])
                yield term, order, int(heads[2 * place]), data[start : start + size], first
                start += size

    def joined() -> Iterator[tuple[str, int, bytes]]:
        group: list[tuple[str, int, int, bytes, int]] = []
        streams = [entries(order, first, blocks) for order, (first, blocks) in enumerate(segments)]
        for entry in heapq.merge(*streams):
            if group and entry[0] != group[0][0]:
                yield _join(group, base)
                group = []
            group.append(entry)
        if group:
            yield _join(group, base)

    return _pack(joined())


def _join(group: list[tuple[str, int, int, bytes, int]], base: int) -> tuple[str, int, bytes]:
    term, _, df, data, first = group[0]
    if len(group) == 1 and first == base:
        return term, df, data
    total = sum(entry[2] for entry in group)
    if total <= _SHORT:
        atoms: list[int] = []
        frequencies: list[int] = []
        for _, _, df, data, first in group:
            _decode_short(data, df, first, atoms, frequencies)
        if sorted(atoms) != atoms:
            raise DamagedCrystalError(None, _OUT_OF_ORDER)
        return term, total, _encode(atoms, frequencies, base)
    parts = [_decode(data, df, first) for _, _, df, data, first in group]
    long_atoms = np.concatenate([part.atoms for part in parts])
    if (np.diff(long_atoms) < 0).any():
        raise DamagedCrystalError(None, _OUT_OF_ORDER)
    return term, total, _encode_long(long_atoms, np.concatenate([part.frequencies for part in parts]), base)


def _pack(entries: Iterable[tuple[str, int, bytes]]) -> Iterator[Block]:
    terms: list[str] = []
    heads: list[int] = []
    bodies: list[bytes] = []
    size = 0

    def block() -> Block:
        column = zlib.compress("\n".join(terms).encode(), 9)
        head = varint.encode(np.array(heads, np.int64))
        return Block(terms[0], b"".join([_HEAD.pack(len(terms), len(column), len(head)), column, head, *bodies]))

    for term, df, body in entries:
        if terms and (size + len(body) > _TARGET or len(terms) == 0xFFFF):
            yield block()
            terms, heads, bodies, size = [], [], [], 0
        terms.append(term)
        heads += (df, len(body))
        bodies.append(body)
        size += len(body) + 6
    if terms:
        yield block()


def _columns(data: bytes) -> tuple[list[str], Atoms, int]:
    """A block's terms, its heads and the offset at which its postings begin. Raises DamagedCrystalError."""
    try:
        count, terms_size, heads_size = _HEAD.unpack_from(data)
        start = _HEAD.size + terms_size
        inflate = zlib.decompressobj()
        column = inflate.decompress(data[_HEAD.size : start], _MAX_TERM * count + 1)
        if inflate.unconsumed_tail or column.count(b"\n") != count - 1:
            raise ValueError("its terms are not as many as it says")
        terms = column.decode().split("\n")
        heads = varint.decode(data[start : start + heads_size])
    except (struct.error, zlib.error, ValueError) as error:
        raise DamagedCrystalError(
            None, f"a block of the lexical index does not decode ({error}); run `crystal repair`"
        ) from error
    body = start + heads_size
    sound = len(terms) == count and len(heads) == 2 * count and int(heads.max()) <= len(data)
    if not sound or body + int(heads[1::2].sum()) != len(data):
        raise DamagedCrystalError(None, "a block of the lexical index contradicts itself; run `crystal repair`")
    return terms, heads, body


def _encode(atoms: list[int], frequencies: list[int], first_atom: int) -> bytes:
    if len(atoms) > _SHORT:
        return _encode_long(np.array(atoms), np.array(frequencies, np.uint8), first_atom)
    data = bytearray()
    last = first_atom
    for atom in atoms:
        gap, last = atom - last, atom
        while gap > 127:
            data.append(gap & 127 | 128)
            gap >>= 7
        data.append(gap)
    for start in range(0, len(frequencies), 4):
        packed = 0
        for place, frequency in enumerate(frequencies[start : start + 4]):
            packed |= (frequency - 1) << 2 * place
        data.append(packed)
    return bytes(data)


def _decode_short(data: bytes, df: int, first_atom: int, atoms: list[int], frequencies: list[int]) -> None:
    """Append a term's postings to the lists; the same as `_decode`, faster for a few."""
    gap = shift = count = 0
    atom = first_atom
    packed = max(0, len(data) - -(-df // 4))
    for byte in data[:packed]:
        gap |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            atom += gap
            atoms.append(atom)
            gap = shift = 0
            count += 1
    if count != df or shift:
        raise DamagedCrystalError(None, "postings of the lexical index contradict their count")
    frequencies.extend((data[packed + index // 4] >> 2 * (index % 4) & 3) + 1 for index in range(df))


def _encode_long(atoms: Atoms, frequencies: Frequencies, first_atom: int) -> bytes:
    gaps = varint.encode(np.diff(atoms, prepend=first_atom))
    codes = np.zeros(-(-len(atoms) // 4) * 4, np.uint8)
    codes[: len(atoms)] = frequencies - 1
    quads = codes.reshape(-1, 4)
    packed = quads[:, 0] | quads[:, 1] << 2 | quads[:, 2] << 4 | quads[:, 3] << 6
    return gaps + packed.astype(np.uint8).tobytes()


def _decode(data: bytes, df: int, first_atom: int) -> Posting:
    pieces = list(Packed(df, first_atom, data).pieces())
    if len(pieces) == 1:
        return pieces[0]
    none = Posting(np.zeros(0, np.int64), np.zeros(0, np.uint8))
    atoms, frequencies = zip(none, *pieces, strict=True)
    return Posting(np.concatenate(atoms), np.concatenate(frequencies))
