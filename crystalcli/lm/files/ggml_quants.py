"""Turns ggml's block formats into torch tensors.

Knows: the layout of scales and codes inside a block of each format.
Does not know: files, names, the use of the numbers. Imports torch, so it is imported only when
weights are loaded.

All arithmetic is over whole tensors [blocks, ...]; products are float32 and rounded once at the
end, so that bfloat16 weights carry one rounding. Source of the layouts: ggml's block structs
(ggml-common.h), as documented by the `gguf` package, against which the tests hold every format
here.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

GROUP_SIZE = 32  # weights that share one scale in every four-bit format here

Plane = tuple[Tensor, Tensor, Tensor]
"""Four-bit codes uint8 [groups, 32], 0..15; scale, least float32 [groups]: code · scale + least."""


def dequantize(kind: str, data: Tensor, dtype: torch.dtype) -> Tensor:
    """Dequantize blocks to numbers.

    Args:
        kind: Their format.
        data: uint8 [bytes], whole blocks.
        dtype: Of the result.

    Returns:
        `dtype` [elements], in order.

    Raises:
        KeyError: The format is not in READABLE_KINDS.
    """
    if kind in _FOUR_BIT:
        codes, scale, least = _FOUR_BIT[kind](data)
        return torch.addcmul(least[:, None], codes.to(torch.float32), scale[:, None]).to(dtype).view(-1)
    return _OTHERS[kind](data).to(dtype).reshape(-1)


def plane_count(kind: str) -> int:
    """Count the planes that `planes` gives for a format."""
    return 1 if kind in _FOUR_BIT else 2 if kind == "Q8_0" else 0


def planes(kind: str, data: Tensor) -> list[Plane]:
    """Split numbers into four-bit planes: a number is the sum over its planes, exactly.

    Args:
        kind: The format of the blocks.
        data: uint8 [bytes], whole blocks.

    Returns:
        One plane for a four-bit format, two for Q8_0, none for other formats.
    """
    if kind in _FOUR_BIT:
        return [_FOUR_BIT[kind](data)]
    if kind == "Q8_0":
        # A signed byte is 16 · (its upper half, -8..7) + its lower half, 0..15.
        blocks = data.view(-1, 34)
        scale = _half(blocks[:, :2])[:, 0]
        codes = blocks[:, 2:].contiguous()
        return [((codes >> 4) ^ 8, scale * 16, scale * -128), (codes & 15, scale, torch.zeros_like(scale))]
    return []


def _half(bytes_: Tensor) -> Tensor:
    """float16 stored as uint8 [n, 2k] -> float32 [n, k]."""
    return bytes_.contiguous().view(torch.float16).to(torch.float32)


def _nibbles(codes: Tensor) -> Tensor:
    """uint8 [n, w], low nibbles first and then high ones -> uint8 [n, 2w].

    Four bytes at a time: the rows are short, and torch takes time for each row.
    """
    words = codes.contiguous().view(torch.int32)
    out = torch.empty(words.shape[0], 2, words.shape[1], dtype=torch.int32)
    torch.bitwise_and(words, 0x0F0F0F0F, out=out[:, 0])
    torch.bitwise_and(words >> 4, 0x0F0F0F0F, out=out[:, 1])
    return out.view(words.shape[0], -1).view(torch.uint8)


def _q4_0(data: Tensor) -> Plane:
    # d: float16, then 16 bytes: elements 0-15 in the low nibbles, 16-31 in the high ones.
    # weight = d · (q - 8)
    blocks = data.view(-1, 18)
    scale = _half(blocks[:, :2])[:, 0]
    return _nibbles(blocks[:, 2:]), scale, scale * -8


def _q4_1(data: Tensor) -> Plane:
    # d, m: float16, then 16 bytes as in Q4_0. weight = d · q + m
    blocks = data.view(-1, 20)
    ends = _half(blocks[:, :4])
    return _nibbles(blocks[:, 4:]), ends[:, 0], ends[:, 1]


def _k_scales(packed: Tensor) -> tuple[Tensor, Tensor]:
    """The 12 bytes of Q4_K and Q5_K, uint8 [n, 12] -> eight scales and eight minima.

    They have 6 bits each and become float32 [n, 8].
    """
    first, second, mixed = packed[:, 0:4], packed[:, 4:8], packed[:, 8:12]
    scales = torch.cat((first & 63, (mixed & 15) | ((first >> 6) << 4)), dim=1)
    minima = torch.cat((second & 63, (mixed >> 4) | ((second >> 6) << 4)), dim=1)
    return scales.to(torch.float32), minima.to(torch.float32)


def _q4_k(data: Tensor) -> Plane:
    # d, dmin: float16, 12 bytes of scales, 128 bytes: four runs of 32, low nibbles one group, high
    # nibbles the next
    blocks = data.view(-1, 144)
    ends = _half(blocks[:, :4])
    scales, minima = _k_scales(blocks[:, 4:16])
    codes = _nibbles(blocks[:, 16:].reshape(-1, 32)).view(-1, GROUP_SIZE)
    return codes, (ends[:, :1] * scales).view(-1), (ends[:, 1:] * -minima).view(-1)


def _f32(data: Tensor) -> Tensor:
    return data.view(torch.float32)


def _f16(data: Tensor) -> Tensor:
    return data.view(torch.float16)


def _bf16(data: Tensor) -> Tensor:
    return data.view(torch.bfloat16)


def _q8_0(data: Tensor) -> Tensor:
    # d: float16, then 32 signed bytes. weight = d · q
    blocks = data.view(-1, 34)
    return blocks[:, 2:].view(torch.int8).to(torch.float32).mul_(_half(blocks[:, :2]))


def _q5_codes(high: Tensor, low: Tensor) -> Tensor:
    """uint8 [n, 4] of fifth bits, uint8 [n, 16] of nibbles -> codes float32 [n, 32] in 0..31."""
    shifts = torch.arange(8, dtype=torch.uint8)
    # Bit j of the four bytes belongs to element j.
    fifth = ((high[:, :, None] >> shifts) & 1).view(-1, GROUP_SIZE)
    return (_nibbles(low) | (fifth << 4)).to(torch.float32)


def _q5_0(data: Tensor) -> Tensor:
    # d: float16, 4 bytes of fifth bits, then 16 bytes as in Q4_0. weight = d · (q - 16)
    blocks = data.view(-1, 22)
    return _q5_codes(blocks[:, 2:6], blocks[:, 6:]).sub_(16).mul_(_half(blocks[:, :2]))


def _q5_1(data: Tensor) -> Tensor:
    # d, m: float16, then as Q5_0. weight = d · q + m
    blocks = data.view(-1, 24)
    ends = _half(blocks[:, :4])
    return _q5_codes(blocks[:, 4:8], blocks[:, 8:]).mul_(ends[:, :1]).add_(ends[:, 1:])


def _pairs(codes: Tensor) -> Tensor:
    """uint8 [n, 64], two bits a code -> [n, 16, 16].

    Two halves of 32 bytes; in each the lowest pairs come first.
    """
    shifts = torch.tensor([0, 2, 4, 6], dtype=torch.uint8)[:, None]
    return ((codes.reshape(-1, 2, 1, GROUP_SIZE) >> shifts) & 3).view(-1, 16, 16)


def _q2_k(data: Tensor) -> Tensor:
    # 16 bytes: the scale of 16 elements in the low nibble, their minimum in the high one; 64 of
    # codes; d, dmin: float16
    blocks = data.view(-1, 84)
    ends = _half(blocks[:, 80:])
    scales = (blocks[:, :16] & 15).to(torch.float32) * ends[:, :1]
    minima = (blocks[:, :16] >> 4).to(torch.float32) * ends[:, 1:]
    return _pairs(blocks[:, 16:80]).to(torch.float32).mul_(scales[:, :, None]).sub_(minima[:, :, None])


def _q3_k(data: Tensor) -> Tensor:
    # 32 bytes of third bits, inverted: bit g of byte i for element i of group g; 64 of pairs; 12 of
    # 6-bit scales; d
    blocks = data.view(-1, 110)
    shifts = torch.arange(8, dtype=torch.uint8)[None, :, None]
    third = ((blocks[:, None, :32] >> shifts) & 1).view(-1, 16, 16)
    low, high = blocks[:, 96:104], blocks[:, 104:108]
    # 16 of them; four bytes hold the upper bits of all.
    scales = torch.cat((low & 15, low >> 4), dim=1)
    upper = torch.cat([(high >> shift) & 3 for shift in (0, 2, 4, 6)], dim=1)
    factors = (scales | (upper << 4)).to(torch.float32).sub_(32) * _half(blocks[:, 108:])
    return (_pairs(blocks[:, 32:96]) | (third << 2)).to(torch.float32).sub_(4).mul_(factors[:, :, None])


def _q5_k(data: Tensor) -> Tensor:
    # as Q4_K, with 32 bytes before the codes: bit g of byte i is the fifth bit of element i of
    # group g
    blocks = data.view(-1, 176)
    ends = _half(blocks[:, :4])
    scales, minima = _k_scales(blocks[:, 4:16])
    low = _nibbles(blocks[:, 48:].reshape(-1, 32)).view(-1, 8, GROUP_SIZE)
    shifts = torch.arange(8, dtype=torch.uint8)[None, :, None]
    high = (blocks[:, None, 16:48] >> shifts) & 1
    codes = (low | (high << 4)).to(torch.float32)
    return codes.mul_((ends[:, :1] * scales)[:, :, None]).sub_((ends[:, 1:] * minima)[:, :, None])


def _q6_k(data: Tensor) -> Tensor:
    # 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales (one for 16 elements),
    # d: float16. Two halves of 128 elements; in each, 64 low bytes (two runs of 32) and 32 high
    # bytes (four pairs of bits).
    blocks = data.view(-1, 210)
    low = blocks[:, :128].reshape(-1, 2, 1, 64)
    low = torch.cat((low & 15, low >> 4), dim=2).reshape(-1, 2, 4, GROUP_SIZE)
    shifts = torch.tensor([0, 2, 4, 6], dtype=torch.uint8)[None, None, :, None]
    high = (blocks[:, 128:192].reshape(-1, 2, 1, GROUP_SIZE) >> shifts) & 3
    codes = (low | (high << 4)).to(torch.float32).sub_(32).view(-1, 16, 16)
    scales = blocks[:, 192:208].contiguous().view(torch.int8).to(torch.float32) * _half(blocks[:, 208:])
    return codes.mul_(scales[:, :, None])


_FOUR_BIT: dict[str, Callable[[Tensor], Plane]] = {
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q4_K": _q4_k,
}
_OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "F32": _f32,
    "F16": _f16,
    "BF16": _bf16,
    "Q8_0": _q8_0,
    "Q5_0": _q5_0,
    "Q5_1": _q5_1,
    "Q2_K": _q2_k,
    "Q3_K": _q3_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
}
READABLE_KINDS = frozenset(_FOUR_BIT) | frozenset(_OTHERS)
"""The formats that can be turned into numbers."""
