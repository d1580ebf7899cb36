"""The light of cells: how far the score of each stands out for a question.

Knows: scores, groups of nodes. Does not know: what is drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import LayerName
from crystalcli.recall import LayerTrace

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array


_CROWDED = 4  # nodes of a group, on average, from which on half of a band is left dark
_MANY = 16  # groups of that band


class GroupScores(NamedTuple):
    """The scores of groups of nodes.

    Attributes:
        read: The number of nodes in each that the question was compared with, int64 [groups].
        best: The best score of each, float32 [groups]; NaN where none was compared.
        light: How far it stands out, from 0 to 1, float32 [groups].
    """

    read: Int64Array
    best: FloatArray
    light: FloatArray


def score_groups(trace: LayerTrace, layer: LayerName, scores: FloatArray, firsts: Int64Array) -> GroupScores:
    """Score groups of nodes.

    The best node of the crystal has light 1. Where groups have many nodes each, one of these is
    always rather near the question; so of many groups at most half have any light there, and few
    groups have less.

    Args:
        trace: The trace of the question.
        layer: The layer.
        scores: The score of each node, float32 [n]; NaN where it was not compared.
        firsts: The first node of each group and, last, n, int64 [groups + 1].
    """
    starts = firsts[:-1]
    read = np.add.reduceat(np.isfinite(scores).astype(np.int64), starts)
    best = np.fmax.reduceat(scores, starts)
    known = best[np.isfinite(best)]
    is_crowded = len(scores) > _CROWDED * len(best)
    if is_crowded and len(known) >= _MANY:
        return GroupScores(read, best, light_of(trace, layer, best, float(np.median(known))))
    light = light_of(trace, layer, best)
    return GroupScores(read, best, light * light if is_crowded else light)


def light_of(trace: LayerTrace, layer: LayerName, scores: FloatArray, least: float = -np.inf) -> FloatArray:
    """Give the light of scores, float32 [n], from 0 to 1; NaN has light 0.

    Args:
        trace: The trace of the question.
        layer: The layer.
        scores: Scores of nodes, float32 [n].
        least: The score up to which there is no light; the layer has a bound of its own, too.
    """
    low, high = trace.range_of(layer)
    low = max(low, least)
    if not high > low:
        return np.where(scores >= high, np.float32(1), np.float32(0))
    light = np.clip((np.nan_to_num(scores, nan=low, neginf=low) - low) / (high - low), 0, 1)
    result: FloatArray = np.sqrt(light, dtype=np.float32)
    return result


def known_score(score: float) -> float | None:
    """Give a score; None for NaN."""
    return None if math.isnan(score) else float(score)
