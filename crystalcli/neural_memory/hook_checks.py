"""Checks of what the overridable steps of a memory return; a subclass may have replaced them.

Every check raises CrystalError, and names the step.

Knows: shapes, dtypes and ranges of results. Does not know: how results are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from crystalcli.errors import CrystalError
from crystalcli.neural_memory.argument_checks import within_limit
from crystalcli.neural_memory.beam_search import BeamChoice, Candidates
from crystalcli.neural_memory.node_store import LayerNodes

if TYPE_CHECKING:
    from torch import Tensor


def check_nodes(nodes: object, batch: int, groups: int, dimension: int) -> LayerNodes:
    """Return what `hierarchical_compress` made of `groups` groups, if these are valid nodes."""
    step = "hierarchical_compress"
    if not isinstance(nodes, LayerNodes):
        raise CrystalError(f"{step} must return LayerNodes, got {type(nodes).__name__}")
    shapes = [_shape(tensor) for tensor in nodes]
    expected = [[batch, groups, dimension], *([[batch, groups]] * 3)]
    if shapes != expected:
        raise CrystalError(f"{step} must return shapes {expected}, got {shapes}")
    if not all(tensor.is_floating_point() for tensor in nodes[:3]):
        raise CrystalError(f"{step} must return vectors, weights and times of floating point")
    if not torch.isfinite(nodes.vectors.detach()).all():
        raise CrystalError(f"{step} returned vectors with NaN or infinity")
    if not (within_limit(nodes.weights) and (nodes.weights >= 0).all()):
        raise CrystalError(f"{step} must return weights between 0 and 1e30")
    if not within_limit(nodes.times):
        raise CrystalError(f"{step} must return times between -1e30 and 1e30")
    if nodes.pinned.dtype != torch.bool:
        raise CrystalError(f"{step} must return pins of dtype bool, got {nodes.pinned.dtype}")
    return nodes


def check_scores(scores: object, shape: Sequence[int], vectors: Tensor) -> Tensor:
    """Return what `compute_relevance` made of vectors, as float32 of this shape."""
    if not isinstance(scores, torch.Tensor) or list(scores.shape) != list(shape):
        raise CrystalError(
            f"compute_relevance must return {list(shape)} for vectors {list(vectors.shape)}, got {_shape(scores)}"
        )
    return scores.float()


def check_finite(scores: Tensor, missing: Tensor) -> Tensor:
    """Return scores of `compute_relevance` that are finite, except for nodes that are missing."""
    # One pass over the scores where all of them are finite.
    finite = not scores.numel() or bool(torch.isfinite(torch.stack(scores.aminmax())).all())
    if not finite and not torch.isfinite(scores.masked_fill(missing, 0)).all():
        raise CrystalError("compute_relevance returned NaN or infinity")
    return scores


def check_candidates(layers: object, queries: Tensor) -> list[Candidates]:
    """Return what `extract_memories` found for queries [batch, queries, dimension]."""
    step = "extract_memories"
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, Candidates) for layer in layers):
        raise CrystalError(f"{step} must return a list of Candidates, one for each layer that it searched")
    for candidates in layers:
        shape = [*queries.shape[:2], _last(candidates.rows)]
        shapes = [_shape(part) for part in candidates[1:]]
        if any(part != shape for part in shapes):
            raise CrystalError(f"{step} must return rows, scores and parents of shape {shape}, got {shapes}")
        if candidates.scores.isnan().any():
            raise CrystalError(f"{step} returned scores that are NaN")
    return layers


def check_choice(choice: object, queries: Tensor, k: int, counts: Sequence[int]) -> BeamChoice:
    """Return what `merge_memories` chose.

    Args:
        choice: its result.
        queries: [batch, queries, dimension].
        k: the most memories for a query.
        counts: the number of nodes of each layer.
    """
    step = "merge_memories"
    if not isinstance(choice, BeamChoice):
        raise CrystalError(f"{step} must return a BeamChoice, got {type(choice).__name__}")
    shape = [*queries.shape[:2], _last(choice.layers)]
    shapes = [_shape(part) for part in choice]
    if any(part != shape for part in shapes) or shape[2] > k:
        raise CrystalError(f"{step} must return [{shape[0]}, {shape[1]}, at most {k}] three times, got {shapes}")
    layers, rows, scores = choice
    if layers.dtype != torch.int64 or rows.dtype != torch.int64 or not scores.is_floating_point():
        raise CrystalError(f"{step} must return layers and rows of int64, and scores of floating point")
    valid = layers == 0
    for level, count in enumerate(counts):
        valid |= (layers == level + 1) & (rows >= 0) & (rows < count)
    if not valid.all():
        raise CrystalError(f"{step} returned layers and rows of nodes that do not exist")
    if not torch.isfinite(scores.masked_fill(layers == 0, 0)).all():
        raise CrystalError(f"{step} returned scores that are NaN or infinity")
    return choice


def _shape(value: object) -> list[int] | str:
    """Return the shape of a tensor, or the type of any other value."""
    return list(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__


def _last(value: object) -> int:
    """Return the size of a tensor's last dimension, or 0."""
    return value.shape[-1] if isinstance(value, torch.Tensor) and value.dim() else 0
