"""Keys and values of earlier positions, and attention over them.

Knows: keys and values by layer and position, grouped-query attention (Ainslie et al. 2023).
Does not know: weights, rotary positions, tokens. Imports torch, so it is imported late.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.lm.decoder.decoder_config import DecoderConfig

# Above this, bfloat16 scores have steps of a half and more where softmax looks closest.
_MAX_BFLOAT16_SCORE = 192.0


class KVCache:
    """Keys and values of the positions read so far, [layers, kv_heads, capacity, head_dim] each.

    Memory is reserved for `capacity` positions and touched as they come: 23 kB a position for
    SmolLM2-135M in bfloat16.

    Attributes:
        capacity: Most positions.
        length: Positions read so far.
        keys: Keys, in the decoder's dtype.
        values: Values, likewise.
    """

    def __init__(self, config: DecoderConfig, capacity: int, dtype: torch.dtype) -> None:
        self.capacity = capacity
        self.length = 0
        self.keys = torch.empty(config.layers, config.kv_heads, capacity, config.head_dim, dtype=dtype)
        self.values = torch.empty_like(self.keys)

    @property
    def nbytes(self) -> int:
        """Bytes that are reserved."""
        return self.keys.nbytes + self.values.nbytes

    def copy_prefix(self, other: KVCache, length: int) -> None:
        """Copy the first `length` positions of another cache of the same model."""
        self.keys[:, :, :length] = other.keys[:, :, :length]
        self.values[:, :, :length] = other.values[:, :, :length]
        self.length = length


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Attend from queries to keys and values.

    Without a mask, either the queries are the first n positions (causal), or there is one, which
    sees everything.

    Args:
        queries: [n, heads, head_dim].
        keys: [kv_heads, m, head_dim].
        values: [kv_heads, m, head_dim].
        mask: bool [n, m], True where a query sees a key; or None.

    Returns:
        [n, heads · head_dim].
    """
    count, heads, head_dim = queries.shape
    kv_heads, length, _ = keys.shape
    if count == 1:
        # The query heads of one group as so many rows over its keys: nothing need be repeated.
        output = F.scaled_dot_product_attention(queries.view(1, kv_heads, -1, head_dim), keys[None], values[None])
        return output.view(1, heads * head_dim)
    expanded = (kv_heads, heads // kv_heads, length, head_dim)
    output = F.scaled_dot_product_attention(
        queries.transpose(0, 1)[None],
        keys[:, None].expand(expanded).reshape(1, heads, length, head_dim),
        values[:, None].expand(expanded).reshape(1, heads, length, head_dim),
        attn_mask=mask,
        is_causal=mask is None,
    )
    return output[0].transpose(0, 1).reshape(count, heads * head_dim)


def attend_by_matmul(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Attend as `attend` does for the last n of m positions, as two products and a softmax.

    In bfloat16 this is almost twice as fast. Scores are rounded to bfloat16; where they may be so
    large that this is too coarse, and in other dtypes, `attend` does the work.
    """
    count, heads, head_dim = queries.shape
    kv_heads, length, _ = keys.shape
    scale = 1 / math.sqrt(head_dim)
    largest_score = scale * _max_norm(queries) * _max_norm(keys) if queries.dtype is torch.bfloat16 else math.inf
    if largest_score > _MAX_BFLOAT16_SCORE:
        return attend(queries, keys, values, mask)
    group_size = heads // kv_heads
    rows = queries.view(count, kv_heads, group_size, head_dim).permute(1, 2, 0, 3)
    rows = rows.reshape(kv_heads, group_size * count, head_dim)
    causal = _causal_bias(count, group_size)
    scores = torch.empty(group_size * count, length, dtype=queries.dtype)
    output = torch.empty_like(rows)
    # One group after the other: their scores stay in the cache.
    for group in range(kv_heads):
        torch.addmm(scores, rows[group], keys[group].t(), beta=0, alpha=scale, out=scores)
        scores[:, length - count :].add_(causal)
        torch.mm(scores.softmax(-1), values[group], out=output[group])
    return output.view(kv_heads, group_size, count, head_dim).permute(2, 0, 1, 3).reshape(count, heads * head_dim)


def attend_one_by_one(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend as `attend` does for the last n of m positions, each as if it were the last.

    The kernel for several rounds otherwise.
    """
    before = keys.shape[1] - len(queries)
    alone = enumerate(torch.split(queries, 1), before + 1)
    return torch.cat([attend(query, keys[:, :end], values[:, :end], None) for end, query in alone])


@functools.lru_cache(maxsize=1)
def _causal_bias(count: int, group_size: int) -> Tensor:
    """Bias that hides later positions from each query of a group.

    bfloat16 [group_size · count, count].
    """
    return torch.full((count, count), -math.inf, dtype=torch.bfloat16).triu(1).repeat(group_size, 1)


def _max_norm(vectors: Tensor) -> float:
    return float(torch.linalg.vector_norm(vectors, dim=-1).max())
