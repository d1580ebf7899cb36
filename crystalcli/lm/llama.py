"""A decoder of the Llama family: token ids in, logits out.

Knows: the architecture (RMSNorm, rotary positions, grouped-query attention, SwiGLU) and its tensors' names in GGUF.
Does not know: text, tokens' meanings, how the next token is chosen. Imports torch, so it is imported late.

Sources: Touvron et al. 2023 (Llama), Su et al. 2021 (rotary positions), Ainslie et al. 2023 (grouped queries),
Shazeer 2020 (SwiGLU), Zhang & Sennrich 2019 (RMSNorm). Held equal to transformers' LlamaForCausalLM by the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from crystalcli.errors import CrystalError
from crystalcli.lm import quants
from crystalcli.lm.gguf import GGUF, show
from crystalcli.lm.pace import Pace
from crystalcli.lm.weights import Matrix, Part

_LEADING = 32  # logits of each position that are worked out in float32


@dataclass(frozen=True, slots=True)
class Shape:
    """The figures of a model. width: of the residual stream; hidden: of the feed-forward; context: positions."""

    layers: int
    width: int
    hidden: int
    heads: int
    groups: int  # of query heads: each shares one key and value head
    head: int  # dimensions of a head
    vocabulary: int
    context: int
    epsilon: float
    base: float  # of the rotary frequencies
    stretch: float  # positions are divided by it

    @classmethod
    def of(cls, file: GGUF) -> Shape:
        """Reads the figures from the metadata. Raises CrystalError for another architecture or absurd figures."""
        architecture = file.metadata.get("general.architecture")
        if architecture != "llama":
            raise CrystalError(f"{file.path}: its architecture is {show(str(architecture))}; only `llama` can be run")

        def whole(key: str, most: int, default: int | None = None) -> int:
            value = file.metadata.get(f"llama.{key}", default)
            if not isinstance(value, int) or not 1 <= value <= most:
                raise CrystalError(f"{file.path}: llama.{key} cannot be {show(str(value))}")
            return value

        def real(key: str, default: float) -> float:
            value = file.metadata.get(f"llama.{key}", default)
            if not isinstance(value, int | float) or not 0 < value < 1e12:
                raise CrystalError(f"{file.path}: llama.{key} cannot be {show(str(value))}")
            return float(value)

        heads, width = whole("attention.head_count", 1024), whole("embedding_length", 65_536)
        groups = whole("attention.head_count_kv", 1024, heads)
        head = whole("attention.key_length", 1024, max(width // heads, 1))
        if (
            heads % groups
            or head % 2
            or whole("rope.dimension_count", 1024, head) != head
            or whole("attention.value_length", 1024, head) != head
        ):
            raise CrystalError(f"{file.path}: {heads} heads of {head} over {groups} groups are not supported")
        if file.metadata.get("llama.expert_count"):
            raise CrystalError(f"{file.path}: mixtures of experts are not supported")
        scaling = file.metadata.get("llama.rope.scaling.type", "none")
        if scaling not in ("none", "linear"):
            raise CrystalError(f"{file.path}: rotary positions scaled by {show(str(scaling))} are not supported")
        embedding = file.tensors.get("token_embd.weight")
        if embedding is None or len(embedding.shape) != 2 or embedding.shape[1] != width:
            raise CrystalError(f"{file.path}: token_embd.weight is missing or not of width {width}")
        return cls(
            layers=whole("block_count", 1024),
            width=width,
            hidden=whole("feed_forward_length", 1_048_576),
            heads=heads,
            groups=groups,
            head=head,
            vocabulary=embedding.shape[0],
            context=whole("context_length", 2**24),
            epsilon=real("attention.layer_norm_rms_epsilon", 1e-5),
            base=real("rope.freq_base", 10_000.0),
            stretch=real("rope.scaling.factor", 1.0) if scaling == "linear" else 1.0,
        )


class Cache:
    """Keys and values of the positions read so far, for at most `room` of them: [layers, groups, room, head] each.

    Memory is reserved for `room` positions and touched as they come: 23 kB a position for SmolLM2-135M in bfloat16.
    """

    def __init__(self, shape: Shape, room: int, dtype: torch.dtype) -> None:
        self.room = room
        self.length = 0
        self.keys = torch.empty(shape.layers, shape.groups, room, shape.head, dtype=dtype)
        self.values = torch.empty_like(self.keys)


@dataclass(frozen=True, slots=True)
class _Layer:
    attention_norm: Tensor
    queries_keys_values: Matrix
    attention_out: Matrix
    feed_norm: Tensor
    gate_up: Matrix
    down: Matrix


class Llama:
    """The decoder with its weights in `dtype`, and four-bit ones also as they are when `packing` (see weights.py).

    saved: what `tensors` gave for the same file, dtype and packing before.

    Raises CrystalError when the file lacks a tensor, has one of another shape or in a format that cannot be read, or
    holds tensors that this architecture has no use for (biases, adapters): to run without them would be wrong.
    """

    def __init__(
        self,
        file: GGUF,
        shape: Shape,
        dtype: torch.dtype,
        packing: bool,
        saved: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._matrices: dict[str, Matrix] = {}
        self._saved: dict[str, dict[str, Tensor]] = {}
        for label, tensor in (saved or {}).items():
            matrix, _, form = label.rpartition(".")
            self._saved.setdefault(matrix, {})[form] = tensor
        self.shape = shape
        self.dtype = dtype
        self.packing = packing
        tensors = _Tensors(file)
        queries, keys = shape.heads * shape.head, shape.groups * shape.head
        self._embedding = tensors.part("token_embd.weight", shape.vocabulary, shape.width)
        self._output = self._embedding  # tied, unless the file says otherwise
        if "output.weight" in file.tensors:
            self._output = tensors.part("output.weight", shape.vocabulary, shape.width)
        self._head = self._matrix("head", self._output)
        self._norm = tensors.vector("output_norm.weight", shape.width)
        self._layers = []
        for number in range(shape.layers):
            name = f"blk.{number}."
            query = tensors.part(name + "attn_q.weight", queries, shape.width)
            key = tensors.part(name + "attn_k.weight", keys, shape.width)
            value = tensors.part(name + "attn_v.weight", keys, shape.width)
            gate = tensors.part(name + "ffn_gate.weight", shape.hidden, shape.width)
            up = tensors.part(name + "ffn_up.weight", shape.hidden, shape.width)
            turned = _halves(query, shape.head), _halves(key, shape.head)
            self._layers.append(
                _Layer(
                    tensors.vector(name + "attn_norm.weight", shape.width),
                    self._matrix(name + "qkv", *turned, value),
                    self._matrix(name + "out", tensors.part(name + "attn_output.weight", shape.width, queries)),
                    tensors.vector(name + "ffn_norm.weight", shape.width),
                    self._matrix(name + "gate_up", gate, up),
                    self._matrix(name + "down", tensors.part(name + "ffn_down.weight", shape.width, shape.hidden)),
                )
            )
        exponents = torch.arange(0, shape.head, 2, dtype=torch.float32) / shape.head
        self._frequencies = 1.0 / (shape.base**exponents * shape.stretch)
        if "rope_freqs.weight" in file.tensors:  # Llama 3.1's longer context, as one divisor for each frequency
            self._frequencies /= tensors.vector("rope_freqs.weight", shape.head // 2)
        tensors.finish()
        self._saved.clear()

    def _matrix(self, name: str, *parts: Part) -> Matrix:
        self._matrices[name] = Matrix(parts, self.dtype, self.packing, self._saved.get(name, {}))
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
        """
        shape, count, start = self.shape, len(ids), cache.length
        end = start + count
        x = self._embedding.pick(torch.tensor(ids), torch.float32)  # [n, width]: what the layers add to stays float32
        angles = torch.outer(torch.arange(start, end, dtype=torch.float32), self._frequencies)[:, None]
        cosine, sine = angles.cos().to(self.dtype), angles.sin().to(self.dtype)  # [n, 1, head / 2]
        mask = None  # for [n, end]; needed only where some positions are old and several are new
        if count > 1 and start > 0:
            mask = torch.ones(count, end, dtype=torch.bool).tril(start)
        turned = shape.heads + shape.groups  # heads that carry positions: queries and keys
        for number, layer in enumerate(self._layers):
            if pace is not None:
                pace.begin()
            seen = F.rms_norm(x, (shape.width,), layer.attention_norm, shape.epsilon).to(self.dtype)
            heads = layer.queries_keys_values(seen).view(count, -1, shape.head)
            first, second = heads[:, :turned].chunk(2, dim=-1)
            rotated = torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)
            cache.keys[number, :, start:end] = rotated[:, shape.heads :].transpose(0, 1)
            cache.values[number, :, start:end] = heads[:, turned:].transpose(0, 1)
            queries = rotated[:, : shape.heads]
            if number == shape.layers - 1 and not every and count > 1:
                # Of the last layer only the last position is asked for.
                queries, x, mask, count = queries[-1:], x[-1:], None, 1
            seen = _attend(queries, cache.keys[number, :, :end], cache.values[number, :, :end], mask)
            x = x + layer.attention_out(seen)
            seen = F.rms_norm(x, (shape.width,), layer.feed_norm, shape.epsilon).to(self.dtype)
            gate, up = layer.gate_up(seen).chunk(2, dim=-1)
            x = x + layer.down(F.silu(gate) * up)
            if pace is not None:
                pace.end()
        cache.length = end
        return self._logits(F.rms_norm(x, (shape.width,), self._norm, shape.epsilon))

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


