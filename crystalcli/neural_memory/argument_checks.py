"""Checks of the arguments that a memory in tensors is given, or a layer that has one.

Every check raises UsageError for a value that it refuses, before anything is changed.

Knows: shapes, dtypes, devices and ranges. Does not know: nodes, layers, scores.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from crystalcli.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

# The largest time or importance: sums of these, and ages in float32, stay finite.
MAX_VALUE = 1e30
# The most tokens of an atom: token positions are counted in int64 and float64.
_MAX_ATOM_TOKENS = 1 << 53
# An importance below this counts as 0: shares of so small a sum would not add up to 1.
_MIN_IMPORTANCE = 1e-30


def check_integer(value: object, name: str, least: int = 1) -> int:
    """Return `value` as an int of `least` or more.

    Args:
        value: an integer of Python, numpy or torch; a bool is refused.
        name: the argument's name in the message.
        least: the smallest value allowed.

    Raises:
        UsageError: it is no integer, or below `least`.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # an error here is the answer
    except (TypeError, ValueError):
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise UsageError(f"{name} must be an integer of {least} or more, got {value!r}")
    return number


def check_depth(value: object) -> int:
    """Return the number of layers that are searched: 1, 2 or 3."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in (1, 2, 3):
        raise UsageError(f"depth must be 1, 2 or 3, got {value!r}")
    return value


def check_time(value: object) -> float:
    """Return a time, in any unit, as a float of at most 1e30 either way."""
    try:
        time = float(value)  # type: ignore[arg-type]  # an error here is the answer
    except (TypeError, ValueError, RuntimeError):
        time = math.nan
    if isinstance(value, str) or not abs(time) <= MAX_VALUE:
        raise UsageError(f"a time must be a number between -1e30 and 1e30, got {value!r}")
    return time


def check_floating(value: object, name: str) -> Tensor:
    """Return `value` if it is a dense tensor of floating-point numbers."""
    tensor = _check_tensor(value, name)
    if not tensor.is_floating_point():
        raise UsageError(f"{name}: expected a floating-point tensor, got {tensor.dtype}")
    if tensor.layout != torch.strided:
        raise UsageError(f"{name}: expected a dense tensor, got {tensor.layout}")
    return tensor


def check_mask(value: object, shape: torch.Size, name: str) -> Tensor:
    """Return `value` if it is a bool tensor of this shape, one for each token."""
    tensor = _check_tensor(value, name)
    if tensor.dtype != torch.bool or tensor.shape != shape:
        raise UsageError(
            f"{name}: expected one bool for each token, {list(shape)}, got {tensor.dtype} {list(tensor.shape)}"
        )
    return tensor


def within_limit(values: Tensor) -> bool:
    """Return whether all numbers are within MAX_VALUE, or rounded means of these; NaN is not."""
    return bool((values.detach().abs() <= 2 * MAX_VALUE).all())


def check_castable(dtype: torch.dtype, vectors: Tensor) -> None:
    """Raise UsageError if casting the vectors to `dtype` gives NaN or infinity."""
    if not torch.isfinite(vectors.detach().to(dtype).float()).all():
        raise UsageError(f"nodes would hold NaN or infinity in {dtype}: use a wider dtype")


def check_device(tensor: Tensor, device: torch.device, name: str) -> None:
    """Raise UsageError unless `tensor` is on the memory's device."""
    if tensor.device != device:
        raise UsageError(
            f"{name}: expected a tensor on {device}, where the memory is, got one on {tensor.device}; "
            f"memory.to({str(tensor.device)!r}) moves the memory"
        )


def check_attributes(
    x: Tensor, first: int, importance: object, times: object, pinned: object
) -> tuple[Tensor, Tensor, Tensor]:
    """Return importance, times and pins of tokens, with defaults for those that are not given.

    Gradients come through the importance alone.

    Args:
        x: the tokens' embeddings, [batch, tokens, any].
        first: the number of the first token in the stream.
        importance: a number for each token, 0 or more; None for 1 each.
        times: a number for each token; None for the tokens' numbers in the stream.
        pinned: one bool for all tokens, or a bool tensor [tokens] or [batch, tokens].

    Returns:
        Importance float32, times float64 and pins bool, each [batch, tokens]. A token of
        importance 0 is never pinned.
    """
    shape = x.shape[:2]
    weights = torch.ones(shape, dtype=torch.float32, device=x.device)
    if importance is not None:
        weights = _check_numbers(importance, x, "importance", torch.float32)
        if (weights < 0).any():
            raise UsageError("importance must be 0 or more")
        weights = weights.masked_fill(weights < _MIN_IMPORTANCE, 0)
    if times is None:
        times = torch.arange(first, first + shape[1], dtype=torch.float64, device=x.device)
    token_times = _check_numbers(times, x, "times", torch.float64).detach()
    if isinstance(pinned, bool):
        pins = torch.full(shape, pinned, device=x.device)
    else:
        tensor = _check_tensor(pinned, "pinned")
        pins = check_mask(tensor, shape if tensor.dim() == 2 else shape[1:], "pinned").to(x.device).expand(shape)
    return weights, token_times, pins & (weights > 0)


