"""What the steps of a memory made, checked: a class of somebody's own may have put others in their place.

Everything here raises CrystalError, and names the step. Knows nothing of how it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from crystalcli.errors import CrystalError
from crystalcli.neural_memory.argument_checks import bounded
from crystalcli.neural_memory.beam_search import BeamChoice, Candidates
from crystalcli.neural_memory.node_store import LayerNodes

if TYPE_CHECKING:
    from torch import Tensor


def made_nodes(made: object, batch: int, groups: int, dimension: int) -> LayerNodes:
    """What `hierarchical_compress` made of so many groups."""
    step = "hierarchical_compress"
    if not isinstance(made, LayerNodes):
        raise CrystalError(f"{step} gives Nodes, not {type(made).__name__}")
    shapes = [_shape(each) for each in made]
    if shapes != [[batch, groups, dimension], *([[batch, groups]] * 3)]:
        raise CrystalError(f"{step} made {shapes[0]} of {groups} groups")
    if not all(each.is_floating_point() for each in made[:3]):
        raise CrystalError(f"{step} made numbers that are not of floating point")
    if not torch.isfinite(made.vectors.detach()).all():
        raise CrystalError(f"{step} made vectors with NaN or infinity")
    if not (bounded(made.weights) and (made.weights >= 0).all()):
        raise CrystalError(f"{step} made weights that are not from 0 to 1e30")
    if not bounded(made.times):
        raise CrystalError(f"{step} made times beyond 1e30")
    if made.pinned.dtype != torch.bool:
        raise CrystalError(f"{step} made pins that are not bool, but {made.pinned.dtype}")
    return made


def made_scores(scores: object, shape: Sequence[int], vectors: Tensor) -> Tensor:
    """What `compute_relevance` made of these vectors, float32 of this shape."""
    if not isinstance(scores, torch.Tensor) or list(scores.shape) != list(shape):
        raise CrystalError(
            f"compute_relevance made {_shape(scores)}, not {list(shape)}, of vectors {list(vectors.shape)}"
        )
    return scores.float()


def finite_scores(scores: Tensor, missing: Tensor) -> Tensor:
    """What `compute_relevance` made of nodes, some of which are missing: they may have any."""
    plain = not scores.numel() or bool(
        torch.isfinite(torch.stack(scores.aminmax())).all()
    )  # one pass, where all is well
    if not plain and not torch.isfinite(scores.masked_fill(missing, 0)).all():
        raise CrystalError("compute_relevance made NaN or infinity")
    return scores


def made_candidates(found: object, queries: Tensor) -> list[Candidates]:
    """What `extract_memories` found for queries [batch, queries, dimension]."""
    step = "extract_memories"
    if not isinstance(found, list) or not found or not all(isinstance(each, Candidates) for each in found):
        raise CrystalError(f"{step} gives a list of Candidates, a layer or more")
    for each in found:
        shape = [*queries.shape[:2], _last(each.rows)]
        if any(_shape(part) != shape for part in each[1:]):
            raise CrystalError(f"{step} made {[_shape(part) for part in each[1:]]}, not {shape} three times")
        if each.scores.isnan().any():
            raise CrystalError(f"{step} made scores that are NaN")
    return found


def made_choice(chosen: object, queries: Tensor, k: int, counts: Sequence[int]) -> BeamChoice:
    """What `merge_memories` chose for queries [batch, queries, dimension] of layers with so many nodes each."""
    step = "merge_memories"
    if not isinstance(chosen, BeamChoice):
        raise CrystalError(f"{step} gives Chosen, not {type(chosen).__name__}")
    shape = [*queries.shape[:2], _last(chosen.layers)]
    if any(_shape(part) != shape for part in chosen) or shape[2] > k:
        raise CrystalError(f"{step} made {[_shape(part) for part in chosen]}, of {shape[:2]} queries and {k} memories")
    layers, rows, scores = chosen
    if layers.dtype != torch.int64 or rows.dtype != torch.int64 or not scores.is_floating_point():
        raise CrystalError(f"{step} made layers and rows that are not int64, or scores that are not of floating point")
    known = layers == 0
    for level, count in enumerate(counts):
        known |= (layers == level + 1) & (rows >= 0) & (rows < count)
    if not known.all():
        raise CrystalError(f"{step} made layers and rows of no node")
    if not torch.isfinite(scores.masked_fill(layers == 0, 0)).all():
        raise CrystalError(f"{step} made scores that are NaN or infinity")
    return chosen


def _shape(made: object) -> list[int] | str:
    """Of a tensor; of what is none, its type."""
    return list(made.shape) if isinstance(made, torch.Tensor) else type(made).__name__


def _last(made: object) -> int:
    return made.shape[-1] if isinstance(made, torch.Tensor) and made.dim() else 0
