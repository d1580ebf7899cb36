"""Every format against a slow reader of one block, written from ggml's description of it, and against the `gguf` package."""

import struct

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.lm.files import ggml_quants
from crystalcli.lm.files.gguf import TENSOR_KINDS

WIDTHS = {name: (block, width) for name, block, width in TENSOR_KINDS.values()}


def half(block: bytes, place: int) -> np.float32:
    return np.float32(struct.unpack_from("<e", block, place)[0])


def times(scale: np.float32, code: int) -> np.float32:
    return scale * np.float32(code)


def nibble(block: bytes, place: int, element: int) -> int:
    """Of 32: the low nibbles of 16 bytes come first."""
    return block[place + element] & 15 if element < 16 else block[place + element - 16] >> 4


def bit(block: bytes, place: int, number: int) -> int:
    return block[place + number // 8] >> (number % 8) & 1


def signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def q4_0(block):
    return [times(half(block, 0), nibble(block, 2, e) - 8) for e in range(32)]


def q4_1(block):
    return [times(half(block, 0), nibble(block, 4, e)) + half(block, 2) for e in range(32)]


def q5_0(block):
    return [times(half(block, 0), (nibble(block, 6, e) | bit(block, 2, e) << 4) - 16) for e in range(32)]


def q5_1(block):
    return [times(half(block, 0), nibble(block, 8, e) | bit(block, 4, e) << 4) + half(block, 2) for e in range(32)]


def q8_0(block):
    return [times(half(block, 0), signed(block[2 + e])) for e in range(32)]


def six_bits(block: bytes, place: int, group: int) -> tuple[int, int]:
    """Scale and minimum of a group of 32 in Q4_K and Q5_K, packed in 12 bytes."""
    if group < 4:
        return block[place + group] & 63, block[place + group + 4] & 63
    mixed = block[place + group + 4]
    return (mixed & 15) | (block[place + group - 4] >> 6) << 4, (mixed >> 4) | (block[place + group] >> 6) << 4


def k_nibble(block: bytes, place: int, element: int) -> int:
    """Of 256: each 32 bytes hold 64 elements, the low nibbles first."""
    byte = block[place + element // 64 * 32 + element % 32]
    return byte & 15 if element % 64 < 32 else byte >> 4


def q4_k(block):
    found = []
    for e in range(256):
        scale, least = six_bits(block, 4, e // 32)
        found.append(times(times(half(block, 0), scale), k_nibble(block, 16, e)) - times(half(block, 2), least))
    return found


def q5_k(block):
    found = []
    for e in range(256):
        scale, least = six_bits(block, 4, e // 32)
        code = k_nibble(block, 48, e) | (block[16 + e % 32] >> (e // 32) & 1) << 4
        found.append(times(times(half(block, 0), scale), code) - times(half(block, 2), least))
    return found


def two_bits(block: bytes, place: int, element: int) -> int:
    """Of 256: each 32 bytes hold 128 elements, the lowest pairs of bits first."""
    return block[place + element // 128 * 32 + element % 32] >> (element % 128 // 32 * 2) & 3


def q2_k(block):
    found = []
    for e in range(256):
        both = block[e // 16]
        found.append(
            times(times(half(block, 80), both & 15), two_bits(block, 16, e)) - times(half(block, 82), both >> 4)
        )
    return found


def q3_k(block):
    found = []
    for e in range(256):
        g = e // 16
        low = block[96 + g % 8] & 15 if g < 8 else block[96 + g % 8] >> 4
        scale = (low | (block[104 + g % 4] >> (g // 4 * 2) & 3) << 4) - 32
        code = two_bits(block, 32, e) - (0 if block[e % 32] >> (e // 32) & 1 else 4)
        found.append(times(times(half(block, 108), scale), code))
    return found


def q6_k(block):
    found = []
    for e in range(256):
        start, inner = e // 128, e % 128
        low = block[start * 64 + inner % 64]
        low = low & 15 if inner < 64 else low >> 4
        high = block[128 + start * 32 + inner % 32] >> (inner // 32 * 2) & 3
        found.append(times(times(half(block, 208), signed(block[192 + e // 16])), (low | high << 4) - 32))
    return found


def f32(block):
    return [np.float32(struct.unpack("<f", block)[0])]


def f16(block):
    return [half(block, 0)]


def bf16(block):
    return [np.float32(struct.unpack("<f", b"\0\0" + block)[0])]


READERS = {
    "F32": f32,
    "F16": f16,
    "BF16": bf16,
    "Q4_0": q4_0,
    "Q4_1": q4_1,
    "Q5_0": q5_0,
    "Q5_1": q5_1,
    "Q8_0": q8_0,
    "Q2_K": q2_k,
    "Q3_K": q3_k,
    "Q4_K": q4_k,
    "Q5_K": q5_k,
    "Q6_K": q6_k,
}


def test_every_format_has_a_reader():
    assert READERS.keys() == ggml_quants.READABLE_KINDS


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@pytest.mark.parametrize("kind", sorted(READERS))
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_same_numbers_to_the_last_bit(kind, seed):
    raw = np.random.default_rng(seed).integers(0, 256, (6, WIDTHS[kind][1]), dtype=np.uint8)
    found = ggml_quants.dequantize(kind, torch.from_numpy(raw).view(-1), torch.float32).numpy()
    slow = np.array([number for block in raw for number in READERS[kind](block.tobytes())], np.float32)
    package = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType[kind]).reshape(-1)
    usual = np.isfinite(slow)  # random scales may be infinite or no number at all
    assert found.shape == slow.shape
    np.testing.assert_array_equal(found[usual], slow[usual])
    np.testing.assert_array_equal(package[usual], slow[usual])
    assert not np.isfinite(found[~usual]).any()


@pytest.mark.parametrize("kind", sorted(READERS))
def test_bfloat16_is_rounded_once(kind):
    raw = torch.from_numpy(np.random.default_rng(4).integers(0, 100, (50, WIDTHS[kind][1]), dtype=np.uint8)).view(-1)
    exact = ggml_quants.dequantize(kind, raw, torch.float32)
    assert torch.equal(ggml_quants.dequantize(kind, raw, torch.bfloat16), exact.to(torch.bfloat16))
