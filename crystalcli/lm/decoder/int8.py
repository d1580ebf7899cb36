"""Products in 8-bit integers, for CPUs that multiply those faster than anything else.

Knows: how a matrix and its input are rounded, and whether this machine gains by it.
Does not know: what a matrix is for. Imports torch, so it is imported only when weights are loaded.

Each row of the matrix and each row of the input has a scale of its own, so that a row's product
depends on that row alone. A few channels of a transformer are many times as wide as the rest, and
would leave these few of the 255 steps. So before they are rounded, stretches of 64 channels are
rotated by a Hadamard matrix on both sides, which spreads wide channels over all 64 and leaves the
product as it was (QuaRot: Ashkboos et al., 2024). The sums are whole numbers: exact, in any order,
on any number of threads.

VNNI multiplies unsigned by signed bytes. So one row is rounded to unsigned codes about 128, and 128
times the sums of the matrix's rows is subtracted from its product, exactly: that takes four fifths
of the time of signed codes. For many rows oneDNN does the like for signed codes, at no cost.

The product of one row waits for memory: oneDNN reads eight short rows of the matrix side by side,
which not every processor foresees. A plain pass over a piece of the matrix reads it into the cache
at twice the pace, and the product then takes next to nothing. Measured on one busy core, a matrix
of 9,728 rows of 896: 11 billion weights a second without that pass, 17 with it; rows of 4,864 are
long enough without. On a processor with AMX that foresees more the pass halves the pace instead, 4
for 8.6 (17,920 rows of 1,536), so that it is tried. A few rows go one after the other over a piece,
which the first of them brings into the cache: oneDNN's product of several takes twice as long as
that of one, however few.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.cpu import cpu_flags, one_thread_of

_MAX_CODE = 127  # -128 is not used
_MIDDLE = 128  # the input's unsigned code of zero
_FEW_ROWS = 8  # up to so many rows go as unsigned codes
_ROWS_ALONE = 4  # up to so many rows go one after the other
_LONG_ROW = 4096  # bytes of a row that the processor reads ahead by itself
_PIECE = 1 << 20  # bytes read into the cache at a time: what a core has of its own
_STRETCH = 64  # channels rotated together, at most
_MIN_WIDTH = 1e-30  # divides a row of zeros
_SLAB = 1 << 19  # weights rounded at a time: 2 MB of float32
_TRIED_BYTES, _TRIED_COLUMNS = 16 << 20, 1024  # of a matrix that no core's own cache holds
_TRIES = 5
_MAX_SLOWDOWN = 4.0  # over float32: beyond it torch has no fast kernel, but a loop


class Int8Matrix(NamedTuple):
    """A matrix rounded to 8 bits.

    Attributes:
        codes: int8 [rows, columns], rotated.
        scales: float32 [rows], the size of one step.
        sums: int32 [rows], 128 times the sum of a row's codes.
    """

    codes: Tensor
    scales: Tensor
    sums: Tensor

    def fits(self, rows: int, columns: int) -> bool:
        """Tell whether shapes and dtypes are those of a matrix of so many rows and columns."""
        shapes = (self.codes.shape, self.scales.shape, self.sums.shape)
        dtypes = (self.codes.dtype, self.scales.dtype, self.sums.dtype)
        return shapes == ((rows, columns), (rows,), (rows,)) and dtypes == (torch.int8, torch.float32, torch.int32)


class Int8Linear:
    """x -> x @ Wᵀ for W rounded to 8 bits.

    Args:
        matrix: W.
        dtype: bfloat16 or float32, in which the input is rotated: what this machine multiplies
            fast.
    """

    def __init__(self, matrix: Int8Matrix, dtype: torch.dtype) -> None:
        self.matrix = matrix
        self._rotation = hadamard(matrix.codes.shape[1], dtype)
        # bfloat16 has kernels for many rows only.
        self._few_rotation = hadamard(matrix.codes.shape[1], torch.float32)
        columns = matrix.codes.shape[1]
        step = max(_PIECE // columns, 1)
        pieces = torch.split(matrix.codes, step)
        self._pieces = [piece.t() for piece in pieces]
        reads_first = columns < _LONG_ROW and gains_by_reading_first()
        self._words = [_as_words(piece) for piece in pieces] if reads_first else []

    @classmethod
    def quantize(cls, rows: int, columns: int, read: Callable[[int, int], Tensor], dtype: torch.dtype) -> Int8Linear:
        """Round a matrix.

        Args:
            rows: Rows of the matrix.
            columns: Columns of the matrix.
            read: read(start, end) gives these rows, [end - start, columns].
            dtype: As in Int8Linear.
        """
        codes, scales = torch.empty(rows, columns, dtype=torch.int8), torch.empty(rows)
        sums = torch.empty(rows, dtype=torch.int32)
        rotation = hadamard(columns, dtype)
        step = max(_SLAB // columns, 1)
        for start in range(0, rows, step):
            end = min(start + step, rows)
            slab, scale = _quantize_rows(read(start, end), rotation)
            codes[start:end] = slab
            scales[start:end] = scale[:, 0]
            sums[start:end] = slab.sum(1).mul_(_MIDDLE)  # whole numbers below 2²⁴, so exact
        return cls(Int8Matrix(codes, scales, sums), dtype)

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply: float [n, columns] -> float32 [n, rows]."""
        if len(x) <= _FEW_ROWS:
            rounded, scale = _quantize_rows(x, self._few_rotation, alone=True)
            codes = rounded.add_(_MIDDLE).to(torch.uint8)
            product = self._multiply_few(codes)
            product.sub_(self.matrix.sums)
        else:
            rounded, scale = _quantize_rows(x, self._rotation)
            product = torch._int_mm(rounded.to(torch.int8), self.matrix.codes.t())
        # In place: as long a new tensor would cost as much time again, for its pages.
        return product.view(torch.float32).copy_(product).mul_(self.matrix.scales).mul_(scale)

    def _multiply_few(self, codes: Tensor) -> Tensor:
        """uint8 [n, columns] -> int32 [n, rows]."""
        if len(codes) > _ROWS_ALONE or (len(codes) == 1 and not self._words):
            return torch._int_mm(codes, self.matrix.codes.t())
        product = torch.empty(len(codes), len(self.matrix.codes), dtype=torch.int32)
        rows = torch.split(codes, 1)
        start = 0
        for number, piece in enumerate(self._pieces):
            if self._words:
                self._words[number].amax()  # for the sake of reading it
            end = start + piece.shape[1]
            for place, row in enumerate(rows):
                torch._int_mm(row, piece, out=product[place : place + 1, start:end])
            start = end
        return product


