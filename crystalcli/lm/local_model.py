"""A language model out of files, run by crystal's own decoder.

It counts and cuts text in its tokens, and generates.

Knows: which vocabulary, decoder and template belong together, and when to load what.
Does not know: what is said or why.

Opening reads the header and the vocabulary only (0.2 s); torch and the weights come with the first
word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, UsageError
from crystalcli.lm.chat.chat_prompt import PromptEncoder
from crystalcli.lm.chat.chat_template import Message
from crystalcli.lm.chat.stream import check_prompt_length, check_sampling, until_stop, without_thinking
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.token_generator import TokenGenerator
from crystalcli.lm.decoder_process import DecoderProcess
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

_PRECISIONS = ("auto", "fp32", "bf16")


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
        process: As in `open`.

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
        process: DecoderProcess | None = None,
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
        self._generator = TokenGenerator(source, config, self.name, precision=precision, threads=threads, cache=cache)
        self._process = process

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        precision: str = "auto",
        threads: int | None = None,
        cache: Path | None = None,
        process: DecoderProcess | None = None,
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
            process: Generates in the place of this process, with the weights of the same file.

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
                process=process,
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
        return until_stop(self._vocabulary.stream(self.generate_ids(prompt, sampling)), sampling.stop)

    def generate_ids(self, prompt_ids: Sequence[int], sampling: Sampling) -> Iterator[int]:
        """Generate the token ids that follow a prompt, each before the next is computed.

        Ids and sampling are not checked, and stop strings not looked at.
        """
        generator = self._process or self._generator
        return generator.generate(prompt_ids, sampling, self._vocabulary.config.eos_ids)

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

        with self._generator.prompt_threads(decoder, len(checked)) as tuner:
            logprobs = token_logprobs(decoder, checked, first, torch.from_numpy(candidates), tuner)
        return np.asarray(logprobs.numpy(), np.float32)

    def load(self, positions: int = 0) -> Llama:
        """Load the weights now, if they are not loaded.

        A caller with other work may do so in a thread.

        Args:
            positions: Positions that will be read with them, for the check of memory.

        Raises:
            CrystalError: The weights cannot be used, or they and the cache of the positions exceed
                the memory. Nothing is loaded then.
        """
        return self._generator.load(positions)

    def release(self) -> None:
        """Let go of the weights and of what was computed; the next word loads them again."""
        self._generator.release()

    def rest_guesses(self) -> None:
        """Guess none of the next 16 tokens, for measuring what a token takes by itself."""
        self._generator.rest_guesses()

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
