"""A language model out of files, run by crystal's own decoder.

It counts and cuts text in its tokens, and generates.

Knows: which vocabulary, decoder and template belong together, and when to load what.
Does not know: what is said or why.

Opening reads the header and the vocabulary only (0.2 s); torch and the weights come with the first
word.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, UsageError
from crystalcli.lm.chat.chat_prompt import PromptEncoder
from crystalcli.lm.chat.chat_template import Message
from crystalcli.lm.chat.stream import check_prompt_length, check_sampling, until_stop, without_thinking
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.prompt_lookup import GuessPace
from crystalcli.lm.decoder.thread_tuner import ThreadTuner
from crystalcli.lm.files.gguf import GGUF
from crystalcli.lm.files.tensor_source import TensorSource
from crystalcli.lm.tokenizer.from_gguf import vocabulary_from_gguf
from crystalcli.lm.tokenizer.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from crystalcli.datatypes import Sampling
    from crystalcli.lm.decoder.llama import Llama
    from crystalcli.lm.decoder.prefix_cache import PrefixCache

_PRECISIONS = ("auto", "fp32", "bf16")
_SAMPLE = 64  # positions of work by which threads are tried before a prompt: a few milliseconds
_MAX_DENSE = 1 << 30  # bytes of float32 that are kept beside smaller forms
_FIRST_STEPS = 8  # layers of the first token on one thread, before several are tried


class LanguageModel:
    """A model opened with `LanguageModel.open`; a ChatModel.

    Its methods may be called from several threads.

    Args:
        source: The weights.
        config: The decoder's configuration.
        vocabulary: The tokens.
        template: Source of the chat template, "" for ChatML.
        precision: As in `open`.
        threads: As in `open`.
        cache: As in `open`.

    Raises:
        UsageError: An unknown precision, or fewer than one thread.
        CrystalError: The vocabulary has more tokens than the decoder has embeddings.
    """

    estimates = False

    def __init__(
        self,
        source: TensorSource,
        config: DecoderConfig,
        vocabulary: Vocabulary,
        template: str,
        *,
        precision: str = "auto",
        threads: int | None = None,
        cache: Path | None = None,
    ) -> None:
        if precision not in _PRECISIONS:
            raise UsageError(f"precision must be one of {', '.join(_PRECISIONS)}, got {precision!r}")
        if threads is not None and threads < 1:
            raise UsageError(f"threads must be at least 1, got {threads}")
        if vocabulary.size > config.vocab_size:
            raise CrystalError(f"{source.path}: {vocabulary.size:,} tokens, but embeddings for {config.vocab_size:,}")
        self._source = source
        self._config = config
        self._vocabulary = vocabulary
        self._prompt_encoder = PromptEncoder(vocabulary, template)
        self._precision = precision
        self._threads = threads
        self._max_threads = 1  # known when torch is imported
        self._cache = cache
        self._decoder: Llama | None = None
        self._guess_pace = GuessPace()
        self._loading = threading.Lock()

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        precision: str = "auto",
        threads: int | None = None,
        cache: Path | None = None,
    ) -> LanguageModel:
        """Open a GGUF file.

        Args:
            path: The file, of a family that `DecoderConfig` knows, with a byte-level or
                SentencePiece vocabulary.
            precision: "fp32", "bf16" or "auto". Auto takes bfloat16 where the CPU multiplies it in
                hardware, else float32 for prompts, with the wide products in eight bits where the
                CPU has instructions for these; and four-bit weights as they are for the words that
                follow, where torch has a kernel. Files with blocks of more than four bits (Q4_K_M)
                are multiplied in eight bits alone where the CPU has instructions for it.
            threads: Threads of torch in the whole process. None takes as many as torch would, or
                fewer while that is faster.
            cache: Folder for a converted copy of the weights, which opens faster. It is written
                while the weights load for the first time. None keeps no copy.

        Raises:
            ModelMissingError: The file does not exist.
            UsageError: An unknown precision, or fewer than one thread.
            CrystalError: The file is damaged or of a kind that cannot be run.
        """
        file = GGUF(Path(path))
        try:
            template = file.metadata.get("tokenizer.chat_template")
            return cls(
                file,
                DecoderConfig.from_gguf(file),
                vocabulary_from_gguf(file),
                template if isinstance(template, str) else "",
                precision=precision,
                threads=threads,
                cache=cache,
            )
        except BaseException:
            file.close()
            raise

    @property
    def name(self) -> str:
        """The name of the file or folder, without its ending."""
        return self._source.path.stem if self._source.path.suffix == ".gguf" else self._source.path.name

    @property
    def context_length(self) -> int:
        """Tokens that the model takes at once, prompt and answer together."""
        return self._config.context_length

    def count(self, text: str) -> int:
        """Count the tokens of a text. Needs neither torch nor weights."""
        return self._vocabulary.count(text)

    def truncate(self, text: str, tokens: int) -> str:
        """Cut a text to its longest beginning of at most `tokens` tokens.

        Raises:
            UsageError: `tokens` is negative.
        """
        return self._vocabulary.truncate(text, tokens)

    def chat_prompt(self, messages: Iterable[Message]) -> list[int]:
        """Encode a conversation, up to where the assistant answers.

        It is rendered by the model's own template, else by ChatML.

        Names of special tokens inside the messages are ordinary text: no document can close its
        message and open another.

        Args:
            messages: Each with `role` ("system", "user", "assistant") and `content`.

        Raises:
            UsageError: A message has no role or no content.
            CrystalError: The template fails on the messages.
        """
        return self._prompt_encoder.encode(messages)

    def prompt_size(self, messages: Sequence[Message]) -> int:
        """Count the tokens of `chat_prompt`. Raises as it does."""
        return len(self.chat_prompt(messages))

    def say(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Generate the next message of a conversation, without the thoughts that precede it.

        Raises as `chat_prompt` and `generate` do.
        """
        pieces = self.generate(self.chat_prompt(messages), replace(sampling, stop=()))
        return until_stop(without_thinking(pieces), sampling.stop)

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> Iterator[str]:
        """Generate the text that follows a prompt, in pieces of whole characters as they come.

        It ends with the model's own end token, before the first stop string, or after
        `sampling.max_tokens` tokens.

        Args:
            prompt_ids: Token ids of the prompt.
            sampling: How to choose the tokens and when to stop.

        Raises:
            UsageError: At the call: a value of `sampling` or a token id is out of range.
            CrystalError: At the call: prompt and answer together exceed `context_length`. While
                iterating, on first use: the weights cannot be used.
        """
        check_sampling(sampling)
        prompt = self._check_ids(prompt_ids)
        check_prompt_length(self.name, len(prompt), sampling.max_tokens, self.context_length)
        return until_stop(self._vocabulary.stream(self._generate_ids(prompt, sampling)), sampling.stop)

    def logits(self, ids: Sequence[int]) -> torch.Tensor:
        """Compute the logits after each of `ids`, float32 [n, vocabulary].

        Raises as `generate` does.
        """
        prompt = self._check_ids(ids)
        self._check_fits(len(prompt))
        decoder = self.load(len(prompt))
        return decoder.forward(prompt, decoder.cache(len(prompt)), all_logits=True)

    def ids(self, text: str) -> list[int]:
        """Encode a text; names of special tokens in it are ordinary text.

        Needs neither torch nor weights.
        """
        return self._vocabulary.encode(text)

    def data(self, ids: Sequence[int]) -> bytes:
        """Decode tokens to their bytes, UTF-8. Needs neither torch nor weights."""
        return self._vocabulary.join(ids)

    def log_probabilities(self, ids: Sequence[int], first: int) -> list[float]:
        """Compute the log-probability of each of `ids[first:]`, given all before it.

        Logarithms are natural.

        Args:
            ids: Token ids.
            first: Index of the first token to judge, 1 or more.

        Raises as `log_probabilities_of` does.
        """
        candidates = [[number] for number in ids[first:]]
        return [float(value) for value in self.log_probabilities_of(ids, first, candidates)[:, 0]]

    def log_probabilities_of(
        self, ids: Sequence[int], first: int, asked: Sequence[Sequence[int]] | npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Compute the log-probabilities of other tokens in the place of each of `ids[first:]`.

        Logarithms are natural.

        Logits are made for some positions at a time and not kept, so that memory is that of a
        prompt.

        Args:
            ids: Token ids.
            first: Index of the first token to judge, 1 or more.
            asked: Candidate ids, int64 [n, k], for the n places from `first` on.

        Returns:
            float32 [n, k].

        Raises:
            UsageError: `first`, the shape of `asked` or an id is out of range.
            CrystalError: There are more tokens than the model takes, or the weights cannot be used.
        """
        checked = self._check_ids(ids)
        if not 1 <= first < len(checked):
            raise UsageError(f"first must be from 1 to {len(checked) - 1}, got {first}")
        self._check_fits(len(checked) - 1)
        import numpy as np

        candidates = np.asarray(asked, np.int64)
        if candidates.ndim != 2 or len(candidates) != len(checked) - first:
            raise UsageError(
                f"expected candidates of shape [{len(checked) - first}, k], one row for each place; "
                f"got {list(candidates.shape)}"
            )
        if candidates.size and not 0 <= candidates.min() <= candidates.max() < self._vocabulary.size:
            raise UsageError(f"token ids are from 0 to {self._vocabulary.size - 1:,}")
        decoder = self.load(len(checked))
        import torch

        from crystalcli.lm.decoder.logprobs import token_logprobs

        try:
            tuner = self._prompt_tuner(decoder, len(checked))
            logprobs = token_logprobs(decoder, checked, first, torch.from_numpy(candidates), tuner)
            return np.asarray(logprobs.numpy(), np.float32)
        finally:
            if self._tunes_threads(decoder):
                torch.set_num_threads(self._max_threads)

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
                self.name,
                "take a smaller model, or a file in four bits (Q4_0, Q4_K_M)",
            )
        # Loading is many small steps. A second thread saves 0.1 s of them on an idle machine;
        # beside busy neighbours it cost from 3 to 13 s.
        self._max_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
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
            cache = WeightCache(self._cache, self.name, self._source, form)
            if saved := cache.load():
                return make(saved=saved)
            writer = cache.writer()
            try:
                decoder = make(keep=writer.keep)
                cache.finish(writer)
            finally:
                writer.discard()  # what is not finished
            return decoder
        finally:
            torch.set_num_threads(self._max_threads)

    def _generate_ids(self, prompt: list[int], sampling: Sampling) -> Iterator[int]:
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
            tuner = self._prompt_tuner(decoder, len(prompt))
            first = sampler.choose(decoder.forward(prompt[cache.length :], cache, tuner=tuner)[0])
            prompt_read = True
            tuner = ThreadTuner(self._max_threads, torch.set_num_threads, first=_FIRST_STEPS) if tunes else None
            generation = Generation(decoder, cache, sampler, prompt, self._guess_pace, tuner)
            for token in itertools.chain([first], generation.after(first, sampling.max_tokens - 1)):
                if token in self._vocabulary.config.eos_ids:
                    break
                yield token  # before the next one is computed
        finally:
            if tunes:
                torch.set_num_threads(self._max_threads)
            if prompt_read:
                prefix.store(prompt, cache)

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

    def _check_ids(self, ids: Sequence[int]) -> list[int]:
        checked = list(ids)
        if not checked:
            raise UsageError("empty prompt: give it at least one token")
        if not all(0 <= number < self._vocabulary.size for number in checked):
            raise UsageError(f"token ids are from 0 to {self._vocabulary.size - 1:,}")
        return checked

    def _check_fits(self, tokens: int) -> None:
        if tokens > self.context_length:
            raise CrystalError(f"{tokens:,} tokens are more than the {self.context_length:,} {self.name} can take")

    @functools.cached_property
    def _prefix(self) -> PrefixCache:
        from crystalcli.lm.decoder.prefix_cache import PrefixCache

        return PrefixCache()
