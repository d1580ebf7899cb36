"""`InfiniteMemoryTransformer`: a layer over windows, with a memory of all windows before.

Sources: old states are kept compressed (Compressive Transformer: Rae et al., 2020); attention
recalls a few of them by content and a learnt gate mixes them in (Memorizing Transformers: Wu et
al., 2022); blocks of context are looked up by representatives (InfLLM: Xiao et al., 2024); memories
precede the text that is read (RETRO: Borgeaud et al., 2022). The gate starts at 0, as in Flamingo
(Alayrac et al., 2022) and LLaMA-Adapter (Zhang et al., 2023).

Knows: windows, attention, the memory's public methods, the layer's state_dict.
Does not know: text, how a memory stores or searches nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import torch
import torch.nn.functional as F
from torch import nn

from crystalcli.errors import CrystalError, UsageError
from crystalcli.neural_memory.argument_checks import check_depth, check_floating, check_integer, check_mask
from crystalcli.neural_memory.beam_search import Recalled
from crystalcli.neural_memory.checkpoint import load_state, state_tensors
from crystalcli.neural_memory.forgetting_curve import Forgetting
from crystalcli.neural_memory.memory_crystal import MemoryCrystal

if TYPE_CHECKING:
    from torch import Tensor

_ROTARY_BASE = 10_000.0  # of rotary positions (Su et al., 2021)
_IMPORTANCE_RANGE = 4.0  # a learnt importance lies between e^-4 and e^4


class InfiniteMemoryTransformer(nn.Module):
    """A pre-norm transformer layer that remembers its outputs.

    It maps [batch, tokens, d_model] to the same shape. A window attends to itself, causally, with
    rotary positions. In addition each token recalls `k` memories of earlier windows, coarse to fine
    through the last `depth` layers of the memory, and attends to them: `softmax(q·k/√d + log R)`,
    with `R` the share that is left of a memory by the forgetting curve, and with one empty place,
    so that a token need not attend to any memory. The result is multiplied by the tanh of a gate
    for each head, which starts at 0. Then the window's outputs are crystallized, each weighted by a
    learnt importance. Keys of memories start as the queries' own, so that at first like recalls
    like.

    The memory goes with `state_dict`, under `memory.`, and to the device and dtype of the layer.
    """

    def __init__(
        self,
        d_model: int = 768,
        n_heads: int = 12,
        *,
        d_hidden: int | None = None,
        window: int = 512,
        depth: int = 3,
        k: int = 8,
        stride: int = 1,
        forgetting: Forgetting | None = Forgetting.by_half_life(100_000),  # noqa: B008 - it is frozen
        gradient: bool = False,
        memory: MemoryCrystal | None = None,
    ) -> None:
        """Make a layer with random weights and an empty memory.

        Args:
            d_model: width of the layer.
            n_heads: attention heads.
            d_hidden: width of the feed-forward part; 4 · d_model by default.
            window: tokens read at once; longer input is read window by window.
            depth: layers of the memory that are searched, 1 to 3.
            k: memories for each token.
            stride: tokens from one recall to the next; the tokens between share it. No token sees
                the recall of a later one.
            forgetting: the curve of the layer's own memory, in tokens; half is left after 100,000
                by default, None forgets nothing.
            gradient: let gradients through the memory, back into the windows that were remembered.
                Call `memory.detach()` or `memory.reset()` after each step then, and `detach()` also
                where only some rows are reset. Without it the memory is data.
            memory: used in place of a memory of its own.

        Raises:
            UsageError: a size is out of range, or the memory does not fit.
        """
        super().__init__()
        d_model, n_heads = check_integer(d_model, "d_model"), check_integer(n_heads, "n_heads")
        if d_model % n_heads or (d_model // n_heads) % 2:
            raise UsageError(
                f"invalid sizes: d_model={d_model}, n_heads={n_heads} (need n_heads heads of an even width)"
            )
        self.d_model, self.n_heads, self.gradient = d_model, n_heads, gradient
        self.window, self.stride = check_integer(window, "window"), check_integer(stride, "stride")
        self.depth, self.k = check_depth(depth), check_integer(k, "k")
        hidden = 4 * d_model if d_hidden is None else check_integer(d_hidden, "d_hidden")
        self.attention_norm = nn.LayerNorm(d_model)
        self.query, self.key, self.value = (nn.Linear(d_model, d_model, bias=False) for _ in range(3))
        self.memory_key, self.memory_value = (nn.Linear(d_model, d_model, bias=False) for _ in range(2))
        self.gate = nn.Parameter(torch.zeros(n_heads))
        self.out = nn.Linear(d_model, d_model, bias=False)
        self.importance = nn.Linear(d_model, 1)
        self.hidden_norm = nn.LayerNorm(d_model)
        self.hidden = nn.Sequential(nn.Linear(d_model, hidden), nn.GELU(), nn.Linear(hidden, d_model))
        with torch.no_grad():
            self.memory_key.weight.copy_(self.query.weight)
            self.importance.weight.zero_()
            self.importance.bias.zero_()
        self.memory = memory if memory is not None else self._new_memory(forgetting)
        self._check_memory(self.memory)

    def _new_memory(self, forgetting: Forgetting | None) -> MemoryCrystal:
        return MemoryCrystal(self.d_model, forgetting=forgetting, dtype=torch.get_default_dtype())

    # --- forward ----------------------------------------------------------------------------------

    def forward(
        self,
        x: Tensor,
        use_infinite_memory: bool = True,
        *,
        memory: MemoryCrystal | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Read input of any length; returns the same shape.

        Args:
            x: [batch, tokens, d_model] or [tokens, d_model].
            use_infinite_memory: recall before each window, and crystallize after it. Without it
                each window stands alone, and nothing is remembered.
            memory: used in place of the layer's own.
            mask: bool [batch, tokens] or [tokens], False for padding: it is not attended to or
                remembered, whatever it holds, and the output in its place is meaningless.

        Raises:
            UsageError: a shape or a dtype does not fit the layer or the memory, or NaN would be
                remembered.
        """
        if check_floating(x, "input").dim() not in (2, 3) or x.shape[-1] != self.d_model:
            raise UsageError(f"input: expected [batch, tokens, {self.d_model}], got {list(x.shape)}")
        if x.dtype != self.gate.dtype and not torch.is_autocast_enabled(x.device.type):
            raise UsageError(f"input: expected {self.gate.dtype}, as the layer's weights, got {x.dtype}")
        if mask is not None:
            mask = check_mask(mask, x.shape[:-1], "mask")
        if x.dim() == 2:
            batch_mask = None if mask is None else mask[None]
            return self(x[None], use_infinite_memory, memory=memory, mask=batch_mask)[0]  # type: ignore[no-any-return]
        if mask is not None:
            x = x.masked_fill(~mask[..., None], 0)  # shares of 0 do not keep NaN out
        active = None
        if use_infinite_memory:
            active = self.memory if memory is None else self._check_memory(memory)
            if active.batch not in (None, len(x)):
                raise UsageError(
                    f"the memory holds a batch of {active.batch}, got one of {len(x)}: reset the memory first"
                )
            if not torch.isfinite(x).all():
                raise UsageError("input holds NaN or infinity")
            active.to(x.device)
        if not len(x):
            return x  # a batch without rows
        windows = [
            self._window(
                x[:, start : start + self.window],
                active,
                None if mask is None else mask[:, start : start + self.window],
            )
            for start in range(0, x.shape[1], self.window)
        ]
        return torch.cat(windows, 1) if windows else x

    def _window(self, x: Tensor, memory: MemoryCrystal | None, mask: Tensor | None) -> Tensor:
        """Read one window, and remember its outputs."""
        normed = self.attention_norm(x)
        queries = self._heads(self.query(normed))
        attended = self._attend_window(queries, normed, mask)
        if memory is not None and memory.tokens:
            attended = attended + torch.tanh(self.gate)[:, None] * self._attend_memory(queries, memory, mask)
        y = x + self.out(attended.flatten(2))
        y = y + self.hidden(self.hidden_norm(y))
        if memory is not None:
            memory.crystallize(y, importance=self._importance(y, mask), gradient=self.gradient)
        return y  # type: ignore[no-any-return]

    def _heads(self, values: Tensor) -> Tensor:
        """Reshape [batch, tokens, d_model] to [batch, tokens, heads, width]."""
        return values.reshape(*values.shape[:2], self.n_heads, self.d_model // self.n_heads)

    def _attend_window(self, queries: Tensor, normed: Tensor, mask: Tensor | None) -> Tensor:
        """Attend causally inside the window; returns [batch, tokens, heads, width]."""
        keys, values = self._heads(self.key(normed)), self._heads(self.value(normed))
        q, k, v = (heads.transpose(1, 2) for heads in (_rotate(queries), _rotate(keys), values))
        if mask is None:
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            tokens = mask.shape[1]
            earlier = torch.ones(tokens, tokens, dtype=torch.bool, device=mask.device).tril()
            # Every token attends to itself, so that padding, too, has something to attend to.
            diagonal = torch.eye(tokens, dtype=torch.bool, device=mask.device)
            allowed = (earlier & mask[:, None, None, :]) | diagonal
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        return attended.transpose(1, 2)

    def _attend_memory(self, queries: Tensor, memory: MemoryCrystal, mask: Tensor | None = None) -> Tensor:
        """Attend to the memories that each token recalls; returns [batch, tokens, heads, width].

        A stride recalls by its first token that is not padding. The product of a query and a
        memory's key is that of the memory and the query, taken back through the key's weights. So
        keys and values of memories are never made, and recall searches by the mean of those queries
        over the heads.
        """
        width, tokens = queries.shape[3], queries.shape[1]
        # Queries in the space of the memories: [batch, tokens, heads, d_model].
        projected = torch.einsum("bthi,hid->bthd", queries, self.memory_key.weight.view(self.n_heads, width, -1))
        means = projected.mean(2)
        if mask is None or self.stride == 1:
            recall_queries = means[:, :: self.stride]
        else:
            first = _in_strides(mask, self.stride).int().argmax(2)
            places = first + torch.arange(0, tokens, self.stride, device=first.device)
            recall_queries = means.gather(1, places[..., None].expand(-1, -1, means.shape[2]))
        recalled = memory.recall(recall_queries, self.depth, self.k, strengthen=False)
        if not recalled.layers.shape[-1]:
            return torch.zeros_like(queries)

        def spread(values: Tensor) -> Tensor:
            return values if self.stride == 1 else values.repeat_interleave(self.stride, 1)[:, :tokens]

        vectors = spread(F.rms_norm(recalled.vectors.to(queries.dtype), (self.d_model,)))
        logits = torch.einsum("bthd,btkd->bthk", projected, vectors).float() / width**0.5
        log_retained = recalled.retained.clamp_min(torch.finfo(torch.float32).tiny).log()
        logits = logits + spread(log_retained.masked_fill(recalled.layers == 0, float("-inf")))[:, :, None]
        shares = F.softmax(F.pad(logits, (0, 1)), dim=3)[..., :-1]  # the last place is the empty one
        self._strengthen(memory, recalled, shares.detach(), mask)
        mixed = torch.einsum("bthk,btkd->bthd", shares.to(vectors.dtype), vectors)
        return torch.einsum("bthd,hid->bthi", mixed, self.memory_value.weight.view(self.n_heads, width, -1))

    def _strengthen(self, memory: MemoryCrystal, recalled: Recalled, shares: Tensor, mask: Tensor | None) -> None:
        """Strengthen each memory that had more than an even share of some head's attention.

        Args:
            memory: that was recalled from.
            recalled: for each stride.
            shares: of attention, [batch, tokens, heads, k].
            mask: False for padding, whose attention does not count.
        """
        if memory.forgetting is None:
            return
        used = (shares > 1 / (shares.shape[3] + 1)).any(2)
        if mask is not None:
            used &= mask[..., None]
        memory.strengthen(recalled, _in_strides(used, self.stride).any(2))

    def _importance(self, y: Tensor, mask: Tensor | None) -> Tensor:
        """Return the importance of each token, float32 [batch, tokens]; 1 for all at first."""
        logits = self.importance(y)[..., 0].float()
        importance = torch.exp(_IMPORTANCE_RANGE * torch.tanh(logits / _IMPORTANCE_RANGE))
        return importance if mask is None else importance * mask

    # --- the memory beside the weights ------------------------------------------------------------

    def _check_memory(self, memory: MemoryCrystal) -> MemoryCrystal:
        if not isinstance(memory, MemoryCrystal):
            raise UsageError(f"memory: expected a MemoryCrystal, got {type(memory).__name__}")
        if memory.dimension != self.d_model:
            raise UsageError(f"memory: expected {self.d_model} dimensions, got {memory.dimension}")
        return memory

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        like = fn(self.gate.detach().new_empty(1))
        # The memory first: a dtype that cannot hold its nodes is refused before the weights change.
        self.memory.to(like.device, like.dtype)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination |= {f"{prefix}memory.{name}": tensor for name, tensor in state_tensors(self.memory).items()}

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load weights and memory; a state without a memory leaves it as it is.

        Weights of another program have no memory.
        """
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        start = f"{prefix}memory."
        unexpected_keys[:] = [key for key in unexpected_keys if not key.startswith(start)]
        tensors = {key.removeprefix(start): value for key, value in state_dict.items() if key.startswith(start)}
        if tensors:
            try:
                load_state(self.memory, {key: value.to(self.gate.device) for key, value in tensors.items()})
            except CrystalError as error:
                error_msgs.append(str(error))


def _in_strides(marks: Tensor, stride: int) -> Tensor:
    """Reshape bool [batch, tokens, ...] to [batch, strides, stride, ...].

    The last stride is filled up with False.
    """
    padded = F.pad(marks, (*[0, 0] * (marks.dim() - 2), 0, -marks.shape[1] % stride))
    return padded.reshape(len(marks), -1, stride, *marks.shape[2:])


def _rotate(heads: Tensor) -> Tensor:
    """Apply rotary positions 0, 1, ... to [batch, tokens, heads, width].

    Pairs are the two halves of a head.
    """
    half, tokens = heads.shape[3] // 2, heads.shape[1]
    rates = _ROTARY_BASE ** (-torch.arange(half, device=heads.device, dtype=torch.float32) / half)
    angles = torch.arange(tokens, device=heads.device)[:, None] * rates
    cos, sin = angles.cos()[:, None].to(heads.dtype), angles.sin()[:, None].to(heads.dtype)
    first, second = heads[..., :half], heads[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], 3)
