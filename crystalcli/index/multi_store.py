"""Several crystals read as one, as Lucene's MultiReader reads several indexes.

Their small tables are copied, renumbered, into a private file, so that every query on a crystal
works on them as well. Text, codes and postings stay where they are, and are read from there when
they are needed. Ranks are those of the crystals' merge: see `chunk_union`.

Knows: tables, parts, blocks of terms. Does not know: which documents are the same (`MultiLedger`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from crystalcli.errors import CrystalError
from crystalcli.index.chunk_union import CrystalPiece, SegmentPiece, unite_chunks
from crystalcli.index.fidelity import add_fidelity, fidelity_sums
from crystalcli.index.run_builder import RunBuilder
from crystalcli.lexical import renumber_block, varint
from crystalcli.storage import (
    ChunkSpans,
    LexiconRow,
    PartSlice,
    RunRow,
    SourceRow,
    Store,
    compressed,
    copy_codebooks,
    scratch_database,
)

if TYPE_CHECKING:
    import numpy.typing as npt


_TRIES = 5  # at tables of crystals that others write meanwhile
# The tables that are made anew from those of all crystals.
_SMALL_TABLES = (
    *("meta", "codebook", "run", "landmark", "summary", "memory", "statement", "statement_reading"),
    *("source", "folder", "segment", "lexicon"),
)


class UnitedDocument(NamedTuple):
    """A document of several crystals that are read as one.

    Attributes:
        crystal: The index of its crystal.
        source: Its id there.
        row: Its row of the ledger; the id is replaced.
    """

    crystal: int
    source: int
    row: SourceRow


@dataclass(frozen=True, slots=True)
class MultiLedger:
    """What several crystals hold, taken together.

    Attributes:
        documents: Their documents, in order.
        meta: The rows of `meta`.
    """

    documents: Sequence[UnitedDocument]
    meta: dict[str, str]


class _RunsByCrystal(NamedTuple):
    """The runs of a crystal's documents, by the source's id there."""

    runs: dict[int, list[RunRow]]
    chunks: int


class MultiStore(Store):
    """Several crystals read as one. It is read only, and follows what others write into them.

    Args:
        path: What stands for all of them, in the folder that locations are relative to.
        stores: The crystals, which are closed with this.
        unite: Makes the ledger of all of them; called again when one has changed.
        settle: Decides anew what holds of the things told in all of them, inside a transaction.

    Raises:
        DamagedCrystalError: A crystal is damaged.
        CrystalError: One is written so often that it cannot be read.
    """

    def __init__(
        self,
        path: Path,
        stores: Sequence[Store],
        unite: Callable[[Sequence[Store]], MultiLedger],
        settle: Callable[[Store], None],
    ) -> None:
        self._stores = list(stores)
        super().__init__(path, scratch_database(), False, [store.path for store in stores])
        self._unite, self._settle = unite, settle
        self._built = 0  # times that the tables were made
        self._versions: list[int] = []
        self._depth = 0  # of snapshots
        self._segments: list[SegmentPiece] = []
        self._lexicons: list[tuple[CrystalPiece, LexiconRow, int]] = []
        self._origins: dict[int, tuple[Store, int]] = {}
        with self.snapshot():
            pass

    # --- as a database ----------------------------------------------------------------------------

    @property
    def files(self) -> tuple[Path, ...]:
        """The crystals."""
        return tuple(store.path for store in self._stores)

    def reopened(self) -> Self:
        """Open the crystals anew, as they are now."""
        return type(self)(self.path, [store.reopened() for store in self._stores], self._unite, self._settle)

    def replaced(self) -> bool:
        """Tell whether another file has taken the place of one of them."""
        return any(store.replaced() for store in self._stores)

    def close(self) -> None:
        """Close all of them."""
        for store in self._stores:
            store.close()
        super().close()

    def version(self) -> int:
        """Give a number that changes whenever a program has written one of them."""
        return self._built

    @property
    def reading(self) -> bool:
        """Tell whether a snapshot is open."""
        return self._depth > 0

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read from one commit of each throughout the block."""
        with contextlib.ExitStack() as stack:
            if not self._depth:
                self._enter(stack)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    def _enter(self, stack: contextlib.ExitStack) -> None:
        """Begin a snapshot of each crystal, and make the tables anew where one has changed."""
        for _ in range(_TRIES):
            with contextlib.ExitStack() as snapshots:
                for store in self._stores:
                    snapshots.enter_context(store.snapshot())
                versions = [store.version() for store in self._stores]
                if versions != self._versions or not self._built:
                    self._build()
                    self._versions, self._built = versions, self._built + 1
                if [store.version() for store in self._stores] == versions:
                    stack.enter_context(snapshots.pop_all())
                    return
        raise CrystalError(f"a crystal of {self.path} is being written all the time: try again")

    # --- the tables -------------------------------------------------------------------------------

    def _build(self) -> None:
        """Copy the small tables of all crystals."""
        ledger = self._unite(self._stores)
        runs = [self._read_runs(number, ledger) for number in range(len(self._stores))]
        pieces = unite_chunks(
            self._stores, [_referred(store, of) for store, of in zip(self._stores, runs, strict=True)]
        )
        self._origins.clear()
        with self.transaction():
            for table in _SMALL_TABLES:
                self._db.execute(f"DELETE FROM {table}")
            for key, value in ledger.meta.items():
                self.set_meta(key, value)
            for store in self._stores:
                add_fidelity(self, fidelity_sums(store))
            self._copy_segments(pieces)
            self._copy_lexicons(pieces)
            numbers: list[dict[int, int]] = [{} for _ in self._stores]
            for number, document in enumerate(ledger.documents, 1):
                numbers[document.crystal][document.source] = number
                self._origins[number] = self._stores[document.crystal], document.source
            rows = (document.row._replace(id=number) for number, document in enumerate(ledger.documents, 1))
            self.add_sources(rows)
            for store, piece, of, known in zip(self._stores, pieces, runs, numbers, strict=True):
                self.add_runs(
                    run for source, own in of.runs.items() for run in _renumbered_runs(own, known[source], piece)
                )
                self.add_all_landmarks((known[row[0]], *row[1:]) for row in store.all_landmarks() if row[0] in known)
                summaries = store.all_summaries()
                self.add_summaries(row._replace(source=known[row.source]) for row in summaries if row.source in known)
                self._copy_memories(store, known)
                self._copy_statements(store, known)
            self._settle(self)
        copy_codebooks(self._stores[0], self)

    def _read_runs(self, crystal: int, ledger: MultiLedger) -> _RunsByCrystal:
        """Read the runs of a crystal's documents in the ledger."""
        store = self._stores[crystal]
        wanted = {document.source for document in ledger.documents if document.crystal == crystal}
        last = store.segments()[-1:]
        chunks = last[0].first_chunk + last[0].chunks if last else 0
        runs: dict[int, list[RunRow]] = {}
        for run in store.all_runs():
            if run.source in wanted:
                if run.first_chunk + run.chunks > chunks:
                    raise store.damaged("a document refers to chunks that are not there")
                runs.setdefault(run.source, []).append(run)
        return _RunsByCrystal(runs, chunks)

    def _copy_segments(self, pieces: Sequence[CrystalPiece]) -> None:
        """Number the segments of which something is kept."""
        self._segments = [segment for piece in pieces for segment in piece.segments]
        chunk = atom = 0
        for number, segment in enumerate(self._segments, 1):
            counts = segment.counts()
            row = segment.row._replace(id=number, first_chunk=chunk, first_atom=atom, **counts._asdict())
            self._db.execute(f"INSERT INTO segment VALUES ({', '.join('?' * len(row))})", row)
            chunk, atom = chunk + counts.chunks, atom + counts.atoms

    def _copy_lexicons(self, pieces: Sequence[CrystalPiece]) -> None:
        """Number the segments of the lexical index."""
        self._lexicons = []
        for piece in pieces:
            first = piece.first_atom
            for row in piece.store.lexicons():
                atoms = row.atoms
                if piece.atoms is not None:
                    atoms = int((piece.atoms[row.first_atom : row.first_atom + row.atoms] >= 0).sum())
                if atoms:
                    self._lexicons.append((piece, row, first))
                    self._db.execute(
                        "INSERT INTO lexicon VALUES (?, ?, ?, ?)", (len(self._lexicons), row.level, first, atoms)
                    )
                first += atoms

    def _copy_memories(self, store: Store, numbers: Mapping[int, int]) -> None:
        """Copy what was told in a crystal, each under a free id."""
        for row in store.told_rows():
            if row.source and row.source not in numbers:
                continue
            row = row._replace(source=numbers.get(row.source, 0))
            self.put_memory(row._replace(id=self.free_memory_id(row)) if self.has_memory(row.id) else row)

    def _copy_statements(self, store: Store, numbers: Mapping[int, int]) -> None:
        """Copy what the documents of a crystal state, and by which rules they were read for it."""
        for source, rules in store.statement_rules().items():
            if source in numbers:
                number = numbers[source]
                self.put_statements(row._replace(source=number) for row in store.statements(source))
                self.put_statement_rules([number], rules)

    def origin(self, number: int) -> tuple[Store, int]:
        """Find the crystal that a source is from, and its id there."""
        return self._origins.get(number, (self, number))

    # --- parts of segments ------------------------------------------------------------------------

    def part(self, segment: int, name: str) -> bytes:
        """Read a part's bytes as they are stored, or would be."""
        piece = self._segments[segment - 1]
        if piece.kept is None:
            return piece.store.part(piece.row.id, name)
        return self._cut(piece, name, piece.store.part(piece.row.id, name))

    def frame(self, segment: int, name: str) -> bytes | None:
        """Read and decompress a part; None without it."""
        piece = self._segments[segment - 1]
        data = piece.store.frame(piece.row.id, name)
        return data if piece.kept is None or data is None else _cut_frame(piece, piece.kept, name, data)

    def parts_of(self, segments: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, bytes]]:
        """Read parts of a few segments, in a query for each crystal."""
        parts: dict[int, dict[str, bytes]] = {}
        for store in dict.fromkeys(self._segments[segment - 1].store for segment in segments):
            own = {
                self._segments[segment - 1].row.id: segment
                for segment in segments
                if self._segments[segment - 1].store is store
            }
            for stored, found in store.parts_of(list(own), names).items():
                piece = self._segments[own[stored] - 1]
                parts[own[stored]] = {name: self._cut(piece, name, data) for name, data in found.items()}
        return parts

    def part_slices(self, slices: Sequence[PartSlice]) -> list[bytes]:
        """Read stretches of parts, in a query for each crystal; cut parts are read whole."""
        found: dict[int, bytes] = {}
        whole: dict[Store, list[int]] = {}
        for number, (segment, name, start, size) in enumerate(slices):
            if (piece := self._segments[segment - 1]).kept is None:
                whole.setdefault(piece.store, []).append(number)
            else:
                found[number] = self.part(segment, name)[start : start + size]
        for store, numbers in whole.items():
            own = [
                slices[number]._replace(segment=self._segments[slices[number].segment - 1].row.id) for number in numbers
            ]
            found.update(zip(numbers, store.part_slices(own), strict=True))
        return [found[number] for number in range(len(slices))]

    def part_sizes(self) -> dict[str, tuple[int, int]]:
        """Sum the sizes of parts by name, over all crystals."""
        sums: dict[str, tuple[int, int]] = {}
        for store in self._stores:
            for name, (stored, size) in store.part_sizes().items():
                earlier = sums.get(name, (0, 0))
                sums[name] = earlier[0] + stored, earlier[1] + size
        return sums

    def _cut(self, piece: SegmentPiece, name: str, data: bytes) -> bytes:
        """Cut a part down to the chunks that are kept."""
        kept = piece.kept
        if kept is None:
            return data
        row, tree = piece.row, piece.tree
        if name == "spans":
            sizes, characters, newlines, tokens, units = tree.spans
            unit_kept = piece.nodes("units")
            cut = ChunkSpans(sizes[kept], characters[kept], newlines[kept], tokens[kept], units[unit_kept])
            return varint.encode(cut.flat())
        if name in ("text", "contexts", "languages"):
            return compressed(_cut_frame(piece, kept, name, piece.store.frame(row.id, name) or b""))
        which = {"hashes": kept, "lengths": piece.nodes("atoms")}
        rows = which[name] if name in which else piece.nodes(name)
        if not len(rows) or len(data) % len(rows):
            raise piece.store.damaged(f"part {name} of segment {row.id} contradicts its counts")
        return np.frombuffer(data, np.uint8).reshape(len(rows), -1)[rows].tobytes()

    # --- blocks of terms --------------------------------------------------------------------------

    def block(self, lexicon: int, term: str) -> bytes | None:
        """Read the block that may hold `term`, with the numbers of atoms here; None without one."""
        piece, row, first = self._lexicons[lexicon - 1]
        block = piece.store.block(row.id, term)
        if block is None or piece.atoms is None:
            return block
        return renumber_block(block, row.first_atom, piece.atoms, first, term)

    def blocks_with_prefix(self, lexicon: int, prefix: str, limit: int) -> list[bytes]:
        """Read the blocks that may hold terms with a prefix."""
        piece, row, first = self._lexicons[lexicon - 1]
        return [*_renumbered(piece, row, first, piece.store.blocks_with_prefix(row.id, prefix, limit))]

    def blocks(self, lexicon: int) -> Iterator[bytes]:
        """Read all blocks of a lexical segment."""
        piece, row, first = self._lexicons[lexicon - 1]
        return _renumbered(piece, row, first, piece.store.blocks(row.id))

    def lexical_size(self) -> int:
        """Sum the bytes of the lexical indexes of all crystals."""
        return sum(store.lexical_size() for store in self._stores)

    def file_size(self) -> int:
        """Sum the bytes of all crystals."""
        return sum(store.file_size() for store in self._stores)


