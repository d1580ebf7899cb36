"""How likely a decoder holds given tokens to be, without keeping a row of logits for each.

Knows: ids, logits. Does not know: text, what stands before and why. Imports torch, so it is imported late.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from crystalcli.lm.llama import Llama
from crystalcli.lm.pace import Pace

_ROWS = 64  # rows of logits at a time: 13 MB for a vocabulary of 49,152


@torch.inference_mode()
def judged(decoder: Llama, ids: Sequence[int], first: int, pace: Pace | None = None) -> list[float]:
    """The natural logarithm of the probability of each of `ids[first:]`, given all before it; 1 <= first < len(ids).

    pace: chooses the threads while what stands before is read.
    """
    cache = decoder.cache(len(ids) - 1)
    if first > 1:
        decoder.read(ids[: first - 1], cache, pace=pace)
    found: list[float] = []
    for start in range(first, len(ids), _ROWS):
        wanted = torch.tensor(ids[start : start + _ROWS])
        logits = decoder.read(ids[start - 1 : start - 1 + len(wanted)], cache, every=True)
        right = logits.gather(1, wanted[:, None])[:, 0]
        found += (right - logits.logsumexp(1)).tolist()
    return found
