"""What was read before, and looking back at it.

Knows: keys and values by layer and position, grouped-query attention (Ainslie et al. 2023).
Does not know: weights, positions' turning, tokens. Imports torch, so it is imported late.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.lm.decoder.decoder_config import Shape

_COARSE = 192.0  # scores above, and bfloat16 has steps of a half and more where softmax looks closest


class Cache:
    """Keys and values of the positions read so far, for at most `room` of them: [layers, groups, room, head] each.

    Memory is reserved for `room` positions and touched as they come: 23 kB a position for SmolLM2-135M in bfloat16.
    """

    def __init__(self, shape: Shape, room: int, dtype: torch.dtype) -> None:
        self.room = room
        self.length = 0
        self.keys = torch.empty(shape.layers, shape.groups, room, shape.head, dtype=dtype)
        self.values = torch.empty_like(self.keys)

    @property
    def size(self) -> int:
        """Bytes that are reserved."""
        return self.keys.nbytes + self.values.nbytes

    def begin_with(self, other: Cache, length: int) -> None:
        """Takes over the first `length` positions of another one of the same model."""
        self.keys[:, :, :length] = other.keys[:, :, :length]
        self.values[:, :, :length] = other.values[:, :, :length]
        self.length = length


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """queries [n, heads, head], keys and values [groups, m, head], mask bool [n, m] or None -> [n, heads · head].

    Without a mask, either the queries are the first n positions (causal), or there is one, which sees everything.
    """
    count, heads, head = queries.shape
    groups, length, _ = keys.shape
    if count == 1:
        # The query heads of one group as so many rows over its keys: nothing need be repeated.
        seen = F.scaled_dot_product_attention(queries.view(1, groups, -1, head), keys[None], values[None])
        return seen.view(1, heads * head)
    many = (groups, heads // groups, length, head)
    seen = F.scaled_dot_product_attention(
        queries.transpose(0, 1)[None],
        keys[:, None].expand(many).reshape(1, heads, length, head),
        values[:, None].expand(many).reshape(1, heads, length, head),
        attn_mask=mask,
        is_causal=mask is None,
    )
    return seen[0].transpose(0, 1).reshape(count, heads * head)


def attend_in_products(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """The same as `attend` for the last n of m positions, as two products and a softmax: in bfloat16 almost twice as quick.

    Scores are rounded to bfloat16. Where they may be so large that this is too coarse, and in other types, `attend` does it.
    """
    count, heads, head = queries.shape
    groups, length, _ = keys.shape
    scale = 1 / math.sqrt(head)
    if queries.dtype is not torch.bfloat16 or scale * _longest(queries) * _longest(keys) > _COARSE:
        return attend(queries, keys, values, mask)
    several = heads // groups
    rows = queries.view(count, groups, several, head).permute(1, 2, 0, 3).reshape(groups, several * count, head)
    later = _later(count, several)
    scores = torch.empty(several * count, length, dtype=queries.dtype)
    seen = torch.empty_like(rows)
    # One group after the other: their scores stay in the cache.
    for group in range(groups):
        torch.addmm(scores, rows[group], keys[group].t(), beta=0, alpha=scale, out=scores)
        scores[:, length - count :].add_(later)
        torch.mm(scores.softmax(-1), values[group], out=seen[group])
    return seen.view(groups, several, count, head).permute(2, 0, 1, 3).reshape(count, heads * head)


@functools.lru_cache(maxsize=1)
def _later(count: int, several: int) -> Tensor:
    """What hides later positions from each query of a group, to be added: bfloat16 [several · count, count]."""
    return torch.full((count, count), -math.inf, dtype=torch.bfloat16).triu(1).repeat(several, 1)


def _longest(vectors: Tensor) -> float:
    return float(torch.linalg.vector_norm(vectors, dim=-1).max())
