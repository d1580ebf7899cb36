"""Products of many rows in 8-bit integers, for CPUs that multiply those faster than anything else.

Knows: how a matrix and its input are rounded, and whether this machine gains by it.
Does not know: what a matrix is for. Imports torch, so it is imported only when weights are loaded.

Each row of the matrix and each row of the input has a scale of its own, so that a row's product
depends on that row alone. A few channels of a transformer are many times as wide as the rest, and
would leave these few of the 255 steps. So before they are rounded, stretches of 64 channels are
rotated by a Hadamard matrix on both sides, which spreads wide channels over all 64 and leaves the
product as it was (QuaRot: Ashkboos et al., 2024). The sums are whole numbers: exact, in any order,
on any number of threads.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.cpu import cpu_flags

_MAX_CODE = 127  # -128 is not used
_STRETCH = 64  # channels rotated together, at most
_MIN_WIDTH = 1e-30  # divides a row of zeros
_SLAB = 1 << 19  # weights rounded at a time: 2 MB of float32
_MAX_SLOWDOWN = 4.0  # over float32: beyond it torch has no fast kernel, but a loop


class Int8Linear:
    """x -> x @ Wᵀ for W rounded to 8 bits.

    Args:
        codes: int8 [rows, columns], rotated.
        scales: float32 [rows], the size of one step.
        dtype: bfloat16 or float32, in which the input is rotated: what this machine multiplies
            fast.
    """

    def __init__(self, codes: Tensor, scales: Tensor, dtype: torch.dtype) -> None:
        self.codes = codes
        self.scales = scales
        self._rotation = hadamard(codes.shape[1], dtype)

    @classmethod
    def quantize(cls, rows: int, columns: int, read: Callable[[int, int], Tensor], dtype: torch.dtype) -> Int8Linear:
        """Round a matrix.

        Args:
            rows: Rows of the matrix.
            columns: Columns of the matrix.
            read: read(start, end) gives these rows, [end - start, columns].
            dtype: As in Int8Linear.
        """
        linear = cls(torch.empty(rows, columns, dtype=torch.int8), torch.empty(rows), dtype)
        step = max(_SLAB // columns, 1)
        for start in range(0, rows, step):
            end = min(start + step, rows)
            linear.codes[start:end], scales = _quantize_rows(read(start, end), linear._rotation)
            linear.scales[start:end] = scales[:, 0]
        return linear

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply: float [n, columns] -> float32 [n, rows]."""
        codes, scales = _quantize_rows(x, self._rotation)
        product: Tensor = torch._int_mm(codes, self.codes.t()).to(torch.float32).mul_(self.scales).mul_(scales)
        return product


def _quantize_rows(x: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    """[n, columns] -> codes int8 [n, columns], size of a step in each row float32 [n, 1]."""
    rotated = torch.mm(x.to(rotation.dtype).reshape(-1, len(rotation)), rotation).to(torch.float32).view(x.shape)
    widest = torch.maximum(rotated.amax(1, keepdim=True), rotated.amin(1, keepdim=True).neg_()).clamp_(min=_MIN_WIDTH)
    return rotated.mul_(_MAX_CODE / widest).round_().to(torch.int8), widest.div_(_MAX_CODE)


@functools.cache
def hadamard(columns: int, dtype: torch.dtype) -> Tensor:
    """Make Sylvester's Hadamard matrix, orthogonal.

    Its size is the largest power of two up to 64 that divides `columns`.
    """
    matrix = torch.ones(1, 1)
    while len(matrix) < _STRETCH and columns % (2 * len(matrix)) == 0:
        matrix = torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), matrix)
    return (matrix / math.sqrt(len(matrix))).to(dtype)


@functools.cache
def has_fast_int8() -> bool:
    """Tell whether this CPU and torch are fast at products of 8-bit integers, and exact.

    The CPU needs vector or matrix instructions for them.
    """
    return not cpu_flags().isdisjoint({"avx512_vnni", "amx_int8"}) and _works()


def _works() -> bool:
    """Try the product before it is trusted: it is not among torch's documented functions."""
    generator = torch.Generator().manual_seed(0)
    x, matrix = (
        torch.randint(-_MAX_CODE, _MAX_CODE + 1, (128, 512), generator=generator, dtype=torch.int8) for _ in range(2)
    )
    floats = x.float(), matrix.float()
    try:
        is_exact = torch.equal(torch._int_mm(x, matrix.t()), F.linear(*floats).to(torch.int32))
        seconds = _fastest(lambda: torch._int_mm(x, matrix.t()))
    except (RuntimeError, AttributeError, NotImplementedError, TypeError):
        return False
    return is_exact and seconds < _MAX_SLOWDOWN * _fastest(lambda: F.linear(*floats))


def _fastest(work: Callable[[], object], times: int = 3) -> float:
    return min(_timed(work) for _ in range(times))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
