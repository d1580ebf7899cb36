"""The encoder in torch: BERT (Devlin et al., 2019) and its kin, for reading many chunks at a time.

Gives the last layer's token states. Those of a chunk depend on that chunk alone, to the last bit: rounding depends on the shape
of what is multiplied, so the shape is made to depend on the chunk's length and on nothing beside it. Knows nothing of text,
layers or codes; a question alone is encoded by `crystalcli.vectors.question`, which needs no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file

from crystalcli.errors import ModelMissingError
from crystalcli.vectors.config import WEIGHTS, canonical, read_config
from crystalcli.vectors.tokenizer import CLS, SEP

if TYPE_CHECKING:
    from crystalcli.types import IntArray

# Positions encoded at once: enough to fill the matrix units, small enough for the cache, and not the whole of a short text.
_BATCH = {"cpu": 256, "cuda": 16_384}
_STEP = 16  # lengths of chunks that share a batch are rounded up to a multiple of this


def best_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor multiplies it natively, else float32 (bfloat16 is emulated, and slow, elsewhere)."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if native_bfloat16() else torch.float32


def native_bfloat16() -> bool:
    """Whether this processor has bfloat16 matrix instructions (AVX512-BF16, AMX or ARM's BF16)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    words = set(flags.split())
    return bool(words & {"avx512_bf16", "amx_bf16", "bf16"})


class Bert:
    """BERT's encoder stack.

    folder holds `config.json` and `model.safetensors` in Hugging Face's layout. special: the ids of the tokens that stand before
    and after every chunk. precision: a torch dtype, by default the
    fastest that this machine has natively. threads: batches encoded side by side on a CPU, by default one for each
    processor that this process may run on. Raises ModelMissingError when the weights cannot be read, and UsageError for a model
    of another kind.
    """

    def __init__(
        self,
        folder: Path,
        *,
        special: tuple[int, int] = (CLS, SEP),
        precision: torch.dtype | None = None,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.config = read_config(folder)
        self.dimension = self.config.dimension
        self.special = special
        self.threads = threads or processors()
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.precision = precision or best_precision(self.device)
        try:
            weights = load_file(str(folder / WEIGHTS))
            self._build({short: weights[name] for short, name in canonical(weights).items()})
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise ModelMissingError(f"cannot read the encoder's weights in {folder}: {error}") from error

    def _build(self, weights: dict[str, torch.Tensor]) -> None:
        def take(*names: str) -> torch.Tensor:
            return torch.cat([weights[name] for name in names]).to(self.device, self.precision).contiguous()

        self._words = weights["embeddings.word_embeddings.weight"].to(self.device, self.precision)
        positions = weights["embeddings.position_embeddings.weight"][self.config.first_position :]
        if "embeddings.token_type_embeddings.weight" in weights:
            positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
        self._positions = positions.to(self.device, self.precision)
        self._norm = (take("embeddings.LayerNorm.weight"), take("embeddings.LayerNorm.bias"))
        shapes = {"word": self._words.shape[1], "position": self._positions.shape[1]}
        if set(shapes.values()) != {self.dimension} or len(self._positions) < self.config.positions:
            raise KeyError("they have not the shape that config.json says")
        self._layers: list[list[tuple[torch.Tensor, torch.Tensor]]] = []
        for layer in range(self.config.layers):
            prefix = f"encoder.layer.{layer}."
            attention = [prefix + f"attention.self.{part}" for part in ("query", "key", "value")]
            parts = [(take(*(f"{name}.weight" for name in attention)), take(*(f"{name}.bias" for name in attention)))]
            for name in (
                "attention.output.dense",
                "attention.output.LayerNorm",
                "intermediate.dense",
                "output.dense",
                "output.LayerNorm",
            ):
                parts.append((take(f"{prefix}{name}.weight"), take(f"{prefix}{name}.bias")))
            self._layers.append(parts)

    @torch.inference_mode()
    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Token states [batch, positions, dimension] of ids int64 [batch, positions].

        mask: bool [batch, 1, 1, positions], true where there is a token; None when there is no padding.
        """
        batch, length = ids.shape
        size, heads, epsilon = (self.dimension,), self.config.heads, self.config.epsilon
        x = F.layer_norm(F.embedding(ids, self._words) + self._positions[:length], size, *self._norm, epsilon)
        for qkv, out, norm1, up, down, norm2 in self._layers:
            # [batch, positions, 3·dimension] -> three of [batch, heads, positions, dimension / heads]
            q, k, v = F.linear(x, *qkv).view(batch, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            x = F.layer_norm(
                x + F.linear(attended.transpose(1, 2).reshape(batch, length, -1), *out), size, *norm1, epsilon
            )
            x = F.layer_norm(x + F.linear(self._activate(F.linear(x, *up)), *down), size, *norm2, epsilon)
        return x

    def _activate(self, x: torch.Tensor) -> torch.Tensor:
        if self.config.activation == "relu":
            return F.relu(x)
        return F.gelu(x, approximate="tanh" if self.config.activation == "tanh" else "none")

    def states(self, chunks: Sequence[IntArray]) -> torch.Tensor:
        """The states of all the chunks' own tokens (special tokens left out), one chunk after the other.

        chunks: int32 [n] each, n at most the model's positions less two. Returns float32 [sum of n, dimension].
        """
        starts = [0]
        for ids in chunks:
            starts.append(starts[-1] + len(ids))
        result = torch.empty(starts[-1], self.dimension)

        def take(index: int, states: torch.Tensor) -> None:
            result[starts[index] : starts[index + 1]] = states

        self.each(chunks, take)
        return result

    def each(self, chunks: Sequence[IntArray], take: Callable[[int, torch.Tensor], None]) -> None:
        """Call `take` with each chunk's index and its tokens' states, float32 [n, dimension] on the CPU, in no order and from
        several threads; not for a chunk without tokens."""

        @torch.inference_mode()
        def encode(batch: _Batch) -> None:
            padded = torch.zeros(batch.rows, batch.length, dtype=torch.int64)
            real = torch.zeros(batch.rows, batch.length, dtype=torch.bool)
            real[:, 0] = True  # rows that nothing fills see themselves
            for row, index in enumerate(batch.chunks):
                ids = chunks[index]
                padded[row, 0], padded[row, len(ids) + 1] = self.special
                padded[row, 1 : len(ids) + 1] = torch.from_numpy(ids)
                real[row, : len(ids) + 2] = True
            mask = None if batch.exact else real[:, None, None, :].to(self.device)
            output = self.forward(padded.to(self.device), mask)
            for row, index in enumerate(batch.chunks):
                take(index, output[row, 1 : len(chunks[index]) + 1].float().cpu())

        batches = self._batches([len(ids) for ids in chunks])
        if self.device.type == "cpu":
            self._side_by_side(encode, batches)
        else:
            for batch in batches:
                encode(batch)

    def _side_by_side(self, encode: Callable[[_Batch], None], batches: list[_Batch]) -> None:
        """A batch to a thread, instead of all threads on one batch: threads that share an operation wait for one another at
        the end of each, and with a busy neighbour two of them are slower than one. Never more than one to a batch, for how an
        operation is shared out would show in its rounding."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                for _ in pool.map(encode, reversed(batches)):  # the longest first, so that all end together
                    pass
        finally:
            torch.set_num_threads(before)

    def embed(self, ids: IntArray) -> torch.Tensor:
        """The sentence embedding as sentence-transformers makes it: mean over all positions, unit length, [dimension]."""
        whole = torch.tensor([[self.special[0], *ids.tolist(), self.special[1]]], device=self.device)
        return F.normalize(self.forward(whole, None)[0].float().mean(0), dim=0).cpu()

    def _batches(self, lengths: Sequence[int]) -> list[_Batch]:
        """Chunks of like length together, shortest first. A batch's shape follows from its length alone: where chunks share one,
        it is filled up with empty rows, so that none is rounded otherwise than it would be in other company."""
        most = _BATCH.get(self.device.type, _BATCH["cuda"])
        open_batches: dict[int, _Batch] = {}
        found: list[_Batch] = []
        for index in sorted((index for index, length in enumerate(lengths) if length), key=lambda i: lengths[i]):
            positions = lengths[index] + 2
            rounded = -(-positions // _STEP) * _STEP
            rows = max(1, most // rounded)
            if rows == 1:
                found.append(_Batch(positions, 1, True, [index]))
                continue
            batch = open_batches.get(rounded)
            if batch is None or len(batch.chunks) == rows:
                batch = open_batches[rounded] = _Batch(min(rounded, self.config.positions), rows, False, [])
                found.append(batch)
            batch.chunks.append(index)
        return found


class _Batch(NamedTuple):
    """Chunks that are encoded at once, as `rows` rows of `length` positions. exact: no row is padded."""

    length: int
    rows: int
    exact: bool
    chunks: list[int]


def processors() -> int:
    """The processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
