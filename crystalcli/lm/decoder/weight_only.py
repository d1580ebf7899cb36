"""Weight-only quantization: one byte a weight for few rows, for CPUs that do not multiply bytes.

Each row of the matrix has a scale of its own; the input stays bfloat16, and sums are float32. A
word reads a quarter of the bytes that float32 has, and takes about as long: on an AVX2 processor
with one thread 5.7 billion weights a second, 4.9 in float32. For many rows float32 is twice as
fast: some rows of the matrix at a time become that, so that they stay in the cache.

Knows: how a matrix is rounded, and whether torch has the kernel. Does not know: what a matrix is
for. Imports torch, so it is imported only when weights are loaded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_MAX_CODE = 127
_MIN_WIDTH = 1e-30  # divides a row of zeros
_SLAB = 1 << 19  # weights rounded at a time: 2 MB of float32


class WeightOnlyMatrix(NamedTuple):
    """A matrix rounded to 8 bits, whose input is not.

    Attributes:
        byte_codes: int8 [rows, columns].
        byte_scales: float32 [rows], the size of one step.
    """

    byte_codes: Tensor
    byte_scales: Tensor

    @classmethod
    def quantize(cls, rows: int, columns: int, read: Callable[[int, int], Tensor]) -> WeightOnlyMatrix:
        """Round a matrix.

        Args:
            rows: Rows of the matrix.
            columns: Columns of the matrix.
            read: read(start, end) gives these rows, [end - start, columns].
        """
        codes, scales = torch.empty(rows, columns, dtype=torch.int8), torch.empty(rows)
        step = max(_SLAB // columns, 1)
        for start in range(0, rows, step):
            slab = read(start, min(start + step, rows)).float()
            scale = slab.abs().amax(1, keepdim=True).clamp_(min=_MIN_WIDTH).div_(_MAX_CODE)
            codes[start : start + len(slab)] = slab.div_(scale).round_()
            scales[start : start + len(slab)] = scale[:, 0]
        return cls(codes, scales)

    def fits(self, rows: int, columns: int) -> bool:
        """Tell whether shapes and dtypes are those of a matrix of so many rows and columns."""
        shapes = (self.byte_codes.shape, self.byte_scales.shape)
        dtypes = (self.byte_codes.dtype, self.byte_scales.dtype)
        return shapes == ((rows, columns), (rows,)) and dtypes == (torch.int8, torch.float32)

    def multiply(self, x: Tensor) -> Tensor:
        """Multiply few rows: float [n, columns] -> float32 [n, rows]."""
        sums = torch._weight_int8pack_mm(x.to(torch.bfloat16), self.byte_codes, _ones(len(self.byte_scales)))
        return sums.to(torch.float32).mul_(self.byte_scales)  # the kernel's own scales are bfloat16

    def multiply_many(self, x: Tensor) -> Tensor:
        """Multiply many rows: float32 [n, columns] -> float32 [n, rows]."""
        rows, columns = self.byte_codes.shape
        step = max(_SLAB // columns, 1)
        dense = torch.empty(min(step, rows), columns)
        product = torch.empty(len(x), rows)
        for start in range(0, rows, step):
            codes = self.byte_codes[start : start + step]
            slab = dense[: len(codes)].copy_(codes)
            product[:, start : start + len(codes)] = F.linear(x, slab)
        return product.mul_(self.byte_scales)


@functools.cache
def _ones(rows: int) -> Tensor:
    return torch.ones(rows, dtype=torch.bfloat16)


@functools.cache
def has_weight_only_kernel() -> bool:
    """Tell whether torch has a kernel for it with vector instructions here, and it is right.

    The kernel is not among torch's documented functions.
    """
    if not hasattr(torch, "_weight_int8pack_mm") or torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        return False
    matrix = torch.arange(48 * 64, dtype=torch.float32).mul_(7).remainder_(255).sub_(127).view(48, 64)
    x = (torch.arange(2 * 64) % 11).view(2, 64) / 8.0  # exact in bfloat16
    try:
        product = WeightOnlyMatrix.quantize(48, 64, lambda start, end: matrix[start:end]).multiply(x)
    except (RuntimeError, TypeError):
        return False
    return torch.allclose(product, x @ matrix.T, rtol=2e-2, atol=8.0)