def _renumbered(piece: CrystalPiece, row: LexiconRow, first: int, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Give blocks the numbers that atoms have here."""
    for block in blocks:
        data = block if piece.atoms is None else renumber_block(block, row.first_atom, piece.atoms, first)
        if data is not None:
            yield data


def _referred(store: Store, of: _RunsByCrystal) -> npt.NDArray[np.bool_]:
    """Tell which chunks of a crystal a document refers to, bool [chunks]."""
    referred = np.zeros(of.chunks, bool)
    for runs in of.runs.values():
        for run in runs:
            referred[run.first_chunk : run.first_chunk + run.chunks] = True
    return referred


def _renumbered_runs(runs: Sequence[RunRow], source: int, piece: CrystalPiece) -> list[RunRow]:
    """Give the runs of a document the numbers that its chunks have here."""
    if piece.atoms is None:
        return [
            RunRow(source, ordinal, int(piece.chunks[run.first_chunk]), run.chunks, run.start, run.lines)
            for ordinal, run in enumerate(runs)
        ]
    characters, newlines = piece.lengths
    renumbered: list[RunRow] = []
    for run in runs:
        numbers = piece.chunks[run.first_chunk : run.first_chunk + run.chunks]
        builder = RunBuilder(source, run.start, run.lines, len(renumbered))
        if (np.diff(numbers) == 1).all():
            renumbered.append(RunRow(source, len(renumbered), int(numbers[0]), run.chunks, run.start, run.lines))
            continue
        for chunk, number in enumerate(numbers.tolist(), run.first_chunk):
            builder.add(number, int(characters[chunk]), int(newlines[chunk]))
        renumbered += builder.take()
    return renumbered


def _cut_frame(piece: SegmentPiece, kept: npt.NDArray[np.bool_], name: str, data: bytes) -> bytes:
    """Cut a text, or a line for each chunk, down to the chunks that are kept."""
    if name == "text":
        return np.frombuffer(data, np.uint8)[np.repeat(kept, piece.tree.spans.bytes)].tobytes()
    lines = data.split(b"\n")
    if len(lines) != len(kept):
        raise piece.store.damaged(f"segment {piece.row.id}: expected {len(kept)} {name}, got {len(lines)}")
    return b"\n".join(line for line, is_kept in zip(lines, kept.tolist(), strict=True) if is_kept)
