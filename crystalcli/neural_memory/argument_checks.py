"""What is given to a memory in tensors, or to a layer with one, checked first. Knows nothing of what is remembered.

Everything here raises UsageError for what cannot be.
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

LARGEST = 1e30  # of times and importance: sums, and ages in float32, stay finite
_WIDEST = 1 << 53  # tokens to an atom: places are counted in int64
_LEAST = 1e-30  # importance below this is none: shares of a sum of such would not add up to 1


def whole_number(given: object, what: str, least: int = 1) -> int:
    """A whole number, `least` or more, as Python, numpy or torch have it."""
    try:
        number = operator.index(given)  # type: ignore[arg-type]  # what it raises is what is asked
    except (TypeError, ValueError):
        number = least - 1
    if isinstance(given, bool) or number < least:
        raise UsageError(f"{what} is a whole number, {least} or more, not {given!r}")
    return number


def depth_of(given: object) -> int:
    """How many layers are looked at: 1, 2 or 3."""
    if isinstance(given, bool) or not isinstance(given, int) or given not in (1, 2, 3):
        raise UsageError(f"depth is 1, 2 or 3, not {given!r}")
    return given


def moment_of(given: object) -> float:
    """A time, in any unit."""
    try:
        moment = float(given)  # type: ignore[arg-type]  # what it raises is what is asked
    except (TypeError, ValueError, RuntimeError):
        moment = math.nan
    if isinstance(given, str) or not abs(moment) <= LARGEST:
        raise UsageError(f"a time is a number, of 1e30 at most, not {given!r}")
    return moment


def floating(given: object, what: str) -> Tensor:
    """A dense tensor of floating-point numbers."""
    tensor = _tensor(given, what)
    if not tensor.is_floating_point():
        raise UsageError(f"{what}: floating point is needed, not {tensor.dtype}")
    if tensor.layout != torch.strided:
        raise UsageError(f"{what}: a dense tensor is needed, not {tensor.layout}")
    return tensor


def mask_of(given: object, shape: torch.Size, what: str) -> Tensor:
    """A bool for each token."""
    tensor = _tensor(given, what)
    if tensor.dtype != torch.bool or tensor.shape != shape:
        raise UsageError(f"{what} is a bool for each token, {list(shape)}, not {tensor.dtype} {list(tensor.shape)}")
    return tensor


def bounded(values: Tensor) -> bool:
    """Whether numbers are none beyond LARGEST, means of such included, which are rounded; NaN is beyond it."""
    return bool((values.detach().abs() <= 2 * LARGEST).all())


def held_by(dtype: torch.dtype, vectors: Tensor) -> None:
    """Nothing, where `dtype` can hold the vectors of nodes."""
    if not torch.isfinite(vectors.detach().to(dtype).float()).all():
        raise UsageError(f"nodes would hold NaN or infinity in {dtype}")


def on_device(tensor: Tensor, device: torch.device, what: str) -> None:
    """Nothing, where a tensor is where the memory is."""
    if tensor.device != device:
        raise UsageError(f"{what}: it is on {tensor.device}, the memory on {device}; memory.to({str(tensor.device)!r})")


def notes(x: Tensor, first: int, importance: object, times: object, pinned: object) -> tuple[Tensor, Tensor, Tensor]:
    """What is noted of tokens x [batch, tokens, any], of which the first is number `first`: importance float32, times float64 and
    pins bool, each [batch, tokens]. Gradients come through importance alone."""
    shape = x.shape[:2]
    weights = torch.ones(shape, dtype=torch.float32, device=x.device)
    if importance is not None:
        weights = _each(importance, x, "importance", torch.float32)
        if (weights < 0).any():
            raise UsageError("importance is 0 or more")
        weights = weights.masked_fill(weights < _LEAST, 0)
    if times is None:
        times = torch.arange(first, first + shape[1], dtype=torch.float64, device=x.device)
    moments = _each(times, x, "the time", torch.float64).detach()
    if isinstance(pinned, bool):
        marks = torch.full(shape, pinned, device=x.device)
    else:
        given = _tensor(pinned, "pinned")
        marks = mask_of(given, shape if given.dim() == 2 else shape[1:], "pinned").to(x.device).expand(shape)
    return weights, moments, marks & (weights > 0)


def queries_of(query: object, dimension: int, batch: int | None, flat: bool) -> Tensor:
    """A query as float32 [batch, queries, dimension], for a memory of so many streams, `flat` where these had no batch."""
    given, count = floating(query, "the query"), batch or 0
    allowed = {3: [count, *given.shape[1:2]], 2: list(given.shape[:1]) if flat else [count], 1: []}
    fits = given.dim() in allowed and given.shape[-1] == dimension
    if not fits or (count and list(given.shape[:-1]) != allowed[given.dim()]) or (given.dim() == 1 and count > 1):
        held = f"[{dimension}]" if count < 2 else f"[{count}, {dimension}]"
        raise UsageError(f"the query is {held}, not {list(given.shape)}")
    asked = given.detach().float()
    if not torch.isfinite(asked).all():
        raise UsageError("the query holds NaN or infinity")
    if given.dim() == 3:
        return asked
    if given.dim() == 2:
        return asked[None] if flat else asked[:, None]
    return asked[None, None]


def batch_rows(rows: object, count: int) -> Tensor:
    """Rows of a batch of `count`, their numbers or a bool for each, as bool [count]."""
    try:
        given = torch.as_tensor(rows).cpu()
    except (TypeError, ValueError, RuntimeError):
        raise UsageError(f"rows to reset are numbers, or a bool for each, not {rows!r}") from None
    if given.dtype == torch.bool:
        if given.shape != (count,):
            raise UsageError(f"rows to reset are numbers, or {count} bools, not {list(given.shape)}")
        return given
    if given.numel() and (given.is_floating_point() or given.is_complex()):
        raise UsageError(f"rows to reset are whole numbers, not {given.dtype}")
    numbers = given.long().flatten()
    if not all(0 <= number < count for number in numbers.tolist()):
        there = f"the memory has rows 0 to {count - 1}, not {numbers.tolist()}"
        raise UsageError(there if count else "the memory has no rows yet")
    mask = torch.zeros(count, dtype=torch.bool)
    mask[numbers] = True
    return mask


def ratios_of(given: object) -> tuple[int, int, int]:
    """Tokens to a unit, units to a cluster, clusters to an atom; at most 2^53 tokens to an atom in all."""
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 3:
        raise UsageError(f"ratios are three whole numbers, 1 or more, not {given!r}")
    one, two, three = (whole_number(each, "a ratio") for each in given)
    if one * two * three > _WIDEST:
        raise UsageError(f"an atom is of 2^53 tokens at most, not of {one} x {two} x {three}")
    return one, two, three


def _tensor(given: object, what: str) -> Tensor:
    if not isinstance(given, torch.Tensor):
        raise UsageError(f"{what}: a torch tensor is needed, not {type(given).__name__}")
    return given


def _each(given: object, x: Tensor, what: str, dtype: torch.dtype) -> Tensor:
    """A number for each token of x, [batch, tokens] or [tokens], as [batch, tokens] where x is."""
    values, shape = _tensor(given, what), x.shape[:2]
    if values.shape not in (shape, shape[1:]) or values.is_complex():
        raise UsageError(f"{what} is one number for each token, {list(shape)}, not {values.dtype} {list(values.shape)}")
    values = values.to(x.device, dtype)
    if not torch.isfinite(values).all():
        raise UsageError(f"{what} holds NaN or infinity")
    if values.numel() and values.detach().abs().max() > LARGEST:
        raise UsageError(f"{what} is 1e30 at most")
    return values.expand(shape)
