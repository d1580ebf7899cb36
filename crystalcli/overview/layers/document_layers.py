"""The layers of a document, or of a span of it.

Knows: nodes, outlines, traces of questions. Does not know: how a view is drawn.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import LAYER_NAMES, IndexReader, LayerName, NodeSpans, layer_nodes
from crystalcli.overview.document_outline import OutlinePart, document_parts
from crystalcli.overview.layers.cell_groups import group_evenly, group_small
from crystalcli.overview.layers.layer_view import LayerBand, LayerCell, LayerCrumb, LayerScope, UnitText
from crystalcli.overview.layers.light import known_score, light_of, score_groups
from crystalcli.overview.layers.telling_words import telling_words
from crystalcli.recall import LayerTrace
from crystalcli.storage import SourceRow

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

_MOST_SECTIONS = 60  # cells of the band of sections
_MOST_LABELS = 24  # cells of a band of nodes whose labels can be read
_MOST_TEXT = 60_000  # characters of a view whose cells have a text
_EXCERPT = 90  # characters of a cell's text
_OPENING = frozenset("“‘«\"'([{<#@$")  # signs that a text may begin with
_FEW_UNITS = 4  # which are lit by their scores alone
_PAGE = 900  # tokens of a view whose whole text is shown
_WHOLE = 0.9  # share of a scope's text that a part has which is no part of it, but all


@dataclass(frozen=True, slots=True, eq=False)
class DocumentLayers:
    """The nodes of each layer in a scope of a document.

    Attributes:
        source: The document.
        scope: The scope.
        first_atom: The number of the document's atoms before the scope.
        atoms_total: The number of the document's atoms.
        nodes: The nodes in the scope, by layer; tokens count in the document.
        unit: The kind of the parts of the document's outline; "" without any.
        parts: These parts, in order.
        before: The characters of as many atoms before the scope; None at the beginning.
        after: The characters of as many atoms after it; None at the end.
    """

    source: SourceRow
    scope: LayerScope
    first_atom: int
    atoms_total: int
    nodes: dict[LayerName, NodeSpans]
    unit: str
    parts: Sequence[OutlinePart]
    before: tuple[int, int] | None
    after: tuple[int, int] | None

    @property
    def start(self) -> int:
        """The first token of the scope in the document."""
        return int(self.nodes["atoms"].tokens[0])

    @property
    def tokens(self) -> int:
        """The number of tokens in the scope."""
        return int(self.nodes["atoms"].tokens[-1]) - self.start

    def tokens_of(self, span: tuple[int, int]) -> tuple[int, int] | None:
        """Find the tokens of a span of characters, counted in the scope; None outside of it."""
        atoms = self.nodes["atoms"]
        if not len(atoms) or span[1] <= atoms.starts[0] or span[0] >= atoms.ends[-1]:
            return None
        places = np.append(atoms.starts, atoms.ends[-1])
        low, high = np.interp(span, places, atoms.tokens - self.start)
        return int(low), max(int(low) + 1, int(high))


def read_document_layers(index: IndexReader, source: SourceRow, span: tuple[int, int] | None) -> DocumentLayers:
    """Read the nodes of a document, or of those atoms whose middle lies in a span of it.

    A span without one has the atom that it begins in.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    atoms = layer_nodes(index, source, "atoms")
    total = len(atoms)
    first, end = 0, total
    if span is not None and total:
        first, end = np.searchsorted(atoms.middles, span).tolist()
        if first >= end:
            first = max(0, min(total - 1, int(np.searchsorted(atoms.starts, span[0], side="right")) - 1))
            end = first + 1
    inside = atoms.part(first, end)
    tokens = int(inside.tokens[0]), int(inside.tokens[-1])
    nodes = {layer: layer_nodes(index, source, layer, tokens) for layer in LAYER_NAMES[1:]}
    count = end - first
    neighbours = [atoms.part(max(0, first - count), first), atoms.part(end, min(total, end + count))]
    before, after = ((int(part.starts[0]), int(part.ends[-1])) if len(part) else None for part in neighbours)
    scope = LayerScope(document=source.path, span=span)
    unit, parts = document_parts(index, source)
    return DocumentLayers(source, scope, first, total, {"atoms": inside, **nodes}, unit or "", parts, before, after)


