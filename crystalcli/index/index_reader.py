"""A crystal as recall sees it: which segment, chunk, document and place an atom belongs to, and the codes below it.

What is resident: the atoms' codes, a length byte per atom, three numbers per chunk, and a row per segment. Clusters, units, spans
and text are read from the file when a candidate needs them; what was read last is kept, up to a fixed number of bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.index.byte_cache import ByteCache
from crystalcli.index.segment_reader import SegmentReader, check_row, open_segment
from crystalcli.index.tree import NodeTree, ranges
from crystalcli.lexical import varint
from crystalcli.storage import (
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

    Integers = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.uint8]

_ABREAST = 32  # segments whose codes are in memory at a time


class Subtree(NamedTuple):
    """The nodes under some atoms, in order. clusters: codes, uint8 [n, 12]; owners: which of the atoms each is under, int64 [n].

    units: codes, uint8 [m, 4]; parents: which of the clusters each is under, int64 [m]. An atom of a segment without layers has none.
    """

    clusters: Codes
    owners: Integers
    units: Codes
    parents: Integers


class AtomLocation(NamedTuple):
    """Where an atom's text is: its chunk's number and text, and the atom's character span in that text."""

    chunk: int
    text: str
    start: int
    end: int
    units: list[tuple[int, int]]  # character spans in the chunk of the atom's units
    first_unit: int  # number of the atom's first unit in its segment
    segment: int  # index in Shelf.segments


