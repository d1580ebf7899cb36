"""The encoder in torch: BERT (Devlin et al., 2019), for many chunks at a time.

Gives the last layer's token states. The states of a chunk depend on that chunk alone, to the last
bit: rounding depends on the shapes of matrices, so a batch's shape depends on the lengths of its
chunks alone; in 8 bits, where products are exact, chunks are packed one after the other. The layers
themselves are in `stack.py` and `quantized.py`; a question is encoded by
`question_encoder.py`, which needs no torch.

Knows: token ids, batches and threads. Does not know: text, layers 1 to 3, codes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file

from crystalcli.cpu import available_processors, cpu_flags, limit_onednn_cache, one_thread_of
from crystalcli.errors import ModelMissingError
from crystalcli.vectors.encoder_config import WEIGHTS_FILE, canonical_names, read_encoder_config
from crystalcli.vectors.encoder_tokenizer import CLS, SEP
from crystalcli.vectors.quantized import QuantizedStack, Scales, has_int8_kernels
from crystalcli.vectors.stack import EncoderStack

if TYPE_CHECKING:
    from crystalcli.datatypes import IntArray

_Item = TypeVar("_Item")

limit_onednn_cache()

# Positions per batch: enough to fill the matrix units, few enough for the cache and to share out a
# short text.
_BATCH = {"cpu": 256, "cuda": 16_384}
# Positions per pack in 8 bits: each product has costs of its own, and its result should stay in the
# cache that processors share.
_PACK = 512
# Until a thread has given back its heap, so that the next one takes it and makes no other.
_HAND_OVER_SECONDS = 0.005
_LENGTH_STEP = 16  # lengths of chunks that share a batch are rounded up to a multiple of this


def best_precision(device: torch.device, scales: bool = False) -> torch.dtype:
    """Return the fastest precision of a device: int8 where it is fast, bfloat16 where it is native.

    Args:
        device: the device.
        scales: whether the encoder's scales are known; int8 needs them.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if scales and has_int8_kernels():
        return torch.int8
    return torch.bfloat16 if has_native_bfloat16() else torch.float32


def has_native_bfloat16() -> bool:
    """Check for bfloat16 matrix instructions (AVX512-BF16, AMX or ARM's BF16).

    Emulated bfloat16 is slow.
    """
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


