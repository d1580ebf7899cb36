"""Associative recall over windows, small: a layer must give the values of keys that stood windows back.

`benchmarks/associative.py` measures the same at its full size.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crystalcli import InfiniteMemoryTransformer

NOISE, KEYS, VALUES = 16, 32, 8  # tokens of each kind, numbered in this order
WINDOWS, PAIRS, UNIT = (
    10,
    2,
    10,
)  # windows before the one that asks, pairs of key and value in each, tokens for each pair


class Sample(NamedTuple):
    """Sequences with their questions.

    Attributes:
        read: Tokens of all windows, int64 [batch, tokens].
        asked: Keys in any order, int64 [batch, pairs].
        answers: The number of each one's value, int64 [batch, pairs].
        back: How many windows back each stands, int64 [batch, pairs].
    """

    read: Tensor
    asked: Tensor
    answers: Tensor
    back: Tensor


def draw(count: int, windows: int, generator: torch.Generator) -> Sample:
    """Draw `count` sequences of so many windows; no key comes twice in one."""
    units = windows * PAIRS
    read = torch.randint(0, NOISE, (count, units, UNIT), generator=generator)
    keys = torch.rand(count, KEYS, generator=generator).argsort(1)[:, :units]
    answers = torch.randint(0, VALUES, (count, units), generator=generator)
    places = torch.randint(0, UNIT - 1, (count, units, 1), generator=generator)
    read.scatter_(2, places, NOISE + keys[..., None])
    read.scatter_(2, places + 1, NOISE + KEYS + answers[..., None])
    order = torch.rand(count, units, generator=generator).argsort(1)
    return Sample(read.flatten(1), NOISE + keys.gather(1, order), answers.gather(1, order), windows - order // PAIRS)


class Recaller(nn.Module):
    """An embedding, the layer, and a choice of a value for each token."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(NOISE + KEYS + VALUES, width)
        self.layer = InfiniteMemoryTransformer(width, 2, window=UNIT * PAIRS, k=8, gradient=True)
        self.norm = nn.LayerNorm(width)
        self.choice = nn.Linear(width, VALUES)

    def forward(self, sample: Sample, remember: bool) -> Tensor:
        """Logits [batch, pairs, values] for what is asked, after all windows have been read."""
        self.layer.memory.reset()
        self.layer(self.embedding(sample.read), remember)
        logits: Tensor = self.choice(self.norm(self.layer(self.embedding(sample.asked), remember)))
        return logits


@torch.no_grad()
def accuracy(model: Recaller, remember: bool, count: int = 64) -> float:
    """The share of right values for the keys of the first of all windows, on `count` sequences never trained on."""
    sample = draw(count, WINDOWS, torch.Generator().manual_seed(2))
    right = model(sample, remember).argmax(2) == sample.answers
    return float(right[sample.back == WINDOWS].float().mean())


def train(remember: bool, steps: int, *, batch: int = 16, rate: float = 8e-3, grow: int = 8) -> Recaller:
    """Train from scratch. grow: steps after which sequences get one window longer, from one to all of them."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1000)
    model = Recaller()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    for step in range(steps):
        sample = draw(batch, min(WINDOWS, 1 + step // grow), generator)
        loss = F.cross_entropy(model(sample, remember).flatten(0, 1), sample.answers.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.layer.memory.reset()
    return model
