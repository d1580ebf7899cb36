"""The encoder in torch: BERT (Devlin et al., 2019) as all-MiniLM-L6-v2 uses it, for reading many chunks at a time.

Gives the last layer's token states. Knows nothing of text, layers or codes; a question alone is encoded by
`crystalcli.vectors.question`, which needs no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file

from crystalcli.errors import ModelMissingError
from crystalcli.vectors.tokenizer import CLS, SEP

if TYPE_CHECKING:
    from crystalcli.types import IntArray

_EPSILON = 1e-12
_BATCH_TOKENS = 2048  # positions encoded at once: enough to fill the matrix units, small enough for the cache


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

    folder holds `model.safetensors` with Hugging Face's parameter names. precision: a torch dtype, by default the
    fastest that this machine has natively. threads: batches encoded side by side on a CPU, by default one for each
    processor that this process may run on. Raises ModelMissingError when the weights cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        *,
        precision: torch.dtype | None = None,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.threads = threads or processors()
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.precision = precision or best_precision(self.device)
        path = folder / "model.safetensors"
        try:
            weights = load_file(str(path))
            weights = {name.removeprefix("bert."): weight for name, weight in weights.items()}
            self._build(weights)
        except (OSError, SafetensorError, KeyError) as error:
            raise ModelMissingError(f"cannot read the encoder's weights in {folder}: {error}") from error

    def _build(self, weights: dict[str, torch.Tensor]) -> None:
        def take(*names: str) -> torch.Tensor:
            return torch.cat([weights[name] for name in names]).to(self.device, self.precision).contiguous()

        words = weights["embeddings.word_embeddings.weight"]
        self.dimension = words.shape[1]
        self.heads = 12
        self._words = words.to(self.device, self.precision)
        positions = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._positions = positions.to(self.device, self.precision)
        self._norm = (take("embeddings.LayerNorm.weight"), take("embeddings.LayerNorm.bias"))
        self._layers: list[list[tuple[torch.Tensor, torch.Tensor]]] = []
        while f"encoder.layer.{len(self._layers)}.output.dense.weight" in weights:
            prefix = f"encoder.layer.{len(self._layers)}."
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
        size = (self.dimension,)
        x = F.layer_norm(F.embedding(ids, self._words) + self._positions[:length], size, *self._norm, _EPSILON)
        for qkv, out, norm1, up, down, norm2 in self._layers:
            # [batch, positions, 3·dimension] -> three of [batch, heads, positions, dimension / heads]
            q, k, v = F.linear(x, *qkv).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            x = F.layer_norm(
                x + F.linear(attended.transpose(1, 2).reshape(batch, length, -1), *out), size, *norm1, _EPSILON
            )
            x = F.layer_norm(x + F.linear(F.gelu(F.linear(x, *up)), *down), size, *norm2, _EPSILON)
        return x

    def states(self, chunks: Sequence[IntArray]) -> torch.Tensor:
        """The states of all the chunks' own tokens (special tokens left out), one chunk after the other.

        chunks: int32 [n] each, n at most 510 (the model's positions less two). Returns float32 [sum of n, dimension].
        """
        starts = [0]
        for ids in chunks:
            starts.append(starts[-1] + len(ids))
        result = torch.empty(starts[-1], self.dimension, device=self.device)

        def encode(batch: list[int]) -> None:
            longest = max(len(chunks[index]) for index in batch) + 2
            padded = torch.zeros(len(batch), longest, dtype=torch.int64)
            for row, index in enumerate(batch):
                ids = chunks[index]
                padded[row, 0] = CLS
                padded[row, 1 : len(ids) + 1] = torch.from_numpy(ids)
                padded[row, len(ids) + 1] = SEP
            full = all(len(chunks[index]) + 2 == longest for index in batch)
            mask = None if full else (padded != 0)[:, None, None, :].to(self.device)
            output = self.forward(padded.to(self.device), mask)
            for row, index in enumerate(batch):
                result[starts[index] : starts[index + 1]] = output[row, 1 : len(chunks[index]) + 1]

        batches = self._batches(chunks)
        if self.device.type != "cpu" or self.threads == 1 or len(batches) == 1:
            for batch in batches:
                encode(batch)
        else:
            self._side_by_side(encode, batches)
        return result.cpu()

    def _side_by_side(self, encode: Callable[[list[int]], None], batches: list[list[int]]) -> None:
        """A batch to a thread, instead of all threads on one batch: threads that share an operation wait for one another at
        the end of each, and with a busy neighbour two of them are slower than one."""
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
        whole = torch.tensor([[CLS, *ids.tolist(), SEP]], device=self.device)
        return F.normalize(self.forward(whole, None)[0].float().mean(0), dim=0).cpu()

    @staticmethod
    def _batches(chunks: Sequence[IntArray]) -> list[list[int]]:
        """Indices of chunks of like length, together at most _BATCH_TOKENS positions, so that little is padding."""
        order = sorted((index for index in range(len(chunks)) if len(chunks[index])), key=lambda i: len(chunks[i]))
        batches: list[list[int]] = []
        for index in order:
            if batches and (len(chunks[index]) + 2) * (len(batches[-1]) + 1) <= _BATCH_TOKENS:
                batches[-1].append(index)
            else:
                batches.append([index])
        return batches


def processors() -> int:
    """The processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