def _attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
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


def _halves(part: Part, head: int) -> Part:
    """GGUF keeps the rows of queries and keys so that a pair to be turned lies side by side; here the first halves of
    the pairs come first, then the second ones (as in the published weights), which torch turns in fewer steps.
    """
    order = torch.arange(part.rows).view(-1, head // 2, 2).transpose(1, 2).reshape(-1)
    return part.reordered(order)


class _Tensors:
    """Takes tensors out of the file, checking each, and knows in the end which were left."""

    def __init__(self, file: GGUF) -> None:
        self._file = file
        self._left = set(file.tensors)

    def part(self, name: str, rows: int, columns: int) -> Part:
        info = self._check(name, (rows, columns))
        return Part(info, self._bytes(name).view(rows, -1), columns)

    def vector(self, name: str, length: int) -> Tensor:
        return quants.dequantize(self._check(name, (length,)), self._bytes(name), torch.float32).clone()

    def finish(self) -> None:
        if self._left:
            names = ", ".join(show(name) for name in sorted(self._left)[:3])
            raise CrystalError(f"{self._file.path}: {len(self._left)} tensors are unknown to this decoder: {names}")

    def _check(self, name: str, shape: tuple[int, ...]) -> str:
        info = self._file.tensors.get(name)
        if info is None:
            raise CrystalError(f"{self._file.path}: the tensor {name} is missing")
        if info.shape != shape:
            raise CrystalError(f"{self._file.path}: the tensor {name} is {info.shape} where {shape} is needed")
        if info.kind not in quants.READABLE:
            known = ", ".join(sorted(quants.READABLE))
            raise CrystalError(f"{self._file.path}: {name} is in {info.kind}; formats that can be read: {known}")
        self._left.discard(name)
        return info.kind

    def _bytes(self, name: str) -> Tensor:
        return torch.frombuffer(self._file.data(name), dtype=torch.uint8)
