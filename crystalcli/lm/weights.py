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
from collections.abc import Mapping, Sequence
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
        for start in range(0, self.rows, step):
            place = out[start : start + step]
            blocks = self.data[start : start + step].reshape(-1)
            place.copy_(quants.dequantize(self.kind, blocks, out.dtype).view(place.shape))

    def pick(self, rows: Tensor, dtype: torch.dtype) -> Tensor:
        """Some rows only: `dtype` [n, columns], for rows int64 [n]."""
        return Part(self.kind, self.data[rows], self.columns).dense(dtype)

    def reordered(self, order: Tensor) -> Part:
        """The same with its rows in another order, int64 [rows]: blocks lie within rows, so bytes can be moved."""
        return Part(self.kind, self.data[order], self.columns)


class Matrix:
    """x -> x @ Wᵀ for W the parts one under the other; x and result in `dtype`, [n, columns] -> [n, rows].

    packing: whether few rows may go through the four-bit kernel, which rounds its input to bfloat16.
    saved: what `tensors` gave for the same parts, dtype and packing before; what does not fit is made anew.
    Calling it from two threads at once is sound.
    """

    def __init__(
        self, parts: Sequence[Part], dtype: torch.dtype, packing: bool, saved: Mapping[str, Tensor] | None = None
    ) -> None:
        self._parts = parts
        self._dtype = dtype
        self._rows, self._columns = sum(part.rows for part in parts), parts[0].columns
        saved = saved or {}
        planes = self._planes() if packing else 0
        names = [(f"codes{number}", f"pairs{number}") for number in range(planes)]
        self._packed = [(saved[codes], saved[pairs]) for codes, pairs in names if {codes, pairs} <= saved.keys()]
        if len(self._packed) != planes or not all(map(self._fits, self._packed)):
            self._packed = self._pack()
        self._dense: Tensor | None = None
        if "dense" in saved and saved["dense"].shape == (self._rows, self._columns) and saved["dense"].dtype == dtype:
            self._dense = saved["dense"]
        elif not self._packed:
            self._dense = self._unpack()

    def __call__(self, x: Tensor) -> Tensor:
        """The product."""
        if self._packed and x.shape[0] <= _FEW_ROWS:
            few = x.to(torch.bfloat16)
            products = [_multiply(few, codes, pairs) for codes, pairs in self._packed]
            return (products[0] if len(products) == 1 else products[0] + products[1]).to(self._dtype)
        if self._dense is None:
            self._dense = self._unpack()  # on the first prompt
        return F.linear(x, self._dense)

    @property
    def unpacked(self) -> bool:
        """Whether the dense form is there."""
        return self._dense is not None

    def tensors(self, unpacked: bool) -> dict[str, Tensor]:
        """What was made of the parts, by name, for `saved`: with the dense form when `unpacked`."""
        made: dict[str, Tensor] = {}
        for number, (codes, pairs) in enumerate(self._packed):
            made |= {f"codes{number}": codes, f"pairs{number}": pairs}
        if unpacked or not made:
            made["dense"] = self._unpack() if self._dense is None else self._dense
        return made

    def _planes(self) -> int:
        """In how many planes the four-bit kernel takes it: none where the formats or the shape do not allow it."""
        counts = {quants.planes_in(part.kind) for part in self._parts}
        return counts.pop() if len(counts) == 1 and self._rows % 16 == 0 else 0

    def _fits(self, plane: tuple[Tensor, Tensor]) -> bool:
        codes, pairs = plane
        return (
            codes.shape == (self._rows, self._columns // 2)
            and codes.dtype == torch.uint8
            and pairs.shape == (self._columns // quants.GROUP, self._rows, 2)
            and pairs.dtype == torch.bfloat16
        )

    def _pack(self) -> list[tuple[Tensor, Tensor]]:
        """What the four-bit kernel takes, for each plane: codes in its own order, and scale and offset, bfloat16
        [columns / 32, rows, 2]. It computes (code - 8) · scale + offset in groups of 32 along a row, as the formats
        mean it.
        """
        packed = []
        for planes in zip(*(quants.planes(part.kind, part.data.reshape(-1)) for part in self._parts), strict=True):
            codes = torch.empty(self._rows, self._columns, dtype=torch.int32)
            torch.cat([code.view(-1, self._columns) for code, _, _ in planes], out=codes)
            scale = torch.cat([scale for _, scale, _ in planes])
            least = torch.cat([least for _, _, least in planes])
            pairs = torch.stack((scale, torch.add(least, scale, alpha=8)), dim=-1).to(torch.bfloat16)
            pairs = pairs.view(self._rows, self._columns // quants.GROUP, 2).transpose(0, 1).contiguous()
            packed.append((_convert(codes), pairs))
        return packed

    def _unpack(self) -> Tensor:
        dense = torch.empty(self._rows, self._columns, dtype=self._dtype)
        start = 0
        for part in self._parts:
            part.unpack(dense[start : start + part.rows])
            start += part.rows
        return dense


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
