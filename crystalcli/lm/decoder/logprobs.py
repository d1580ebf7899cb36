"""Log-probabilities of given tokens under a decoder, without keeping a row of logits for each.

Knows: ids, logits. Does not know: text, or why the tokens are judged. Imports torch, so it is
imported late.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from crystalcli.lm.decoder.llama import Llama
from crystalcli.lm.decoder.thread_tuner import ThreadTuner

_ROWS = 64  # rows of logits at a time: 13 MB for a vocabulary of 49,152


@torch.inference_mode()
def token_logprobs(
    decoder: Llama, ids: Sequence[int], first: int, candidates: torch.Tensor, tuner: ThreadTuner | None = None
) -> torch.Tensor:
    """Compute the log-probabilities of candidates in the place of each of `ids[first:]`.

    Logarithms are natural.

    Args:
        decoder: The decoder.
        ids: Token ids.
        first: Index of the first token to judge, 1 <= first < len(ids).
        candidates: int64 [n, k], the k candidates for each of these n places.
        tuner: Chooses the threads while the tokens before `first` are read.

    Returns:
        float32 [n, k].
    """
    cache = decoder.cache(len(ids) - 1)
    if first > 1:
        decoder.forward(ids[: first - 1], cache, tuner=tuner)
    blocks: list[torch.Tensor] = []
    for start in range(first, len(ids), _ROWS):
        wanted = candidates[start - first : start - first + _ROWS]
        logits = decoder.forward(ids[start - 1 : start - 1 + len(wanted)], cache, all_logits=True)
        blocks.append(logits.gather(1, wanted) - logits.logsumexp(1, keepdim=True))
    return torch.cat(blocks)
