"""Products of many rows in 8-bit integers, for processors that multiply those faster than anything else.

Knows: how a matrix and what it meets are rounded, and whether this machine gains by it.
Does not know: what a matrix is for. Imports torch, so it is imported only when weights are loaded.

Each row of the matrix and each row that it meets has a scale of its own, so that a row's product depends on that row alone. A few
channels of a transformer are many times as wide as the rest, and would leave these few of the 255 steps. So before they are
rounded, stretches of 64 channels are turned by a Hadamard matrix on both sides, which spreads what is wide over all 64 and leaves the
product as it was (QuaRot: Ashkboos et al., 2024). The sums are whole numbers: exact, in any order, on any number of threads.
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

_MOST = 127  # steps to either side of nothing; -128 is not used
_STRETCH = 64  # channels turned together, at most
_LEAST = 1e-30  # what a row of nothing but zeros is divided by
_SLAB = 1 << 19  # weights rounded at a time: 2 MB of float32
_SLOWER = 4.0  # times as long as in float32: then torch has no quick kernel, but a loop


class Eight:
    """x -> x @ Wᵀ for W rounded to 8 bits. codes: int8 [rows, columns], turned; sizes: float32 [rows], of one step."""

    def __init__(self, codes: Tensor, sizes: Tensor, dtype: torch.dtype) -> None:
        """dtype: bfloat16 or float32, in which what comes in is turned: what this machine multiplies quickly."""
        self.codes = codes
        self.sizes = sizes
        self._turning = turning(codes.shape[1], dtype)

    @classmethod
    def of(cls, rows: int, columns: int, read: Callable[[int, int], Tensor], dtype: torch.dtype) -> Eight:
        """Rounds a matrix. read(start, end): these rows of it, [end - start, columns]."""
        made = cls(torch.empty(rows, columns, dtype=torch.int8), torch.empty(rows), dtype)
        step = max(_SLAB // columns, 1)
        for start in range(0, rows, step):
            end = min(start + step, rows)
            made.codes[start:end], sizes = _rounded(read(start, end), made._turning)
            made.sizes[start:end] = sizes[:, 0]
        return made

    def __call__(self, x: Tensor) -> Tensor:
        """float [n, columns] -> float32 [n, rows]."""
        codes, sizes = _rounded(x, self._turning)
        product: Tensor = torch._int_mm(codes, self.codes.t()).to(torch.float32).mul_(self.sizes).mul_(sizes)
        return product


def _rounded(x: Tensor, turning: Tensor) -> tuple[Tensor, Tensor]:
    """[n, columns] -> codes int8 [n, columns] and the size of one step in each row, float32 [n, 1]."""
    turned = torch.mm(x.to(turning.dtype).reshape(-1, len(turning)), turning).to(torch.float32).view(x.shape)
    widest = torch.maximum(turned.amax(1, keepdim=True), turned.amin(1, keepdim=True).neg_()).clamp_(min=_LEAST)
    return turned.mul_(_MOST / widest).round_().to(torch.int8), widest.div_(_MOST)


@functools.cache
def turning(columns: int, dtype: torch.dtype) -> Tensor:
    """Sylvester's Hadamard matrix, made orthogonal, of the largest power of two that divides `columns`, up to 64."""
    matrix = torch.ones(1, 1)
    while len(matrix) < _STRETCH and columns % (2 * len(matrix)) == 0:
        matrix = torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), matrix)
    return (matrix / math.sqrt(len(matrix))).to(dtype)


@functools.cache
def quick_integers() -> bool:
    """Whether this processor has vector or matrix instructions for 8-bit integers, and torch's product uses them rightly."""
    return not cpu_flags().isdisjoint({"avx512_vnni", "amx_int8"}) and _works()


def _works() -> bool:
    """The product is not among torch's documented functions, so it is tried before it is trusted."""
    generator = torch.Generator().manual_seed(0)
    x, matrix = (torch.randint(-_MOST, _MOST + 1, (128, 512), generator=generator, dtype=torch.int8) for _ in range(2))
    plain = x.float(), matrix.float()
    try:
        right = torch.equal(torch._int_mm(x, matrix.t()), F.linear(*plain).to(torch.int32))
        taken = _quickest(lambda: torch._int_mm(x, matrix.t()))
    except (RuntimeError, AttributeError, NotImplementedError, TypeError):
        return False
    return right and taken < _SLOWER * _quickest(lambda: F.linear(*plain))


def _quickest(work: Callable[[], object], times: int = 3) -> float:
    return min(_timed(work) for _ in range(times))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
