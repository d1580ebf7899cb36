"""The layers of many documents: those of a folder, or all.

Below the documents, nodes are counted by atom: clusters and units have the places of their atoms.

Knows: documents, atoms, traces of questions. Does not know: spans, text, how a view is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import NotFoundError
from crystalcli.index import LAYER_NAMES, IndexReader, LayerName, atoms_of_documents
from crystalcli.overview.layers.cell_groups import group_evenly, group_small
from crystalcli.overview.layers.document_layers import join_labels
from crystalcli.overview.layers.layer_view import LayerBand, LayerCell, LayerCrumb, LayerScope
from crystalcli.overview.layers.light import known_score, score_groups
from crystalcli.recall import LayerTrace
from crystalcli.storage import SourceRow

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

_MOST_FOLDERS, _MOST_DOCUMENTS = 40, 80  # cells


@dataclass(frozen=True, slots=True, eq=False)
class ShelfLayers:
    """The documents of a scope, and their atoms.

    Attributes:
        scope: The scope.
        first: The number of the folder's documents before the scope.
        sources: The documents with text, in the order of their names.
        tokens: The first token of each in the scope and, last, the token after them all,
            int64 [documents + 1].
        atoms: Their atoms, int64 [n].
        bounds: The first token of each atom in the scope and, last, the token after them all,
            int64 [n + 1].
        firsts: The first atom of each document and, last, n, int64 [documents + 1].
    """

    scope: LayerScope
    first: int
    sources: tuple[SourceRow, ...]
    tokens: Int64Array
    atoms: Int64Array
    bounds: Int64Array
    firsts: Int64Array

    def tokens_of(self, document: str, span: tuple[int, int]) -> tuple[int, int] | None:
        """Estimate the tokens of a span of a document; None outside of the scope."""
        for number, source in enumerate(self.sources):
            if source.path == document:
                low, size = int(self.tokens[number]), int(self.tokens[number + 1] - self.tokens[number])
                start, end = (low + size * place // max(1, source.characters) for place in span)
                return start, max(start + 1, end)
        return None


def read_shelf_layers(index: IndexReader, scope: LayerScope) -> ShelfLayers:
    """Read the documents of a scope, and their atoms.

    Raises:
        NotFoundError: The scope holds no document with text, but the crystal does.
        DamagedCrystalError: The crystal is damaged.
    """
    prefix = f"{scope.folder}/" if scope.folder else ""
    everything = [source for source in index.store.sources() if source.tokens]
    sources = sorted((source for source in everything if source.path.startswith(prefix)), key=lambda row: row.path)
    first, end = scope.files or (0, len(sources))
    sources = sources[max(0, first) : end]
    if everything and not sources:
        raise NotFoundError(f"no documents {f'in {scope.folder}' if scope.folder else 'there'} in this crystal")
    tokens = np.cumsum([0, *(source.tokens for source in sources)])
    by_id = atoms_of_documents(index, [source.id for source in sources]) if sources else {}
    counts = np.array([len(by_id[source.id]) for source in sources], np.int64)
    firsts = np.concatenate([[0], np.cumsum(counts)])
    atoms = np.concatenate([np.zeros(0, np.int64), *(by_id[source.id] for source in sources)])
    # The atoms of a document have about as many tokens each.
    owners = np.repeat(np.arange(len(sources)), counts)
    ordinals = np.arange(len(atoms)) - firsts[:-1][owners]
    bounds = np.append(tokens[:-1][owners] + ordinals * np.diff(tokens)[owners] // counts[owners], tokens[-1])
    return ShelfLayers(scope, max(0, first), tuple(sources), tokens, atoms, bounds, firsts)


def shelf_bands(index: IndexReader, layers: ShelfLayers, trace: LayerTrace | None) -> list[LayerBand]:
    """Make the bands of a scope: folders where it has some, documents, atoms, clusters, units.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    if not layers.sources:
        return []
    depth = layers.scope.folder.count("/") + 1 if layers.scope.folder else 0
    children = [
        (name, [number for number, _ in members])
        for name, members in groupby(enumerate(layers.sources), lambda item: _child_of(item[1].path, depth))
    ]
    bands, files = [], [(number, number + 1) for number in range(len(layers.sources))]
    if any(name.endswith("/") for name, _ in children) and len(children) > 1:
        groups = group_small([_size(layers, numbers) for _, numbers in children], _least(layers, _MOST_FOLDERS))
        stretches = [(children[low][1][0], children[high - 1][1][-1] + 1) for low, high in groups]
        names = [[name for name, _ in children[low:high]] for low, high in groups]
        bands.append(_band(layers, "folders", stretches, names, trace))
        files = stretches
    documents = []
    for low, high in files if bands else [(0, len(layers.sources))]:
        sizes = [layers.sources[number].tokens for number in range(low, high)]
        documents += [(low + a, low + b) for a, b in group_small(sizes, _least(layers, _MOST_DOCUMENTS))]
    names = [[_title_of(layers.sources[number]) for number in range(*part)] for part in documents]
    bands.append(_band(layers, "documents", documents, names, trace))
    edges = np.array([*(cell.start for cell in bands[-1].cells), int(layers.tokens[-1])])
    firsts = group_evenly(layers.bounds, edges)
    counts = _node_counts(index, layers.atoms)
    cells_of = np.searchsorted(edges, layers.bounds[firsts[:-1]], side="right") - 1
    scopes = [bands[-1].cells[cell].scope for cell in cells_of.tolist()]
    for layer in LAYER_NAMES:
        bands.append(LayerBand(layer, tuple(_node_cells(layers, layer, firsts, counts[layer], scopes, trace))))
    return bands


