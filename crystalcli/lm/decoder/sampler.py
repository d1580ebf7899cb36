"""Chooses the next token from logits.

Knows: greedy choice, temperature, nucleus sampling (Holtzman et al. 2020), the repetition penalty
(Keskar et al. 2019).
Does not know: models or text. Imports torch, so it is imported only when a token is chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from crystalcli.datatypes import Sampling


class Sampler:
    """The choices of one generation: the same seed and logits give the same tokens.

    A temperature of 0 always takes the highest logit. The penalty divides (above zero) or
    multiplies (below) the logits of tokens that this sampler has chosen before. Tokens of the
    prompt are not penalised, since an answer is meant to quote them.
    """

    def __init__(self, sampling: Sampling) -> None:
        self._temperature = sampling.temperature
        self._top_p = sampling.top_p
        self._penalty = sampling.repetition_penalty
        self._random = torch.Generator().manual_seed(sampling.seed)
        self._chosen: list[int] = []

    def choose(self, logits: Tensor) -> int:
        """Choose the next token's id from logits, float32 [vocabulary], which are not changed."""
        if self._penalty != 1.0 and self._chosen:
            chosen = torch.tensor(sorted(set(self._chosen)))
            scores = logits[chosen]
            logits = logits.clone()
            logits[chosen] = torch.where(scores > 0, scores / self._penalty, scores * self._penalty)
        if self._temperature == 0.0:
            token = int(logits.argmax())
        else:
            probabilities, order = torch.softmax(logits / self._temperature, dim=-1).sort(descending=True)
            # A token stays if those before it hold less than top_p: the first always does.
            probabilities[probabilities.cumsum(0) - probabilities >= self._top_p] = 0.0
            probabilities[0].clamp_(min=1e-9)
            token = int(order[torch.multinomial(probabilities, 1, generator=self._random)])
        self._chosen.append(token)
        return token
