"""A crystal as recall sees it: which segment, chunk, document and place an atom belongs to, and the codes below it.

What is resident: the atoms' codes, a length byte per atom, and a row per segment. Clusters, units, spans and text are read
from the file when a candidate needs them; the last few segments read are kept.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical import varint
from crystalcli.storage.rows import Run, Segment, Source, typed
from crystalcli.storage.seal import holds
from crystalcli.storage.spans import Spans
from crystalcli.storage.store import Store
from crystalcli.vectors.codec import codes_from
from crystalcli.vectors.pyramid import nodes

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.uint8]


class SegmentView(NamedTuple):
    """One segment's spans, and who is whose parent, as offsets inside the segment.

    chunk_atoms, chunk_units: the first atom and unit of each chunk, int64 [chunks + 1]. atom_clusters: the first cluster of
    each atom, int64 [atoms + 1]. cluster_units: the first unit of each cluster, int64 [clusters + 1].
    """

    row: Segment
    spans: Spans
    chunk_atoms: Integers
    chunk_units: Integers
    atom_clusters: Integers
    cluster_units: Integers


class AtomPlace(NamedTuple):
    """Where an atom's text is: its chunk's number and text, and the atom's character span in that text."""

    chunk: int
    text: str
    start: int
    end: int
    units: list[tuple[int, int]]  # character spans in the chunk of the atom's units
    first_unit: int  # number of the atom's first unit in its segment
    segment: int  # index in Shelf.segments


class Shelf:
    """Everything that recall needs to know of a store. Make a new one when `Store.version` has changed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.segments = store.segments()
        self._firsts = np.array([segment.first_atom for segment in self.segments], np.int64)
        self._first_chunks = [segment.first_chunk for segment in self.segments]
        self.atoms = self.segments[-1].first_atom + self.segments[-1].atoms if self.segments else 0
        self.encoded = bool(self.segments) and all(segment.encoded for segment in self.segments)
        check_numbering(store, self.segments)
        self.lengths = np.frombuffer(b"".join(store.part(s.id, "lengths") for s in self.segments), np.uint8)
        if len(self.lengths) != self.atoms:
            raise DamagedCrystalError(f"{store.path} is damaged: its segments do not follow one another")
        self.atom_codes: Codes | None = None
        if any(segment.encoded for segment in self.segments):
            self.atom_codes = np.concatenate(
                [
                    codes_from(store.part(s.id, "atoms"), "atoms", s.atoms)
                    if s.encoded
                    else np.zeros((s.atoms, 32), np.uint8)
                    for s in self.segments
                ]
            )
        self._vouched: set[int] = set()
        self.dead = self._dead_atoms()
        self.view = lru_cache(maxsize=160)(self._view)
        self.text = lru_cache(maxsize=12)(self._text)
        self.codes = lru_cache(maxsize=160)(self._codes)

    # --- which nodes belong together ------------------------------------------------------------------

    def segment_of(self, atoms: Integers) -> Integers:
        """The index in `segments` of each atom's segment."""
        return np.searchsorted(self._firsts, atoms, side="right") - 1

    def segment_with(self, chunk: int) -> int:
        """The index in `segments` of the segment that holds `chunk`. Raises DamagedCrystalError when none does."""
        last = self.segments[-1] if self.segments else None
        if last is None or not 0 <= chunk < last.first_chunk + last.chunks:
            raise DamagedCrystalError(f"{self.store.path} is damaged: there is no chunk {chunk}")
        return bisect_right(self._first_chunks, chunk) - 1

    def _view(self, index: int) -> SegmentView:
        return view_of(self.store, self.segments[index])

    def _codes(self, index: int) -> tuple[Codes, Codes]:
        row = self.segments[index]
        clusters = codes_from(self.store.part(row.id, "clusters"), "clusters", row.clusters)
        return clusters, codes_from(self.store.part(row.id, "units"), "units", row.units)

    def _text(self, index: int) -> bytes:
        return self.store.text(self.segments[index].id)

    def _dead_atoms(self) -> npt.NDArray[np.bool_] | None:
        """Atoms whose chunk no document refers to any more, or None when there are none."""
        chunks = self.segments[-1].first_chunk + self.segments[-1].chunks if self.segments else 0
        alive = np.zeros(chunks + 1, np.int32)
        for first, count in self.store.runs():
            if not 0 <= first < first + count <= chunks:
                raise DamagedCrystalError(f"{self.store.path} is damaged: a run points to chunks that are not there")
            alive[first] += 1
            alive[first + count] -= 1
        living = np.cumsum(alive[:-1]) > 0
        if living.all():
            return None
        dead = np.zeros(self.atoms, bool)
        for index, row in enumerate(self.segments):
            here = living[row.first_chunk : row.first_chunk + row.chunks]
            if not here.all():
                per_chunk = np.diff(self._view(index).chunk_atoms)
                dead[row.first_atom : row.first_atom + row.atoms] = ~np.repeat(here, per_chunk)
        return dead

    def vouch(self, source: Source) -> Source:
        """The source, once its row, runs and landmarks match their seal: before anything is cited by them.

        Raises DamagedCrystalError.
        """
        if source.id not in self._vouched:
            if not holds(self.store.stream, ("source", source.id)):
                raise DamagedCrystalError(
                    f"{self.store.path} is damaged: what it says of {source.path} is not what was written; "
                    "`crystal repair` keeps what can be read"
                )
            self._vouched.add(source.id)
        return source

    # --- where things are -------------------------------------------------------------------------------

    def place(self, atom: int) -> AtomPlace:
        """Where an atom's text is."""
        index = int(self.segment_of(np.array([atom]))[0])
        view = self.view(index)
        local = atom - view.row.first_atom
        chunk = int(np.searchsorted(view.chunk_atoms, local, side="right")) - 1
        first_unit = int(view.cluster_units[view.atom_clusters[local]])
        last_unit = int(view.cluster_units[view.atom_clusters[local + 1]])
        base = int(view.chunk_units[chunk])
        ends = np.cumsum(view.spans.units[base : int(view.chunk_units[chunk + 1])])
        bounds = [0, *ends.tolist()]
        units = [(bounds[unit - base], bounds[unit - base + 1]) for unit in range(first_unit, last_unit)]
        text = self.chunk_text(view.row.first_chunk + chunk)
        if bounds[-1] > len(text):
            raise DamagedCrystalError(
                f"{self.store.path} is damaged: units of chunk {view.row.first_chunk + chunk} end behind its text"
            )
        return AtomPlace(view.row.first_chunk + chunk, text, units[0][0], units[-1][1], units, first_unit, index)

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
            raise DamagedCrystalError(f"{self.store.path} is damaged: chunk {chunk} is not UTF-8") from error
        if len(text) != int(view.spans.characters[local]):
            raise DamagedCrystalError(f"{self.store.path} is damaged: chunk {chunk} has not the length it says")
        return text

    def before(self, run: Run, chunk: int) -> tuple[int, int]:
        """Characters and newlines of a run's document before `chunk`, which the run holds."""
        characters, lines = run.start, run.lines
        at = run.first_chunk
        while at < chunk:
            view = self.view(self.segment_with(at))
            low = at - view.row.first_chunk
            high = min(chunk - view.row.first_chunk, view.row.chunks)
            characters += int(view.spans.characters[low:high].sum())
            lines += int(view.spans.newlines[low:high].sum())
            at = view.row.first_chunk + high
        return characters, lines

    def span_text(self, source: Source, start: int = 0, end: int | None = None) -> str:
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