def _child_of(path: str, depth: int) -> str:
    """Give the folder below a depth that a document is in, with a slash, or the document's name."""
    steps = path.split("/")
    return f"{steps[depth]}/" if len(steps) > depth + 1 else steps[-1]


def _title_of(source: SourceRow) -> str:
    return source.title or source.path.rpartition("/")[2]


def _size(layers: ShelfLayers, numbers: Sequence[int]) -> int:
    return int(layers.tokens[numbers[-1] + 1] - layers.tokens[numbers[0]])


def _least(layers: ShelfLayers, most: int) -> float:
    return float(layers.tokens[-1]) / most


def _band(
    layers: ShelfLayers,
    name: str,
    stretches: Sequence[tuple[int, int]],
    names: Sequence[Sequence[str]],
    trace: LayerTrace | None,
) -> LayerBand:
    """Make a band of folders or documents.

    Args:
        layers: The documents.
        name: The band.
        stretches: The first document of each cell, and the one after its last.
        names: The names of the folders or documents of each cell.
        trace: The trace of a question; None without one.
    """
    firsts = layers.firsts[[*(low for low, _ in stretches), stretches[-1][1]]]
    scores = score_groups(trace, "atoms", trace.scores_of("atoms", layers.atoms), firsts) if trace else None
    cells = []
    for number, ((low, high), members) in enumerate(zip(stretches, names, strict=True)):
        cells.append(
            LayerCell(
                start=int(layers.tokens[low]),
                end=int(layers.tokens[high]),
                nodes=len(members),
                read=len(members) if scores and scores.read[number] else 0,
                score=known_score(float(scores.best[number])) if scores else None,
                light=float(scores.light[number]) if scores else 0.0,
                label=join_labels(members),
                scope=_scope_of(layers, low, high, members[0] if len(members) == 1 else ""),
            )
        )
    return LayerBand(name, tuple(cells))


def _scope_of(layers: ShelfLayers, low: int, high: int, name: str) -> LayerScope | None:
    """Give the scope of the documents `[low, high)`: a document, a folder, or some files."""
    folder = layers.scope.folder
    if high - low == 1:
        return LayerScope(document=layers.sources[low].path)
    if name.endswith("/"):
        return LayerScope(folder=f"{folder}/{name[:-1]}" if folder else name[:-1])
    if high - low == len(layers.sources):
        return None
    return LayerScope(folder=folder, files=(layers.first + low, layers.first + high))


def _node_counts(index: IndexReader, atoms: Int64Array) -> dict[LayerName, Int64Array]:
    """Count the nodes of each layer at or below each atom."""
    first, end = index.nesting.clusters_of(atoms)
    units = index.nesting.units_of(end - 1)[1] - index.nesting.units_of(first)[0]
    return {"atoms": np.ones(len(atoms), np.int64), "clusters": end - first, "units": units}


def _node_cells(
    layers: ShelfLayers,
    layer: LayerName,
    firsts: Int64Array,
    counts: Int64Array,
    scopes: Sequence[LayerScope | None],
    trace: LayerTrace | None,
) -> list[LayerCell]:
    """Make the cells of a layer.

    Args:
        layers: The documents and their atoms.
        layer: The layer.
        firsts: The first atom of each cell and, last, the number of atoms, int64 [cells + 1].
        counts: The number of the layer's nodes below each atom, int64 [atoms].
        scopes: The scope that each cell leads to.
        trace: The trace of a question; None without one.
    """
    sums = np.add.reduceat(counts, firsts[:-1]).tolist()
    scores, read = None, [0] * len(sums)
    if trace is not None:
        by_atom = trace.best_below(layer, layers.atoms)
        scores = score_groups(trace, layer, by_atom, firsts)
        read = np.add.reduceat(np.where(np.isfinite(by_atom), counts, 0), firsts[:-1]).tolist()
    bounds = layers.bounds[firsts].tolist()
    return [
        LayerCell(
            start=bounds[cell],
            end=bounds[cell + 1],
            nodes=sums[cell],
            read=read[cell],
            score=known_score(float(scores.best[cell])) if scores else None,
            light=float(scores.light[cell]) if scores else 0.0,
            scope=scopes[cell],
        )
        for cell in range(len(sums))
    ]


def shelf_crumbs(folder: str) -> list[LayerCrumb]:
    """Name the steps from the whole crystal to a folder; "" is the whole crystal."""
    steps = folder.split("/") if folder else []
    folders = [LayerCrumb(step, LayerScope("/".join(steps[:number]))) for number, step in enumerate(steps, 1)]
    return [LayerCrumb("", LayerScope()), *folders]