def document_bands(index: IndexReader, layers: DocumentLayers, trace: LayerTrace | None) -> list[LayerBand]:
    """Make the bands of a document's layers: sections where it has some, atoms, clusters, units.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    atoms = layers.nodes["atoms"]
    if not len(atoms):
        return []
    first, end = int(atoms.starts[0]), int(atoms.ends[-1])
    text = index.span_text(layers.source, first, end) if end - first <= _MOST_TEXT else None
    bands, edges = [], atoms.tokens[[0, -1]]
    sections = _sections(layers, trace)
    if len(sections) > 1:
        bands.append(LayerBand("sections", tuple(sections), layers.unit))
        edges = np.array([*(cell.start for cell in sections), layers.tokens]) + layers.start
    for layer in LAYER_NAMES:
        nodes = layers.nodes[layer]
        firsts = group_evenly(nodes.tokens, edges)
        edges = nodes.tokens[firsts]
        bands.append(LayerBand(layer, tuple(_cells(layers, layer, firsts, trace, text))))
    return bands


def _cells(
    layers: DocumentLayers, layer: LayerName, firsts: Int64Array, trace: LayerTrace | None, text: str | None
) -> list[LayerCell]:
    """Make the cells of groups of nodes.

    Args:
        layers: The nodes.
        layer: The layer.
        firsts: The first node of each group and, last, the number of nodes, int64 [groups + 1].
        trace: The trace of a question; None without one.
        text: The text of all atoms; None where it was not read.
    """
    nodes = layers.nodes[layer]
    scores = None
    if trace is not None:
        scores = score_groups(trace, layer, trace.scores_of(layer, nodes.numbers), firsts)
    offset = int(layers.nodes["atoms"].starts[0])
    is_leaf = len(layers.nodes["atoms"]) == 1
    spans = list(zip(nodes.starts[firsts[:-1]].tolist(), nodes.ends[firsts[1:] - 1].tolist(), strict=True))
    texts = [] if text is None else [_from_a_word(text, start - offset, end - offset) for start, end in spans]
    labels = [""] * len(spans)
    if texts and len(spans) <= _MOST_LABELS:
        labels = telling_words(texts) if layer == "atoms" else [_excerpt(text) for text in texts]
    cells = []
    for group, span in enumerate(spans):
        low, high = int(firsts[group]), int(firsts[group + 1])
        cells.append(
            LayerCell(
                start=int(nodes.tokens[low]) - layers.start,
                end=int(nodes.tokens[high]) - layers.start,
                nodes=high - low,
                read=int(scores.read[group]) if scores else 0,
                score=known_score(float(scores.best[group])) if scores else None,
                light=float(scores.light[group]) if scores else 0.0,
                label=labels[group],
                text=_excerpt(texts[group]) if texts else "",
                scope=None if is_leaf else LayerScope(document=layers.source.path, span=span),
                span=span,
            )
        )
    return cells


def _excerpt(text: str) -> str:
    """Give the beginning of a node's text, on one line."""
    words = " ".join(text.split())
    return words if len(words) <= _EXCERPT else f"{words[: _EXCERPT - 1].rstrip()}…"


def _from_a_word(text: str, start: int, end: int) -> str:
    """Give a node's text from its first whole word: nodes may begin inside of one."""
    low = start
    if 0 < start < end and text[start - 1].isalnum():
        while low < end and text[low].isalnum():
            low += 1
    while low < end and not text[low].isalnum() and text[low] not in _OPENING:
        low += 1
    return text[low:end] if low < end else text[start:end]


# --- sections -------------------------------------------------------------------------------------