def check_queries(query: object, dimension: int, batch: int | None, flat: bool) -> Tensor:
    """Return a query as float32 [batch, queries, dimension].

    Args:
        query: [dimension], [queries, dimension] of a flat memory, [batch, dimension] or
            [batch, queries, dimension].
        dimension: the memory's.
        batch: the rows of the memory's batch; None before anything was read.
        flat: whether the embeddings that the memory read first had no batch dimension.
    """
    tensor, rows = check_floating(query, "query"), batch or 0
    allowed = {3: [rows, *tensor.shape[1:2]], 2: list(tensor.shape[:1]) if flat else [rows], 1: []}
    fits = tensor.dim() in allowed and tensor.shape[-1] == dimension
    if not fits or (rows and list(tensor.shape[:-1]) != allowed[tensor.dim()]) or (tensor.dim() == 1 and rows > 1):
        expected = f"[{dimension}]" if rows < 2 else f"[{rows}, {dimension}]"
        raise UsageError(f"query: expected {expected}, got {list(tensor.shape)}")
    queries = tensor.detach().float()
    if not torch.isfinite(queries).all():
        raise UsageError("query holds NaN or infinity")
    if tensor.dim() == 3:
        return queries
    if tensor.dim() == 2:
        return queries[None] if flat else queries[:, None]
    return queries[None, None]


def check_rows(rows: object, count: int) -> Tensor:
    """Return a selection of rows of a batch as a mask, bool [count].

    Args:
        rows: row numbers, or a bool for each row.
        count: the rows of the batch.
    """
    try:
        tensor = torch.as_tensor(rows).cpu()
    except (TypeError, ValueError, RuntimeError):
        raise UsageError(f"rows must be row numbers, or a bool for each row, got {rows!r}") from None
    if tensor.dtype == torch.bool:
        if tensor.shape != (count,):
            raise UsageError(f"rows: expected row numbers or {count} bools, got bools of shape {list(tensor.shape)}")
        return tensor
    if tensor.numel() and (tensor.is_floating_point() or tensor.is_complex()):
        raise UsageError(f"rows: expected integers, got {tensor.dtype}")
    numbers = tensor.long().flatten()
    if not all(0 <= number < count for number in numbers.tolist()):
        raise UsageError(
            f"rows must be between 0 and {count - 1}, got {numbers.tolist()}"
            if count
            else "the memory has no rows yet: reset() without rows empties it"
        )
    mask = torch.zeros(count, dtype=torch.bool)
    mask[numbers] = True
    return mask


def check_ratios(value: object) -> tuple[int, int, int]:
    """Return tokens to a unit, units to a cluster and clusters to an atom.

    Raises:
        UsageError: not three integers of 1 or more, or more than 2^53 tokens to an atom.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 3:
        raise UsageError(f"ratios must be three integers of 1 or more, got {value!r}")
    unit, cluster, atom = (check_integer(ratio, "each ratio") for ratio in value)
    if unit * cluster * atom > _MAX_ATOM_TOKENS:
        raise UsageError(f"an atom must have at most 2^53 tokens, got {unit} x {cluster} x {atom}")
    return unit, cluster, atom


def _check_tensor(value: object, name: str) -> Tensor:
    if not isinstance(value, torch.Tensor):
        raise UsageError(f"{name}: expected a torch tensor, got {type(value).__name__}")
    return value


def _check_numbers(value: object, x: Tensor, name: str, dtype: torch.dtype) -> Tensor:
    """Return one number for each token of x, [batch, tokens], on the device of x.

    Args:
        value: a tensor [batch, tokens] or [tokens].
        x: [batch, tokens, any].
        name: the argument's name in the message.
        dtype: of the result.
    """
    values, shape = _check_tensor(value, name), x.shape[:2]
    if values.shape not in (shape, shape[1:]) or values.is_complex():
        raise UsageError(
            f"{name}: expected one number for each token, {list(shape)}, got {values.dtype} {list(values.shape)}"
        )
    values = values.to(x.device, dtype)
    if not torch.isfinite(values).all():
        raise UsageError(f"{name}: values hold NaN or infinity")
    if values.numel() and values.detach().abs().max() > MAX_VALUE:
        raise UsageError(f"{name}: values must be 1e30 at most")
    return values.expand(shape)
