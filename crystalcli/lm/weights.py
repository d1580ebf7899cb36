"""Matrices of a model as multiplication wants them, made from the blocks of the file.

Knows: which arithmetic this machine is quick at, and the two forms a matrix may take.
Does not know: what a matrix is for. Imports torch, so it is imported only when weights are loaded.

One row at a time (decoding) is bound by how many bytes of weights must be read; many rows (a prompt) by arithmetic.
So a four-bit matrix stays four-bit for few rows, where the machine has a kernel for it, and is turned into bfloat16 or
float32 for many. Measured on 2 cores with AVX-512 and bf16, all 120 matrices of SmolLM2-135M:
one row 3.5 ms packed, 17 ms bfloat16, 40 ms float32; 512 rows 0.74 s packed, 0.28 s bfloat16, 0.70 s float32.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.lm import quants

_FEW_ROWS = 16  # up to so many rows the packed form is the quicker one
_SLAB = 1 << 19  # weights turned into numbers at a time: 2 MB of float32


def fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX512-BF16 or AMX) and torch uses it.

    Elsewhere bfloat16 is emulated and slower than float32.
    """
    if not torch.backends.mkldnn.is_available() or "AVX512" not in torch.backends.cpu.get_cpu_capability():
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
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


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

    def unpack(self, out: Tensor) -> None:
        """Writes the numbers to `out` [rows, columns], some rows at a time: what is in between stays in the cache."""
        step = max(_SLAB // self.columns, 1)
        for blocks, place in zip(self.data.split(step), out.split(step), strict=True):
            place.copy_(quants.dequantize(self.kind, blocks.reshape(-1), out.dtype).view(place.shape))

    def pick(self, rows: Tensor, dtype: torch.dtype) -> Tensor:
        """Some rows only: `dtype` [n, columns], for rows int64 [n]."""
        return Part(self.kind, self.data[rows], self.columns).dense(dtype)

    def reordered(self, order: Tensor) -> Part:
        """The same with its rows in another order, int64 [rows]: blocks lie within rows, so bytes can be moved."""
        return Part(self.kind, self.data[order], self.columns)


class Matrix:
    """x -> x @ Wᵀ for W the parts one under the other; x and result in `dtype`, [n, columns] -> [n, rows].

    packing: whether few rows may go through the four-bit kernel, which rounds its input to bfloat16.
    Calling it from two threads at once is sound.
    """

    def __init__(self, parts: Sequence[Part], dtype: torch.dtype, packing: bool) -> None:
        self._parts = parts
        self._dtype = dtype
        self._packed = _pack(parts) if packing else None
        self._dense = None if self._packed is not None else self._unpack()

    def __call__(self, x: Tensor) -> Tensor:
        if self._packed is not None and x.shape[0] <= _FEW_ROWS:
            return _multiply(x.to(torch.bfloat16), *self._packed).to(self._dtype)
        if self._dense is None:
            self._dense = self._unpack()  # on the first prompt
        return F.linear(x, self._dense)

    def _unpack(self) -> Tensor:
        dense = torch.empty(sum(part.rows for part in self._parts), self._parts[0].columns, dtype=self._dtype)
        for part, place in zip(self._parts, dense.split([part.rows for part in self._parts]), strict=True):
            part.unpack(place)
        return dense


def _pack(parts: Sequence[Part]) -> tuple[Tensor, Tensor] | None:
    """What the four-bit kernel takes: codes in its own order, scale and offset bfloat16 [columns / 32, rows, 2].

    The kernel computes (code - 8) · scale + offset in groups of 32 along a row, which is what the file's formats mean.
    None where a format or the shape does not allow it.
    """
    rows, columns = sum(part.rows for part in parts), parts[0].columns
    if rows % 16 or not all(quants.is_four_bit(part.kind) for part in parts):
        return None
    codes, scales = [], []
    for part in parts:
        code, scale, least = quants.four_bit(part.kind, part.data.reshape(-1))
        codes.append(code.view(part.rows, columns))
        pair = torch.stack((scale, torch.add(least, scale, alpha=8)), dim=-1)
        scales.append(pair.view(part.rows, columns // quants.GROUP, 2).transpose(0, 1))
    return _convert(torch.cat(codes).to(torch.int32)), torch.cat(scales, dim=1).to(torch.bfloat16)


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
    codes = (torch.arange(64 * 64, dtype=torch.int32) * 7 % 16).view(64, 64)
    scale = (torch.arange(64 * 2) % 5 + 1).view(64, 2) / 8.0
    offset = (torch.arange(64 * 2) % 3).view(64, 2) / 4.0
    x = ((torch.arange(2 * 64) % 11) / 8.0).view(2, 64)
    plain = (codes.view(64, 2, 32) - 8) * scale[:, :, None] + offset[:, :, None]
    try:
        scales = torch.stack((scale, offset), dim=-1).transpose(0, 1).contiguous().to(torch.bfloat16)
        found = _multiply(x.to(torch.bfloat16), _convert(codes), scales)
    except (RuntimeError, TypeError):
        return False
    return torch.allclose(found.float(), F.linear(x, plain.view(64, 64)), rtol=1e-2, atol=1e-2)


def _convert(codes: Tensor) -> Tensor:
    """int32 [rows, columns] in 0..15 -> the kernel's own order, uint8 [rows, columns/2]."""
    return torch._convert_weight_to_int4pack_for_cpu(codes, 1)


def _multiply(x: Tensor, packed: Tensor, scales: Tensor) -> Tensor:
    """bfloat16 [n, columns] times the packed matrix -> [n, rows]. Other types work too, fifty times slower."""
    return torch._weight_int4pack_mm_for_cpu(x, packed, quants.GROUP, scales)
