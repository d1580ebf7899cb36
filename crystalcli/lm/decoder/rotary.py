"""Rotary positions: how fast each pair of a head turns, and the turning.

Knows: the formulas of Su et al. 2021, linear scaling, YaRN (Peng et al. 2023, "NTK by parts") and Llama 3.1's scaling.
Does not know: files, layers. Imports torch, so it is imported late. Held equal to transformers by the tests.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from crystalcli.lm.decoder.decoder_config import Rotary


def frequencies(rotary: Rotary, head: int) -> Tensor:
    """Radians that each pair turns from one position to the next, float32 [head / 2], for heads of `head` dimensions."""
    plain = 1.0 / rotary.base ** (torch.arange(0, head, 2, dtype=torch.float32) / head)
    if rotary.scaling == "linear":
        return plain / rotary.factor
    if rotary.scaling == "yarn":
        return _yarn(plain, rotary, head)
    if rotary.scaling == "llama3":
        return _llama3(plain, rotary)
    return plain


def turn(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """The first half of each head against its second one. heads: [n, heads, head]; cosine, sine: [n, 1, head / 2]."""
    first, second = heads.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


def _yarn(plain: Tensor, rotary: Rotary, head: int) -> Tensor:
    def pair(turns: float) -> float:
        """The pair, counted with fractions, that turns so often in the positions trained."""
        return head * math.log(rotary.trained / (turns * 2 * math.pi)) / (2 * math.log(rotary.base))

    first = max(math.floor(pair(rotary.fast)), 0)
    last = min(math.ceil(pair(rotary.slow)), head - 1)
    places = torch.arange(head // 2, dtype=torch.float32)
    stretched = ((places - first) / max(last - first, 0.001)).clamp(0, 1)
    return plain * (1 - stretched) + plain / rotary.factor * stretched


def _llama3(plain: Tensor, rotary: Rotary) -> Tensor:
    turns = plain * rotary.trained / (2 * math.pi)
    kept = ((turns - rotary.low) / (rotary.high - rotary.low)).clamp(0, 1)
    return plain * kept + plain / rotary.factor * (1 - kept)
