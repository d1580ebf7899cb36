"""Attention inside a chunk, in the way that is fastest on this processor.

Where bfloat16 is native without AMX, its products may be slower than those of float32, or faster;
with AMX the fused kernel takes half the time. A trial tells. It takes a tenth of a second, and its
result is kept for this processor.

Knows: queries, keys, values. Does not know: layers or chunks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F

from crystalcli.cpu import cpu_flags, kept_choice, one_thread_of

_LENGTH = 224  # positions of the trial: a usual chunk
_MARGIN = 0.9  # of the time of the first way; a later one that takes more is not worth another rounding
_TRIES, _CALLS = 5, 4
# The range of sums that are safe to divide by; outside of it, softmax subtracts its maximum first.
_SAFE = (2.0**-100, 2.0**48)


class Attention(NamedTuple):
    """A way to compute attention.

    Attributes:
        precision: dtype of queries, keys and values.
        fused: whether by torch's kernel; else by `attend_by_powers`.
    """

    precision: torch.dtype
    fused: bool


# In order of preference.
WAYS = {
    "float32, fused": Attention(torch.float32, True),
    "float32, powers": Attention(torch.float32, False),
    "bfloat16, fused": Attention(torch.bfloat16, True),
    "bfloat16, powers": Attention(torch.bfloat16, False),
}


def possible_ways() -> list[str]:
    """Name the ways that this processor has instructions for; others are emulated, slowly."""
    native = bool(cpu_flags() & {"avx512_bf16", "amx_bf16"})
    return [name for name, way in WAYS.items() if native or way.precision == torch.float32]


@lru_cache(maxsize=4)
def fastest_attention(heads: int, width: int) -> Attention:
    """Return the fastest way on this processor, by a trial that is made once.

    Args:
        heads: of the model.
        width: of a head.
    """
    names = possible_ways()
    return WAYS[kept_choice(f"padded attention, {heads} heads of {width}", names, lambda: _tried(names, heads, width))]


@torch.inference_mode()
def _tried(names: list[str], heads: int, width: int) -> str:
    """Time each way, and name the fastest."""
    generator = torch.Generator().manual_seed(0)
    seconds = dict.fromkeys(names, math.inf)
    with one_thread_of(torch):
        for _ in range(_TRIES):
            for name in names:
                way = WAYS[name]
                shape = (_LENGTH, 3, heads, width)
                q, k, v = torch.randn(shape, generator=generator).to(way.precision).permute(1, 2, 0, 3)
                began = time.thread_time()
                for _ in range(_CALLS):
                    if way.fused:
                        F.scaled_dot_product_attention(q[None], k[None], v[None], scale=math.log(2))
                    else:
                        attend_by_powers(q, k, v)
                seconds[name] = min(seconds[name], time.thread_time() - began)
    best = min(names, key=lambda name: seconds[name])
    return best if seconds[best] < _MARGIN * seconds[names[0]] else names[0]


def padding_mask(lengths: Sequence[int], width: int, precision: torch.dtype) -> torch.Tensor:
    """Make the mask of chunks that are padded to one width, to be added to scores.

    Returns:
        0 at a chunk's own positions and minus infinity after them, [chunks, 1, 1, width].
    """
    padding = torch.arange(width) >= torch.tensor(lengths)[:, None]
    return torch.zeros(padding.shape, dtype=precision).masked_fill_(padding, -math.inf)[:, None, None]


def attend_by_powers(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, out: torch.Tensor | None = None
) -> torch.Tensor:
    """Compute attention by two products and powers of two, without taking off the maximum first.

    Args:
        q: queries, already scaled so that scores are exponents of 2, [heads, positions, width].
        k: keys, of the same shape.
        v: values, of the same shape.
        out: where the result goes, float32 of the same shape; None: to memory of its own.

    Returns:
        float32 [heads, positions, width].
    """
    # Products of heads that lie apart in memory take a quarter more time than the copies.
    powers = torch.matmul(q.contiguous(), k.contiguous().transpose(-1, -2)).exp2_()
    total = powers.sum(-1, keepdim=True, dtype=torch.float32)
    least, most = (float(edge) for edge in total.aminmax())
    # A sum may leave the range of floating point, and then be no number.
    if not (least > _SAFE[0] and most < _SAFE[1]):
        query, key, value = (states[None].float() for states in (q, k, v))
        attended = F.scaled_dot_product_attention(query, key, value, scale=math.log(2))[0]
        return attended if out is None else out.copy_(attended)
    # A bfloat16 product by a float32 sum gives float32.
    return torch.div(torch.matmul(powers, v), total, out=out)
