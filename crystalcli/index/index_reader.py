"""The resident index of a crystal: the segment, chunk and codes of each atom.

Resident are the atoms' codes, a length byte for each atom, three numbers for each chunk, and a row
for each segment. Clusters, units, spans and text are read from the file when a candidate needs
them; those that were read last are cached, up to a fixed number of bytes.

Knows: segments, the tree, codes, runs. Does not know: terms, questions, scores.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.index.byte_cache import ByteCache
from crystalcli.index.segment_reader import SegmentReader, check_row, chunk_lengths, open_segment
from crystalcli.index.tree import NodeTree, ranges
from crystalcli.lexical import varint
from crystalcli.storage import (
    PartSlice,
    RunRow,
    SegmentRow,
    SourceRow,
    Store,
    check_seal,
    contexts_of,
    runs_by_chunk,
    stored_parts,
)
from crystalcli.vectors import CODE_BYTES, PairedCodes, codes_from_bytes

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.datatypes import Int64Array, UInt8Array, UInt16Array

_BATCH = 128  # segments whose codes are in memory at a time


class _NodeRange(NamedTuple):
    """The nodes `[first, end)` of a layer of a segment, which is given by its index."""

    layer: str
    segment: int
    first: int
    end: int


class Subtree(NamedTuple):
    """The nodes under some atoms, in order. An atom of a segment without layers has none.

    Attributes:
        clusters: Codes of the clusters, uint8 [n, 12].
        owners: The index of each cluster's atom among the atoms, int64 [n].
        units: Codes of the units, uint8 [m, 4].
        parents: The index of each unit's cluster in `clusters`, int64 [m].
        cluster_numbers: The numbers of the clusters in the crystal, int64 [n].
        unit_numbers: The numbers of the units, int64 [m].
    """

    clusters: UInt8Array
    owners: Int64Array
    units: UInt8Array
    parents: Int64Array
    cluster_numbers: Int64Array
    unit_numbers: Int64Array


class AtomLocation(NamedTuple):
    """The location of an atom's text.

    Attributes:
        chunk: The number of its chunk.
        text: The text of the chunk.
        start: The atom's first character, in the chunk.
        end: The character after its last.
        units: The spans of its units, in characters of the chunk.
        first_unit: The number of its first unit, in the segment.
        segment: The index of its segment in `IndexReader.segments`.
    """

    chunk: int
    text: str
    start: int
    end: int
    units: list[tuple[int, int]]
    first_unit: int
    segment: int


class IndexReader:
    """The index of a crystal as of one commit; made anew when `Store.version` has changed.

    Attributes:
        store: The open crystal.
        segments: The rows of its segments.
        atoms: The number of its atoms.
        encoded: Whether every segment has layers.
        lengths: The number of terms of each atom, at most 255, uint8 [atoms].
        atom_codes: The codes of the atoms; None when no segment has layers.
        nesting: The tree of its nodes.
        dead: Whether each atom is in no document any more, bool [atoms]; None when all are in one.
        kept: The cache of parts that were read last.
    """

    def __init__(self, store: Store) -> None:
        """Read the resident part of a crystal.

        Args:
            store: The open crystal.

        Raises:
            DamagedCrystalError: A segment contradicts itself or another.
        """
        self.store = store
        self.segments = store.segments()
        self._first_chunks = [segment.first_chunk for segment in self.segments]
        self.atoms = self.segments[-1].first_atom + self.segments[-1].atoms if self.segments else 0
        self.encoded = bool(self.segments) and all(segment.encoded for segment in self.segments)
        self.kept = ByteCache()
        # By layer, whether the digest of each segment's codes has been compared, a byte for each.
        self._compared = {name: bytearray(len(self.segments)) for name in ("clusters", "units")}
        self.atom_codes: PairedCodes | None = None
        self._vouched: set[int] = set()
        self._load()
        self._first_atoms = np.array([segment.first_atom for segment in self.segments], np.int64)
        self._first_clusters = self.nesting.clusters[self._first_chunks].astype(np.int64)
        self._first_units = self.nesting.units[self._first_chunks].astype(np.int64)
        self.dead = self._dead_atoms()

    def _load(self) -> None:
        """Read the resident parts, some segments at a time.

        Memory is allocated by sizes that were checked against the file.
        """
        lengths: list[bytes] = []
        tokens: list[UInt16Array] = []
        previous: SegmentRow | None = None
        for start in range(0, len(self.segments), _BATCH):
            rows, spans = self.segments[start : start + _BATCH], []
            ids = [row.id for row in rows]
            for row, parts in zip(rows, stored_parts(self.store, ids, ("lengths", "spans")), strict=True):
                check_row(self.store, row, previous, len(self._part(parts, row, "spans")))
                previous = row
                if len(self._part(parts, row, "lengths")) != row.atoms:
                    raise self._contradiction(row)
                lengths.append(parts["lengths"])
                spans.append(parts["spans"])
            tokens += self._tokens(rows, spans)
        self.lengths = np.frombuffer(b"".join(lengths), np.uint8)
        if sum(row.tokens for row in self.segments) >= 1 << 31:  # nodes are numbered in 32 bits
            raise self.store.damaged("it counts more tokens than a crystal can hold")
        self.nesting = NodeTree(np.concatenate([np.zeros(0, np.uint16), *tokens]))
        for row in self.segments:
            last = row.first_chunk + row.chunks
            for count, firsts in (
                (row.atoms, self.nesting.atoms),
                (row.clusters, self.nesting.clusters),
                (row.units, self.nesting.units),
            ):
                if firsts[last] - firsts[row.first_chunk] != count:
                    raise self._contradiction(row)
        encoded = [row for row in self.segments if row.encoded]
        if encoded:
            self.atom_codes = PairedCodes(self.atoms, CODE_BYTES["atoms"])
            ids = [row.id for row in encoded]
            for row, parts in zip(encoded, stored_parts(self.store, ids, ("atoms",)), strict=True):
                codes = codes_from_bytes(self._part(parts, row, "atoms"), "atoms", row.atoms)
                self.atom_codes.fill(row.first_atom, codes)

    def _part(self, parts: dict[str, bytes], row: SegmentRow, name: str) -> bytes:
        """Take a part of a segment out of those that were read."""
        if name not in parts:
            raise self.store.damaged(f"part {name} of segment {row.id} is missing")
        return parts[name]

    def _tokens(self, rows: Sequence[SegmentRow], spans: Sequence[bytes]) -> Iterator[UInt16Array]:
        """Decode the number of tokens of each chunk from the spans of some segments."""
        try:
            decoded = varint.decode_slices(spans, [(3 * row.chunks, row.chunks) for row in rows])
        except ValueError as error:
            if len(rows) == 1:
                raise self.store.damaged(f"spans of segment {rows[0].id}: {error}") from error
            for row, part in zip(rows, spans, strict=True):  # which one it is
                yield from self._tokens([row], [part])
            return
        for row, tokens in zip(rows, decoded, strict=True):
            if len(tokens) and (int(tokens.max()) > 0xFFFF or int(tokens.sum()) != row.tokens):
                raise self._contradiction(row)
            yield tokens.astype(np.uint16)

    def _contradiction(self, row: SegmentRow) -> DamagedCrystalError:
        return self.store.damaged(f"segment {row.id} contradicts its counts")

    @cached_property
    def mean_length(self) -> float:
        """The mean number of terms of an atom; 0 without atoms."""
        return float(self.lengths.mean(dtype=np.float64)) if self.atoms else 0.0

    # --- segments and their codes -----------------------------------------------------------------

    def segment_of(self, atoms: Int64Array) -> Int64Array:
        """Find the index in `segments` of each atom's segment, int64."""
        return np.searchsorted(self._first_atoms, atoms, side="right") - 1

    def segment_with(self, chunk: int) -> int:
        """Find the index in `segments` of the segment that holds a chunk.

        Raises:
            DamagedCrystalError: The chunk does not exist.
        """
        last = self.segments[-1] if self.segments else None
        if last is None or not 0 <= chunk < last.first_chunk + last.chunks:
            raise self.store.damaged(f"chunk {chunk} does not exist")
        return bisect_right(self._first_chunks, chunk) - 1

    def view(self, index: int) -> SegmentReader:
        """Read the spans and the tree of a segment, by its index in `segments`."""
        cached: SegmentReader | None = self.kept.get(("view", index))
        if cached is None:
            cached = open_segment(self.store, self.segments[index])
            self.kept.put(("view", index), cached, sum(part.nbytes for part in (*cached.spans, *cached[2:])))
        return cached

    def chunk_ranges(self, first: int, end: int) -> Iterator[tuple[SegmentReader, int, int]]:
        """Divide the chunks `[first, end)` by segment.

        Yields:
            A segment, and the range of the chunks as offsets in it.

        Raises:
            DamagedCrystalError: A chunk does not exist.
        """
        for index, low, high in self._segment_ranges(first, end):
            yield self.view(index), low, high

    def _segment_ranges(self, first: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Divide the chunks `[first, end)` as `chunk_ranges` does, by the index of the segment."""
        while first < end:
            index = self.segment_with(first)
            row = self.segments[index]
            low, high = first - row.first_chunk, min(end - row.first_chunk, row.chunks)
            yield index, low, high
            first = row.first_chunk + high

    def codes(self, index: int) -> tuple[UInt8Array, UInt8Array]:
        """Read the codes of a segment's clusters and units, by its index in `segments`."""
        ((clusters, units),) = self._layers([index], ("clusters", "units"))
        return clusters, units

    def units(self, index: int, first: int, end: int) -> UInt8Array:
        """Read the codes of the units `[first, end)` of a segment, by its index in `segments`."""
        (codes,) = self._stretches([_NodeRange("units", index, first, end)])
        return codes_from_bytes(codes, "units", end - first)

    def _layers(self, indices: Sequence[int], names: Sequence[str]) -> Iterator[tuple[UInt8Array, ...]]:
        """Read for each segment the codes of the layers called `names`."""
        for start in range(0, len(indices), _BATCH):
            batch = indices[start : start + _BATCH]
            layers = {(name, index): self.kept.get((name, index)) for index in batch for name in names}
            missing = [index for index in batch if any(layers[name, index] is None for name in names)]
            rows = [self.segments[index] for index in missing]
            for index, row, parts in zip(
                missing, rows, stored_parts(self.store, [row.id for row in rows], names), strict=True
            ):
                for name in names:
                    codes = codes_from_bytes(self._part(parts, row, name), name, getattr(row, name))
                    layers[name, index] = codes
                    self.kept.put((name, index), codes, codes.nbytes)
                    self._compared[name][index] = 1
            for index in batch:
                yield tuple(layers[name, index] for name in names)

    def _stretches(self, wanted: Sequence[_NodeRange]) -> list[bytes]:
        """Read the codes of ranges of nodes.

        The digest is that of all nodes of a segment, so that a segment is read whole the first time
        and in stretches from then on: most candidates are the only one of their segment.
        """
        names = sorted({name for name, _, _, _ in wanted})
        whole = {(name, index): self.kept.get((name, index)) for name, index, _, _ in wanted}
        unread = {index for (name, index), codes in whole.items() if codes is None and not self._compared[name][index]}
        for index, layers in zip(sorted(unread), self._layers(sorted(unread), names), strict=True):
            whole.update(((name, index), codes) for name, codes in zip(names, layers, strict=True))
        slices = [
            PartSlice(self.segments[index].id, name, first * CODE_BYTES[name], (end - first) * CODE_BYTES[name])
            for name, index, first, end in wanted
            if whole[name, index] is None
        ]
        read = iter(self.store.part_slices(slices))
        return [
            next(read) if (codes := whole[name, index]) is None else codes[first:end].tobytes()
            for name, index, first, end in wanted
        ]

    @cached_property
    def kinds_and_states(self) -> frozenset[tuple[str, str]]:
        """Each pair of a kind and a state that documents with text have."""
        return frozenset(self.store.kinds_and_states())

    def below(self, atoms: Int64Array, units: bool = True) -> Subtree:
        """Read the codes of the nodes under some atoms.

        Args:
            atoms: The numbers of the atoms, int64 [n], rising.
            units: Whether to read units, too.
        """
        segments = self.segment_of(atoms)
        encoded = np.array([bool(self.segments[index].encoded) for index in segments], bool)
        with_layers = np.flatnonzero(encoded)
        clusters, owners = ranges(*self.nesting.clusters_of(atoms[with_layers]))
        cluster_segments = segments[with_layers][owners]
        wanted = [("clusters", clusters, cluster_segments, self._first_clusters)]
        unit_numbers, parents = np.zeros(0, np.int64), np.zeros(0, np.int64)
        if units:
            unit_numbers, parents = ranges(*self.nesting.units_of(clusters))
            wanted.append(("units", unit_numbers, cluster_segments[parents], self._first_units))
        codes = self._gather(sorted(set(segments[with_layers].tolist())), wanted)
        unit_codes = codes.get("units", np.zeros((0, CODE_BYTES["units"]), np.uint8))
        return Subtree(codes["clusters"], with_layers[owners], unit_codes, parents, clusters, unit_numbers)

    def _gather(
        self, indices: Sequence[int], wanted: Sequence[tuple[str, Int64Array, Int64Array, Int64Array]]
    ) -> dict[str, UInt8Array]:
        """Gather the codes of nodes.

        Args:
            indices: The indices of the nodes' segments, rising.
            wanted: For each layer its name, the numbers of the nodes, rising, the segment of each,
                and the first node of every segment.

        Returns:
            The codes by layer, in the order of the nodes.
        """
        gathered = {name: np.empty((len(numbers), CODE_BYTES[name]), np.uint8) for name, numbers, *_ in wanted}
        bounds = [np.searchsorted(segments, [*indices, len(self.segments)]) for _, _, segments, _ in wanted]
        for start in range(0, len(indices), _BATCH):
            batch = indices[start : start + _BATCH]
            ranges: list[_NodeRange] = []
            for (name, numbers, _, firsts), bound in zip(wanted, bounds, strict=True):
                low, high = bound[start : start + len(batch)], bound[start + 1 : start + 1 + len(batch)]
                first, end = numbers[low] - firsts[batch], numbers[high - 1] + 1 - firsts[batch]
                ranges += map(_NodeRange, [name] * len(batch), batch, first.tolist(), end.tolist())
            codes = self._stretches(ranges)
            for layer, ((name, numbers, _, _), bound) in enumerate(zip(wanted, bounds, strict=True)):
                edges = bound[start : start + 1 + len(batch)]
                first, last = numbers[edges[:-1]], numbers[edges[1:] - 1]
                # From numbers in the crystal to rows of the stretches, one after the other.
                ends = np.cumsum(last + 1 - first)
                shift = ends - last - 1
                rows = slice(edges[0], edges[-1])
                of_layer = b"".join(codes[layer * len(batch) : (layer + 1) * len(batch)])
                stretches = codes_from_bytes(of_layer, name, int(ends[-1]))
                gathered[name][rows] = stretches[numbers[rows] + np.repeat(shift, np.diff(edges))]
        return gathered

    def text(self, index: int) -> bytes:
        """Read the text of a segment as UTF-8, by its index in `segments`."""
        cached: bytes | None = self.kept.get(("text", index))
        if cached is None:
            cached = self.store.text(self.segments[index].id)
            self.kept.put(("text", index), cached, len(cached))
        return cached

    def _dead_atoms(self) -> npt.NDArray[np.bool_] | None:
        """Find the atoms whose chunk is in no document any more; None when there are none."""
        chunks = len(self.nesting.atoms) - 1
        references = np.zeros(chunks + 1, np.int32)
        for runs in runs_by_chunk(self.store, chunks):
            first, end = np.array(runs, np.int64).T
            end += first
            if not ((first >= 0) & (first < end) & (end <= chunks)).all():
                raise self.store.damaged("a document refers to chunks that are not there")
            np.add.at(references, first, 1)
            np.subtract.at(references, end, 1)
        np.cumsum(references, out=references)
        alive = references[:-1] > 0
        return None if alive.all() else np.repeat(~alive, np.diff(self.nesting.atoms))

    def vouch(self, source: SourceRow) -> SourceRow:
        """Check a document's row, runs and landmarks against their seal, before it is cited.

        Returns:
            The same row.

        Raises:
            DamagedCrystalError: The seal does not match.
        """
        if source.id not in self._vouched:
            check_seal(self.store, source)
            self._vouched.add(source.id)
        return source

    # --- chunks, atoms and text -------------------------------------------------------------------

    def chunk_of(self, atom: int) -> int:
        """Return the number of the chunk that holds an atom."""
        return int(self.nesting.chunk_of(np.array([atom]))[0])

    def first_atom(self, chunk: int) -> int:
        """Return the number of a chunk's first atom."""
        return int(self.nesting.atoms[chunk])

    def tokens_of(self, chunk: int) -> int:
        """Return the number of tokens that a chunk was laid out by."""
        segment = self.view(self.segment_with(chunk))
        return int(segment.spans.tokens[chunk - segment.row.first_chunk])

    def place(self, atom: int) -> AtomLocation:
        """Find the text of an atom.

        Raises:
            DamagedCrystalError: The atom's chunk cannot be read, or its units exceed its text.
        """
        index = int(self.segment_of(np.array([atom]))[0])
        segment = self.view(index)
        local = atom - segment.row.first_atom
        chunk = int(np.searchsorted(segment.chunk_atoms, local, side="right")) - 1
        first_unit = int(segment.cluster_units[segment.atom_clusters[local]])
        last_unit = int(segment.cluster_units[segment.atom_clusters[local + 1]])
        base = int(segment.chunk_units[chunk])
        bounds = segment.unit_bounds(chunk).tolist()
        units = [(bounds[unit - base], bounds[unit - base + 1]) for unit in range(first_unit, last_unit)]
        number = segment.row.first_chunk + chunk
        text = self.chunk_text(number)
        if bounds[-1] > len(text):
            raise self.store.damaged(f"units of chunk {number} end behind its text")
        return AtomLocation(number, text, units[0][0], units[-1][1], units, first_unit, index)

    def chunk_text(self, chunk: int) -> str:
        """Read a chunk's exact text.

        Raises:
            DamagedCrystalError: The chunk does not exist, or its text contradicts its counts.
        """
        index = self.segment_with(chunk)
        segment = self.view(index)
        local = chunk - segment.row.first_chunk
        start = int(segment.spans.bytes[:local].sum())
        data = self.text(index)[start : start + int(segment.spans.bytes[local])]
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise self.store.damaged(f"chunk {chunk} is not UTF-8") from error
        if len(text) != int(segment.spans.characters[local]):
            raise self.store.damaged(f"chunk {chunk}: the length of its text does not match its count")
        return text

    def context_of(self, chunk: int) -> str:
        """Read the context of a chunk; "" where there is none."""
        index = self.segment_with(chunk)
        contexts: list[str] | None = self.kept.get(("contexts", index))
        if contexts is None:
            contexts = contexts_of(self.store, self.segments[index])
            self.kept.put(("contexts", index), contexts, sum(map(len, contexts)) + 64 * len(contexts))
        return contexts[chunk - self.segments[index].first_chunk]

    def keys_of(self, chunks: Sequence[int]) -> list[bytes]:
        """Read the hash of the text of each chunk, 16 bytes."""
        indices = [self.segment_with(chunk) for chunk in chunks]
        hashes = {index: self.kept.get(("hashes", index)) for index in indices}
        missing = sorted(index for index, stored in hashes.items() if stored is None)
        rows = [self.segments[index] for index in missing]
        parts = stored_parts(self.store, [row.id for row in rows], ("hashes",))
        for index, row, found in zip(missing, rows, parts, strict=True):
            stored = self._part(found, row, "hashes")
            if len(stored) != 16 * row.chunks:
                raise self._contradiction(row)
            hashes[index] = stored
            self.kept.put(("hashes", index), stored, len(stored))
        offsets = [
            16 * (chunk - self.segments[index].first_chunk) for chunk, index in zip(chunks, indices, strict=True)
        ]
        return [hashes[index][offset : offset + 16] for index, offset in zip(indices, offsets, strict=True)]

    def before(self, run: RunRow, chunk: int) -> tuple[int, int]:
        """Count the characters and newlines of a run's document before a chunk of the run."""
        characters, lines = run.start, run.lines
        for index, low, high in self._segment_ranges(run.first_chunk, chunk):
            of_chunks = self._chunk_lengths(index)[:, low:high].sum(1)
            characters += int(of_chunks[0])
            lines += int(of_chunks[1])
        return characters, lines

    def _chunk_lengths(self, index: int) -> Int64Array:
        """Read the characters and the newlines of a segment's chunks, int64 [2, chunks]."""
        lengths: Int64Array | None = self.kept.get(("chunks", index))
        if lengths is None:
            lengths = chunk_lengths(self.store, self.segments[index])
            self.kept.put(("chunks", index), lengths, lengths.nbytes)
        return lengths

    def span_text(self, source: SourceRow, start: int = 0, end: int | None = None) -> str:
        """Read a document's exact text `[start, end)`; by default all of it."""
        end = source.characters if end is None else end
        pieces = []
        for run in self.store.runs_of(source.id):
            position = run.start
            for chunk in range(run.first_chunk, run.first_chunk + run.chunks):
                if position >= end:
                    break
                segment = self.view(self.segment_with(chunk))
                length = int(segment.spans.characters[chunk - segment.row.first_chunk])
                if position + length > start:
                    pieces.append(self.chunk_text(chunk)[max(0, start - position) : end - position])
                position += length
        return "".join(pieces)
