"""A language model that reads text of any length: its window, and passages recalled from before it.

Recalled passages stand before the window as if they had just been read, so any decoder can use them
as it is (In-Context RALM: Ram et al., 2023). RETRO (Borgeaud et al., 2022) and Memorizing
Transformers (Wu et al., 2022) attend to them inside the network instead, which needs training. With
`copying`, the tokens that followed in more passages than can be shown are mixed in afterwards, as
kNN-LM (Khandelwal et al., 2020) does with nearest neighbours; see `copy_mixture`.

Knows: what is in the window, what goes into the text memory, where recalled text is put.
Does not know: how passages are ranked, how a decoder works, what the probabilities are for.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from crystalcli.errors import UsageError
from crystalcli.retrieval_lm.copy_mixture import CopyMixture
from crystalcli.retrieval_lm.ngrams import NO_TOKEN, candidate_tokens, ngram_followers, split_logprobs
from crystalcli.retrieval_lm.text_memory import RecalledText, TextMemory

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from crystalcli.datatypes import ChatModel
    from crystalcli.lm import LanguageModel

WINDOW = 1024  # tokens before the model, memory included
STRIDE = 128  # tokens from one recall to the next
QUERY_TOKENS = 64  # at the end of the window, that are the query of recall
# Passages to copy from, about 40,000 tokens. From 64, copying gained less on the code where both
# were tried.
COPIED_PASSAGES = 200
# Tokens that leave the window are collected and remembered together. With 1,024 at a time the file
# was 1.6 times as large.
_BATCH_TOKENS = 4096
_SEPARATOR = "\n\n"  # between passages, and between the last of them and the window
# Passages recalled for a memory of 1,024 tokens, about 200 tokens each and some of them neighbours.
_SHOWN_PASSAGES = 12


class ScoringModel(Protocol):
    """A language model that gives log-probabilities of tokens, as `crystalcli.lm.LanguageModel`."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def context_length(self) -> int: ...  # noqa: D102

    def ids(self, text: str) -> list[int]: ...  # noqa: D102

    def data(self, ids: Sequence[int]) -> bytes: ...  # noqa: D102

    def log_probabilities(self, ids: Sequence[int], first: int) -> list[float]: ...  # noqa: D102

    def log_probabilities_of(  # noqa: D102
        self, ids: Sequence[int], first: int, asked: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]: ...


class ScoredStride(NamedTuple):
    """Consecutive tokens with their log-probabilities.

    Attributes:
        ids: the tokens.
        log_probabilities: the natural logarithm of each one's probability.
        memory: the number of recalled tokens that the model was shown before them.
    """

    ids: list[int]
    log_probabilities: list[float]
    memory: int


