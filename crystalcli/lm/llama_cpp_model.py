"""A language model in a GGUF file, run by llama.cpp: the extra `crystalcli[llama]`.

Knows: `xllamacpp`, which carries llama.cpp in its wheels, and its limits.
Does not know: vocabularies, templates, which are crystal's own here, too.

Its kernels read four to six bits a weight, which torch cannot: words come faster on some machines,
prompts slower on those that multiply bytes. faster_engine.py measures which.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.errors import CrystalError
from crystalcli.lm.chat.chat_template import Message
from crystalcli.lm.chat.stream import check_prompt_length, check_sampling, until_stop, without_thinking
from crystalcli.lm.local_model import LanguageModel

if TYPE_CHECKING:
    from crystalcli.datatypes import Sampling

_MAX_CONTEXT = 16_384  # positions: llama.cpp reserves keys and values for all of them


def has_llama_cpp() -> bool:
    """Tell whether the extra is installed; it is not imported for that."""
    return importlib.util.find_spec("xllamacpp") is not None


class OwnVocabulary:
    """The part of a ChatModel that crystal's own reading of the file gives, for any engine.

    Args:
        own: The file, opened by crystal.
    """

    estimates = False

    def __init__(self, own: LanguageModel) -> None:
        self._own = own

    @property
    def name(self) -> str:
        """The name of the file, without its ending."""
        return self._own.name

    def count(self, text: str) -> int:
        """Count the tokens of a text."""
        return self._own.count(text)

    def truncate(self, text: str, tokens: int) -> str:
        """Cut a text to its longest beginning of at most `tokens` tokens."""
        return self._own.truncate(text, tokens)

    def prompt_size(self, messages: Sequence[Message]) -> int:
        """Count the tokens of a conversation and its template."""
        return self._own.prompt_size(messages)


class LlamaCppModel(OwnVocabulary):
    """A ChatModel over a GGUF file.

    Args:
        own: The same file, opened by crystal: its vocabulary and template. Its weights are not
            needed.
        path: The file.
    """

    def __init__(self, own: LanguageModel, path: Path) -> None:
        super().__init__(own)
        self._path = path
        self._server: Any = None
        self._loading = threading.Lock()

    @property
    def context_length(self) -> int:
        """Tokens that the model takes at once, prompt and answer together."""
        return min(self._own.context_length, _MAX_CONTEXT)

    def load(self) -> object:
        """Load the weights now, if they are not loaded.

        Raises:
            CrystalError: llama.cpp cannot use the file.
        """
        with self._loading:
            if self._server is None:
                import xllamacpp

                parameters = xllamacpp.CommonParams()
                parameters.model.path = str(self._path)
                parameters.n_ctx, parameters.n_parallel, parameters.verbosity = self.context_length, 1, 0
                parameters.warmup, parameters.cache_ram_mib, parameters.n_ctx_checkpoints = False, 0, 0
                parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = _cores()
                try:
                    self._server = xllamacpp.Server(parameters)
                except Exception as error:  # whatever it raises, across its versions
                    raise CrystalError(f"llama.cpp cannot use {self._path}: {error}") from None
            return self._server

    def release(self) -> None:
        """Let go of the weights; the next word loads them again."""
        with self._loading:
            self._server = None

    def say(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Generate the next message of a conversation, without the thoughts that precede it.

        Raises as `LanguageModel.say` does.
        """
        pieces = self.generate(self._own.chat_prompt(messages), replace(sampling, stop=()))
        return until_stop(without_thinking(pieces), sampling.stop)

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> Iterator[str]:
        """Generate the text that follows a prompt, as `LanguageModel.generate` does."""
        check_sampling(sampling)
        check_prompt_length(self.name, len(prompt_ids), sampling.max_tokens, self.context_length)
        request = {
            "prompt": list(prompt_ids),
            "n_predict": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": 0,
            "min_p": 0.0,
            "seed": sampling.seed & 0xFFFFFFFF,
            "repeat_penalty": sampling.repetition_penalty,
            "cache_prompt": True,
            "stream": True,
        }
        return until_stop(self._stream(request), sampling.stop)

    def _stream(self, request: dict[str, Any]) -> Iterator[str]:
        """Run a request in a thread; its pieces come as they are made."""
        server: Any = self.load()
        pieces: queue.Queue[str | BaseException | None] = queue.Queue()
        stopped = threading.Event()

        def take(piece: Any) -> bool:
            if isinstance(piece, dict) and "choices" in piece:
                pieces.put(piece["choices"][0].get("text") or "")
            elif isinstance(piece, dict) and "error" in piece:
                pieces.put(CrystalError(f"llama.cpp failed: {piece['error'].get('message', 'no reason given')}"))
            return stopped.is_set()

        def work() -> None:
            try:
                server.handle_completions(request, take)
                pieces.put(None)
            except BaseException as error:
                pieces.put(CrystalError(f"llama.cpp failed: {error}"))

        worker = threading.Thread(target=work, name="llama.cpp", daemon=True)
        worker.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                if piece:
                    yield piece
        finally:
            stopped.set()
            worker.join()


def _cores() -> int:
    """Cores that this process may use."""
    get_affinity = getattr(os, "sched_getaffinity", None)
    return len(get_affinity(0)) if get_affinity is not None else os.cpu_count() or 1