class IndexReader:
    """Everything that recall needs to know of a store. Make a new one when `Store.version` has changed.

    lengths: terms in each atom, uint8 [atoms]. atom_codes: None when no segment has layers. dead: which atoms no document refers
    to, or None. kept: what was read last. Raises DamagedCrystalError when the segments contradict themselves or one another.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.segments = store.segments()
        self._first_chunks = [segment.first_chunk for segment in self.segments]
        self.atoms = self.segments[-1].first_atom + self.segments[-1].atoms if self.segments else 0
        self.encoded = bool(self.segments) and all(segment.encoded for segment in self.segments)
        self.kept = ByteCache()
        self.atom_codes: PairedCodes | None = None
        self._vouched: set[int] = set()
        self._load()
        self._firsts = np.array([segment.first_atom for segment in self.segments], np.int64)
        self._first_clusters = self.nesting.clusters[self._first_chunks].astype(np.int64)
        self._first_units = self.nesting.units[self._first_chunks].astype(np.int64)
        self.dead = self._dead_atoms()

    def _load(self) -> None:
        """Read what is resident, some segments at a time; only sizes that the file has shown are believed."""
        lengths, tokens = [], []
        ids = [row.id for row in self.segments]
        before: SegmentRow | None = None
        for row, found in zip(self.segments, stored_parts(self.store, ids, ("lengths", "spans")), strict=True):
            check_row(self.store, row, before, len(self._of(found, row, "spans")))
            before = row
            if len(self._of(found, row, "lengths")) != row.atoms:
                raise self._contradiction(row)
            lengths.append(found["lengths"])
            tokens.append(self._tokens(row, self._of(found, row, "spans")))
        self.lengths = np.frombuffer(b"".join(lengths), np.uint8)
        if sum(row.tokens for row in self.segments) >= 1 << 31:  # nodes are numbered in 32 bits
            raise self.store.damaged("it says to hold more tokens than a crystal can")
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
            for row, found in zip(
                encoded, stored_parts(self.store, [row.id for row in encoded], ("atoms",)), strict=True
            ):
                self.atom_codes.fill(
                    row.first_atom, codes_from_bytes(self._of(found, row, "atoms"), "atoms", row.atoms)
                )

    def _of(self, found: dict[str, bytes], row: SegmentRow, name: str) -> bytes:
        if name not in found:
            raise self.store.damaged(f"part {name} of segment {row.id} is missing")
        return found[name]

    def _tokens(self, row: SegmentRow, spans: bytes) -> npt.NDArray[np.uint16]:
        """The tokens of each chunk, out of a segment's spans."""
        try:
            tokens = varint.decode_slice(spans, 3 * row.chunks, row.chunks)
        except ValueError as error:
            raise self.store.damaged(f"spans of segment {row.id}: {error}") from error
        if len(tokens) and (int(tokens.max()) > 0xFFFF or int(tokens.sum()) != row.tokens):
            raise self._contradiction(row)
        return tokens.astype(np.uint16)

    def _contradiction(self, row: SegmentRow) -> DamagedCrystalError:
        return self.store.damaged(f"segment {row.id} contradicts its counts")

    # --- which nodes belong together ------------------------------------------------------------------

    def segment_of(self, atoms: Integers) -> Integers:
        """The index in `segments` of each atom's segment."""
        return np.searchsorted(self._firsts, atoms, side="right") - 1

    def segment_with(self, chunk: int) -> int:
        """The index in `segments` of the segment that holds `chunk`. Raises DamagedCrystalError when none does."""
        last = self.segments[-1] if self.segments else None
        if last is None or not 0 <= chunk < last.first_chunk + last.chunks:
            raise self.store.damaged(f"there is no chunk {chunk}")
        return bisect_right(self._first_chunks, chunk) - 1

    def view(self, index: int) -> SegmentReader:
        """The spans and nesting of a segment, by its index in `segments`."""
        found = self.kept.get(("view", index))
        if found is None:
            found = open_segment(self.store, self.segments[index])
            self.kept.put(("view", index), found, sum(part.nbytes for part in (*found.spans, *found[2:])))
        view: SegmentReader = found
        return view

    def codes(self, index: int) -> tuple[Codes, Codes]:
        """The codes of a segment's clusters and units, by its index in `segments`."""
        ((clusters, units),) = self._layers([index], ("clusters", "units"))
        return clusters, units

    def units(self, index: int) -> Codes:
        """The codes of a segment's units alone, by its index in `segments`."""
        ((units,),) = self._layers([index], ("units",))
        return units

    def _layers(self, indices: Sequence[int], names: Sequence[str]) -> Iterator[tuple[Codes, ...]]:
        """For each segment the codes of the layers called `names`."""
        for start in range(0, len(indices), _ABREAST):
            some = indices[start : start + _ABREAST]
            ready = {(name, index): self.kept.get((name, index)) for index in some for name in names}
            missing = [index for index in some if any(ready[name, index] is None for name in names)]
            rows = [self.segments[index] for index in missing]
            for index, row, found in zip(
                missing, rows, stored_parts(self.store, [row.id for row in rows], names), strict=True
            ):
                for name in names:
                    codes = codes_from_bytes(self._of(found, row, name), name, getattr(row, name))
                    ready[name, index] = codes
                    self.kept.put((name, index), codes, codes.nbytes)
            for index in some:
                yield tuple(ready[name, index] for name in names)

    def below(self, atoms: Integers, units: bool = True) -> Subtree:
        """The codes of the clusters, and of the units, under `atoms`, int64 [n], rising."""
        segments = self.segment_of(atoms)
        encoded = np.array([bool(self.segments[index].encoded) for index in segments], bool)
        of = np.flatnonzero(encoded)
        clusters, owners = ranges(*self.nesting.clusters_of(atoms[of]))
        cluster_segments = segments[of][owners]
        wanted = [("clusters", clusters, cluster_segments, self._first_clusters)]
        below, parents = np.zeros(0, np.int64), np.zeros(0, np.int64)
        if units:
            below, parents = ranges(*self.nesting.units_of(clusters))
            wanted.append(("units", below, cluster_segments[parents], self._first_units))
        codes = self._gathered(np.unique(segments[of]).tolist(), wanted)
        return Subtree(
            codes["clusters"], of[owners], codes.get("units", np.zeros((0, CODE_BYTES["units"]), np.uint8)), parents
        )

    def _gathered(
        self, indices: Sequence[int], wanted: Sequence[tuple[str, Integers, Integers, Integers]]
    ) -> dict[str, Codes]:
        """The codes of nodes, rising, per layer: (its name, the nodes, the segment of each, the first node of every segment)."""
        names = [name for name, *_ in wanted]
        gathered = {name: np.empty((len(numbers), CODE_BYTES[name]), np.uint8) for name, numbers, *_ in wanted}
        bounds = [np.searchsorted(of, [*indices, len(self.segments)]).tolist() for _, _, of, _ in wanted]
        for place, (index, layers) in enumerate(zip(indices, self._layers(indices, names), strict=True)):
            for (name, numbers, _, firsts), at, codes in zip(wanted, bounds, layers, strict=True):
                here = slice(at[place], at[place + 1])
                gathered[name][here] = codes[numbers[here] - firsts[index]]
        return gathered

    def text(self, index: int) -> bytes:
        """The text of a segment as UTF-8, by its index in `segments`."""
        found: bytes | None = self.kept.get(("text", index))
        if found is None:
            found = self.store.text(self.segments[index].id)
            self.kept.put(("text", index), found, len(found))
        return found

    def _dead_atoms(self) -> npt.NDArray[np.bool_] | None:
        """Atoms whose chunk no document refers to any more, or None when there are none."""
        chunks = len(self.nesting.atoms) - 1
        alive = np.zeros(chunks + 1, np.int32)
        for first, count in runs_by_chunk(self.store, chunks):
            if not 0 <= first < first + count <= chunks:
                raise self.store.damaged("a document refers to chunks that are not there")
            alive[first] += 1
            alive[first + count] -= 1
        np.cumsum(alive, out=alive)
        living = alive[:-1] > 0
        return None if living.all() else np.repeat(~living, np.diff(self.nesting.atoms))

    def vouch(self, source: SourceRow) -> SourceRow:
        """The source, once its row, runs and landmarks match their seal: before anything is cited by them.

        Raises DamagedCrystalError.
        """
        if source.id not in self._vouched:
            check_seal(self.store, source)
            self._vouched.add(source.id)
        return source

    # --- where things are -------------------------------------------------------------------------------

    def chunk_of(self, atom: int) -> int:
        """The number of the chunk that holds an atom."""
        return int(self.nesting.chunk_of(np.array([atom]))[0])

    def first_atom(self, chunk: int) -> int:
        """The number of a chunk's first atom."""
        return int(self.nesting.atoms[chunk])

    def tokens_of(self, chunk: int) -> int:
        """How many tokens a chunk was laid out by."""
        view = self.view(self.segment_with(chunk))
        return int(view.spans.tokens[chunk - view.row.first_chunk])

    def place(self, atom: int) -> AtomLocation:
        """Where an atom's text is."""
        index = int(self.segment_of(np.array([atom]))[0])
        view = self.view(index)
        local = atom - view.row.first_atom
        chunk = int(np.searchsorted(view.chunk_atoms, local, side="right")) - 1
        first_unit = int(view.cluster_units[view.atom_clusters[local]])
        last_unit = int(view.cluster_units[view.atom_clusters[local + 1]])
        base = int(view.chunk_units[chunk])
        bounds = view.unit_bounds(chunk).tolist()
        units = [(bounds[unit - base], bounds[unit - base + 1]) for unit in range(first_unit, last_unit)]
        text = self.chunk_text(view.row.first_chunk + chunk)
        if bounds[-1] > len(text):
            raise self.store.damaged(f"units of chunk {view.row.first_chunk + chunk} end behind its text")
        return AtomLocation(view.row.first_chunk + chunk, text, units[0][0], units[-1][1], units, first_unit, index)

    def chunk_text(self, chunk: int) -> str:
        """A chunk's exact text."""
        index = self.segment_with(chunk)
        view = self.view(index)
        local = chunk - view.row.first_chunk
        start = int(view.spans.bytes[:local].sum())
        data = self.text(index)[start : start + int(view.spans.bytes[local])]
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise self.store.damaged(f"chunk {chunk} is not UTF-8") from error
        if len(text) != int(view.spans.characters[local]):
            raise self.store.damaged(f"chunk {chunk} has not the length it says")
        return text

    def context_of(self, chunk: int) -> str:
        """What a chunk stands in, "" where nothing is known."""
        index = self.segment_with(chunk)
        found: list[str] | None = self.kept.get(("contexts", index))
        if found is None:
            found = contexts_of(self.store, self.segments[index])
            self.kept.put(("contexts", index), found, sum(map(len, found)) + 64 * len(found))
        return found[chunk - self.segments[index].first_chunk]

    def key_of(self, chunk: int) -> bytes:
        """The hash of a chunk's text."""
        index = self.segment_with(chunk)
        found: bytes | None = self.kept.get(("hashes", index))
        if found is None:
            row = self.segments[index]
            found = self.store.part(row.id, "hashes")
            if len(found) != 16 * row.chunks:
                raise self._contradiction(row)
            self.kept.put(("hashes", index), found, len(found))
        at = 16 * (chunk - self.segments[index].first_chunk)
        return found[at : at + 16]

    def before(self, run: RunRow, chunk: int) -> tuple[int, int]:
        """Characters and newlines of a run's document before `chunk`, which the run holds."""
        characters, lines = run.start, run.lines
        for segment, low, high in self.chunk_ranges(run.first_chunk, chunk):
            characters += int(segment.spans.characters[low:high].sum())
            lines += int(segment.spans.newlines[low:high].sum())
        return characters, lines

    def chunk_ranges(self, first: int, end: int) -> Iterator[tuple[SegmentReader, int, int]]:
        """Go through the chunks `[first, end)` segment by segment: the segment, and the range of its chunks."""
        while first < end:
            segment = self.view(self.segment_with(first))
            low = first - segment.row.first_chunk
            high = min(end - segment.row.first_chunk, segment.row.chunks)
            yield segment, low, high
            first = segment.row.first_chunk + high

    def span_text(self, source: SourceRow, start: int = 0, end: int | None = None) -> str:
        """A document's exact text `[start, end)`, or all of it, put together from its chunks."""
        end = source.characters if end is None else end
        found = []
        for run in self.store.runs_of(source.id):
            position = run.start
            for chunk in range(run.first_chunk, run.first_chunk + run.chunks):
                if position >= end:
                    break
                view = self.view(self.segment_with(chunk))
                length = int(view.spans.characters[chunk - view.row.first_chunk])
                if position + length > start:
                    found.append(self.chunk_text(chunk)[max(0, start - position) : end - position])
                position += length
        return "".join(found)
