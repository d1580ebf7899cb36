"""Builder of views of layers.

Knows: scopes, traces of questions. Does not know: how a question is recalled, how a view is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import NotFoundError
from crystalcli.index import IndexReader
from crystalcli.overview.layers.document_layers import (
    document_bands,
    document_crumbs,
    read_document_layers,
    unit_texts,
)
from crystalcli.overview.layers.layer_view import LayerBand, LayerCrumb, LayerScope, LayerView, LitPassage
from crystalcli.overview.layers.meaning_plane import meaning_plane, place_bands
from crystalcli.overview.layers.shelf_layers import read_shelf_layers, shelf_bands, shelf_crumbs
from crystalcli.recall import LayerTrace
from crystalcli.vectors import Codec

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array


def build_layer_view(
    index: IndexReader,
    scope: LayerScope,
    trace: LayerTrace | None = None,
    passages: Sequence[LitPassage] = (),
    codec: Codec | None = None,
) -> LayerView:
    """Build the view of a scope.

    Args:
        index: The resident index.
        scope: The part of the crystal.
        trace: The trace of a question that lights the cells; None without one.
        passages: Its passages, as of `lit_passages`.
        codec: The codec, for the meaning of cells; None: cells have none.

    Raises:
        NotFoundError: The crystal does not hold the document, or no document in the folder.
        DamagedCrystalError: The crystal is damaged.
    """
    codec = codec if index.encoded else None
    build = _view_documents if scope.document is None else _view_document
    view = build(index, scope, trace, passages, codec)
    if trace is None:
        return view
    compared = (
        ("atoms", int(np.isfinite(trace.atoms).sum())),
        ("clusters", len(trace.clusters.numbers)),
        ("units", len(trace.units.numbers)),
    )
    return replace(view, question=trace.results.question, compared=compared)


def _view_document(
    index: IndexReader,
    scope: LayerScope,
    trace: LayerTrace | None,
    passages: Sequence[LitPassage],
    codec: Codec | None,
) -> LayerView:
    source = index.store.source_named(scope.document or "")
    if source is None:
        raise NotFoundError(f"no document {scope.document} in this crystal")
    layers = read_document_layers(index, index.vouch(source), scope.span)
    placed = _placed(passages, lambda path, span: layers.tokens_of(span) if path == source.path else None)
    spans = [(lit.number, lit.passage.start, lit.passage.end) for lit in placed if lit.passage.path == source.path]
    crumbs = [*shelf_crumbs(source.path.rpartition("/")[0]), *document_crumbs(layers)]

    def neighbour(span: tuple[int, int] | None) -> LayerScope | None:
        return None if span is None else LayerScope(document=source.path, span=span)

    atoms = layers.nodes["atoms"]
    bounds = atoms.tokens - layers.start
    return LayerView(
        scope=layers.scope,
        crumbs=tuple(crumbs),
        tokens=layers.tokens,
        bands=_with_meaning(index, document_bands(index, layers, trace), atoms.numbers, bounds, codec),
        passages=placed,
        text=tuple(unit_texts(index, layers, trace, spans)),
        before=neighbour(layers.before),
        after=neighbour(layers.after),
    )


def _view_documents(
    index: IndexReader,
    scope: LayerScope,
    trace: LayerTrace | None,
    passages: Sequence[LitPassage],
    codec: Codec | None,
) -> LayerView:
    layers = read_shelf_layers(index, scope)
    crumbs = shelf_crumbs(scope.folder)
    if scope.files is not None:
        first, last = layers.first + 1, layers.first + len(layers.sources)
        crumbs.append(LayerCrumb(f"documents {first:,} to {last:,}", LayerScope(scope.folder, (first - 1, last))))
    return LayerView(
        scope=scope,
        crumbs=tuple(crumbs),
        tokens=int(layers.tokens[-1]),
        bands=_with_meaning(index, shelf_bands(index, layers, trace), layers.atoms, layers.bounds, codec),
        passages=_placed(passages, layers.tokens_of),
    )


def _with_meaning(
    index: IndexReader, bands: list[LayerBand], atoms: Int64Array, bounds: Int64Array, codec: Codec | None
) -> tuple[LayerBand, ...]:
    """Give the cells of bands their meaning.

    Args:
        index: The resident index.
        bands: The bands.
        atoms: The atoms of the view, int64 [n].
        bounds: The first token of each and, last, the token after them all, int64 [n + 1].
        codec: The codec; None: the cells stay without a meaning.
    """
    plane = None
    if codec is not None and index.atom_codes is not None and bands:
        plane = meaning_plane(codec, index.atom_codes[atoms], bounds)
    return tuple(bands if plane is None else place_bands(bands, plane))


def _placed(
    passages: Sequence[LitPassage], tokens_of: Callable[[str, tuple[int, int]], tuple[int, int] | None]
) -> tuple[LitPassage, ...]:
    """Give passages their places in a view."""
    return tuple(
        replace(lit, tokens=tokens_of(lit.passage.path, (lit.passage.start, lit.passage.end))) for lit in passages
    )
