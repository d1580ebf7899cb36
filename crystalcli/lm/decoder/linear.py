"""Matrices of a model as multiplication wants them, made from the blocks of the file.

Knows: which arithmetic this machine is quick at, and the two forms a matrix may take.
Does not know: what a matrix is for. Imports torch, so it is imported only when weights are loaded.

One row at a time (decoding) is bound by how many bytes of weights must be read; many rows (a prompt) by arithmetic.
So a four-bit matrix stays four-bit for few rows, where the machine has a kernel for it, and is turned into bfloat16 or
float32 for many. Measured on 2 cores with AVX-512 and bf16, all 120 matrices of SmolLM2-135M:
one row 3.5 ms packed, 17 ms bfloat16, 40 ms float32; 512 rows 0.74 s packed, 0.28 s bfloat16, 0.70 s float32.
The wide ones may be rounded to eight bits for many rows (eight.py).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.cpu import cpu_flags
from crystalcli.lm.decoder.int8 import Eight
from crystalcli.lm.files import ggml_quants

_SAME = {"F32": torch.float32, "BF16": torch.bfloat16}  # formats that are numbers of torch's already
_FEW_ROWS = 16  # up to so many rows the packed form is the quicker one
_SLAB = 1 << 19  # weights turned into numbers at a time: 2 MB of float32
_PACKED_SLAB = 1 << 23  # weights packed at a time: what is in between takes ten bytes a weight
_PACKED_ROWS = 64  # the four-bit kernel's order goes through so many rows at a time


def fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX512-BF16 or AMX) and torch uses it.

    Elsewhere bfloat16 is emulated and slower than float32.
    """
    mkldnn: Any = torch.backends.mkldnn
    if not mkldnn.is_available() or "AVX512" not in torch.backends.cpu.get_cpu_capability():
        return False
    # torch has asked the CPU in three ways over its versions; the last word is Linux's own list.
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is not None:
        found: dict[str, Any] = capabilities()
        if "avx512_bf16" in found:
            return bool(found["avx512_bf16"] or found.get("amx_bf16"))
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if asked is not None:
        return bool(asked())
    return not cpu_flags().isdisjoint({"avx512_bf16", "amx_bf16"})


