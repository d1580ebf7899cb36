"""`InfiniteMemoryTransformer`: a transformer layer over windows, with a `MemoryCrystal` of all windows before. Knows nothing of text.

Where it comes from: old states are kept compressed (Compressive Transformer: Rae et al., 2020); attention recalls a few of them by
content and a learnt gate mixes them in (Memorizing Transformers: Wu et al., 2022); stretches of context are looked up by
representatives (InfLLM: Xiao et al., 2024); memories stand before what is read, as in RETRO (Borgeaud et al., 2022). The gate
starts at 0, as in Flamingo (Alayrac et al., 2022) and LLaMA-Adapter (Zhang et al., 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import torch
import torch.nn.functional as F
from torch import nn

from crystalcli.errors import CrystalError, UsageError
from crystalcli.neural_memory.argument_checks import depth_of, floating, mask_of, whole_number
from crystalcli.neural_memory.checkpoint import restore, tensors_of
from crystalcli.neural_memory.forgetting_curve import Forgetting
from crystalcli.neural_memory.memory_crystal import MemoryCrystal

if TYPE_CHECKING:
    from torch import Tensor

_WAVES = 10_000.0  # the base of rotary positions (Su et al., 2021)
_SPREAD = 4.0  # a learnt importance lies between e^-4 and e^4


class InfiniteMemoryTransformer(nn.Module):
    """One pre-norm transformer layer, [batch, tokens, d_model] to the same shape, that remembers what it gave.

    A window attends to itself, causally, with rotary positions. Beside it, each token recalls `k` memories of earlier windows,
    coarse to fine through the last `depth` layers, and attends to them: `softmax(q·k/√d + log R)`, with `R` what is left of a
    memory by the forgetting curve, and with one more place that holds nothing, so that nothing need be remembered. What that
    gives is multiplied by the tanh of a gate for each head, which starts at 0. Then the window's outputs are crystallized, each
    weighed by a learnt importance. Keys of memories start as the queries' own, so that at first like recalls like.

    d_model, n_heads: as usual; d_hidden: of the feed-forward part, else 4 · d_model. window: so many tokens are read at once; longer
    input is read window by window. stride: every so many tokens recall anew, those after them share it; no token sees what a later
    one recalled. forgetting: the curve of the memory it owns, in tokens; half is left after 100,000, None forgets nothing. gradient:
    let gradients through the memory, back into the windows that were remembered; then `memory.detach()` or `memory.reset()` is due
    after each step, and `detach()` also where some rows alone are reset.
    Without it the memory is as data. memory: one to use instead of its own.

    The memory goes with `state_dict`, under `memory.`, and to the device and dtype the layer goes to. Raises UsageError for figures
    and shapes that do not fit.
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
        super().__init__()
        d_model, n_heads = whole_number(d_model, "d_model"), whole_number(n_heads, "n_heads")
        if d_model % n_heads or (d_model // n_heads) % 2:
            raise UsageError(f"d_model {d_model} is not {n_heads} heads of an even width")
        self.d_model, self.n_heads, self.gradient = d_model, n_heads, gradient
        self.window, self.stride = whole_number(window, "the window"), whole_number(stride, "the stride")
        self.depth, self.k = depth_of(depth), whole_number(k, "k")
        hidden = 4 * d_model if d_hidden is None else whole_number(d_hidden, "d_hidden")
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
        self.memory = memory if memory is not None else self._own(forgetting)
        self._check(self.memory)

    def _own(self, forgetting: Forgetting | None) -> MemoryCrystal:
        return MemoryCrystal(self.d_model, forgetting=forgetting, dtype=torch.get_default_dtype())

    # --- forward ------------------------------------------------------------------------------------------

    def forward(
        self,
        x: Tensor,
        use_infinite_memory: bool = True,
        *,
        memory: MemoryCrystal | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Read x [batch, tokens, d_model], or [tokens, d_model], of any length; give back the same shape.

        use_infinite_memory: recall before, and crystallize after; else every window stands alone, and nothing is remembered. memory:
        in the place of the layer's own. mask: bool [batch, tokens], False for padding, which nothing attends to or remembers, whatever
        it holds; what comes back in its place means nothing.
        Raises UsageError for a shape or a dtype that does not fit the layer or the memory, and for NaN where it would be remembered.
        """
        if floating(x, "the input").dim() not in (2, 3) or x.shape[-1] != self.d_model:
            raise UsageError(f"the layer reads [batch, tokens, {self.d_model}], not {list(x.shape)}")
        if x.dtype != self.gate.dtype and not torch.is_autocast_enabled(x.device.type):
            raise UsageError(f"the layer reads {self.gate.dtype}, not {x.dtype}")
        if mask is not None:
            mask = mask_of(mask, x.shape[:-1], "the mask")
        if x.dim() == 2:
            alone = None if mask is None else mask[None]
            return self(x[None], use_infinite_memory, memory=memory, mask=alone)[0]  # type: ignore[no-any-return]
        if mask is not None:
            x = x.masked_fill(~mask[..., None], 0)  # shares of 0 do not keep NaN out
        held = None
        if use_infinite_memory:
            held = self.memory if memory is None else self._check(memory)
            if held.batch not in (None, len(x)):
                raise UsageError(f"the memory holds a batch of {held.batch}, not of {len(x)}; reset it first")
            if not torch.isfinite(x).all():
                raise UsageError("the input holds NaN or infinity")
            held.to(x.device)
        if not len(x):
            return x  # no rows: there is nothing to remember
        parts = [
            self._window(
                x[:, start : start + self.window], held, None if mask is None else mask[:, start : start + self.window]
            )
            for start in range(0, x.shape[1], self.window)
        ]
        return torch.cat(parts, 1) if parts else x

    def _window(self, x: Tensor, memory: MemoryCrystal | None, mask: Tensor | None) -> Tensor:
        normed = self.attention_norm(x)
        queries = self._heads(self.query(normed))
        mixed = self._local(queries, normed, mask)
        if memory is not None and memory.tokens:
            mixed = mixed + torch.tanh(self.gate)[:, None] * self._remembered(queries, memory, mask)
        y = x + self.out(mixed.flatten(2))
        y = y + self.hidden(self.hidden_norm(y))
        if memory is not None:
            memory.crystallize(y, importance=self._weights(y, mask), gradient=self.gradient)
        return y  # type: ignore[no-any-return]

    def _heads(self, values: Tensor) -> Tensor:
        """[batch, tokens, d_model] as [batch, tokens, heads, width]."""
        return values.reshape(*values.shape[:2], self.n_heads, self.d_model // self.n_heads)

    def _local(self, queries: Tensor, normed: Tensor, mask: Tensor | None) -> Tensor:
        """Causal attention in the window, [batch, tokens, heads, width]."""
        keys, values = self._heads(self.key(normed)), self._heads(self.value(normed))
        q, k, v = (each.transpose(1, 2) for each in (_rotated(queries), _rotated(keys), values))
        if mask is None:
            found = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            tokens = mask.shape[1]
            earlier = torch.ones(tokens, tokens, dtype=torch.bool, device=mask.device).tril()
            itself = torch.eye(
                tokens, dtype=torch.bool, device=mask.device
            )  # so that padding, too, attends to something
            allowed = (earlier & mask[:, None, None, :]) | itself
            found = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        return found.transpose(1, 2)

    def _remembered(self, queries: Tensor, memory: MemoryCrystal, mask: Tensor | None = None) -> Tensor:
        """Attention to what each token recalls, [batch, tokens, heads, width]; a stride recalls by the first of its tokens that is
        no padding.

        A query times a memory's key is the query, taken back through the key's weights, times the memory: so keys and values of
        memories are never made, and the mean of those queries over the heads is what recall goes by.
        """
        width, tokens = queries.shape[3], queries.shape[1]
        asked = torch.einsum("bthi,hid->bthd", queries, self.memory_key.weight.view(self.n_heads, width, -1))
        means = asked.mean(2)
        if mask is None or self.stride == 1:
            wanted = means[:, :: self.stride]
        else:
            first = _in_strides(mask, self.stride).int().argmax(2)
            places = first + torch.arange(0, tokens, self.stride, device=first.device)
            wanted = means.gather(1, places[..., None].expand(-1, -1, means.shape[2]))
        recalled = memory.recall(wanted, self.depth, self.k, strengthen=False)
        if not recalled.layers.shape[-1]:
            return torch.zeros_like(queries)

        def spread(values: Tensor) -> Tensor:
            return values if self.stride == 1 else values.repeat_interleave(self.stride, 1)[:, :tokens]

        vectors = spread(F.rms_norm(recalled.vectors.to(queries.dtype), (self.d_model,)))
        logits = torch.einsum("bthd,btkd->bthk", asked, vectors).float() / width**0.5
        faded = recalled.retained.clamp_min(torch.finfo(torch.float32).tiny).log()
        logits = logits + spread(faded.masked_fill(recalled.layers == 0, float("-inf")))[:, :, None]
        shares = F.softmax(F.pad(logits, (0, 1)), dim=3)[..., :-1]  # the last place is for nothing
        self._strengthen(memory, recalled, shares.detach(), mask)
        found = torch.einsum("bthk,btkd->bthd", shares.to(vectors.dtype), vectors)
        return torch.einsum("bthd,hid->bthi", found, self.memory_value.weight.view(self.n_heads, width, -1))

    def _strengthen(self, memory: MemoryCrystal, recalled: Any, shares: Tensor, mask: Tensor | None) -> None:
        """Strengthen what some head gave more than an even share of its attention, for a token that is no padding."""
        if memory.forgetting is None:
            return
        used = (shares > 1 / (shares.shape[3] + 1)).any(2)
        if mask is not None:
            used &= mask[..., None]
        memory.strengthen(recalled, _in_strides(used, self.stride).any(2))

    def _weights(self, y: Tensor, mask: Tensor | None) -> Tensor:
        """The importance of each token, float32 [batch, tokens]; 1 for all of them at first."""
        weights = torch.exp(_SPREAD * torch.tanh(self.importance(y)[..., 0].float() / _SPREAD))
        return weights if mask is None else weights * mask

    # --- what goes with the weights -------------------------------------------------------------------------

    def _check(self, memory: MemoryCrystal) -> MemoryCrystal:
        if not isinstance(memory, MemoryCrystal):
            raise UsageError(f"the memory is a MemoryCrystal, not {type(memory).__name__}")
        if memory.dimension != self.d_model:
            raise UsageError(f"the memory has {memory.dimension} dimensions, the layer {self.d_model}")
        return memory

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        like = fn(self.gate.detach().new_empty(1))
        # First, so that what it cannot hold is refused before the weights are other ones.
        self.memory.to(like.device, like.dtype)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination |= {f"{prefix}memory.{name}": held for name, held in tensors_of(self.memory).items()}

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
        """A state without a memory, as of another program's weights, leaves the memory as it is."""
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        start = f"{prefix}memory."
        unexpected_keys[:] = [key for key in unexpected_keys if not key.startswith(start)]
        held = {key.removeprefix(start): value for key, value in state_dict.items() if key.startswith(start)}
        if held:
            try:
                restore(self.memory, {key: value.to(self.gate.device) for key, value in held.items()})
            except CrystalError as error:
                error_msgs.append(str(error))


def _in_strides(marks: Tensor, stride: int) -> Tensor:
    """Bool [batch, tokens, ...] as [batch, strides, stride, ...], the last of them filled up with False."""
    filled = F.pad(marks, (*[0, 0] * (marks.dim() - 2), 0, -marks.shape[1] % stride))
    return filled.reshape(len(marks), -1, stride, *marks.shape[2:])


def _rotated(heads: Tensor) -> Tensor:
    """Rotary positions 0, 1, ... for [batch, tokens, heads, width]: pairs are the two halves of a head."""
    half, tokens = heads.shape[3] // 2, heads.shape[1]
    rates = _WAVES ** (-torch.arange(half, device=heads.device, dtype=torch.float32) / half)
    angles = torch.arange(tokens, device=heads.device)[:, None] * rates
    cos, sin = angles.cos()[:, None].to(heads.dtype), angles.sin()[:, None].to(heads.dtype)
    one, other = heads[..., :half], heads[..., half:]
    return torch.cat([one * cos - other * sin, one * sin + other * cos], 3)
