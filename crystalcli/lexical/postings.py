r"""The inverted index: sorted blocks of terms with their postings, small enough to read one.

Postings of one term: df varints, the gaps between atom numbers (the first counted from the
segment's first atom), then ceil(df / 4) bytes with the term's frequency in each atom, less one,
capped at 3, two bits each, low bits first. Segments merge by re-encoding, so any number of small
ones become one.

Knows: postings. Does not know: how a block is laid out (`block_layout`), or where it is stored.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical import varint
from crystalcli.lexical.block_layout import find_in_block, open_block, pack_block

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array, UInt8Array

_BLOCK_SIZE = 9000  # target size of a block in bytes before it is packed: a few pages of the file
_MAX_GAP = 1 << 40  # larger gaps are damage; the bound keeps sums of gaps from overflowing
_SHORT = 48  # up to so many postings a plain loop is faster than numpy
# Bytes of gaps decoded at a time, so that a long list takes no more memory than a short one.
_PIECE = 1 << 14


# The four frequencies in a byte, a byte each, uint32 [256].
_FREQUENCIES = ((np.arange(256)[:, None] >> np.array([0, 2, 4, 6]) & 3) + 1).astype(np.uint8).view(np.uint32)[:, 0]


class Postings(NamedTuple):
    """The postings of one term.

    Attributes:
        atoms: int64 [df], rising.
        frequencies: uint8 [df], the term's frequency in each atom, 1 to 4.
    """

    atoms: Int64Array
    frequencies: UInt8Array


class PackedPostings(NamedTuple):
    """The postings of one term in one segment, as they are stored.

    Attributes:
        df: number of atoms.
        first_atom: the segment's first atom, from which the first gap counts.
        data: the encoded gaps and frequencies.
    """

    df: int
    first_atom: int
    data: bytes

    def pieces(self) -> Iterator[Postings]:
        """Decode the postings in order, some thousands at a time.

        Raises:
            DamagedCrystalError: The data does not decode to `df` postings.
        """
        gaps = np.frombuffer(self.data, np.uint8)[: max(0, len(self.data) - -(-self.df // 4))]
        quads = np.frombuffer(self.data, np.uint8)[len(gaps) :]
        atom, done, start = self.first_atom, 0, 0
        while start < len(gaps):
            piece = gaps[start : start + _PIECE]
            if start + len(piece) < len(gaps):  # end where a number ends
                piece = piece[: len(piece) - int((piece[:-11:-1] < 128).argmax())]
            try:
                atoms = varint.running_sums(piece)
            except ValueError as error:
                raise _damaged(f"postings of the lexical index do not decode ({error})") from error
            if atom - self.first_atom + int(atoms[-1]) >= _MAX_GAP:
                raise _damaged("postings of the lexical index do not decode (a gap is too wide)")
            atoms += atom
            if done + len(atoms) > self.df:
                break
            skip = done % 4
            frequencies = _FREQUENCIES.take(quads[done // 4 : (done + len(atoms) + 3) // 4]).view(np.uint8)
            yield Postings(atoms, frequencies[skip : skip + len(atoms)])
            atom, done, start = int(atoms[-1]), done + len(atoms), start + len(piece)
        if done != self.df or start != len(gaps):
            raise _damaged("postings of the lexical index contradict their count")

    def decode(self) -> Postings:
        """Decode all postings at once.

        Raises:
            DamagedCrystalError: The data does not decode to `df` postings.
        """
        pieces = list(self.pieces())
        if len(pieces) == 1:
            return pieces[0]
        empty = Postings(np.zeros(0, np.int64), np.zeros(0, np.uint8))
        atoms, frequencies = zip(empty, *pieces, strict=True)
        return Postings(np.concatenate(atoms), np.concatenate(frequencies))


class Block(NamedTuple):
    """One block as it is stored, under its first term."""

    first_term: str
    data: bytes


class IndexSegment(Protocol):
    """The row of one segment of the index.

    Attributes:
        id: its number.
        first_atom: the first atom that it covers.
    """

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def first_atom(self) -> int: ...  # noqa: D102


class BlockStore(Protocol):
    """A store of blocks, such as an open crystal."""

    def lexicons(self) -> Sequence[IndexSegment]:
        """List the segments of the index, in order of their atoms."""
        ...

    def block(self, lexicon: int, term: str) -> bytes | None:
        """Read the only block of a segment that may hold `term`."""
        ...


def lookup_postings(store: BlockStore, terms: Iterable[str]) -> dict[str, list[PackedPostings]]:
    """Look up terms in the index.

    Returns:
        For each term its postings, one entry for each segment that has it; [] for an unknown term.

    Raises:
        DamagedCrystalError: A block does not decode.
    """
    segments = store.lexicons()
    postings: dict[str, list[PackedPostings]] = {}
    for term in terms:
        postings[term] = []
        for segment in segments:
            block = store.block(segment.id, term)
            packed = find_postings(block, term, segment.first_atom) if block is not None else None
            if packed is not None:
                postings[term].append(packed)
    return postings


def terms_with_prefix(block: bytes, prefix: str) -> dict[str, int]:
    """Find the terms of a block that begin alike.

    Args:
        block: the bytes of the block.
        prefix: the beginning of the terms.

    Returns:
        The number of atoms that hold each.

    Raises:
        DamagedCrystalError: The block does not decode.
    """
    opened = open_block(block)
    return {term: int(opened.counts[place]) for place, term in enumerate(opened.terms) if term.startswith(prefix)}


def build_blocks(counts: Iterable[Mapping[str, int]], first_atom: int) -> Iterator[Block]:
    """Index consecutive atoms.

    Args:
        counts: each atom's term frequencies.
        first_atom: the number of the first of these atoms.

    Returns:
        The blocks of one segment, in order of their terms.
    """
    atoms: dict[str, list[int]] = {}
    frequencies: dict[str, list[int]] = {}
    for atom, terms in enumerate(counts, first_atom):
        for term, count in terms.items():
            atoms.setdefault(term, []).append(atom)
            frequencies.setdefault(term, []).append(min(count, 4))
    return _pack(
        (term, len(atoms[term]), _encode(atoms[term], frequencies[term], first_atom)) for term in sorted(atoms)
    )


def find_postings(block: bytes, term: str, first_atom: int) -> PackedPostings | None:
    """Find a term in a block.

    Args:
        block: the bytes of the block.
        term: the term.
        first_atom: the first atom of the block's segment.

    Returns:
        The term's postings, or None when the block does not have the term.

    Raises:
        DamagedCrystalError: The block does not decode.
    """
    found = find_in_block(block, term)
    return None if found is None else PackedPostings(found[0], first_atom, found[1])


def decode_block(block: bytes, first_atom: int) -> Iterator[tuple[str, Postings]]:
    """Decode every term of a block with its postings, in order.

    Args:
        block: the bytes of the block.
        first_atom: the first atom of the block's segment.

    Raises:
        DamagedCrystalError: The block does not decode.
    """
    for term, df, data in open_block(block).entries():
        yield term, PackedPostings(df, first_atom, data).decode()


def renumber_block(
    block: bytes, first_atom: int, numbers: Int64Array, base: int, only: str | None = None
) -> bytes | None:
    """Give the atoms of a block other numbers, and leave some of them out.

    Args:
        block: the bytes of the block.
        first_atom: the first atom of the block's segment.
        numbers: int64 [atoms], the new number of each atom, rising; -1 for one that is left out.
        base: the first atom of the new segment.
        only: the only term to keep; None for all.

    Returns:
        The bytes of a block without the terms that no atom is left of; None without any term.

    Raises:
        DamagedCrystalError: The block does not decode, or names atoms that are not there.
    """
    found: Iterable[tuple[str, Postings]]
    if only is None:
        found = decode_block(block, first_atom)
    else:
        packed = find_postings(block, only, first_atom)
        found = [(only, packed.decode())] if packed is not None else []

    def entries() -> Iterator[tuple[str, int, bytes]]:
        for term, (atoms, frequencies) in found:
            if not len(atoms) or int(atoms.min()) < 0 or int(atoms.max()) >= len(numbers):
                raise _damaged("postings of the lexical index name atoms that are not there")
            renumbered = numbers[atoms]
            kept = renumbered >= 0
            if kept.any():
                yield term, int(kept.sum()), _encode_long(renumbered[kept], frequencies[kept], base)

    # No number grows, so that the terms of one block fit into one.
    return next((packed_block.data for packed_block in _pack(entries())), None)


def merge_blocks(segments: Sequence[tuple[int, Iterable[bytes]]]) -> Iterator[Block]:
    """Merge segments into one.

    Args:
        segments: for each segment its first atom and its blocks, in order of the atoms.

    Returns:
        The blocks of the merged segment, in order of their terms.

    Raises:
        DamagedCrystalError: A block does not decode, or atoms are out of order.
    """
    base = segments[0][0]

    def entries(order: int, first: int, blocks: Iterable[bytes]) -> Iterator[_Entry]:
        for block in blocks:
            for term, df, data in open_block(block).entries():
                yield term, order, df, data, first

    def merged() -> Iterator[tuple[str, int, bytes]]:
        group: list[_Entry] = []
        streams = [entries(order, first, blocks) for order, (first, blocks) in enumerate(segments)]
        for entry in heapq.merge(*streams):
            if group and entry[0] != group[0][0]:
                yield _join(group, base)
                group = []
            group.append(entry)
        if group:
            yield _join(group, base)

    return _pack(merged())


def _damaged(what: str) -> DamagedCrystalError:
    return DamagedCrystalError(None, what)


# Of one term in one segment: the term, the segment's order, df, the encoded postings, the segment's
# first atom.
_Entry = tuple[str, int, int, bytes, int]


def _join(group: list[_Entry], base: int) -> tuple[str, int, bytes]:
    """Join one term's postings of several segments: the term, its df, gaps from `base` on."""
    term, _, df, data, first = group[0]
    if len(group) == 1:
        return term, df, _from_base(data, first - base) if first > base else data
    total = sum(entry[2] for entry in group)
    out_of_order = "postings of the lexical index are out of order; run `crystal repair`"
    if total <= _SHORT:
        atoms: list[int] = []
        frequencies: list[int] = []
        for _, _, df, data, first in group:
            _decode_short(data, df, first, atoms, frequencies)
        if sorted(atoms) != atoms:
            raise _damaged(out_of_order)
        return term, total, _encode(atoms, frequencies, base)
    segments = [PackedPostings(df, first, data).decode() for _, _, df, data, first in group]
    long_atoms = np.concatenate([postings.atoms for postings in segments])
    if (np.diff(long_atoms) < 0).any():
        raise _damaged(out_of_order)
    return term, total, _encode_long(long_atoms, np.concatenate([postings.frequencies for postings in segments]), base)


