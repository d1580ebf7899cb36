"""Linear layers in the forms that are fastest to multiply, made from the blocks of the file.

Knows: which arithmetic this machine is fast at, and the forms a matrix may take.
Does not know: what a matrix is for. Imports torch, so it is imported only when weights are loaded.

One row at a time (decoding) is bound by how many bytes of weights must be read; many rows (a
prompt) by arithmetic. So a four-bit matrix stays four-bit for few rows, where the machine has a
kernel for it, and is turned into bfloat16 or float32 for many.
Measured on 2 cores with AVX-512 and bf16, all 120 matrices of SmolLM2-135M: one row 3.5 ms packed,
17 ms bfloat16, 40 ms float32; 512 rows 0.74 s packed, 0.28 s bfloat16, 0.70 s float32. Where the
CPU multiplies bytes, blocks of any format may be rounded to eight bits a weight for many rows, or
for all (int8.py); where it does not, those that have no four-bit form may be so for few rows
(weight_only.py).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.cpu import cpu_flags
from crystalcli.lm.decoder.int8 import Int8Linear, Int8Matrix
from crystalcli.lm.decoder.weight_only import WeightOnlyMatrix
from crystalcli.lm.files import ggml_quants

FLOAT_KINDS = frozenset({"F32", "F16", "BF16"})
"""Formats of numbers in floating point; all others are blocks."""

# Formats that torch computes with as they are.
_TORCH_DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16}
_FEW_ROWS = 16  # up to so many rows the packed form is the faster one
_SLAB = 1 << 19  # weights dequantized at a time: 2 MB of float32
_PACKED_SLAB = 1 << 23  # weights packed at a time: intermediate results take ten bytes a weight
_PACKED_ROWS = 64  # the four-bit kernel's order goes through so many rows at a time


def has_fast_bfloat16() -> bool:
    """Tell whether this CPU multiplies bfloat16 in hardware (AVX512-BF16 or AMX) and torch uses it.

    Elsewhere bfloat16 is emulated and slower than float32.
    """
    mkldnn: Any = torch.backends.mkldnn
    if not mkldnn.is_available() or "AVX512" not in torch.backends.cpu.get_cpu_capability():
        return False
    # torch has asked the CPU in three ways over its versions; the last word is Linux's own list.
    get_capabilities = getattr(torch.cpu, "get_capabilities", None)
    if get_capabilities is not None:
        capabilities: dict[str, Any] = get_capabilities()
        if "avx512_bf16" in capabilities:
            return bool(capabilities["avx512_bf16"] or capabilities.get("amx_bf16"))
    is_supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if is_supported is not None:
        return bool(is_supported())
    return not cpu_flags().isdisjoint({"avx512_bf16", "amx_bf16"})


class BlockMatrix:
    """A matrix of the file, still in ggml's blocks.

    Args:
        kind: The format, one of ggml_quants.READABLE_KINDS.
        data: uint8 [rows, bytes of a row].
        columns: Elements of a row.
    """

    def __init__(self, kind: str, data: Tensor, columns: int) -> None:
        self.kind = kind
        self.data = data
        self.rows = data.shape[0]
        self.columns = columns

    def dense(self, dtype: torch.dtype) -> Tensor:
        """Dequantize to `dtype` [rows, columns]."""
        matrix = torch.empty(self.rows, self.columns, dtype=dtype)
        self.dequantize_into(matrix)
        return matrix

    def without_copy(self, dtype: torch.dtype) -> Tensor | None:
        """View the numbers as `dtype` [rows, columns], read-only.

        None where the file has another dtype.
        """
        return self.data.view(dtype) if _TORCH_DTYPES.get(self.kind) == dtype else None

    def dequantize_into(self, out: Tensor) -> None:
        """Write the numbers to `out` [rows, columns].

        Some rows at a time, so that these stay in the CPU's cache.
        """
        step = max(_SLAB // self.columns, 1)
        for start in range(0, self.rows, step):
            target = out[start : start + step]
            blocks = self.data[start : start + step].reshape(-1)
            target.copy_(ggml_quants.dequantize(self.kind, blocks, out.dtype).view(target.shape))

    def pick(self, rows: Tensor, dtype: torch.dtype) -> Tensor:
        """Dequantize some rows, int64 [n], to `dtype` [n, columns]."""
        return BlockMatrix(self.kind, self.data[rows], self.columns).dense(dtype)

    def slice(self, start: int, end: int) -> BlockMatrix:
        """Take the rows from `start` to `end`, clipped to those that exist."""
        return BlockMatrix(self.kind, self.data[max(start, 0) : max(end, 0)], self.columns)

    def reorder(self, order: Tensor) -> BlockMatrix:
        """Take the rows in another order, int64 [rows].

        Blocks lie within rows, so bytes can be moved.
        """
        return BlockMatrix(self.kind, self.data[order], self.columns)


class Linear:
    """x -> x @ Wᵀ for W the matrices stacked, [n, columns] -> [n, rows].

    The result is in `dtype`, or in float32 where int8 multiplies.

    Calling it from two threads at once is sound.

    Args:
        matrices: Matrices of equal width, one below the other.
        dtype: bfloat16 or float32.
        int4: Whether few rows may go through the four-bit kernel, which rounds its input to
            bfloat16.
        saved: What `tensors` gave for the same matrices, dtype, int4 and int8 before; forms that do
            not fit are made anew.
        keep_dense: Whether a packed matrix, once many rows have needed its numbers, keeps these
            too. Without, they are made for each block of a prompt, and memory holds the packed form
            alone.
        int8: Whether blocks are rounded to eight bits a weight, for many rows, and for few where
            they are not packed. Numbers in floating point stay as they are.
        weight_only: Whether blocks that are neither packed nor rounded so are kept as one byte a
            weight for few rows, which rounds the input to bfloat16.
    """

    def __init__(
        self,
        matrices: Sequence[BlockMatrix],
        dtype: torch.dtype,
        int4: bool,
        saved: Mapping[str, Tensor] | None = None,
        keep_dense: bool = True,
        int8: bool = False,
        weight_only: bool = False,
    ) -> None:
        self._matrices = matrices
        self._dtype = dtype
        self._keep_dense = keep_dense
        self._rows, self._columns = sum(matrix.rows for matrix in matrices), matrices[0].columns
        self._packed: list[tuple[Tensor, Tensor]] = []
        self._dense: list[Tensor] = []
        self._mapped = False
        self._int8: Int8Linear | None = None
        self._bytes: WeightOnlyMatrix | None = None
        kinds = [matrix.kind for matrix in matrices]
        if int8 and rounds_to_int8(kinds):
            self._int8 = self._saved_int8(saved or {}) or self._quantize()
        planes = int4_planes(kinds, self._rows) if int4 else 0
        if weight_only and self._int8 is None and not planes and rounds_to_int8(kinds):
            self._bytes = self._saved_bytes(saved or {}) or WeightOnlyMatrix.quantize(
                self._rows, self._columns, self._read_rows
            )
        self._load(saved or {}, planes)

    def _load(self, saved: Mapping[str, Tensor], planes: int) -> None:
        """Take or make the packed form, and the dense one where that is needed from the start."""
        names = [(f"codes{number}", f"pairs{number}") for number in range(planes)]
        self._packed = [(saved[codes], saved[pairs]) for codes, pairs in names if {codes, pairs} <= saved.keys()]
        if len(self._packed) != planes or not all(map(self._fits, self._packed)):
            self._packed = self._pack(planes)
        views = [matrix.without_copy(self._dtype) for matrix in self._matrices]
        self._dense = [view for view in views if view is not None]
        self._mapped = len(self._dense) == len(self._matrices)
        if not self._mapped:
            self._dense = []
            dense = saved.get("dense")
            if dense is not None and dense.shape == (self._rows, self._columns) and dense.dtype == self._dtype:
                self._dense = [dense]
            elif not self._packed and self._int8 is None and self._bytes is None:
                self._dense = [self._dequantize()]

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply."""
        if self._packed and x.shape[0] <= _FEW_ROWS:
            narrow = x.to(torch.bfloat16)
            products = [_multiply(narrow, codes, pairs) for codes, pairs in self._packed]
            return (products[0] if len(products) == 1 else products[0] + products[1]).to(self._dtype)
        if self._int8 is not None:
            return self._int8(x)
        if self._bytes is not None and x.shape[0] <= _FEW_ROWS:
            return self._bytes.multiply(x).to(self._dtype)
        if self._bytes is not None and not self._keep_dense:
            return self._bytes.multiply_many(x.to(torch.float32)).to(self._dtype)
        dense = self._dense or [self._dequantize()]
        if self._keep_dense:
            self._dense = dense  # from the first prompt on
        x = x.to(self._dtype)
        if len(dense) == 1:
            return F.linear(x, dense[0])
        return torch.cat([F.linear(x, tensor) for tensor in dense], dim=-1)

    def tensors(self) -> dict[str, Tensor]:
        """The converted forms by name, for `saved`, without those that are made for a prompt."""
        forms: dict[str, Tensor] = self._int8.matrix._asdict() if self._int8 is not None else {}
        forms |= self._bytes._asdict() if self._bytes is not None else {}
        for number, (codes, pairs) in enumerate(self._packed):
            forms |= {f"codes{number}": codes, f"pairs{number}": pairs}
        if not forms and not self._mapped:
            forms["dense"] = self._dense[0]
        return forms

    def _saved_int8(self, saved: Mapping[str, Tensor]) -> Int8Linear | None:
        """The eight-bit form, if it was saved."""
        if not set(Int8Matrix._fields) <= saved.keys():
            return None
        matrix = Int8Matrix(**{name: saved[name] for name in Int8Matrix._fields})
        return Int8Linear(matrix, self._dtype) if matrix.fits(self._rows, self._columns) else None

    def _saved_bytes(self, saved: Mapping[str, Tensor]) -> WeightOnlyMatrix | None:
        """The form of one byte a weight for few rows, if it was saved."""
        if not set(WeightOnlyMatrix._fields) <= saved.keys():
            return None
        matrix = WeightOnlyMatrix(**{name: saved[name] for name in WeightOnlyMatrix._fields})
        return matrix if matrix.fits(self._rows, self._columns) else None

    def _quantize(self) -> Int8Linear:
        return Int8Linear.quantize(self._rows, self._columns, self._read_rows, self._dtype)

    def _read_rows(self, start: int, end: int) -> Tensor:
        """Dequantize rows `start` to `end`."""
        return torch.cat([matrix.dense(self._dtype) for matrix in self._slices(start, end)])

    def _fits(self, plane: tuple[Tensor, Tensor]) -> bool:
        codes, pairs = plane
        return (
            codes.shape == (self._rows, self._columns // 2)
            and codes.dtype == torch.uint8
            and pairs.shape == (self._columns // ggml_quants.GROUP_SIZE, self._rows, 2)
            and pairs.dtype == torch.bfloat16
        )

    def _pack(self, planes: int) -> list[tuple[Tensor, Tensor]]:
        """Pack each plane for the four-bit kernel.

        The kernel computes (code - 8) · scale + offset in groups of 32 along a row, as the formats
        mean it.

        Returns:
            For each plane the codes in the kernel's own order, uint8 [rows, columns / 2], and scale
            and offset, bfloat16 [columns / 32, rows, 2].
        """
        packed = [
            (
                torch.empty(self._rows, self._columns // 2, dtype=torch.uint8),
                torch.empty(self._columns // ggml_quants.GROUP_SIZE, self._rows, 2, dtype=torch.bfloat16),
            )
            for _ in range(planes)
        ]
        step = max(_PACKED_SLAB // self._columns // _PACKED_ROWS, 1) * _PACKED_ROWS
        for start in range(0, self._rows if planes else 0, step):
            rows = slice(start, min(start + step, self._rows))
            slab_planes = [
                ggml_quants.planes(matrix.kind, matrix.data.reshape(-1))
                for matrix in self._slices(rows.start, rows.stop)
            ]
            for (codes, pairs), pieces in zip(packed, zip(*slab_planes, strict=True), strict=True):
                slab = torch.cat([code.view(-1, self._columns) for code, _, _ in pieces])
                codes[rows] = _convert(slab.to(torch.int32))
                scale = torch.cat([scale for _, scale, _ in pieces])
                least = torch.cat([least for _, _, least in pieces])
                pair = torch.stack((scale, torch.add(least, scale, alpha=8)), dim=-1)
                pairs[:, rows] = pair.view(len(slab), -1, 2).transpose(0, 1).to(torch.bfloat16)
        return packed

    def _slices(self, start: int, end: int) -> Iterator[BlockMatrix]:
        """The pieces of the matrices that make rows `start` to `end`."""
        for matrix in self._matrices:
            piece = matrix.slice(start, end)
            if piece.rows:
                yield piece
            start, end = start - matrix.rows, end - matrix.rows

    def _dequantize(self) -> Tensor:
        dense = torch.empty(self._rows, self._columns, dtype=self._dtype)
        start = 0
        for matrix in self._matrices:
            matrix.dequantize_into(dense[start : start + matrix.rows])
            start += matrix.rows
        return dense


class StackedLinear:
    """Linear layers one below the other, each in a form of its own.

    Those of four bits need not wait for one of six.
    """

    def __init__(self, linears: Sequence[Linear]) -> None:
        self._linears = linears

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply."""
        return torch.cat([linear(x) for linear in self._linears], dim=-1)


def rounds_to_int8(kinds: Sequence[str]) -> bool:
    """Tell whether matrices of these formats may be rounded to eight bits: all are blocks."""
    return FLOAT_KINDS.isdisjoint(kinds)


def packs_as_one(kinds: Sequence[str], rows: Sequence[int]) -> bool:
    """Tell whether matrices of these formats and row counts are best made one.

    That is so where all of them can be packed, or none.
    """
    return int4_planes(kinds, sum(rows)) > 0 or not any(map(int4_planes, [[kind] for kind in kinds], rows))


def int4_planes(kinds: Sequence[str], rows: int) -> int:
    """Count the planes in which the four-bit kernel takes matrices of these formats.

    0 where it cannot.
    """
    counts = {ggml_quants.plane_count(kind) for kind in kinds}
    return counts.pop() if len(counts) == 1 and rows % 16 == 0 else 0


@functools.cache
def has_int4_kernel() -> bool:
    """Tell whether torch has a fast four-bit kernel here, and it computes what the blocks mean.

    The kernel is not among torch's documented functions, so it is tried on a small matrix before it
    is trusted.
    """
    if not {"_weight_int4pack_mm_for_cpu", "_convert_weight_to_int4pack_for_cpu"} <= set(dir(torch)):
        return False
    if not {"AVX2", "AVX512"} & {torch.backends.cpu.get_cpu_capability()}:
        return False  # there is one without vector instructions, many times slower than float32
    # All numbers here are exact in bfloat16, so only the results are rounded.
    rows = _PACKED_ROWS + 16
    codes = (torch.arange(rows * 64, dtype=torch.int32) * 7 % 16).view(rows, 64)
    scale = (torch.arange(rows * 2) % 5 + 1).view(rows, 2) / 8.0
    offset = (torch.arange(rows * 2) % 3).view(rows, 2) / 4.0
    x = ((torch.arange(2 * 64) % 11) / 8.0).view(2, 64)
    plain = (codes.view(rows, 2, 32) - 8) * scale[:, :, None] + offset[:, :, None]
    try:
        scales = torch.stack((scale, offset), dim=-1).transpose(0, 1).contiguous().to(torch.bfloat16)
        packed = torch.cat([_convert(codes[:_PACKED_ROWS]), _convert(codes[_PACKED_ROWS:])])
        product = _multiply(x.to(torch.bfloat16), packed, scales)
    except (RuntimeError, TypeError):
        return False
    return torch.allclose(product.float(), F.linear(x, plain.view(rows, 64)), rtol=1e-2, atol=1e-2)


def _convert(codes: Tensor) -> Tensor:
    """int32 [rows, columns] in 0..15 -> the kernel's own order, uint8 [rows, columns / 2]."""
    return torch._convert_weight_to_int4pack_for_cpu(codes, 1)


def _multiply(x: Tensor, packed: Tensor, scales: Tensor) -> Tensor:
    """bfloat16 [n, columns] times the packed matrix -> [n, rows].

    Other dtypes work too, fifty times slower.
    """
    return torch._weight_int4pack_mm_for_cpu(x, packed, ggml_quants.GROUP_SIZE, scales)