class RecallingModel:
    """A language model with a crystal, behind its window, of all text that it has read.

    The cost for each token is that of window and stride, however much was read before. The crystal,
    its file and the part of it that recall keeps in memory, grows by about 1 MB for a million
    tokens in addition to the text.

    Attributes:
        model: the language model.
        past: the text memory.
        window: tokens before the model at a time.
        memory: how many of these are for recalled text.
        stride: tokens from one recall to the next.
        tokens: the number of tokens read.
    """

    def __init__(
        self,
        model: ScoringModel,
        past: TextMemory,
        *,
        window: int = WINDOW,
        memory: int | None = None,
        stride: int = STRIDE,
        copying: bool = False,
    ) -> None:
        """Read with a model and a text memory; `close` closes the memory.

        Args:
            model: the language model.
            past: the text memory.
            window: tokens before the model at a time.
            memory: how many of these are for recalled text; by default half, or 0 with copying. At
                0 without copying nothing is remembered.
            stride: tokens from one recall to the next.
            copying: whether the tokens that followed earlier n-grams, in recalled text and in the
                last tokens, are mixed in. With a memory of 0 the model has the whole window for the
                last tokens, and recall is for copying alone, which predicts novels and
                conversations better.

        Raises:
            UsageError: a size is out of range, or exceeds the model's context.
        """
        self.model, self.past = model, past
        self.window, self.memory, self.stride = window, _memory_tokens(model, window, memory, stride, copying), stride
        self._remembers = self.memory > 0 or copying
        self.tokens = 0
        self._mixture = CopyMixture() if copying else None
        self._recent: list[int] = []  # tokens that are not in the text memory yet, the window at their end
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path,
        encoder: Path | None = None,
        path: Path | None = None,
        *,
        window: int = WINDOW,
        memory: int | None = None,
        stride: int = STRIDE,
        copying: bool = False,
    ) -> Self:
        """Open a model, and open or create a crystal for it.

        Args:
            model: a GGUF file, or a folder in Hugging Face's layout.
            encoder: the folder of all-MiniLM-L6-v2; None recalls by BM25 alone.
            path: the crystal; None for one in a temporary folder, until `close`.
            window: as in the constructor, like the rest.
            memory: see there.
            stride: see there.
            copying: see there.

        Raises:
            UsageError: the model gives no log-probabilities (a server, or a model that transformers
                runs), or a size is out of range; no crystal is created then.
            CrystalError: the model or the crystal cannot be opened.
        """
        scoring_model = open_scoring_model(model)
        # Before there is a file.
        memory = _memory_tokens(scoring_model, window, memory, stride, copying)
        past = TextMemory(encoder, path)
        return cls(scoring_model, past, window=window, memory=memory, stride=stride, copying=copying)

    def skip(self, ids: Sequence[int]) -> None:
        """Read tokens without scoring them; the model is not run.

        Where this raises, or is interrupted, the first `tokens` of all have been read, and none of
        them is lost.
        """
        for start in range(0, len(ids), _BATCH_TOKENS):
            batch = ids[start : start + _BATCH_TOKENS]
            self._recent += batch
            self.tokens += len(batch)
            if len(self._recent) >= self.window + _BATCH_TOKENS:
                self._remember_all_but(self.window)

    def read(self, texts: Iterable[str]) -> Iterator[ScoredStride]:
        """Read and score text.

        The very first token has no context and is skipped.

        Args:
            texts: pieces, each of which is tokenized by itself.
        """
        waiting: list[int] = []
        for text in texts:
            waiting += self.model.ids(text)
            if not self.tokens:
                self.skip(waiting[:1])
                del waiting[:1]
            while len(waiting) >= self.stride:
                yield self._read(waiting[: self.stride])
                del waiting[: self.stride]
        if waiting:
            yield self._read(waiting)

    def _read(self, ids: list[int]) -> ScoredStride:
        stride = self.score(ids)
        self.skip(ids)
        return stride

    def score(self, ids: list[int]) -> ScoredStride:
        """Score the next tokens, at least one, without reading them; copying learns from them."""
        prompt = self.prompt()
        if self._mixture is None:
            logprobs = self.log_probabilities(prompt, ids)
        else:
            source = [*self.copy_source(), *self._recent]
            table = ngram_followers([*source, *ids], len(source))
            candidates = candidate_tokens(ids, table)
            own, (logs,) = split_logprobs(self.log_probabilities_of(prompt, ids, candidates))
            logprobs = self._mixture.mix(ids, own, table, logs)
        return ScoredStride(ids, logprobs, len(prompt) - len(self.local()))

    def local(self, tokens: int | None = None) -> list[int]:
        """Return the last tokens that were read.

        Args:
            tokens: how many; by default as many as the window has besides memory.
        """
        count = self.window - self.memory if tokens is None else tokens
        return self._recent[-count:] if count else []

    def prompt(self, *, flush: bool = False) -> list[int]:
        """Return the context of the next token: recalled tokens, then the last ones.

        They are at most `window`.

        Args:
            flush: remember all tokens now that have left the last tokens; by default they are
                collected first.
        """
        if self._remembers and (flush or len(self._recent) >= self.window - self.memory + _BATCH_TOKENS):
            self._remember_all_but(self.window - self.memory)
        return (self.memory_prefix(self.recall()) if self.memory else []) + self.local()

    def recall(self, count: int | None = None) -> list[RecalledText]:
        """Recall passages like the last tokens, best first.

        Args:
            count: the most passages; by default enough to fill `memory`.
        """
        passages = max(1, _SHOWN_PASSAGES * self.memory // 1024) if count is None else count
        query = self.model.data(self._recent[-QUERY_TOKENS:]).decode("utf-8", "ignore")
        return self.past.recall(query, passages)

    def copy_source(self, count: int = COPIED_PASSAGES) -> list[int]:
        """Return the tokens of recalled passages for `ngram_followers`, each followed by NO_TOKEN.

        These are more tokens than the model could be shown; counting n-grams needs no model.

        Args:
            count: the most passages.
        """
        return [
            token for passage in reversed(self.recall(count)) for token in (*self.model.ids(passage.text), NO_TOKEN)
        ]

    def memory_prefix(self, passages: Sequence[RecalledText]) -> list[int]:
        """Return the tokens of passages to put before the window, at most `memory`.

        Args:
            passages: best first. The best comes nearest to the window, the worst is cut off.
        """
        text = "".join(passage.text.strip("\n") + _SEPARATOR for passage in reversed(passages))
        ids = self.model.ids(text)
        return ids[max(0, len(ids) - self.memory) :]

    def log_probabilities(self, before: Sequence[int], ids: Sequence[int]) -> list[float]:
        """Return the model's log-probabilities of tokens, without copying.

        Args:
            before: the context, at least one token.
            ids: the tokens.
        """
        return self.model.log_probabilities([*before, *ids], len(before))

    def log_probabilities_of(
        self, before: Sequence[int], ids: Sequence[int], candidates: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the model's log-probabilities of other tokens in the place of each of n tokens.

        Args:
            before: the context, at least one token.
            ids: the n tokens.
            candidates: int64 [n, k].

        Returns:
            float32 [n, k].
        """
        return self.model.log_probabilities_of([*before, *ids], len(before), candidates)

    def _remember_all_but(self, keep: int) -> None:
        """Move all but the last `keep` tokens into the text memory, or drop them without one."""
        count = max(0, len(self._recent) - keep)
        if not (count and self._remembers):
            del self._recent[:count]
            return
        state = self._decoder.getstate()
        text = self._decoder.decode(self.model.data(self._recent[:count]))
        expected = self.past.characters + len(text)
        try:
            self.past.add(text)
        finally:
            if self.past.characters == expected:
                del self._recent[:count]
            else:  # they stay, and are remembered with the next
                self._decoder.setstate(state)

    def close(self) -> None:
        """Close the crystal, and delete it if it is in a temporary folder."""
        self.past.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _memory_tokens(model: ScoringModel, window: int, memory: int | None, stride: int, copying: bool) -> int:
    """Check all sizes; returns the tokens of memory, with the default of `RecallingModel`.

    Raises:
        UsageError: a size is out of range, or exceeds the model's context.
    """
    if memory is None:
        memory = 0 if copying else window // 2
    if window < 2 or not 0 <= memory < window or stride < 1:
        raise UsageError(
            f"invalid sizes: window={window}, memory={memory}, stride={stride} "
            "(need 2 <= window, 0 <= memory < window, stride >= 1)"
        )
    if window + stride > model.context_length:
        raise UsageError(
            f"{model.name} takes {model.context_length:,} tokens, less than a window of {window:,} "
            f"and a stride of {stride:,}: choose a smaller window"
        )
    return memory


def open_scoring_model(model: str | Path | ChatModel) -> LanguageModel:
    """Open the model in a file or a folder for scoring; an open one is returned.

    Raises:
        UsageError: the model gives no log-probabilities of tokens.
    """
    from crystalcli.lm import LanguageModel, open_model_at

    language_model: object = model
    if isinstance(model, str | Path):
        language_model = None if isinstance(model, str) and "://" in model else open_model_at(model)
    if not isinstance(language_model, LanguageModel):
        name = model if isinstance(model, str | Path) else model.name
        raise UsageError(
            f"{name} gives no log-probabilities of tokens: choose a GGUF file, "
            "or a folder of a family that crystal's decoder knows"
        )
    return language_model
