"""Which atoms a document is made of, in its order, and at which characters of it they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index.index_reader import IndexReader
from crystalcli.index.tree import ranges
from crystalcli.storage import SourceRow, runs_of_all

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]


class DocumentAtoms(NamedTuple):
    """A document's atoms, int64 [n], and the character of it at which each begins, int64 [n], both in its order."""

    atoms: Integers
    starts: Integers


def document_atoms(shelf: IndexReader, source: SourceRow) -> DocumentAtoms:
    """The atoms of a document. Raises DamagedCrystalError."""
    atoms, starts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    position = 0
    for run in shelf.store.runs_of(source.id):
        position, chunk, last = run.start, run.first_chunk, run.first_chunk + run.chunks
        while chunk < last:
            view = shelf.view(shelf.segment_with(chunk))
            low = chunk - view.row.first_chunk
            high = min(last - view.row.first_chunk, view.row.chunks)
            first, end = int(view.chunk_atoms[low]), int(view.chunk_atoms[high])
            of = np.repeat(np.arange(low, high), np.diff(view.chunk_atoms[low : high + 1]))  # the chunk of each atom
            units = np.concatenate((np.zeros(1, np.int64), np.cumsum(view.spans.units)))  # ends of units, gaps left out
            begin = units[view.cluster_units[view.atom_clusters[first:end]]] - units[view.chunk_units[of]]
            before = np.concatenate((np.zeros(1, np.int64), np.cumsum(view.spans.characters[low:high])))
            atoms.append(np.arange(first, end) + view.row.first_atom)
            starts.append(position + before[of - low] + begin)
            position += int(before[-1])
            chunk = view.row.first_chunk + high
    return DocumentAtoms(np.concatenate(atoms), np.concatenate(starts))


def atoms_of_documents(shelf: IndexReader, sources: list[int]) -> dict[int, Integers]:
    """For each source the numbers of its atoms, int64, rising within each stretch. Raises DamagedCrystalError."""
    runs = np.array(runs_of_all(shelf.store, sources), np.int64).reshape(-1, 3)
    chunks = len(shelf.nesting.atoms) - 1
    first, last = runs[:, 1], runs[:, 1] + runs[:, 2]
    if not ((first >= 0) & (first < last) & (last <= chunks)).all():
        raise shelf.store.damaged("a document refers to chunks that are not there")
    starts, ends = shelf.nesting.atoms[first].astype(np.int64), shelf.nesting.atoms[last].astype(np.int64)
    numbers, owners = ranges(starts, ends)
    of = runs[:, 0][owners]
    order = np.argsort(of, kind="stable")
    bounds = np.searchsorted(of[order], np.array(sorted(sources)), side="left")
    pieces = np.split(numbers[order], bounds[1:])
    return dict(zip(sorted(sources), pieces, strict=True))