class Part:
    """One tensor of the file, still in its blocks. data: uint8 [rows, bytes of a row]; columns: elements of a row."""

    def __init__(self, kind: str, data: Tensor, columns: int) -> None:
        self.kind = kind
        self.data = data
        self.rows = data.shape[0]
        self.columns = columns

    def dense(self, dtype: torch.dtype) -> Tensor:
        """The numbers: `dtype` [rows, columns]."""
        whole = torch.empty(self.rows, self.columns, dtype=dtype)
        self.unpack(whole)
        return whole

    def as_it_is(self, dtype: torch.dtype) -> Tensor | None:
        """The numbers without a copy, `dtype` [rows, columns], where the source has them so; not to be written to."""
        return self.data.view(dtype) if _SAME.get(self.kind) == dtype else None

    def unpack(self, out: Tensor) -> None:
        """Writes the numbers to `out` [rows, columns], some rows at a time: what is in between stays in the cache."""
        step = max(_SLAB // self.columns, 1)
        for start in range(0, self.rows, step):
            place = out[start : start + step]
            blocks = self.data[start : start + step].reshape(-1)
            place.copy_(ggml_quants.dequantize(self.kind, blocks, out.dtype).view(place.shape))

    def pick(self, rows: Tensor, dtype: torch.dtype) -> Tensor:
        """Some rows only: `dtype` [n, columns], for rows int64 [n]."""
        return Part(self.kind, self.data[rows], self.columns).dense(dtype)

    def slice(self, start: int, end: int) -> Part:
        """The rows from `start` to `end`, as far as there are such."""
        return Part(self.kind, self.data[max(start, 0) : max(end, 0)], self.columns)

    def reordered(self, order: Tensor) -> Part:
        """The same with its rows in another order, int64 [rows]: blocks lie within rows, so bytes can be moved."""
        return Part(self.kind, self.data[order], self.columns)


class Matrix:
    """x -> x @ Wᵀ for W the parts one under the other; [n, columns] -> [n, rows], in `dtype`, or in float32 where eight bits do it.

    packing: whether few rows may go through the four-bit kernel, which rounds its input to bfloat16.
    keeping: whether a packed matrix, once many rows have needed its numbers, keeps these too. Without, they are made
    for each block of a prompt, and memory holds the packed form alone.
    eight: whether many rows go through a packed matrix rounded to eight bits, in place of its numbers.
    saved: what `tensors` gave for the same parts, dtype, packing and eight before; what does not fit is made anew.
    Calling it from two threads at once is sound.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        dtype: torch.dtype,
        packing: bool,
        saved: Mapping[str, Tensor] | None = None,
        keeping: bool = True,
        eight: bool = False,
    ) -> None:
        self._parts = parts
        self._dtype = dtype
        self._keeping = keeping
        self._rows, self._columns = sum(part.rows for part in parts), parts[0].columns
        saved = saved or {}
        planes = planes_of([part.kind for part in parts], self._rows) if packing else 0
        names = [(f"codes{number}", f"pairs{number}") for number in range(planes)]
        self._packed = [(saved[codes], saved[pairs]) for codes, pairs in names if {codes, pairs} <= saved.keys()]
        if len(self._packed) != planes or not all(map(self._fits, self._packed)):
            self._packed = self._pack(planes)
        as_they_are = [part.as_it_is(dtype) for part in parts]
        self._dense: list[Tensor] = [tensor for tensor in as_they_are if tensor is not None]
        self._mapped = len(self._dense) == len(parts)
        self._eight: Eight | None = None
        self._rounding = eight and keeping and bool(self._packed)
        if self._rounding:
            self._eight = self._rounded(saved)
        elif not self._mapped:
            self._dense = []
            dense = saved.get("dense")
            if dense is not None and dense.shape == (self._rows, self._columns) and dense.dtype == dtype:
                self._dense = [dense]
            elif not self._packed:
                self._dense = [self._unpack()]

    def __call__(self, x: Tensor) -> Tensor:
        """The product."""
        if self._packed and x.shape[0] <= _FEW_ROWS:
            few = x.to(torch.bfloat16)
            products = [_multiply(few, codes, pairs) for codes, pairs in self._packed]
            return (products[0] if len(products) == 1 else products[0] + products[1]).to(self._dtype)
        if self._rounding:
            if self._eight is None:
                self._eight = self._round()
            return self._eight(x)
        dense = self._dense or [self._unpack()]
        if self._keeping:
            self._dense = dense  # from the first prompt on
        x = x.to(self._dtype)
        if len(dense) == 1:
            return F.linear(x, dense[0])
        return torch.cat([F.linear(x, tensor) for tensor in dense], dim=-1)

    @property
    def unpacked(self) -> bool:
        """Whether the form for many rows is there."""
        return bool(self._dense) or self._eight is not None

    def tensors(self, unpacked: bool) -> dict[str, Tensor]:
        """What was made of the parts, by name, for `saved`: with the form for many rows when `unpacked`."""
        made: dict[str, Tensor] = {}
        for number, (codes, pairs) in enumerate(self._packed):
            made |= {f"codes{number}": codes, f"pairs{number}": pairs}
        if self._rounding:
            if unpacked:
                eight = self._eight or self._round()
                made |= {"steps": eight.codes, "sizes": eight.sizes}
        elif (unpacked or not made) and not self._mapped:
            made["dense"] = self._dense[0] if self._dense else self._unpack()
        return made

    def _rounded(self, saved: Mapping[str, Tensor]) -> Eight | None:
        """The eight-bit form, if it was saved."""
        steps, sizes = saved.get("steps"), saved.get("sizes")
        if steps is None or steps.shape != (self._rows, self._columns) or steps.dtype != torch.int8:
            return None
        if sizes is None or sizes.shape != (self._rows,) or sizes.dtype != torch.float32:
            return None
        return Eight(steps, sizes, self._dtype)

    def _round(self) -> Eight:
        def read(start: int, end: int) -> Tensor:
            return torch.cat([part.dense(self._dtype) for part in self._slices(start, end)])

        return Eight.of(self._rows, self._columns, read, self._dtype)

    def _fits(self, plane: tuple[Tensor, Tensor]) -> bool:
        codes, pairs = plane
        return (
            codes.shape == (self._rows, self._columns // 2)
            and codes.dtype == torch.uint8
            and pairs.shape == (self._columns // ggml_quants.GROUP, self._rows, 2)
            and pairs.dtype == torch.bfloat16
        )

    def _pack(self, planes: int) -> list[tuple[Tensor, Tensor]]:
        """What the four-bit kernel takes, for each plane: codes in its own order, and scale and offset, bfloat16
        [columns / 32, rows, 2]. It computes (code - 8) · scale + offset in groups of 32 along a row, as the formats
        mean it.
        """
        packed = [
            (
                torch.empty(self._rows, self._columns // 2, dtype=torch.uint8),
                torch.empty(self._columns // ggml_quants.GROUP, self._rows, 2, dtype=torch.bfloat16),
            )
            for _ in range(planes)
        ]
        step = max(_PACKED_SLAB // self._columns // _PACKED_ROWS, 1) * _PACKED_ROWS
        for start in range(0, self._rows if planes else 0, step):
            rows = slice(start, min(start + step, self._rows))
            found = [
                ggml_quants.planes(part.kind, part.data.reshape(-1)) for part in self._slices(rows.start, rows.stop)
            ]
            for (codes, pairs), pieces in zip(packed, zip(*found, strict=True), strict=True):
                slab = torch.cat([code.view(-1, self._columns) for code, _, _ in pieces])
                codes[rows] = _convert(slab.to(torch.int32))
                scale = torch.cat([scale for _, scale, _ in pieces])
                least = torch.cat([least for _, _, least in pieces])
                pair = torch.stack((scale, torch.add(least, scale, alpha=8)), dim=-1)
                pairs[:, rows] = pair.view(len(slab), -1, 2).transpose(0, 1).to(torch.bfloat16)
        return packed

    def _slices(self, start: int, end: int) -> Iterator[Part]:
        """The parts of which rows `start` to `end` consist."""
        for part in self._parts:
            piece = part.slice(start, end)
            if piece.rows:
                yield piece
            start, end = start - part.rows, end - part.rows

    def _unpack(self) -> Tensor:
        dense = torch.empty(self._rows, self._columns, dtype=self._dtype)
        start = 0
        for part in self._parts:
            part.unpack(dense[start : start + part.rows])
            start += part.rows
        return dense


class Joined:
    """Matrices one under the other, each in a form of its own: those of four bits need not wait for one of six."""

    def __init__(self, matrices: Sequence[Matrix]) -> None:
        self._matrices = matrices

    def __call__(self, x: Tensor) -> Tensor:
        """The product."""
        return torch.cat([matrix(x) for matrix in self._matrices], dim=-1)

    @property
    def unpacked(self) -> bool:
        """Whether all forms for many rows are there."""
        return all(matrix.unpacked for matrix in self._matrices)


def together(kinds: Sequence[str], rows: Sequence[int]) -> bool:
    """Whether parts of such formats and so many rows each are best made one matrix: all of them packed, or none."""
    return planes_of(kinds, sum(rows)) > 0 or not any(map(planes_of, [[kind] for kind in kinds], rows))


def planes_of(kinds: Sequence[str], rows: int) -> int:
    """In how many planes the four-bit kernel takes a matrix of such parts and so many rows: 0 where it does not."""
    counts = {ggml_quants.planes_in(kind) for kind in kinds}
    return counts.pop() if len(counts) == 1 and rows % 16 == 0 else 0


@functools.cache
def packed_works() -> bool:
    """Whether torch has a quick four-bit kernel here, and it computes what the blocks mean.

    The kernel is not among torch's documented functions, so it is tried on a small matrix before it is trusted.
    """
    if not {"_weight_int4pack_mm_for_cpu", "_convert_weight_to_int4pack_for_cpu"} <= set(dir(torch)):
        return False
    if not {"AVX2", "AVX512"} & {torch.backends.cpu.get_cpu_capability()}:
        return False  # there is one without vector instructions, many times slower than float32
    # All figures here are exact in bfloat16, so only the results are rounded.
    rows = _PACKED_ROWS + 16
    codes = (torch.arange(rows * 64, dtype=torch.int32) * 7 % 16).view(rows, 64)
    scale = (torch.arange(rows * 2) % 5 + 1).view(rows, 2) / 8.0
    offset = (torch.arange(rows * 2) % 3).view(rows, 2) / 4.0
    x = ((torch.arange(2 * 64) % 11) / 8.0).view(2, 64)
    plain = (codes.view(rows, 2, 32) - 8) * scale[:, :, None] + offset[:, :, None]
    try:
        scales = torch.stack((scale, offset), dim=-1).transpose(0, 1).contiguous().to(torch.bfloat16)
        packed = torch.cat([_convert(codes[:_PACKED_ROWS]), _convert(codes[_PACKED_ROWS:])])
        found = _multiply(x.to(torch.bfloat16), packed, scales)
    except (RuntimeError, TypeError):
        return False
    return torch.allclose(found.float(), F.linear(x, plain.view(rows, 64)), rtol=1e-2, atol=1e-2)


def _convert(codes: Tensor) -> Tensor:
    """int32 [rows, columns] in 0..15 -> the kernel's own order, uint8 [rows, columns/2]."""
    return torch._convert_weight_to_int4pack_for_cpu(codes, 1)


def _multiply(x: Tensor, packed: Tensor, scales: Tensor) -> Tensor:
    """bfloat16 [n, columns] times the packed matrix -> [n, rows]. Other types work too, fifty times slower."""
    return torch._weight_int4pack_mm_for_cpu(x, packed, ggml_quants.GROUP, scales)
