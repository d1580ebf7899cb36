"""Generates token ids from token ids: the weights of one model, loaded when they are needed.

Knows: in which form the weights are used, the threads, the last prompt's keys and values.
Does not know: text. torch is imported with the first word.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.cpu import one_thread_of
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.prompt_lookup import GuessPace
from crystalcli.lm.decoder.thread_tuner import ThreadTuner
from crystalcli.lm.files.tensor_source import TensorSource

if TYPE_CHECKING:
    from crystalcli.datatypes import Sampling
    from crystalcli.lm.decoder.llama import Llama
    from crystalcli.lm.decoder.prefix_cache import PrefixCache

_SAMPLE = 64  # positions of work by which threads are tried before a prompt: a few milliseconds
_MAX_DENSE = 1 << 30  # bytes of float32 that are kept beside smaller forms
_FIRST_STEPS = 8  # layers of the first token on one thread, before several are tried


class TokenGenerator:
    """A decoder with its weights; its methods may be called from several threads.

    Args:
        source: The weights.
        config: The decoder's configuration.
        name: The model's name, for errors and for the folder of its converted copy.
        precision: As in `LanguageModel.open`.
        threads: As in `LanguageModel.open`.
        cache: As in `LanguageModel.open`.
    """

    def __init__(
        self,
        source: TensorSource,
        config: DecoderConfig,
        name: str,
        *,
        precision: str = "auto",
        threads: int | None = None,
        cache: Path | None = None,
    ) -> None:
        self._source = source
        self._config = config
        self._name = name
        self._precision = precision
        self._threads = threads
        self._max_threads = 1  # known when torch is imported
        self._cache = cache
        self._decoder: Llama | None = None
        self._guess_pace = GuessPace()
        self._loading = threading.Lock()

    def load(self, positions: int = 0) -> Llama:
        """Load the weights now, if they are not loaded.

        A caller with other work may do so in a thread.

        Args:
            positions: Positions that will be read with them, for the check of memory.

        Raises:
            CrystalError: The weights cannot be used, or they and the cache of the positions exceed
                the memory. Nothing is loaded then.
        """
        with self._loading:
            if self._decoder is None:
                self._decoder = self._load(positions)
            return self._decoder

    def release(self) -> None:
        """Let go of the weights and of what was computed; the next word loads them again."""
        with self._loading:
            self._decoder = None
            self._prefix.clear()

    def rest_guesses(self) -> None:
        """Guess none of the next 16 tokens, for measuring what a token takes by itself."""
        self._guess_pace.rest()

    @contextmanager
    def prompt_threads(self, decoder: Llama, tokens: int) -> Iterator[ThreadTuner | None]:
        """Tune the threads of a prompt of `tokens` tokens inside the block; reset them after it.

        The tuner is None where the number of threads stays as it is.
        """
        import torch

        try:
            yield self._prompt_tuner(decoder, tokens)
        finally:
            if self._tunes_threads(decoder):
                torch.set_num_threads(self._max_threads)

    def generate(self, prompt: Sequence[int], sampling: Sampling, end_ids: Set[int]) -> Iterator[int]:
        """Generate the ids that follow a prompt, up to one of `end_ids`, each before the next.

        Args:
            prompt: Token ids, each one that the decoder has.
            sampling: How to choose the tokens; stop strings are not looked at.
            end_ids: Ids that end the text.

        Raises:
            CrystalError: While iterating: the weights cannot be used, or memory is too little.
        """
        positions = len(prompt) + sampling.max_tokens
        decoder = self.load(positions)
        import torch

        from crystalcli.lm.decoder import memory_budget
        from crystalcli.lm.decoder.generation import Generation
        from crystalcli.lm.decoder.sampler import Sampler

        sampler = Sampler(sampling)
        prefix = self._prefix
        needed = memory_budget.prompt_bytes(self._config, decoder.dtype.itemsize, positions)
        memory_budget.check_memory(needed, f"a prompt of {len(prompt):,} tokens", "give it less context")
        cache = prefix.take(decoder, prompt, positions)
        tunes = self._tunes_threads(decoder)
        prompt_read = False
        try:
            rest = prompt[cache.length :]
            logits = decoder.read_prompt(rest, cache, self._max_threads) if tunes else decoder.forward(rest, cache)
            first = sampler.choose(logits[0])
            prompt_read = True
            tuner = ThreadTuner(self._max_threads, torch.set_num_threads, first=_FIRST_STEPS) if tunes else None
            generation = Generation(decoder, cache, sampler, prompt, self._guess_pace, tuner)
            for token in itertools.chain([first], generation.after(first, sampling.max_tokens - 1)):
                if token in end_ids:
                    break
                yield token  # before the next one is computed
        finally:
            if tunes:
                torch.set_num_threads(self._max_threads)
            if prompt_read:
                prefix.store(prompt, cache)

    def _load(self, positions: int) -> Llama:
        import torch

        from crystalcli.lm.decoder import memory_budget
        from crystalcli.lm.decoder.int8 import has_fast_int8
        from crystalcli.lm.decoder.linear import has_fast_bfloat16, has_int4_kernel, int4_planes, rounds_to_int8
        from crystalcli.lm.decoder.llama import Llama
        from crystalcli.lm.decoder.weight_cache import WeightCache
        from crystalcli.lm.decoder.weight_only import has_weight_only_kernel

        if self._threads is not None:
            torch.set_num_threads(self._threads)
        narrow = self._precision == "bf16" or (self._precision == "auto" and has_fast_bfloat16())
        int4 = self._precision != "fp32" and has_int4_kernel()
        matrices = [info for info in self._source.tensors.values() if len(info.shape) == 2]
        in_blocks = rounds_to_int8([info.kind for info in matrices])
        int8 = self._precision == "auto" and has_fast_int8() and (int4 or in_blocks)
        # Without instructions for bytes these are multiplied by bfloat16, for words alone.
        weight_only = self._precision == "auto" and not narrow and not int8 and has_weight_only_kernel()
        # Eight bits a weight alone are less to keep and to read than four bits for some matrices,
        # floating point for the others, and that for prompts, too.
        packs = int4 and all(int4_planes([info.kind], info.shape[0]) for info in matrices)
        lean = (int8 or weight_only) and in_blocks and not packs
        width = 2 if narrow else 4
        prompt_bytes = memory_budget.prompt_bytes(self._config, width, positions)

        def weight_bytes(keep_dense: bool, int4: bool, int8: bool = False) -> int:
            in_bytes = weight_only and not int8
            return memory_budget.weight_bytes(self._source, width, int4, keep_dense, int8, in_bytes) + prompt_bytes

        # Numbers of small forms are made anew for each block of a prompt where keeping them is too
        # much; where that is too much, too, the packed form of four-bit matrices will do.
        packed = int4 and not lean
        most_bytes, least_bytes = (weight_bytes(keep, packed, int8) for keep in (True, False))
        keep_dense = memory_budget.fits_in_memory(most_bytes) and (narrow or most_bytes - least_bytes <= _MAX_DENSE)
        if keep_dense or memory_budget.fits_in_memory(least_bytes):
            int4 = packed
        else:
            int8 = False
            memory_budget.check_memory(
                weight_bytes(False, int4),
                self._name,
                "take a smaller model, or a file in four bits (Q4_0, Q4_K_M)",
            )
        # Loading is many small steps. A second thread saves 0.1 s of them on an idle machine;
        # beside busy neighbours it cost from 3 to 13 s.
        self._max_threads = torch.get_num_threads()
        with one_thread_of(torch):
            make = functools.partial(
                Llama,
                self._source,
                self._config,
                torch.bfloat16 if narrow else torch.float32,
                int4,
                keep_dense=keep_dense,
                int8=int8,
                weight_only=weight_only,
            )
            if self._cache is None:
                return make()
            form = f"{'bf16' if narrow else 'fp32'} {int4} {int8}" + " bytes" * weight_only
            cache = WeightCache(self._cache, self._name, self._source, form)
            if saved := cache.load():
                return make(saved=saved)
            writer = cache.writer()
            try:
                decoder = make(keep=writer.keep)
                cache.finish(writer)
            finally:
                writer.discard()  # what is not finished
            return decoder

    def _tunes_threads(self, decoder: Llama) -> bool:
        """Tell whether the number of threads follows what is faster at the moment.

        The same prompt must give the same text, and only with weights in four or eight bits is
        every result the same, bit for bit, for any number of threads (tested). Otherwise the number
        stays as it is.
        """
        return self._threads is None and (decoder.int4 or decoder.int8 or decoder.weight_only)

    def _prompt_tuner(self, decoder: Llama, tokens: int) -> ThreadTuner | None:
        """Make the tuner for a prompt of `tokens` tokens.

        None where the number of threads stays as it is.
        """
        import torch

        if not self._tunes_threads(decoder):
            return None
        sample = functools.partial(decoder.run_sample, min(tokens, _SAMPLE))
        return ThreadTuner(self._max_threads, torch.set_num_threads, first=1, sample=sample)

    @functools.cached_property
    def _prefix(self) -> PrefixCache:
        from crystalcli.lm.decoder.prefix_cache import PrefixCache

        return PrefixCache()
