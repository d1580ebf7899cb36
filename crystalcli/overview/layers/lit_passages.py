"""The passages that a question found, each with the scores on the way down to it.

Knows: traces, nodes of documents. Does not know: views, how they are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import LAYER_NAMES, IndexReader, LayerName, NodeSpans, layer_nodes
from crystalcli.overview.layers.layer_view import LayerScope, LitPassage, LitStep
from crystalcli.overview.layers.light import known_score, light_of
from crystalcli.recall import LayerTrace

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray


def lit_passages(index: IndexReader, trace: LayerTrace) -> Iterator[LitPassage]:
    """Follow each passage of a recall from its best atom down to its best unit, in no view.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    atoms_of: dict[int, NodeSpans] = {}
    for number, passage in enumerate(trace.results, 1):
        source = index.store.source_named(passage.path)
        if source is None:
            continue
        if source.id not in atoms_of:
            atoms_of[source.id] = layer_nodes(index, source, "atoms")
        atoms = atoms_of[source.id]
        first, end = np.searchsorted(atoms.middles, (passage.start, passage.end)).tolist()
        first = max(0, min(first, end - 1))
        atoms = atoms.part(first, max(end, first + 1))
        scores = trace.scores_of("atoms", atoms.numbers)
        best = int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))
        atom = atoms.part(best, best + 1)
        scope = LayerScope(document=source.path, span=(int(atom.starts[0]), int(atom.ends[0])))
        units = layer_nodes(index, source, "units", (int(atom.tokens[0]), int(atom.tokens[-1])))
        unit_scores = trace.scores_of("units", units.numbers)
        text = ""
        if np.isfinite(unit_scores).any():
            place = int(np.nanargmax(unit_scores))
            text = " ".join(index.span_text(source, int(units.starts[place]), int(units.ends[place])).split())
        steps = tuple(_step(trace, layer, trace.best_below(layer, atom.numbers)) for layer in LAYER_NAMES)
        yield LitPassage(number, passage, steps, text, scope)


def _step(trace: LayerTrace, layer: LayerName, scores: FloatArray) -> LitStep:
    """Give the step of one score, float32 [1]."""
    return LitStep(layer, known_score(float(scores[0])), float(light_of(trace, layer, scores)[0]))
