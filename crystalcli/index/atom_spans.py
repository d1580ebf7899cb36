"""Characters of the atoms of a chunk, a run or a document.

Knows: the tree of a crystal, runs. Does not know: text, codes, questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index.index_reader import IndexReader
from crystalcli.index.segment_reader import prefix_sums
from crystalcli.index.tree import ranges
from crystalcli.storage import RunRow, SourceRow, runs_of_all
from crystalcli.vectors import pyramid_layout

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array


class AtomSpans(NamedTuple):
    """Atoms with their character spans in a document, in its order.

    Attributes:
        atoms: Their numbers, int64 [n].
        starts: The first character of each, int64 [n].
        ends: The character after the last of each, int64 [n].
    """

    atoms: Int64Array
    starts: Int64Array
    ends: Int64Array


class DocumentAtoms(NamedTuple):
    """The atoms of a document, in its order.

    Attributes:
        atoms: Their numbers, int64 [n].
        starts: The character of the document at which each begins, int64 [n].
    """

    atoms: Int64Array
    starts: Int64Array


def atom_starts(tokens: int, units: Int64Array) -> list[int]:
    """Compute the characters of a chunk at which its atoms begin.

    An atom begins where the unit before it ends.

    Args:
        tokens: Tokens of the chunk.
        units: Characters of each unit, int64 [units].
    """
    layout = pyramid_layout(tokens)
    starts: list[int] = prefix_sums(units)[layout.clusters[layout.atoms[:-1]]].tolist()
    return starts


def run_atom_spans(index: IndexReader, run: RunRow) -> AtomSpans:
    """Compute the spans of a run's atoms in the run's document.

    Raises:
        DamagedCrystalError: A segment of the run is damaged.
    """
    atoms, starts, ends = ([np.zeros(0, np.int64)] for _ in range(3))
    position = run.start
    for segment, low, high in index.chunk_ranges(run.first_chunk, run.first_chunk + run.chunks):
        first, end = int(segment.chunk_atoms[low]), int(segment.chunk_atoms[high])
        characters = prefix_sums(segment.spans.characters[low:high])
        chunk_starts = np.repeat(position + characters[:-1], np.diff(segment.chunk_atoms[low : high + 1]))
        atom_firsts, atom_ends = segment.atom_spans(low, high)
        atoms.append(np.arange(first, end) + segment.row.first_atom)
        starts.append(chunk_starts + atom_firsts)
        ends.append(chunk_starts + atom_ends)
        position += int(characters[-1])
    return AtomSpans(np.concatenate(atoms), np.concatenate(starts), np.concatenate(ends))


def spans_of_atoms(index: IndexReader, source: int, atoms: Int64Array) -> AtomSpans:
    """Compute the spans of some atoms of a document.

    Of a long document only the runs that hold them are read.

    Args:
        index: The crystal's index.
        source: The id of the document.
        atoms: Numbers of atoms, int64 [n], rising.

    Returns:
        Those of the atoms that the document holds; one that it holds twice has its first span.

    Raises:
        DamagedCrystalError: A run or a segment of the document is damaged.
    """
    first_atoms = index.nesting.atoms
    found = [AtomSpans(*(np.zeros(0, np.int64) for _ in range(3)))]
    for run in index.store.runs_of(source):
        if not 0 <= run.first_chunk <= run.first_chunk + run.chunks < len(first_atoms):
            raise index.store.damaged("a document refers to chunks that are not there")
        low, high = np.searchsorted(atoms, (first_atoms[run.first_chunk], first_atoms[run.first_chunk + run.chunks]))
        if low < high:
            spans = run_atom_spans(index, run)
            rows = np.searchsorted(spans.atoms, atoms[low:high])
            found.append(AtomSpans(*(column[rows] for column in spans)))
    joined = AtomSpans(*map(np.concatenate, zip(*found, strict=True)))
    _, rows = np.unique(joined.atoms, return_index=True)
    return AtomSpans(*(column[rows] for column in joined))


def document_atoms(index: IndexReader, source: SourceRow) -> DocumentAtoms:
    """Find the atoms of a document, and where in it they begin.

    Raises:
        DamagedCrystalError: A run or a segment of the document is damaged.
    """
    spans = [run_atom_spans(index, run) for run in index.store.runs_of(source.id)]
    atoms, starts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    return DocumentAtoms(
        np.concatenate(atoms + [run.atoms for run in spans]), np.concatenate(starts + [run.starts for run in spans])
    )


def atoms_of_documents(index: IndexReader, sources: list[int]) -> dict[int, Int64Array]:
    """Find the atoms of documents.

    Args:
        index: The crystal's index.
        sources: Ids of documents.

    Returns:
        For each id the numbers of its atoms, int64, rising within each run.

    Raises:
        DamagedCrystalError: A document refers to chunks that do not exist.
    """
    runs = np.array(runs_of_all(index.store, sources), np.int64).reshape(-1, 3)
    chunks = len(index.nesting.atoms) - 1
    first, last = runs[:, 1], runs[:, 1] + runs[:, 2]
    if not ((first >= 0) & (first < last) & (last <= chunks)).all():
        raise index.store.damaged("a document refers to chunks that are not there")
    starts, ends = index.nesting.atoms[first].astype(np.int64), index.nesting.atoms[last].astype(np.int64)
    numbers, owners = ranges(starts, ends)
    source_of = runs[:, 0][owners]
    order = np.argsort(source_of, kind="stable")
    bounds = np.searchsorted(source_of[order], np.array(sorted(sources)), side="left")
    pieces = np.split(numbers[order], bounds[1:])
    return dict(zip(sorted(sources), pieces, strict=True))