class Bert:
    """A BERT encoder for chunks.

    Args:
        folder: holds `config.json` and `model.safetensors` in Hugging Face layout.
        special: ids of the tokens before and after every chunk.
        precision: a torch dtype; by default the fastest on this machine (`best_precision`).
        scales: of this encoder, for int8.
        device: a torch device; by default CUDA if available, else the CPU.
        threads: batches encoded in parallel on a CPU; by default one for each processor of this
            process.

    Raises:
        ModelMissingError: The weights cannot be read.
        UsageError: The model is not an encoder of a supported type.
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
        self.config = read_encoder_config(folder)
        self.dimension = self.config.dimension
        self.special = special
        self.threads = threads or available_processors()
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.precision = precision or best_precision(self.device, scales is not None)
        self._starting = threading.Lock()
        self._running = 0  # threads that encode
        self._later: deque[threading.Thread] = deque()  # those that begin when one of these ends
        self._limits = ExitStack()  # open while batches are begun and not waited for
        self._begun = 0
        try:
            with one_thread_of(torch):
                self._stack = self._load(folder, scales)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise ModelMissingError(f"cannot read the encoder's weights in {folder}: {error}") from error

    def _load(self, folder: Path, scales: Scales | None) -> EncoderStack | QuantizedStack:
        weights = load_file(str(folder / WEIGHTS_FILE))
        weights = {short: weights[name] for short, name in canonical_names(weights).items()}
        if self.precision == torch.int8 and scales is not None:
            return QuantizedStack(self.config, weights, scales)
        return EncoderStack(self.config, weights, self.device, self.precision)

    def states(self, chunks: Sequence[IntArray]) -> torch.Tensor:
        """Encode chunks.

        Args:
            chunks: token ids, int32 [n] each, n at most the model's positions less two.

        Returns:
            The states of the chunks' own tokens, one chunk after the other, float32 [sum of n,
            dimension].
        """
        starts = [0]
        for ids in chunks:
            starts.append(starts[-1] + len(ids))
        all_states = torch.empty(starts[-1], self.dimension)

        def take(index: int, states: torch.Tensor) -> None:
            all_states[starts[index] : starts[index + 1]] = states

        self.for_each(chunks, take)
        return all_states

    def for_each(self, chunks: Sequence[IntArray], take: Callable[[int, torch.Tensor], None]) -> None:
        """Encode chunks and hand over the states of each, in any order and from several threads.

        Args:
            chunks: as in `states`. Chunks without tokens are skipped.
            take: called with a chunk's index and its states, float32 [n, dimension], on the CPU.
        """
        self.begin_each(chunks, take)()

    def begin_each(self, chunks: Sequence[IntArray], take: Callable[[int, torch.Tensor], None]) -> Callable[[], None]:
        """Begin to encode chunks as `for_each` does, after those that were begun before.

        So other chunks can be made ready meanwhile, and no thread waits between the two.

        Returns:
            Waits for the end; to be called once.
        """
        stack = self._stack
        if isinstance(stack, QuantizedStack):
            return self._begin_packed(stack, chunks, take)

        @torch.inference_mode()
        def encode(batch: _Batch) -> None:
            padded = torch.zeros(batch.rows, batch.length, dtype=torch.int64)
            real = torch.zeros(batch.rows, batch.length, dtype=torch.bool)
            real[:, 0] = True  # empty rows attend to themselves: softmax over nothing is NaN
            for row, index in enumerate(batch.chunks):
                ids = chunks[index]
                padded[row, 0], padded[row, len(ids) + 1] = self.special
                padded[row, 1 : len(ids) + 1] = torch.from_numpy(ids)
                real[row, : len(ids) + 2] = True
            mask = None if batch.exact else real[:, None, None, :].to(self.device)
            output = stack(padded.to(self.device), mask)
            for row, index in enumerate(batch.chunks):
                take(index, output[row, 1 : len(chunks[index]) + 1].float().cpu())

        batches = self._batches([len(ids) for ids in chunks])
        if self.device.type == "cpu":
            return self._begin_in_parallel(encode, batches)

        def encode_all() -> None:
            for batch in batches:
                encode(batch)

        return encode_all

    def _begin_packed(
        self, stack: QuantizedStack, chunks: Sequence[IntArray], take: Callable[[int, torch.Tensor], None]
    ) -> Callable[[], None]:
        """Begin to encode chunks in packs, see `begin_each`."""
        order = sorted((index for index, ids in enumerate(chunks) if len(ids)), key=lambda index: len(chunks[index]))
        before, after = (np.array([token], np.int32) for token in self.special)

        @torch.inference_mode()
        def encode(pack: list[int]) -> None:
            states = stack([np.concatenate((before, chunks[index], after)) for index in pack])
            for index, own in zip(pack, states, strict=True):
                take(index, own[1:-1])

        return self._begin_in_parallel(encode, _packs(order, [len(ids) + 2 for ids in chunks], self.threads))

    def _begin_in_parallel(self, encode: Callable[[_Item], None], batches: Sequence[_Item]) -> Callable[[], None]:
        """Begin to encode one batch per thread.

        Threads that share an operation wait for one another at the end of each, and on a busy
        machine two of them are slower than one. How an operation is shared out also shows in its
        rounding.
        """
        waiting = deque(batches)  # the longest comes first, so that all threads finish together
        errors: list[Exception] = []
        ended: SimpleQueue[threading.Thread] = SimpleQueue()

        def work() -> None:
            torch.set_num_threads(1)
            try:
                while (batch := _last(waiting)) is not None:
                    encode(batch)
            except Exception as error:
                waiting.clear()
                errors.append(error)
            ended.put(threading.current_thread())

        # They end with their batches: a thread keeps the kernels of all shapes that it has met.
        threads = [threading.Thread(target=work) for _ in range(min(self.threads, len(batches)))]
        if not self._begun:
            self._limits.enter_context(one_thread_of(torch))
        self._begun += 1
        for thread in threads:
            self._start(thread)

        def wait() -> None:
            left = len(threads)
            try:
                while left:
                    self._replace(ended.get())
                    left -= 1
            finally:
                waiting.clear()  # after a Ctrl-C
                for _ in range(left):
                    self._replace(ended.get())
                self._begun -= 1
                if not self._begun:
                    self._limits.close()
            if errors:
                raise errors[0]

        return wait

    def _start(self, thread: threading.Thread) -> None:
        """Start a thread now, or when one of as many as there may be ends."""
        with self._starting:
            if self._running < self.threads:
                self._running += 1
                thread.start()
            else:
                self._later.append(thread)

    def _replace(self, thread: threading.Thread) -> None:
        """Start the thread that comes after one that ends."""
        thread.join()
        with self._starting:
            if self._later:
                time.sleep(_HAND_OVER_SECONDS)
                self._later.popleft().start()
            else:
                self._running -= 1

    def embed(self, ids: IntArray) -> torch.Tensor:
        """Embed a sentence like sentence-transformers: mean pooling, unit length, [dimension]."""
        tokens = np.array([self.special[0], *ids.tolist(), self.special[1]])
        if isinstance(self._stack, QuantizedStack):
            (states,) = self._stack([tokens])
        else:
            states = self._stack(torch.from_numpy(tokens)[None].to(self.device), None)[0]
        return F.normalize(states.float().mean(0), dim=0).cpu()

    def _batches(self, lengths: Sequence[int]) -> list[_Batch]:
        """Batch chunks of similar length, shortest first.

        A batch's shape follows from its length alone: a batch of several chunks is filled up with
        empty rows, so that a chunk's states are rounded alike whatever shares its batch.
        """
        positions_per_batch = _BATCH.get(self.device.type, _BATCH["cuda"])
        open_batches: dict[int, _Batch] = {}
        batches: list[_Batch] = []
        for index in sorted((index for index, length in enumerate(lengths) if length), key=lambda i: lengths[i]):
            positions = lengths[index] + 2
            rounded = -(-positions // _LENGTH_STEP) * _LENGTH_STEP
            rows = max(1, positions_per_batch // rounded)
            if rows == 1:
                batches.append(_Batch(positions, 1, True, [index]))
                continue
            batch = open_batches.get(rounded)
            if batch is None or len(batch.chunks) == rows:
                batch = open_batches[rounded] = _Batch(min(rounded, self.config.positions), rows, False, [])
                batches.append(batch)
            batch.chunks.append(index)
        return batches


def _last(waiting: deque[_Item]) -> _Item | None:
    """Take the last item; None where another thread has taken it."""
    try:
        return waiting.pop()
    except IndexError:
        return None


def _packs(order: Sequence[int], positions: Sequence[int], threads: int) -> list[list[int]]:
    """Share chunks out into packs of at most about _PACK positions, as many for each thread.

    Args:
        order: indices of the chunks, shortest first.
        positions: of each chunk, by index.
        threads: that encode packs.
    """
    total = sum(positions[index] for index in order)
    count = threads * -(-total // (threads * _PACK))
    packs: list[list[int]] = [[] for _ in range(count)]
    before = 0
    for index in order:
        packs[(before + positions[index] // 2) * count // total].append(index)
        before += positions[index]
    return [pack for pack in packs if pack]


class _Batch(NamedTuple):
    """Chunks that are encoded together.

    Attributes:
        length: positions of a row.
        rows: number of rows.
        exact: whether no row is padded.
        chunks: indices of the chunks.
    """

    length: int
    rows: int
    exact: bool
    chunks: list[int]
