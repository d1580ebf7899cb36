"""Rotary positions: the frequency of each pair of a head, and the rotation.

Knows: the formulas of Su et al. 2021, linear scaling, YaRN (Peng et al. 2023, "NTK by parts") and
Llama 3.1's scaling.
Does not know: files, layers. Imports torch, so it is imported late. Held equal to transformers by
the tests.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from crystalcli.lm.decoder.decoder_config import RotaryConfig


def frequencies(rotary: RotaryConfig, head_dim: int) -> Tensor:
    """Compute the radians by which each pair rotates from one position to the next.

    Returns:
        float32 [head_dim / 2].
    """
    plain = 1.0 / rotary.base ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
    if rotary.scaling == "linear":
        return plain / rotary.factor
    if rotary.scaling == "yarn":
        return _yarn(plain, rotary, head_dim)
    if rotary.scaling == "llama3":
        return _llama3(plain, rotary)
    return plain


def rotate(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate the first half of each head against its second one.

    Args:
        heads: [n, heads, head_dim].
        cosine: [n, 1, head_dim / 2].
        sine: [n, 1, head_dim / 2].
    """
    first, second = heads.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


def _yarn(plain: Tensor, rotary: RotaryConfig, head_dim: int) -> Tensor:
    def pair(turns: float) -> float:
        """Index, with fractions, of the pair that turns so often in the trained positions."""
        return head_dim * math.log(rotary.trained_positions / (turns * 2 * math.pi)) / (2 * math.log(rotary.base))

    first = max(math.floor(pair(rotary.beta_fast)), 0)
    last = min(math.ceil(pair(rotary.beta_slow)), head_dim - 1)
    pairs = torch.arange(head_dim // 2, dtype=torch.float32)
    stretched = ((pairs - first) / max(last - first, 0.001)).clamp(0, 1)
    return plain * (1 - stretched) + plain / rotary.factor * stretched


def _llama3(plain: Tensor, rotary: RotaryConfig) -> Tensor:
    turns = plain * rotary.trained_positions / (2 * math.pi)
    kept = ((turns - rotary.low_freq_factor) / (rotary.high_freq_factor - rotary.low_freq_factor)).clamp(0, 1)
    return plain * kept + plain / rotary.factor * (1 - kept)
