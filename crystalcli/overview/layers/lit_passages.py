"""The passages that a question found, each with the scores on the way down to it.

Knows: traces, nodes of documents. Does not know: views, how they are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from crystalcli.index import IndexReader, layer_nodes
from crystalcli.overview.layers.layer_view import LayerScope, LitPassage
from crystalcli.overview.layers.light import known_score
from crystalcli.recall import LayerTrace


def lit_passages(index: IndexReader, trace: LayerTrace) -> Iterator[LitPassage]:
    """Follow each passage of a recall from its best atom down to its best unit.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    for number, passage in enumerate(trace.results, 1):
        source = index.store.source_named(passage.path)
        if source is None:
            continue
        atoms = layer_nodes(index, source, "atoms")
        first, end = np.searchsorted(atoms.middles, (passage.start, passage.end)).tolist()
        first = max(0, min(first, end - 1))
        atoms = atoms.part(first, max(end, first + 1))
        scores = trace.scores_of("atoms", atoms.numbers)
        best = int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))
        atom = atoms.part(best, best + 1)
        scope = LayerScope(document=source.path, span=(int(atom.starts[0]), int(atom.ends[0])))
        units = layer_nodes(index, source, "units", (int(atom.tokens[0]), int(atom.tokens[-1])))
        unit_scores = trace.scores_of("units", units.numbers)
        unit, text = None, ""
        if np.isfinite(unit_scores).any():
            place = int(np.nanargmax(unit_scores))
            unit = float(unit_scores[place])
            text = " ".join(index.span_text(source, int(units.starts[place]), int(units.ends[place])).split())
        cluster = known_score(float(trace.best_below("clusters", atom.numbers)[0]))
        yield LitPassage(number, passage, known_score(float(scores[best])), cluster, unit, text, scope)
