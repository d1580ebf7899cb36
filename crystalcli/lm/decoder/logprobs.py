"""How likely a decoder holds given tokens to be, without keeping a row of logits for each.

Knows: ids, logits. Does not know: text, what stands before and why. Imports torch, so it is imported late.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from crystalcli.lm.decoder.llama import Llama
from crystalcli.lm.decoder.thread_tuner import Pace

_ROWS = 64  # rows of logits at a time: 13 MB for a vocabulary of 49,152


@torch.inference_mode()
def judged(
    decoder: Llama, ids: Sequence[int], first: int, asked: torch.Tensor, pace: Pace | None = None
) -> torch.Tensor:
    """The natural logarithms of the probabilities of other tokens in the place of each of `ids[first:]`, given all before it.

    asked: int64 [n, k], the k tokens for each of these n places; gives float32 [n, k]. 1 <= first < len(ids).
    pace: chooses the threads while what stands before is read.
    """
    cache = decoder.cache(len(ids) - 1)
    if first > 1:
        decoder.read(ids[: first - 1], cache, pace=pace)
    found: list[torch.Tensor] = []
    for start in range(first, len(ids), _ROWS):
        wanted = asked[start - first : start - first + _ROWS]
        logits = decoder.read(ids[start - 1 : start - 1 + len(wanted)], cache, every=True)
        found.append(logits.gather(1, wanted) - logits.logsumexp(1, keepdim=True))
    return torch.cat(found)
