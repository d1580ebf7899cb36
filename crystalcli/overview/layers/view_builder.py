"""Builder of views of layers.

Knows: scopes, traces of questions. Does not know: how a question is recalled, how a view is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from crystalcli.errors import NotFoundError
from crystalcli.index import IndexReader
from crystalcli.overview.layers.document_layers import (
    document_bands,
    document_crumbs,
    read_document_layers,
    unit_texts,
)
from crystalcli.overview.layers.layer_view import LayerCrumb, LayerScope, LayerView, LitPassage
from crystalcli.overview.layers.lit_passages import lit_passages
from crystalcli.overview.layers.shelf_layers import read_shelf_layers, shelf_bands, shelf_crumbs
from crystalcli.recall import LayerTrace


def build_layer_view(index: IndexReader, scope: LayerScope, trace: LayerTrace | None = None) -> LayerView:
    """Build the view of a scope.

    Args:
        index: The resident index.
        scope: The part of the crystal.
        trace: The trace of a question that lights the cells; None without one.

    Raises:
        NotFoundError: The crystal does not hold the document, or no document in the folder.
        DamagedCrystalError: The crystal is damaged.
    """
    view = _view_documents(index, scope, trace) if scope.document is None else _view_document(index, scope, trace)
    if trace is None:
        return view
    compared = (
        ("atoms", int(np.isfinite(trace.atoms).sum())),
        ("clusters", len(trace.clusters.numbers)),
        ("units", len(trace.units.numbers)),
    )
    return replace(view, question=trace.results.question, compared=compared)


def _view_document(index: IndexReader, scope: LayerScope, trace: LayerTrace | None) -> LayerView:
    source = index.store.source_named(scope.document or "")
    if source is None:
        raise NotFoundError(f"no document {scope.document} in this crystal")
    layers = read_document_layers(index, index.vouch(source), scope.span)
    passages = _placed(index, trace, lambda path, span: layers.tokens_of(span) if path == source.path else None)
    spans = [(lit.number, lit.passage.start, lit.passage.end) for lit in passages if lit.passage.path == source.path]
    crumbs = [*shelf_crumbs(source.path.rpartition("/")[0]), *document_crumbs(index, layers)]

    def neighbour(span: tuple[int, int] | None) -> LayerScope | None:
        return None if span is None else LayerScope(document=source.path, span=span)

    return LayerView(
        scope=layers.scope,
        crumbs=tuple(crumbs),
        tokens=layers.tokens,
        bands=tuple(document_bands(index, layers, trace)),
        passages=passages,
        text=tuple(unit_texts(index, layers, trace, spans)),
        before=neighbour(layers.before),
        after=neighbour(layers.after),
    )


def _view_documents(index: IndexReader, scope: LayerScope, trace: LayerTrace | None) -> LayerView:
    layers = read_shelf_layers(index, scope)
    crumbs = shelf_crumbs(scope.folder)
    if scope.files is not None:
        first, last = layers.first + 1, layers.first + len(layers.sources)
        crumbs.append(LayerCrumb(f"documents {first:,} to {last:,}", LayerScope(scope.folder, (first - 1, last))))
    return LayerView(
        scope=scope,
        crumbs=tuple(crumbs),
        tokens=int(layers.tokens[-1]),
        bands=tuple(shelf_bands(index, layers, trace)),
        passages=_placed(index, trace, layers.tokens_of),
    )


def _placed(
    index: IndexReader,
    trace: LayerTrace | None,
    tokens_of: Callable[[str, tuple[int, int]], tuple[int, int] | None],
) -> tuple[LitPassage, ...]:
    """Give the passages of a trace their places in a view."""
    if trace is None:
        return ()
    return tuple(
        replace(lit, tokens=tokens_of(lit.passage.path, (lit.passage.start, lit.passage.end)))
        for lit in lit_passages(index, trace)
    )
