"""A decoder of the Llama family and its near relations (Qwen 2 and 3, SmolLM 3): token ids in, logits out.

Knows: the architecture (RMSNorm, rotary positions, grouped-query attention, SwiGLU) and its tensors' names in GGUF.
Does not know: text, tokens' meanings, how the next token is chosen, files. Imports torch, so it is imported late.

Sources: Touvron et al. 2023 (Llama), Shazeer 2020 (SwiGLU), Zhang & Sennrich 2019 (RMSNorm), Yang et al. 2024 and 2025
(Qwen 2.5 and 3). Held equal to transformers' classes for these families by the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.cpu import limit_onednn_cache
from crystalcli.lm.decoder.attention import Cache, attend, attend_in_products
from crystalcli.lm.decoder.decoder_config import Shape
from crystalcli.lm.decoder.linear import Joined, Matrix, Part, together
from crystalcli.lm.decoder.rotary import frequencies, turn
from crystalcli.lm.decoder.tensor_loader import Tensors
from crystalcli.lm.decoder.thread_tuner import Pace
from crystalcli.lm.files.tensor_source import Source

limit_onednn_cache()

BLOCK = 256  # positions read at once: at 128 a prompt took 1.08 times as long
_LEADING = 32  # logits of each position that are worked out in float32


@dataclass(frozen=True, slots=True)
class _Layer:
    attention_norm: Tensor
    queries_keys_values: Matrix | Joined
    bias: Tensor | None  # of queries, keys and values, [rows]
    query_norm: Tensor | None  # [head]
    key_norm: Tensor | None
    attention_out: Matrix | Joined
    out_bias: Tensor | None
    feed_norm: Tensor
    gate_up: Matrix | Joined
    down: Matrix | Joined
    turned: bool  # whether positions turn queries and keys


class Llama:
    """The decoder with its weights in `dtype`, and four-bit ones also as they are when `packing` (see weights.py).

    saved: what `tensors` gave for the same source, dtype, packing and eight before. keeping: as in `Matrix`.
    eight: whether prompts are read less exactly and more quickly: the wide products in eight bits, attention in products.

    Raises CrystalError when the source lacks a tensor, has one of another shape or in a format that cannot be read, or
    holds tensors that this architecture has no use for (adapters): to run without them would be wrong.
    """

    def __init__(
        self,
        source: Source,
        shape: Shape,
        dtype: torch.dtype,
        packing: bool,
        saved: Mapping[str, Tensor] | None = None,
        keeping: bool = True,
        eight: bool = False,
    ) -> None:
        self._matrices: dict[str, Matrix] = {}
        self._saved: dict[str, dict[str, Tensor]] = {}
        for label, tensor in (saved or {}).items():
            matrix, _, form = label.rpartition(".")
            self._saved.setdefault(matrix, {})[form] = tensor
        self.shape = shape
        self.dtype = dtype
        self.packing = packing
        self._keeping = keeping
        self._eight = eight
        tensors = Tensors(source)
        self._embedding = tensors.part("token_embd.weight", shape.vocabulary, shape.width)
        self._output = self._embedding  # tied, unless there is one of its own
        if "output.weight" in tensors:
            self._output = tensors.part("output.weight", shape.vocabulary, shape.width)
        self._head = self._matrix("head", self._output)
        self._norm = tensors.vector("output_norm.weight", shape.width)
        self._layers = [self._layer(number, tensors) for number in range(shape.layers)]
        self._frequencies = frequencies(shape.rotary, shape.head)
        if "rope_freqs.weight" in tensors:  # Llama 3.1's longer context, as one divisor for each frequency
            self._frequencies /= tensors.vector("rope_freqs.weight", shape.head // 2)
        tensors.finish()
        self._saved.clear()

    def _layer(self, number: int, tensors: Tensors) -> _Layer:
        shape, name = self.shape, f"blk.{number}."
        rows = {"q": shape.heads * shape.head, "k": shape.groups * shape.head, "v": shape.groups * shape.head}
        turned = {"q", "k"} if shape.rotary.side_by_side else set()
        parts, biases = [], []
        for letter, count in rows.items():
            order = _halves(count, shape.head) if letter in turned else None
            part = tensors.part(f"{name}attn_{letter}.weight", count, shape.width)
            parts.append(part if order is None else part.reordered(order))
            label = f"{name}attn_{letter}.bias"
            if shape.biased or label in tensors:
                bias = tensors.vector(label, count)
                biases.append(bias if order is None else bias[order])
            else:
                biases.append(torch.zeros(count))
        norms: dict[str, Tensor | None] = {"q": None, "k": None}
        if shape.normed:
            # What is turned half a head apart is normalised alike.
            norms = {letter: tensors.vector(f"{name}attn_{letter}_norm.weight", shape.head) for letter in norms}
        out_bias = None
        if f"{name}attn_output.bias" in tensors:
            out_bias = tensors.vector(f"{name}attn_output.bias", shape.width).to(self.dtype)
        gate = tensors.part(f"{name}ffn_gate.weight", shape.hidden, shape.width)
        up = tensors.part(f"{name}ffn_up.weight", shape.hidden, shape.width)
        out = tensors.part(f"{name}attn_output.weight", shape.width, rows["q"])
        down = tensors.part(f"{name}ffn_down.weight", shape.width, shape.hidden)
        bias = torch.cat(biases)
        return _Layer(
            attention_norm=tensors.vector(f"{name}attn_norm.weight", shape.width),
            queries_keys_values=self._matrix(f"{name}qkv", *parts),
            bias=bias.to(self.dtype) if bias.any() else None,
            query_norm=norms["q"],
            key_norm=norms["k"],
            attention_out=self._matrix(f"{name}out", out),
            out_bias=out_bias,
            feed_norm=tensors.vector(f"{name}ffn_norm.weight", shape.width),
            gate_up=self._matrix(f"{name}gate_up", gate, up),
            down=self._matrix(f"{name}down", down),
            turned=not shape.rotary.skipped or (number + 1) % shape.rotary.skipped != 0,
        )

    def _matrix(self, name: str, *parts: Part) -> Matrix | Joined:
        if self.packing and not together([part.kind for part in parts], [part.rows for part in parts]):
            return Joined([self._single(f"{name}{number}", part) for number, part in enumerate(parts)])
        return self._single(name, *parts)

    def _single(self, name: str, *parts: Part) -> Matrix:
        saved = self._saved.get(name)
        # Of the four products of a layer these two, half of its weights, gain most by eight bits and lose least.
        eight = self._eight and "gate_up" in name
        self._matrices[name] = Matrix(parts, self.dtype, self.packing, saved, self._keeping, eight)
        return self._matrices[name]

    def tensors(self) -> dict[str, Tensor]:
        """The weights in every form they are used in, by name, for `saved`; none before a prompt has needed them."""
        if not self._layers[0].gate_up.unpacked:
            return {}
        made: dict[str, Tensor] = {}
        for name, matrix in self._matrices.items():
            # The head meets one row at a time only.
            forms = matrix.tensors(unpacked=name != "head")
            made |= {f"{name}.{form}": tensor for form, tensor in forms.items()}
        return made

    @torch.inference_mode()
    def sample(self, count: int) -> None:
        """A little of the work that `read` does for `count` ids: two matrices of a layer."""
        gate, _ = self._layers[0].gate_up(torch.ones(count, self.shape.width, dtype=self.dtype)).chunk(2, dim=-1)
        self._layers[0].down(gate)

    def cache(self, room: int) -> Cache:
        """An empty cache for `room` positions."""
        return Cache(self.shape, room, self.dtype)

    @torch.inference_mode()
    def read(self, ids: Sequence[int], cache: Cache, *, every: bool = False, pace: Pace | None = None) -> Tensor:
        """Reads `ids` behind what `cache` holds and adds them to it.

        Gives the logits after the last id, float32 [1, vocabulary], or after each, [n, vocabulary].
        ids: at least one, each below `vocabulary`, as many as the cache has room for. pace: told of every layer.

        Positions are read in blocks that begin at multiples of BLOCK. What is kept of whole ones is therefore the same,
        to the last bit, whatever follows them, and need not be read again when it comes again.
        """
        found = []
        place = 0
        while place < len(ids):
            block = ids[place : place + BLOCK - cache.length % BLOCK]
            place += len(block)
            found.append(self._read(block, cache, len(block) if every else int(place == len(ids)), pace))
        return torch.cat(found)

    def _read(self, ids: Sequence[int], cache: Cache, wanted: int, pace: Pace | None) -> Tensor:
        """One block, of whose positions the last `wanted`, none, one or all, are to have logits."""
        shape, count, start = self.shape, len(ids), cache.length
        end = start + count
        x = self._embedding.pick(torch.tensor(ids), torch.float32)  # [n, width]: what the layers add to stays float32
        angles = torch.outer(torch.arange(start, end, dtype=torch.float32), self._frequencies)[:, None]
        size = shape.rotary.magnitude
        waves = (angles.cos() * size).to(self.dtype), (angles.sin() * size).to(self.dtype)  # [n, 1, head / 2] each
        mask = None  # for [n, end]; needed only where some positions are old and several are new
        if count > 1 and start > 0:
            mask = torch.ones(count, end, dtype=torch.bool).tril(start)
        for number, layer in enumerate(self._layers):
            if pace is not None:
                pace.begin()
            seen = F.rms_norm(x, (shape.width,), layer.attention_norm, shape.epsilon)
            queries, keys, values = self._heads(layer, seen, waves)
            cache.keys[number, :, start:end] = keys.transpose(0, 1)
            cache.values[number, :, start:end] = values.transpose(0, 1)
            if number == shape.layers - 1 and wanted < count:
                # Of the last layer only keys and values are needed of the other positions.
                if not wanted:
                    break
                queries, x, mask = queries[-1:], x[-1:], None
            look = attend_in_products if self._eight and len(queries) > 1 else attend
            seen = look(queries, cache.keys[number, :, :end], cache.values[number, :, :end], mask)
            seen = layer.attention_out(seen)
            x.add_(seen if layer.out_bias is None else seen + layer.out_bias)
            seen = F.rms_norm(x, (shape.width,), layer.feed_norm, shape.epsilon)
            gate, up = layer.gate_up(seen).chunk(2, dim=-1)
            x.add_(layer.down(F.silu(gate).mul_(up)))
            if pace is not None:
                pace.end()
        cache.length = end
        if not wanted:
            return torch.empty(0, shape.vocabulary)
        return self._logits(F.rms_norm(x, (shape.width,), self._norm, shape.epsilon))

    def _heads(self, layer: _Layer, x: Tensor, waves: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """[n, width] -> queries [n, heads, head], keys and values [n, groups, head]."""
        shape = self.shape
        found = layer.queries_keys_values(x)
        if layer.bias is not None:
            found = found + layer.bias
        heads = found.view(x.shape[0], -1, shape.head)
        turned = shape.heads + shape.groups  # heads that carry positions
        both, values = heads[:, :turned], heads[:, turned:]
        if layer.query_norm is not None and layer.key_norm is not None:
            queries = F.rms_norm(both[:, : shape.heads].float(), (shape.head,), layer.query_norm, shape.epsilon)
            keys = F.rms_norm(both[:, shape.heads :].float(), (shape.head,), layer.key_norm, shape.epsilon)
            both = torch.cat((queries, keys), dim=1).to(self.dtype)
        if layer.turned:
            both = turn(both, *waves)
        return both[:, : shape.heads], both[:, shape.heads :], values

    def _logits(self, x: Tensor) -> Tensor:
        """float32 [n, width] -> float32 [n, vocabulary], the highest of each row as exact as float32 has them.

        In bfloat16 logits about 20 are an eighth apart, so that one time in twenty the two highest are equal. The
        leading ones are therefore worked out again: agreement of the first choice with float32 was 0.963 without
        this and 0.991 with it (SmolLM2-135M, 800 positions of two texts).
        """
        logits = self._head(x.to(self.dtype)).to(torch.float32)
        if self.dtype is torch.float32 and not self.packing:
            return logits
        for row, hidden in zip(logits, x, strict=True):
            best = row.topk(min(_LEADING, row.shape[0])).indices
            row[best] = self._output.pick(best, torch.float32) @ hidden
        return logits


def _halves(rows: int, head: int) -> Tensor:
    """GGUF keeps the rows of Llama's queries and keys so that a pair to be turned lies side by side; here the first
    halves of the pairs come first, then the second ones (as in the published weights), which torch turns in fewer steps.
    """
    return torch.arange(rows).view(-1, head // 2, 2).transpose(1, 2).reshape(-1)