def _as_words(codes: Tensor) -> Tensor:
    """View the codes as the widest numbers that lie so: int64 [n], or int8."""
    flat = codes.reshape(-1)
    return flat.view(torch.int64) if len(flat) % 8 == flat.storage_offset() % 8 == flat.data_ptr() % 8 == 0 else flat


def _quantize_rows(x: Tensor, rotation: Tensor, *, alone: bool = False) -> tuple[Tensor, Tensor]:
    """[n, columns] -> whole codes float32 [n, columns], size of a step float32 [n, 1].

    With `alone` each row is rotated by itself: sums of floating point may differ in the last bit.
    """
    stretches = x.to(rotation.dtype).reshape(len(x), -1, len(rotation))
    if alone and len(x) > 1:
        rotated = torch.cat([torch.mm(row, rotation) for row in torch.unbind(stretches)])
    else:
        rotated = torch.mm(stretches.view(-1, len(rotation)), rotation)
    rotated = rotated.to(torch.float32).view(x.shape)
    # `aminmax` takes ten times as long as both of these.
    widest = torch.maximum(rotated.amax(1, keepdim=True), rotated.amin(1, keepdim=True).neg_()).clamp_(min=_MIN_WIDTH)
    return rotated.mul_(_MAX_CODE / widest).round_(), widest.div_(_MAX_CODE)


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


@functools.cache
def gains_by_reading_first() -> bool:
    """Tell whether the product of one row is faster behind a plain pass over the matrix."""
    codes = torch.ones(_TRIED_BYTES // _TRIED_COLUMNS, _TRIED_COLUMNS, dtype=torch.int8)
    row = torch.ones(1, _TRIED_COLUMNS, dtype=torch.uint8)
    pieces = torch.split(codes, _PIECE // _TRIED_COLUMNS)

    def read_first() -> None:
        for piece in pieces:
            _as_words(piece).amax()
            torch._int_mm(row, piece.t())

    with one_thread_of(torch):
        return _fastest(read_first, _TRIES) < _fastest(lambda: torch._int_mm(row, codes.t()), _TRIES)


def _works() -> bool:
    """Try the product before it is trusted: it is not among torch's documented functions."""
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randint(-_MAX_CODE, _MAX_CODE + 1, (128, 512), generator=generator, dtype=torch.int8)
    x = torch.randint(0, 2 * _MIDDLE, (128, 512), generator=generator, dtype=torch.uint8)
    floats = x.float(), matrix.float()
    with one_thread_of(torch):  # on a busy machine several would say one thing today, another tomorrow
        try:
            products = (torch._int_mm(x[:rows], matrix.t()) for rows in (128, 1))
            exact = F.linear(*floats).to(torch.int32)
            is_exact = all(torch.equal(product, exact[: len(product)]) for product in products)
            seconds = _fastest(lambda: torch._int_mm(x, matrix.t()))
        except (RuntimeError, AttributeError, NotImplementedError, TypeError):
            return False
        return is_exact and seconds < _MAX_SLOWDOWN * _fastest(lambda: F.linear(*floats))


def _fastest(work: Callable[[], object], times: int = 3) -> float:
    return min(_timed(work) for _ in range(times))


def _timed(work: Callable[[], object]) -> float:
    """Seconds of the processor, which other programs do not lengthen."""
    started = time.thread_time()
    work()
    return time.thread_time() - started