def view_of(store: Store, row: Segment) -> SegmentView:
    """A segment's spans and who is whose parent. Raises DamagedCrystalError."""
    try:
        spans = Spans.from_flat(varint.decode(store.part(row.id, "spans")), row.chunks, row.units)
    except ValueError as error:
        raise DamagedCrystalError(
            f"{store.path} is damaged: the spans of segment {row.id} do not decode ({error})"
        ) from error
    units, clusters, atoms = nodes(spans.tokens)
    if (units.sum(), clusters.sum(), atoms.sum()) != (row.units, row.clusters, row.atoms):
        raise DamagedCrystalError(f"{store.path} is damaged: segment {row.id} contradicts its counts")
    return SegmentView(
        row, spans, _starts(atoms), _starts(units), _children(clusters, atoms), _children(units, clusters)
    )


def check_numbering(store: Store, segments: list[Segment]) -> None:
    """That segments follow one another, and that none counts more than its parts have bytes for, before anything is made room for.

    Raises DamagedCrystalError.
    """
    query = "SELECT segment, length(data) FROM part WHERE name = 'spans' AND typeof(data) = 'blob'"
    sizes = dict(typed(store.rows(query), (int, int), store.path))
    chunk = atom = 0
    for row in segments:
        if (row.first_chunk, row.first_atom) != (chunk, atom):
            raise DamagedCrystalError(f"{store.path} is damaged: segment {row.id} does not follow the one before it")
        if 4 * row.chunks + row.units > sizes.get(row.id, 0) or not row.atoms <= row.clusters <= row.units:
            raise DamagedCrystalError(f"{store.path} is damaged: segment {row.id} counts more than its spans hold")
        chunk += row.chunks
        atom += row.atoms


def _starts(counts: Integers) -> Integers:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def _children(children: Integers, parents: Integers) -> Integers:
    """The first child of every parent, over all chunks, int64 [all parents + 1]; counts are per chunk."""
    base = np.repeat(_starts(children)[:-1], parents)
    position = np.arange(int(parents.sum())) - np.repeat(_starts(parents)[:-1], parents)
    first = base + position * np.repeat(children, parents) // np.maximum(1, np.repeat(parents, parents))
    return np.concatenate((first, [int(children.sum())]))
