"""The encoder in torch: BERT (Devlin et al., 2019) and its kin, for reading many chunks at a time.

Gives the last layer's token states. Those of a chunk depend on that chunk alone, to the last bit: rounding depends on the shape
of what is multiplied, so the shape is made to depend on the chunk's length and on nothing beside it. Knows nothing of text,
layers or codes; a question alone is encoded by `crystalcli.vectors.question`, which needs no torch.
What is multiplied is in `stack` and `quantized`.
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

from crystalcli.cpu import cpu_flags, limit_onednn_cache
from crystalcli.errors import ModelMissingError
from crystalcli.vectors.config import WEIGHTS, canonical, read_config
from crystalcli.vectors.quantized import QuantizedStack, Scales, native_int8
from crystalcli.vectors.stack import Stack
from crystalcli.vectors.tokenizer import CLS, SEP

if TYPE_CHECKING:
    from crystalcli.types import IntArray

limit_onednn_cache()

# Positions encoded at once: enough to fill the matrix units, small enough for the cache, and not the whole of a short text.
_BATCH = {"cpu": 256, "cuda": 16_384}
_STEP = 16  # lengths of chunks that share a batch are rounded up to a multiple of this


def best_precision(device: torch.device, scales: bool = False) -> torch.dtype:
    """int8 or bfloat16 where the processor multiplies it natively, else float32 (bfloat16 is emulated, and slow, elsewhere).

    scales: whether those of the encoder are known, without which there is no int8.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if scales and native_int8():
        return torch.int8
    return torch.bfloat16 if native_bfloat16() else torch.float32


def native_bfloat16() -> bool:
    """Whether this processor has bfloat16 matrix instructions (AVX512-BF16, AMX or ARM's BF16)."""
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


class Bert:
    """BERT's encoder stack.

    folder holds `config.json` and `model.safetensors` in Hugging Face's layout. special: the ids of the tokens that stand before
    and after every chunk. precision: a torch dtype, by default the fastest that this machine has natively; int8, which needs the
    encoder's `scales`, is one of them. threads: batches encoded side by side on a CPU, by default one for each
    processor that this process may run on. Raises ModelMissingError when the weights cannot be read, and UsageError for a model
    of another kind.
    """

    def __init__(
        self,
        folder: Path,
        *,
        special: tuple[int, int] = (CLS, SEP),
        precision: torch.dtype | None = None,
        scales: Scales | None = None,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.config = read_config(folder)
        self.dimension = self.config.dimension
        self.special = special
        self.threads = threads or processors()
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.precision = precision or best_precision(self.device, scales is not None)
        try:
            weights = load_file(str(folder / WEIGHTS))
            weights = {short: weights[name] for short, name in canonical(weights).items()}
            if self.precision == torch.int8 and scales is not None:
                self._stack: Stack | QuantizedStack = QuantizedStack(self.config, weights, scales)
            else:
                self._stack = Stack(self.config, weights, self.device, self.precision)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise ModelMissingError(f"cannot read the encoder's weights in {folder}: {error}") from error

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
            output = self._stack(padded.to(self.device), mask)
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
        whole = torch.tensor([[self.special[0], *ids.tolist(), self.special[1]]]).to(self.device)
        return F.normalize(self._stack(whole, None)[0].float().mean(0), dim=0).cpu()

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