def _from_base(data: bytes, shift: int) -> bytes:
    """Count the first gap of encoded postings from an atom that is `shift` earlier."""
    gap = end = 0
    while end < min(len(data), 8):
        gap |= (data[end] & 127) << 7 * end
        end += 1
        if data[end - 1] < 128:
            break
    gap += shift
    first = bytearray()
    while gap > 127:
        first.append(gap & 127 | 128)
        gap >>= 7
    first.append(gap)
    return bytes(first) + data[end:]


def _pack(entries: Iterable[tuple[str, int, bytes]]) -> Iterator[Block]:
    """Pack terms, in order, with their df and postings into blocks of about `_BLOCK_SIZE` bytes."""
    terms: list[str] = []
    counts: list[int] = []
    bodies: list[bytes] = []
    size = 0

    def block() -> Block:
        return Block(terms[0], pack_block(terms, counts, bodies))

    for term, df, body in entries:
        if terms and (size + len(body) > _BLOCK_SIZE or len(terms) == 0xFFFF):
            yield block()
            terms, counts, bodies, size = [], [], [], 0
        terms.append(term)
        counts.append(df)
        bodies.append(body)
        size += len(body) + 6
    if terms:
        yield block()


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
    """Append a term's postings to the lists: `PackedPostings.decode` without numpy, for a few."""
    gap = shift = count = 0
    atom = first_atom
    gaps = max(0, len(data) - -(-df // 4))
    for byte in data[:gaps]:
        gap |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            atom += gap
            atoms.append(atom)
            gap = shift = 0
            count += 1
    if count != df or shift:
        raise _damaged("postings of the lexical index contradict their count")
    frequencies.extend((data[gaps + index // 4] >> 2 * (index % 4) & 3) + 1 for index in range(df))


def _encode_long(atoms: Int64Array, frequencies: UInt8Array, first_atom: int) -> bytes:
    gaps = varint.encode(np.diff(atoms, prepend=first_atom))
    codes = np.zeros(-(-len(atoms) // 4) * 4, np.uint8)
    codes[: len(atoms)] = frequencies - 1
    quads = codes.reshape(-1, 4)
    packed = quads[:, 0] | quads[:, 1] << 2 | quads[:, 2] << 4 | quads[:, 3] << 6
    return gaps + packed.astype(np.uint8).tobytes()
