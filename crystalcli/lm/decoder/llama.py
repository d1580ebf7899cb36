"""A decoder of the Llama family and its near relations (Qwen 2 and 3, SmolLM 3).

Token ids go in, logits come out.

Knows: the architecture (RMSNorm, rotary positions, grouped-query attention, SwiGLU) and its
tensors' names in GGUF.
Does not know: text, tokens' meanings, how the next token is chosen, files. Imports torch, so it is
imported late.

Sources: Touvron et al. 2023 (Llama), Shazeer 2020 (SwiGLU), Zhang & Sennrich 2019 (RMSNorm), Yang
et al. 2024 and 2025 (Qwen 2.5 and 3). Held equal to transformers' classes for these families by the
tests.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.cpu import limit_onednn_cache
from crystalcli.lm.decoder.attention import KVCache, attend, attend_by_matmul, attend_one_by_one
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.linear import BlockMatrix, Linear, StackedLinear, packs_as_one
from crystalcli.lm.decoder.rotary import frequencies, rotate
from crystalcli.lm.decoder.tensor_loader import TensorLoader
from crystalcli.lm.decoder.thread_tuner import ThreadTuner
from crystalcli.lm.decoder.wavefront import read_in_parts
from crystalcli.lm.files.tensor_source import TensorSource

limit_onednn_cache()

BLOCK_SIZE = 256  # positions read at once: at 128 a prompt took 1.08 times as long
MAX_GUESS = 7  # tokens read besides one: int8.py takes so many rows in twice the time of one
_LEAST_CUT = 48  # positions of a block that is cut in two: fewer take as long as half of them
_TRIED = 2  # rows that are read alone, too, before reading several is trusted
_LEADING = 32  # logits of each position that are computed in float32


@dataclass(frozen=True, slots=True)
class _DecoderLayer:
    """One layer's weights.

    Attributes:
        bias: Of queries, keys and values, [rows]; None where it is zero.
        query_norm: [head_dim]; None where the family has none.
        key_norm: Likewise.
        has_positions: Whether positions rotate queries and keys.
    """

    attention_norm: Tensor
    queries_keys_values: Linear | StackedLinear
    bias: Tensor | None
    query_norm: Tensor | None
    key_norm: Tensor | None
    attention_out: Linear | StackedLinear
    out_bias: Tensor | None
    ffn_norm: Tensor
    gate_up: Linear | StackedLinear
    down: Linear | StackedLinear
    has_positions: bool


class Llama:
    """The decoder with its weights.

    Args:
        source: The tensors.
        config: The decoder's configuration.
        dtype: Of the weights and activations.
        int4: Whether four-bit weights are also kept as they are (see linear.py).
        saved: What `keep` was given for the same source, dtype, int4 and int8 before, each name
            behind that of its layer and a dot.
        keep_dense: As in `Linear`.
        int8: Whether to compute less exactly and faster: attention over a prompt by products, and
            products with blocks in eight bits. Without `int4` that is all of them, and the only
            form of the weights; with it those of the feed-forward network's first half, for
            prompts.
        keep: Keeps the converted forms of a linear layer, by its name, and gives them back, perhaps
            from elsewhere.
        weight_only: As in `Linear`.

    Raises:
        CrystalError: The source lacks a tensor, has one of another shape or in an unknown format,
            or holds tensors that this architecture has no use for (adapters): to run without them
            would be wrong.
    """

    def __init__(
        self,
        source: TensorSource,
        config: DecoderConfig,
        dtype: torch.dtype,
        int4: bool,
        saved: Mapping[str, Tensor] | None = None,
        keep_dense: bool = True,
        int8: bool = False,
        keep: Callable[[str, Mapping[str, Tensor]], dict[str, Tensor]] | None = None,
        weight_only: bool = False,
    ) -> None:
        self._linears: dict[str, Linear] = {}
        self._saved: dict[str, dict[str, Tensor]] = {}
        for label, tensor in (saved or {}).items():
            name, _, form = label.rpartition(".")
            self._saved.setdefault(name, {})[form] = tensor
        self.config = config
        self.dtype = dtype
        self.int4 = int4
        self._keep_dense = keep_dense
        self.int8 = int8
        self._keep = keep
        self.weight_only = weight_only
        tensors = TensorLoader(source)
        self._embedding = tensors.matrix("token_embd.weight", config.vocab_size, config.hidden_size)
        self._output = self._embedding  # tied, unless there is one of its own
        if "output.weight" in tensors:
            self._output = tensors.matrix("output.weight", config.vocab_size, config.hidden_size)
        self._head = self._linear("head", self._output)
        tensors.release("")
        self._norm = tensors.vector("output_norm.weight", config.hidden_size)
        self._layers = [self._layer(number, tensors) for number in range(config.layers)]
        self._frequencies = frequencies(config.rotary, config.head_dim)
        # Llama 3.1's longer context, as one divisor for each frequency.
        if "rope_freqs.weight" in tensors:
            self._frequencies /= tensors.vector("rope_freqs.weight", config.head_dim // 2)
        tensors.check_all_used()
        tensors.release("")
        self._saved.clear()

    def _layer(self, number: int, tensors: TensorLoader) -> _DecoderLayer:
        config, prefix = self.config, f"blk.{number}."
        rows = {
            "q": config.heads * config.head_dim,
            "k": config.kv_heads * config.head_dim,
            "v": config.kv_heads * config.head_dim,
        }
        rotated = {"q", "k"} if config.rotary.interleaved else set()
        matrices, biases = [], []
        for letter, count in rows.items():
            order = _deinterleaved(count, config.head_dim) if letter in rotated else None
            matrix = tensors.matrix(f"{prefix}attn_{letter}.weight", count, config.hidden_size)
            matrices.append(matrix if order is None else matrix.reorder(order))
            label = f"{prefix}attn_{letter}.bias"
            if config.qkv_bias or label in tensors:
                vector = tensors.vector(label, count)
                biases.append(vector if order is None else vector[order])
            else:
                biases.append(torch.zeros(count))
        norms: dict[str, Tensor | None] = {"q": None, "k": None}
        if config.qk_norm:
            # Pairs half a head apart are normalised alike.
            norms = {letter: tensors.vector(f"{prefix}attn_{letter}_norm.weight", config.head_dim) for letter in norms}
        out_bias = None
        if f"{prefix}attn_output.bias" in tensors:
            out_bias = tensors.vector(f"{prefix}attn_output.bias", config.hidden_size).to(self.dtype)
        gate = tensors.matrix(f"{prefix}ffn_gate.weight", config.ffn_size, config.hidden_size)
        up = tensors.matrix(f"{prefix}ffn_up.weight", config.ffn_size, config.hidden_size)
        out = tensors.matrix(f"{prefix}attn_output.weight", config.hidden_size, rows["q"])
        down = tensors.matrix(f"{prefix}ffn_down.weight", config.hidden_size, config.ffn_size)
        bias = torch.cat(biases)
        interval = config.rotary.no_rope_interval
        loaded = _DecoderLayer(
            attention_norm=tensors.vector(f"{prefix}attn_norm.weight", config.hidden_size),
            queries_keys_values=self._linear(f"{prefix}qkv", *matrices),
            bias=bias.to(self.dtype) if bias.any() else None,
            query_norm=norms["q"],
            key_norm=norms["k"],
            attention_out=self._linear(f"{prefix}out", out),
            out_bias=out_bias,
            ffn_norm=tensors.vector(f"{prefix}ffn_norm.weight", config.hidden_size),
            gate_up=self._linear(f"{prefix}gate_up", gate, up),
            down=self._linear(f"{prefix}down", down),
            has_positions=not interval or (number + 1) % interval != 0,
        )
        tensors.release(prefix)
        return loaded

    def _linear(self, name: str, *matrices: BlockMatrix) -> Linear | StackedLinear:
        kinds, rows = [matrix.kind for matrix in matrices], [matrix.rows for matrix in matrices]
        if self.int4 and not packs_as_one(kinds, rows):
            parts = [self._single(f"{name}{number}", matrix) for number, matrix in enumerate(matrices)]
            return StackedLinear(parts)
        return self._single(name, *matrices)

    def _single(self, name: str, *matrices: BlockMatrix) -> Linear:
        saved = self._saved.get(name)
        # Of the four products of a layer these two, half of its weights, gain most by eight bits
        # and lose least.
        int8 = self.int8 and (not self.int4 or "gate_up" in name)
        make = functools.partial(
            Linear,
            matrices,
            self.dtype,
            self.int4,
            keep_dense=self._keep_dense,
            int8=int8,
            weight_only=self.weight_only,
        )
        linear = make(saved=saved)
        if self._keep is not None and (forms := linear.tensors()):
            linear = make(saved=self._keep(name, forms))
        self._linears[name] = linear
        return self._linears[name]

    @torch.inference_mode()
    def run_sample(self, count: int) -> None:
        """Run a little of the work that `forward` does for `count` ids: two matrices of a layer."""
        gate, _ = self._layers[0].gate_up(torch.ones(count, self.config.hidden_size, dtype=self.dtype)).chunk(2, dim=-1)
        self._layers[0].down(gate.contiguous())  # the four-bit kernel takes no other

    def cache(self, capacity: int) -> KVCache:
        """Make an empty cache for `capacity` positions."""
        return KVCache(self.config, capacity, self.dtype)

    @torch.inference_mode()
    def forward(
        self, ids: Sequence[int], cache: KVCache, *, all_logits: bool = False, tuner: ThreadTuner | None = None
    ) -> Tensor:
        """Read `ids` behind the positions in `cache`, and add them to it.

        Positions are read in blocks that begin at multiples of BLOCK_SIZE. The cache of a whole
        block is therefore the same, to the last bit, whatever follows it, and need not be computed
        again when the same ids come again.

        Args:
            ids: At least one, each below `vocab_size`, as many as the cache has room for.
            cache: Keys and values of the positions before.
            all_logits: Whether to give the logits after each id, not only after the last.
            tuner: Told of every layer.

        Returns:
            float32 [1, vocab_size], or [n, vocab_size] with `all_logits`.
        """
        logits = []
        place = 0
        while place < len(ids):
            block = ids[place : place + BLOCK_SIZE - cache.length % BLOCK_SIZE]
            place += len(block)
            wanted = len(block) if all_logits else int(place == len(ids))
            logits.append(self._forward_block(block, cache, wanted, tuner))
            cache.length += len(block)
        return torch.cat(logits)

    def read_prompt(self, ids: Sequence[int], cache: KVCache, threads: int) -> Tensor:
        """Read `ids` behind the positions in `cache` by several threads, as `forward` does by one.

        Each block is read as two halves, and the halves by one thread after another, so that the
        result is the same for any number of threads.

        Args:
            ids: As of `forward`.
            cache: As of `forward`.
            threads: The number of threads, from 1.

        Returns:
            float32 [1, vocab_size], the logits after the last of `ids`.
        """
        parts = _halves(cache.length, cache.length + len(ids))
        first = cache.length

        @torch.inference_mode()
        def read(part: tuple[int, int], wait: Callable[[int], None]) -> Tensor:
            start, end = part
            return self._forward_block(
                ids[start - first : end - first], cache, int(part == parts[-1]), None, start=start, wait=wait
            )

        logits = read_in_parts(parts, threads, read)[-1]
        assert logits is not None
        cache.length = parts[-1][1]
        return logits

    @torch.inference_mode()
    def forward_guess(self, ids: Sequence[int], cache: KVCache) -> Tensor:
        """Read a few ids, some of which may be taken back, each as if it were read alone.

        Where `reads_rows_alike`, logits, keys and values are those of `forward` with one id after
        the other, to the last bit. To take ids back, set `cache.length`.

        Args:
            ids: From one to MAX_GUESS + 1, as many as the cache has room for.
            cache: Keys and values of the positions before.

        Returns:
            float32 [n, vocab_size].
        """
        logits = self._forward_block(ids, cache, len(ids), None, one_by_one=True)
        cache.length += len(ids)
        return logits

    @functools.cached_property
    def reads_rows_alike(self) -> bool:
        """Whether `forward_guess` gives what `forward` does, to the last bit, on this processor.

        Sums of whole numbers are exact in any order, those of floating point depend on torch's
        kernels. So it is tried on the first layer and the head.
        """
        first = copy.copy(self)
        first.config, first._layers = dataclasses.replace(self.config, layers=1), self._layers[:1]
        ids = range(MAX_GUESS + 1)
        together = first.forward_guess(ids, first.cache(len(ids)))
        cache = first.cache(_TRIED)
        return all(torch.equal(first.forward([number], cache)[0], together[number]) for number in ids[:_TRIED])

    def _forward_block(
        self,
        ids: Sequence[int],
        cache: KVCache,
        wanted: int,
        tuner: ThreadTuner | None,
        *,
        one_by_one: bool = False,
        start: int | None = None,
        wait: Callable[[int], None] | None = None,
    ) -> Tensor:
        """Read one block; `cache.length` stays as it is.

        Args:
            ids: The ids.
            cache: Keys and values of the positions before.
            wanted: How many of the last positions get logits: none, one or all.
            tuner: Told of every layer.
            one_by_one: Whether each position attends as if it came alone.
            start: The first position; None: that behind the cache.
            wait: Called at each layer with its number, behind the keys and values of this block;
                returns when those of the positions before are there.
        """
        config, count, start = self.config, len(ids), cache.length if start is None else start
        end = start + count
        # The residual stream stays float32, [n, hidden_size].
        x = self._embedding.pick(torch.tensor(ids), torch.float32)
        angles = torch.outer(torch.arange(start, end, dtype=torch.float32), self._frequencies)[:, None]
        scale = config.rotary.attention_factor
        # [n, 1, head_dim / 2] each.
        waves = (angles.cos() * scale).to(self.dtype), (angles.sin() * scale).to(self.dtype)
        mask = None  # for [n, end]; needed only where some positions are old and several are new
        if count > 1 and start > 0 and not one_by_one:
            mask = torch.ones(count, end, dtype=torch.bool).tril(start)
        for number, layer in enumerate(self._layers):
            if tuner is not None:
                tuner.start_step()
            normed = F.rms_norm(x, (config.hidden_size,), layer.attention_norm, config.epsilon)
            queries, keys, values = self._heads(layer, normed, waves)
            cache.keys[number, :, start:end] = keys.transpose(0, 1)
            cache.values[number, :, start:end] = values.transpose(0, 1)
            if wait is not None:
                wait(number)
            if number == config.layers - 1 and wanted < count:
                # In the last layer the other positions need only keys and values.
                if not wanted:
                    break
                queries, x, mask = queries[-1:], x[-1:], None
            past = cache.keys[number, :, :end], cache.values[number, :, :end]
            if one_by_one:
                mixed = attend_one_by_one(queries, *past)
            else:
                attention = attend_by_matmul if self.int8 and len(queries) > 1 else attend
                mixed = attention(queries, *past, mask)
            mixed = layer.attention_out(mixed)
            x.add_(mixed if layer.out_bias is None else mixed + layer.out_bias)
            normed = F.rms_norm(x, (config.hidden_size,), layer.ffn_norm, config.epsilon)
            gate, up = layer.gate_up(normed).chunk(2, dim=-1)
            x.add_(layer.down(F.silu(gate).mul_(up)))
            if tuner is not None:
                tuner.end_step()
        if not wanted:
            return torch.empty(0, config.vocab_size)
        return self._logits(F.rms_norm(x, (config.hidden_size,), self._norm, config.epsilon))

    def _heads(self, layer: _DecoderLayer, x: Tensor, waves: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """[n, hidden_size] -> queries [n, heads, head_dim], keys and values [n, kv_heads, ...]."""
        config = self.config
        projected = layer.queries_keys_values(x)
        if layer.bias is not None:
            projected = projected + layer.bias
        heads = projected.to(self.dtype).view(x.shape[0], -1, config.head_dim)
        positional = config.heads + config.kv_heads  # heads that carry positions
        queries_keys, values = heads[:, :positional], heads[:, positional:]
        if layer.query_norm is not None and layer.key_norm is not None:
            size = (config.head_dim,)
            queries = F.rms_norm(queries_keys[:, : config.heads].float(), size, layer.query_norm, config.epsilon)
            keys = F.rms_norm(queries_keys[:, config.heads :].float(), size, layer.key_norm, config.epsilon)
            queries_keys = torch.cat((queries, keys), dim=1).to(self.dtype)
        if layer.has_positions:
            queries_keys = rotate(queries_keys, *waves)
        return queries_keys[:, : config.heads], queries_keys[:, config.heads :], values

    def _logits(self, x: Tensor) -> Tensor:
        """float32 [n, hidden_size] -> float32 [n, vocab_size].

        The highest of each row are as exact as float32 has them.

        In bfloat16 logits about 20 are an eighth apart, so that one time in twenty the two highest
        are equal. The leading ones are therefore computed again: agreement of the first choice with
        float32 was 0.963 without this and 0.991 with it (SmolLM2-135M, 800 positions of two texts).
        """
        logits = self._head(x.to(self.dtype)).to(torch.float32)
        if self.dtype is torch.float32 and not (self.int4 or self.int8 or self.weight_only):
            return logits
        for row, hidden in zip(logits, x, strict=True):
            best = row.topk(min(_LEADING, row.shape[0])).indices
            row[best] = self._output.pick(best, torch.float32) @ hidden
        return logits


def _halves(start: int, end: int) -> list[tuple[int, int]]:
    """Cut positions into the halves of blocks that begin at multiples of BLOCK_SIZE."""
    parts = []
    while start < end:
        block_end = min(start + BLOCK_SIZE - start % BLOCK_SIZE, end)
        middle = start + (block_end - start + 1) // 2 if block_end - start >= _LEAST_CUT else block_end
        parts += [(start, middle), (middle, block_end)][: 1 + (middle < block_end)]
        start = block_end
    return parts


def _deinterleaved(rows: int, head_dim: int) -> Tensor:
    """Order of rows that puts the first halves of a head's pairs first, int64 [rows].

    GGUF keeps the rows of Llama's queries and keys so that a pair to be rotated lies side by side.
    Torch rotates in fewer steps with the halves apart, as the published weights have them.
    """
    return torch.arange(rows).view(-1, head_dim // 2, 2).transpose(1, 2).reshape(-1)