def _sections(layers: DocumentLayers, trace: LayerTrace | None) -> list[LayerCell]:
    """Make the cells of the sections of a scope: the parts of its outline, small ones together."""
    atoms = layers.nodes["atoms"]
    parts = outermost_parts(layers.parts, layers.scope.span, layers.source.characters)
    if not parts:
        return []
    owners = np.searchsorted(np.array([part.start for part in parts]), atoms.middles, side="right") - 1
    changes = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(atoms)]
    stretches = list(itertools.pairwise(changes))  # of atoms, one for each part that has some
    sizes = [int(atoms.tokens[end] - atoms.tokens[first]) for first, end in stretches]
    groups = group_small(sizes, layers.tokens / _MOST_SECTIONS)
    firsts = np.array([*(stretches[low][0] for low, _ in groups), len(atoms)])
    scores = score_groups(trace, "atoms", trace.scores_of("atoms", atoms.numbers), firsts) if trace else None
    cells = []
    for number, (low, high) in enumerate(groups):
        first, end = stretches[low][0], stretches[high - 1][1]
        members = [parts[owners[begin]] for begin, _ in stretches[low:high] if owners[begin] >= 0]
        # Text before the first part is in no part.
        start = int(atoms.starts[first]) if owners[first] < 0 else members[0].start
        span = start, members[-1].end if members else int(atoms.ends[end - 1])
        cells.append(
            LayerCell(
                start=int(atoms.tokens[first]) - layers.start,
                end=int(atoms.tokens[end]) - layers.start,
                nodes=high - low,
                read=int(scores.read[number] > 0) * (high - low) if scores else 0,
                score=known_score(float(scores.best[number])) if scores else None,
                light=float(scores.light[number]) if scores else 0.0,
                label=join_labels([part.label for part in members]),
                scope=LayerScope(document=layers.source.path, span=span),
                span=span,
            )
        )
    return cells


def outermost_parts(parts: Sequence[OutlinePart], span: tuple[int, int] | None, characters: int) -> list[OutlinePart]:
    """Select the parts that a span is divided into: the outermost that are not nearly all of it.

    Args:
        parts: The parts of a document's outline, in order.
        span: The span; None: the document.
        characters: The length of the document.
    """
    low, high = span or (0, characters)
    inside = [part for part in parts if low <= part.start and part.end <= high]
    whole = [part for part in inside if part.end - part.start > _WHOLE * (high - low)]
    chosen: list[OutlinePart] = []
    for part in inside:
        if (part not in whole or part is inside[-1]) and (not chosen or part.start >= chosen[-1].end):
            chosen.append(part)
    return chosen if len(chosen) > 1 else []


def join_labels(labels: Sequence[str]) -> str:
    """Name several neighbours by the first and the last of them."""
    named = [" ".join(label.split()) for label in labels if label]
    return named[0] if len(set(named)) == 1 else f"{named[0]} – {named[-1]}" if named else ""


# --- the way to a scope, and its text -------------------------------------------------------------


def document_crumbs(layers: DocumentLayers) -> list[LayerCrumb]:
    """Name the steps from a document to a scope: the parts around it, and itself."""
    path, span = layers.source.path, layers.scope.span
    crumbs = [LayerCrumb(path.rpartition("/")[2], LayerScope(document=path))]
    if span is None:
        return crumbs
    for part in layers.parts:
        if part.start <= span[0] and span[1] <= part.end and part.end - part.start < layers.source.characters:
            crumbs.append(LayerCrumb(part.label, LayerScope(document=path, span=part[:2])))
    if crumbs[-1].scope.span != span:
        first, last = layers.first_atom + 1, layers.first_atom + len(layers.nodes["atoms"])
        of = f"{layers.atoms_total:,}"
        label = f"atom {first:,} of {of}" if first == last else f"atoms {first:,} to {last:,} of {of}"
        crumbs.append(LayerCrumb(label, layers.scope))
    return crumbs


def unit_texts(
    index: IndexReader, layers: DocumentLayers, trace: LayerTrace | None, passages: Sequence[tuple[int, int, int]]
) -> list[UnitText]:
    """Read the text of a scope by units; empty where it is longer than a page.

    Args:
        index: The resident index.
        layers: The layers of the scope.
        trace: The trace of a question; None without one.
        passages: The rank and the span of each passage in the document.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    units = layers.nodes["units"]
    if not len(units) or layers.tokens > _PAGE:
        return []
    scores = np.full(len(units), np.nan, np.float32) if trace is None else trace.scores_of("units", units.numbers)
    light = np.zeros(len(units), np.float32)
    if trace is not None:
        # All units of an atom are about as near as it is: only the nearer half of them is lit.
        known = scores[np.isfinite(scores)]
        least = float(np.median(known)) if len(known) > _FEW_UNITS else -np.inf
        light = light_of(trace, "units", scores, least)
    starts = units.starts.tolist()
    text = index.span_text(layers.source, starts[0], int(units.ends[-1]))
    texts = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], int(units.ends[-1])], strict=True)):
        ranks = tuple(rank for rank, low, high in passages if low < end and high > start)
        is_read = bool(np.isfinite(scores[number]))
        words = text[start - starts[0] : end - starts[0]]
        texts.append(UnitText(words, (start, end), is_read, float(light[number]), ranks))
    return texts
