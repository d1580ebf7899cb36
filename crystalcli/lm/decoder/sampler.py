"""Chooses the next token from logits.

Knows: greedy choice, temperature, nucleus sampling (Holtzman et al. 2020), the repetition penalty (Keskar et al. 2019).
Does not know: models or text. Imports torch, so it is imported only when something is to be said.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Sampler:
    """One utterance's choices: the same seed and logits give the same tokens.

    temperature 0 takes the highest logit always. The penalty divides (above zero) or multiplies (below) the logits of
    tokens this sampler has chosen before; what stands in the prompt is not held against a token, since quoting it is
    what an answer is for.
    """

    def __init__(self, temperature: float, top_p: float, seed: int, penalty: float) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._penalty = penalty
        self._random = torch.Generator().manual_seed(seed)
        self._chosen: list[int] = []

    def choose(self, logits: Tensor) -> int:
        """The next token's id, for logits float32 [vocabulary], which are left as they are."""
        if self._penalty != 1.0 and self._chosen:
            before = torch.tensor(sorted(set(self._chosen)))
            old = logits[before]
            logits = logits.clone()
            logits[before] = torch.where(old > 0, old / self._penalty, old * self._penalty)
        if self._temperature == 0.0:
            token = int(logits.argmax())
        else:
            likely, order = torch.softmax(logits / self._temperature, dim=-1).sort(descending=True)
            # A token stays if those before it hold less than top_p: the first always does.
            likely[likely.cumsum(0) - likely >= self._top_p] = 0.0
            likely[0].clamp_(min=1e-9)
            token = int(order[torch.multinomial(likely, 1, generator=self._random)])
        self._chosen.append(token)
        return token
