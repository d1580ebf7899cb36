"""A language model that reads text of any length: a window of it, and before the window what it recalls of the text behind it.

Knows: what is in the window, what goes into the past, how what is recalled is put before it. Does not know: how recall chooses, how a
decoder works, what the probabilities are for.

What is recalled stands before the window as if it had just been read, so that any decoder can use it as it is (In-Context RALM: Ram
et al., 2023). With `copying`, what followed in more of the past than can be shown is mixed in afterwards; see there.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from crystalcli.errors import UsageError
from crystalcli.retrieval_lm.copy_mixture import Mixture
from crystalcli.retrieval_lm.ngrams import APART, last_ngrams, ngram_followers, split_logprobs
from crystalcli.retrieval_lm.text_memory import RecalledText, TextMemory

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from crystalcli.lm import LanguageModel
    from crystalcli.types import ChatModel

WINDOW = 1024  # tokens that the model has before it, memory included
STRIDE = 128  # tokens between one recall and the next
QUERY = 64  # tokens at the end of the window that recall goes by
ECHOES = 200  # stretches to copy from, about 40,000 tokens; from 64, on the code it was tried on, copying gained less
# Tokens that wait behind the window and are remembered together: by 1,024 the file was 1.6 times as large.
_STRETCH = 4096
_BETWEEN = "\n\n"  # stands between what is recalled, and before the window
_STRETCHES = 12  # that are recalled for a memory of 1,024 tokens, about 200 tokens each and some of them neighbours


class Judge(Protocol):
    """A language model that says how likely tokens are: `crystalcli.lm.LanguageModel`."""

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


class Stride(NamedTuple):
    """Some tokens that stand one after the other, and the natural logarithm of each one's probability. memory: the recalled tokens
    that the model was shown before them."""

    ids: list[int]
    log_probabilities: list[float]
    memory: int


class RecallingModel:
    """A language model with a crystal of all that it has read behind its window.

    window: tokens before the model at a time; memory: how many of them are for what is recalled, by default half; stride: tokens from
    one recall to the next; copying: whether what followed earlier, in what is recalled and in the last tokens, is mixed in. With
    copying memory is 0 by default: the model has the whole window for the last tokens, and recall is for copying alone, which
    foresees novels and conversations better. Without copying a memory of 0 is none: nothing is remembered. Cost for each token is that
    of window and stride, whatever was read before; the crystal, its file and what recall keeps of it, grows by about 1 MB for a
    million tokens beside the text.
    Raises UsageError for figures out of range, or beyond what the model can take.
    """

    def __init__(
        self,
        model: Judge,
        past: TextMemory,
        *,
        window: int = WINDOW,
        memory: int | None = None,
        stride: int = STRIDE,
        copying: bool = False,
    ) -> None:
        self.model, self.past = model, past
        self.window, self.memory, self.stride = window, _checked(model, window, memory, stride, copying), stride
        self._remembering = self.memory > 0 or copying
        self.tokens = 0  # that were read
        self._mixture = Mixture() if copying else None
        self._recent: list[int] = []  # not in the past yet; the last of them are the window
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
        """The model in a GGUF file or a folder, with a crystal at `path`, made if need be, else in a temporary folder until `close`.

        encoder: the folder of all-MiniLM-L6-v2; None recalls by BM25 alone. Raises UsageError for a model that does not say how
        likely tokens are (a server, one that transformers runs) and for figures out of range, what opening the model raises, and
        what `Past` raises. No crystal is made then.
        """
        opened = judge(model)
        memory = _checked(opened, window, memory, stride, copying)  # before there is a file
        return cls(opened, TextMemory(encoder, path), window=window, memory=memory, stride=stride, copying=copying)

    def skip(self, ids: Sequence[int]) -> None:
        """Read tokens without saying how likely they are: nothing is computed for them but the crystal.

        Where this raises, or is interrupted, the first `tokens` of all are read, and none of them is lost.
        """
        for start in range(0, len(ids), _STRETCH):
            some = ids[start : start + _STRETCH]
            self._recent += some
            self.tokens += len(some)
            if len(self._recent) >= self.window + _STRETCH:
                self._leave(self.window)

    def read(self, texts: Iterable[str]) -> Iterator[Stride]:
        """Read text, of which every piece is cut into tokens by itself, and say of each token how likely it was.

        The very first token has nothing before it and is skipped.
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

    def _read(self, ids: list[int]) -> Stride:
        stride = self.foresee(ids)
        self.skip(ids)
        return stride

    def foresee(self, ids: list[int]) -> Stride:
        """How likely each of the next tokens is, at least one, which are not read by this; copying learns from them."""
        before = self.prompt()
        if self._mixture is None:
            said = self.judge(before, ids)
        else:
            source = [*self.echoes(), *self._recent]
            found = ngram_followers([*source, *ids], len(source))
            own, (logs,) = split_logprobs(self.judge_of(before, ids, last_ngrams(ids, found)))
            said = self._mixture.mix(ids, own, found, logs)
        return Stride(ids, said, len(before) - len(self.local()))

    def local(self, tokens: int | None = None) -> list[int]:
        """The last tokens that were read: as many as the window has beside memory, or `tokens` of them."""
        wanted = self.window - self.memory if tokens is None else tokens
        return self._recent[-wanted:] if wanted else []

    def prompt(self, *, settle: bool = False) -> list[int]:
        """What stands before the next token: what is recalled, then the last tokens. At most `window`.

        settle: remember now all that has left the last tokens, which else waits for more.
        """
        if self._remembering and (settle or len(self._recent) >= self.window - self.memory + _STRETCH):
            self._leave(self.window - self.memory)
        return (self.before_window(self.recall()) if self.memory else []) + self.local()

    def recall(self, count: int | None = None) -> list[RecalledText]:
        """What of the past is like the last tokens, best first."""
        wanted = max(1, _STRETCHES * self.memory // 1024) if count is None else count
        query = self.model.data(self._recent[-QUERY:]).decode("utf-8", "ignore")
        return self.past.recall(query, wanted)

    def echoes(self, count: int = ECHOES) -> list[int]:
        """The tokens of `count` stretches of the past that are like the last tokens, each with APART behind it: more than the model
        could be shown, for `followers`, which needs no model."""
        return [token for each in reversed(self.recall(count)) for token in (*self.model.ids(each.text), APART)]

    def before_window(self, found: Sequence[RecalledText]) -> list[int]:
        """The tokens of what was recalled, at most `memory`: the best nearest to the window, the worst cut off."""
        text = "".join(each.text.strip("\n") + _BETWEEN for each in reversed(found))
        ids = self.model.ids(text)
        return ids[max(0, len(ids) - self.memory) :]

    def judge(self, before: Sequence[int], ids: Sequence[int]) -> list[float]:
        """The natural logarithm of the probability of each of `ids` behind `before`, at least one token."""
        return self.model.log_probabilities([*before, *ids], len(before))

    def judge_of(
        self, before: Sequence[int], ids: Sequence[int], tokens: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """The same, float32 [n, k], of k other tokens in the place of each of n: `tokens`, int64 [n, k]."""
        return self.model.log_probabilities_of([*before, *ids], len(before), tokens)

    def _leave(self, keeping: int) -> None:
        """Put all but the last `keeping` tokens into the past, or nowhere where there is no memory."""
        count = max(0, len(self._recent) - keeping)
        if not (count and self._remembering):
            del self._recent[:count]
            return
        begun = self._decoder.getstate()
        text = self._decoder.decode(self.model.data(self._recent[:count]))
        expected = self.past.characters + len(text)
        try:
            self.past.add(text)
        finally:
            if self.past.characters == expected:
                del self._recent[:count]
            else:  # they stay, and go with the next
                self._decoder.setstate(begun)

    def close(self) -> None:
        """Close the crystal; one in a temporary folder goes."""
        self.past.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _checked(model: Judge, window: int, memory: int | None, stride: int, copying: bool) -> int:
    """The tokens of memory, by default what it says at `RecallingModel`. Raises UsageError for figures that cannot be."""
    if memory is None:
        memory = 0 if copying else window // 2
    if window < 2 or not 0 <= memory < window or stride < 1:
        raise UsageError(f"a window of {window} tokens, {memory} of them memory, at strides of {stride}: no such")
    if window + stride > model.context_length:
        raise UsageError(
            f"{model.name} takes {model.context_length:,} tokens: a window of {window:,} and a stride of {stride:,} are more"
        )
    return memory


def judge(model: str | Path | ChatModel) -> LanguageModel:
    """Open the model in a file or a folder, for reading; an open one is given back.

    Raises:
        UsageError: The model does not say how likely tokens are.
    """
    from crystalcli.lm import LanguageModel, open_model_at

    opened: object = model
    if isinstance(model, str | Path):
        opened = None if isinstance(model, str) and "://" in model else open_model_at(model)
    if not isinstance(opened, LanguageModel):
        raise UsageError(
            "how likely a text is can be told only by a GGUF file, or a folder of a family that crystal's decoder knows"
        )
    return opened
