"""A language model out of files: counts and cuts text in its tokens, writes prompts, and speaks.

Knows: which vocabulary, decoder and template belong together, and when to load what.
Does not know: what is said or why.

Opening reads the header and the vocabulary only (0.2 s); torch and the weights come with the first word.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, UsageError
from crystalcli.lm.chat import chat_template
from crystalcli.lm.chat.chat_prompt import Conversation
from crystalcli.lm.chat.stream import check_figures, check_length, spoken, until
from crystalcli.lm.decoder.decoder_config import Shape
from crystalcli.lm.decoder.thread_tuner import Pace
from crystalcli.lm.files.gguf import GGUF
from crystalcli.lm.files.tensor_source import Source
from crystalcli.lm.tokenizer.from_gguf import open_vocabulary
from crystalcli.lm.tokenizer.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from crystalcli.lm.decoder.llama import Llama
    from crystalcli.lm.decoder.prefix_cache import Prefix

_PRECISIONS = ("auto", "fp32", "bf16")
_SAMPLE = 64  # positions of work by which threads are tried before a prompt: a few milliseconds
_FIRST_STEPS = 8  # layers of the first token on one thread, before several are tried


class LanguageModel:
    """A model opened with `LanguageModel.open`. Its methods may be called from several threads."""

    def __init__(
        self,
        source: Source,
        shape: Shape,
        vocabulary: Vocabulary,
        template: str,
        *,
        precision: str = "auto",
        threads: int | None = None,
        cache: Path | None = None,
    ) -> None:
        """Puts together what a file or folder holds. template: the source of its chat template, "" for none.

        The rest as in `open`, with its UsageErrors. Raises CrystalError when there are more tokens than embeddings.
        """
        if precision not in _PRECISIONS:
            raise UsageError(f"precision is one of {', '.join(_PRECISIONS)}, not {precision!r}")
        if threads is not None and threads < 1:
            raise UsageError(f"{threads} threads are too few")
        if vocabulary.size > shape.vocabulary:
            raise CrystalError(f"{source.path}: {vocabulary.size:,} tokens, but embeddings for {shape.vocabulary:,}")
        self._source = source
        self._shape = shape
        self._vocabulary = vocabulary
        self._conversation = Conversation(vocabulary, template)
        self._precision = precision
        self._threads = threads
        self._most = 1  # threads; known when torch is
        self._cache = cache / self.name if cache is not None else None
        self._copy = ""  # the name of the converted copy to write, when there is none yet
        self._decoder: Llama | None = None
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
        """Opens a GGUF file of a family that `Shape` knows, with a vocabulary that `open_vocabulary` can read.

        precision: "fp32"; "bf16"; or "auto": bfloat16 where the CPU multiplies it in hardware, else float32 for
        prompts, with the wide products in eight bits where it has instructions for these, and in any case four-bit
        weights as they are for the words that follow, where torch has a kernel.
        threads: for torch, in the whole process; None: as many as torch would use, or fewer while that is quicker.
        cache: a folder for a converted copy of the weights, which opens faster; written after the first answer, found
        again by the source's SHA-256. None keeps no copy.
        Raises ModelMissingError when there is no such file, UsageError for an unknown precision or number of threads,
        CrystalError when the file is damaged or of a kind that cannot be run.
        """
        file = GGUF(Path(path))
        try:
            template = file.metadata.get("tokenizer.chat_template")
            return cls(
                file,
                Shape.of(file),
                open_vocabulary(file),
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
        """The file's or folder's name, without an ending."""
        return self._source.path.stem if self._source.path.suffix == ".gguf" else self._source.path.name

    @property
    def context_length(self) -> int:
        """How many tokens the model can have before it, prompt and answer together."""
        return self._shape.context

    def count(self, text: str) -> int:
        """How many tokens `text` has. Needs neither torch nor weights."""
        return self._vocabulary.count(text)

    def truncate(self, text: str, tokens: int) -> str:
        """A beginning of `text` of at most `tokens` tokens. Raises UsageError when `tokens` is negative."""
        return self._vocabulary.truncate(text, tokens)

    def chat_prompt(self, messages: Iterable[chat_template.Message]) -> list[int]:
        """The ids of a conversation, up to where the assistant is to speak, by the model's own template (else ChatML).

        messages: each with `role` ("system", "user", "assistant") and `content`. Names of special tokens inside them
        are ordinary text: no document can close its message and open another.
        Raises UsageError for messages without role or content, CrystalError when the template fails on them.
        """
        return self._conversation.ids(messages)

    def prompt_size(self, messages: Sequence[chat_template.Message]) -> int:
        """How many tokens `chat_prompt` makes of the messages. Raises as it does."""
        return len(self.chat_prompt(messages))

    def say(
        self,
        messages: Sequence[chat_template.Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 0.95,
        seed: int = 0,
        repetition_penalty: float = 1.0,
        stop: Sequence[str] = (),
    ) -> Iterator[str]:
        """What the model says next in a conversation: `generate` behind `chat_prompt`, without thoughts that it thinks aloud
        before its answer. Raises as these do.
        """
        pieces = self.generate(
            self.chat_prompt(messages),
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            repetition_penalty=repetition_penalty,
        )
        return until(spoken(pieces), stop)

    def generate(
        self,
        prompt_ids: Sequence[int],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 0.95,
        seed: int = 0,
        repetition_penalty: float = 1.0,
        stop: Sequence[str] = (),
    ) -> Iterator[str]:
        """What the model says after the prompt, in pieces of whole characters as they come.

        Ends with the model's own end token, before the first of the `stop` strings, or after `max_tokens` tokens.
        temperature 0: the likeliest token always, so that the same prompt gives the same text; otherwise `seed` does.
        Raises, at the call: UsageError for figures out of range, CrystalError when prompt and answer together exceed
        `context_length`; while iterating, on first use: CrystalError when the weights cannot be used.
        """
        check_figures(max_tokens, temperature, top_p, repetition_penalty)
        prompt = self._checked(prompt_ids)
        check_length(self.name, len(prompt), max_tokens, self.context_length)
        choices = (temperature, top_p, seed, repetition_penalty)
        pieces = self._vocabulary.stream(self._continue(prompt, max_tokens, choices))
        return until(pieces, stop)

    def logits(self, ids: Sequence[int]) -> torch.Tensor:
        """The logits after each of `ids`, float32 [n, vocabulary]. Raises as `generate` does."""
        prompt = self._checked(ids)
        if len(prompt) > self.context_length:
            raise CrystalError(f"{len(prompt):,} tokens are more than the {self.context_length:,} {self.name} can take")
        decoder = self.load(len(prompt))
        return decoder.read(prompt, decoder.cache(len(prompt)), every=True)

    def ids(self, text: str) -> list[int]:
        """The tokens of a text; the names of special tokens in it are ordinary text. Needs neither torch nor weights."""
        return self._vocabulary.encode(text)

    def data(self, ids: Sequence[int]) -> bytes:
        """What tokens stand for, in UTF-8. Needs neither torch nor weights."""
        return self._vocabulary.join(ids)

    def log_probabilities(self, ids: Sequence[int], first: int) -> list[float]:
        """The natural logarithm of the probability of each of `ids[first:]`, given all that stands before it.

        first: 1 or more. Raises as `log_probabilities_of` does.
        """
        return [float(each) for each in self.log_probabilities_of(ids, first, [[each] for each in ids[first:]])[:, 0]]

    def log_probabilities_of(
        self, ids: Sequence[int], first: int, asked: Sequence[Sequence[int]] | npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """The same of other tokens in the place of each of `ids[first:]`: float32 [n, k] for `asked` [n, k].

        Logits are made for some positions at a time and not kept, so that memory is that of a prompt.
        Raises UsageError for another `first`, for tokens asked for that there are not, and as `logits` does.
        """
        checked = self._checked(ids)
        if not 1 <= first < len(checked):
            raise UsageError(f"the first token to be judged is from 1 to {len(checked) - 1}, not {first}")
        if len(checked) - 1 > self.context_length:
            raise CrystalError(
                f"{len(checked) - 1:,} tokens are more than the {self.context_length:,} {self.name} can take"
            )
        import numpy as np

        wanted = np.asarray(asked, np.int64)
        if wanted.ndim != 2 or len(wanted) != len(checked) - first:
            raise UsageError(
                f"some tokens for each place: in {len(wanted)} places, not {len(checked) - first}, or not in rows"
            )
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < self._vocabulary.size:
            raise UsageError(f"token ids are from 0 to {self._vocabulary.size - 1:,}")
        decoder = self.load(len(checked))
        import torch

        from crystalcli.lm.decoder.logprobs import judged

        try:
            found = judged(decoder, checked, first, torch.from_numpy(wanted), self._pace(decoder, len(checked)))
            return np.asarray(found.numpy(), np.float32)
        finally:
            if self._adapts(decoder):
                torch.set_num_threads(self._most)

    def load(self, positions: int = 0) -> Llama:
        """Loads the weights now, if they are not there yet: a caller with something else to do may use a thread.

        positions: how many are to be read with them. Raises CrystalError when the weights cannot be used, or when they
        and what is kept of the positions are more than memory has room for; nothing is loaded then.
        """
        with self._loading:
            if self._decoder is None:
                self._decoder = self._load(positions)
            return self._decoder

    def _load(self, positions: int) -> Llama:
        digests: list[bytes] = []
        hashing = threading.Thread(target=lambda: digests.append(self._source.digest()), daemon=True)
        if self._cache is not None:
            hashing.start()  # while torch is being imported, which takes longer
        import torch

        from crystalcli.lm.decoder import memory_budget, weight_cache
        from crystalcli.lm.decoder.int8 import quick_integers
        from crystalcli.lm.decoder.linear import fast_bfloat16, packed_works
        from crystalcli.lm.decoder.llama import Llama

        if self._threads is not None:
            torch.set_num_threads(self._threads)
        narrow = self._precision == "bf16" or (self._precision == "auto" and fast_bfloat16())
        packing = self._precision != "fp32" and packed_works()
        eight = self._precision == "auto" and packing and quick_integers()
        width = 2 if narrow else 4
        cache = memory_budget.reading(self._shape, width, positions)
        # Where both forms of a four-bit matrix are too much, the packed one alone will do, with slower prompts.
        keeping = memory_budget.fits(
            memory_budget.weights(self._source, width, packing, keeping=True, eight=eight) + cache
        )
        if not keeping:
            memory_budget.check(
                memory_budget.weights(self._source, width, packing, keeping=False) + cache,
                self.name,
                "take a smaller model, or a file in four bits (Q4_0, Q4_K_M)",
            )
        saved = {}
        if self._cache is not None:
            hashing.join()
            name = weight_cache.name_for(digests[0], f"{'bf16' if narrow else 'fp32'} {packing} {eight}")
            saved = weight_cache.load(self._cache, name)
            self._copy = "" if saved else name
        # Loading is many small steps. A second thread saves 0.1 s of them on an idle machine; beside busy neighbours it
        # cost from 3 to 13 s.
        self._most = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            dtype = torch.bfloat16 if narrow else torch.float32
            return Llama(self._source, self._shape, dtype, packing, saved, keeping, eight)
        finally:
            torch.set_num_threads(self._most)

    def _continue(self, prompt: list[int], max_tokens: int, choices: tuple[float, float, int, float]) -> Iterator[int]:
        positions = len(prompt) + max_tokens
        decoder = self.load(positions)
        import torch

        from crystalcli.lm.decoder import memory_budget
        from crystalcli.lm.decoder.sampler import Sampler

        sampler = Sampler(*choices)
        prefix = self._prefix
        needed = memory_budget.reading(self._shape, decoder.dtype.itemsize, positions)
        memory_budget.check(needed, f"a prompt of {len(prompt):,} tokens", "give it less context")
        cache = prefix.cache(decoder, prompt, positions)
        adapts = self._adapts(decoder)
        read = False
        try:
            pace = self._pace(decoder, len(prompt))
            token = sampler.choose(decoder.read(prompt[cache.length :], cache, pace=pace)[0])
            read = True
            pace = Pace(self._most, torch.set_num_threads, first=_FIRST_STEPS) if adapts else None
            for number in range(1, max_tokens + 1):
                if token in self._vocabulary.frame.ends:
                    break
                yield token  # before the next one is worked out
                if number < max_tokens:
                    token = sampler.choose(decoder.read([token], cache, pace=pace)[0])
        finally:
            if adapts:
                torch.set_num_threads(self._most)
            if read:
                prefix.keep(prompt, cache)
        self._keep_copy(decoder)

    def _adapts(self, decoder: Llama) -> bool:
        """Whether as many threads are used as are quicker at the moment.

        Only with packed weights is every figure the same, bit for bit, for any number of threads (tested), and the same prompt
        must give the same text. So otherwise the number is left as it is.
        """
        return self._threads is None and decoder.packing

    def _pace(self, decoder: Llama, tokens: int) -> Pace | None:
        """What chooses the threads while a prompt of so many tokens is read; None where their number is left as it is."""
        import torch

        if not self._adapts(decoder):
            return None
        sample = functools.partial(decoder.sample, min(tokens, _SAMPLE))
        return Pace(self._most, torch.set_num_threads, first=1, sample=sample)

    def _keep_copy(self, decoder: Llama) -> None:
        """Writes the converted copy, if one is wanted and there is none: after an answer, when nobody waits."""
        with self._loading:
            if self._cache is not None and self._copy:
                tensors = decoder.tensors()
                if tensors:
                    from crystalcli.lm.decoder import weight_cache

                    weight_cache.save(self._cache, self._copy, tensors)
                    self._copy = ""

    def _checked(self, ids: Sequence[int]) -> list[int]:
        checked = list(ids)
        if not checked:
            raise UsageError("an empty prompt: there is nothing to continue")
        if not all(0 <= number < self._vocabulary.size for number in checked):
            raise UsageError(f"token ids are from 0 to {self._vocabulary.size - 1:,}")
        return checked

    @functools.cached_property
    def _prefix(self) -> Prefix:
        from crystalcli.lm.decoder.prefix_cache import Prefix

        return Prefix()
