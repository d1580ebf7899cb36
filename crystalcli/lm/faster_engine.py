"""The faster of two engines for one file: crystal's decoder or llama.cpp, measured once.

Knows: what a usual answer asks of an engine, and where the choice is kept. Does not know: how
either computes.

The first time that a file is used, both read a short prompt and generate a few words; from then on
the one that needs less time for a usual answer loads alone. The choice is kept beside the converted
weights, for the file as it is and this processor.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.cpu import cpu_flags
from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError
from crystalcli.lm.chat.chat_template import Message
from crystalcli.lm.files.tensor_source import stat_stamp
from crystalcli.lm.llama_cpp_model import LlamaCppModel, OwnVocabulary
from crystalcli.lm.local_model import LanguageModel

if TYPE_CHECKING:
    from crystalcli.datatypes import ChatModel

CHOICES_FILE = "engines.json"
_PROMPT, _WORDS = 1000, 60  # tokens of a usual answer
_TRIED_PROMPT, _TRIED_WORDS = 128, 8
_MAX_CHOICES = 64


OWN_ENGINE = "crystal"


class FasterEngine(OwnVocabulary):
    """A ChatModel that is run by whichever engine was measured to answer sooner.

    Args:
        own: The file, opened by crystal.
        other: The same, opened by llama.cpp.
        path: The file.
        cache: Folder for the choice.
    """

    def __init__(self, own: LanguageModel, other: LlamaCppModel, path: Path, cache: Path) -> None:
        super().__init__(own)
        self._engines: dict[str, LanguageModel | LlamaCppModel] = {OWN_ENGINE: own, "llama.cpp": other}
        self._context_length = other.context_length
        self._choices = cache / CHOICES_FILE
        self._key = _key(path)
        self._chosen: ChatModel | None = None
        self._choosing = threading.Lock()

    @property
    def context_length(self) -> int:
        """Tokens that either engine takes at once, prompt and answer together."""
        return self._context_length

    def load(self) -> object:
        """Load the weights now, in the engine that was chosen; choose it the first time.

        Raises:
            CrystalError: The weights cannot be used.
        """
        return self._engine().load()

    def say(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Generate the next message of a conversation. Raises as `LanguageModel.say` does."""
        return self._engine().say(messages, sampling)

    @property
    def engine(self) -> str:
        """The engine that was chosen, "" before."""
        return _read(self._choices).get(self._key, "")

    def _engine(self) -> ChatModel:
        with self._choosing:
            if self._chosen is None:
                name = self.engine
                if name not in self._engines:
                    times = self._times()
                    name = min(times, key=times.__getitem__)
                    if len(times) == len(self._engines):  # else memory may be free another time
                        self._remember(name)
                self._chosen = self._engines[name]
                self._engines.clear()
            return self._chosen

    def _times(self) -> dict[str, float]:
        """Measure one engine after the other, so that the weights of one at a time are in memory.

        Returns:
            The seconds of a usual answer of each that can be used.

        Raises:
            CrystalError: Neither can be used.
        """
        times: dict[str, float] = {}
        failures = []
        for name, engine in self._engines.items():
            try:
                times[name] = self._seconds(engine)
            except CrystalError as error:
                failures.append(error)
            finally:
                engine.release()
        if not times:
            raise failures[0]
        return times

    def _seconds(self, engine: LanguageModel | LlamaCppModel) -> float:
        """Estimate the seconds of a usual answer."""
        engine.load()
        prompt = self._own.ids("The lamp burns fourteen litres of oil in a night. " * _TRIED_PROMPT)[:_TRIED_PROMPT]
        list(engine.generate(prompt[:8], Sampling(max_tokens=1)))  # what only the first answer takes
        if isinstance(engine, LanguageModel):
            engine.rest_guesses()  # this prompt goes round, and answers do not
        started, times = time.perf_counter(), []
        for _ in engine.generate(prompt, Sampling(max_tokens=_TRIED_WORDS)):
            times.append(time.perf_counter())
        if len(times) < 2:
            return (time.perf_counter() - started) / len(prompt) * (_PROMPT + _WORDS)
        word = (times[-1] - times[0]) / (len(times) - 1)
        return (times[0] - started) / len(prompt) * _PROMPT + word * _WORDS

    def _remember(self, engine: str) -> None:
        choices = _read(self._choices)
        choices.pop(self._key, None)
        choices[self._key] = engine
        kept = dict(list(choices.items())[-_MAX_CHOICES:])
        fresh = self._choices.with_suffix(".new")
        with suppress(OSError):
            self._choices.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(kept), encoding="utf-8")
            fresh.replace(self._choices)


def kept_engine(path: Path, cache: Path) -> str:
    """Give the engine that was chosen for a file; "" before.

    Args:
        path: The file.
        cache: Folder of the choice.
    """
    return _read(cache / CHOICES_FILE).get(_key(path), "")


def _key(path: Path) -> str:
    """Name a file as it is, and this processor."""
    facts = f"{stat_stamp([path])} {' '.join(sorted(cpu_flags()))}"
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def _read(path: Path) -> dict[str, str]:
    try:
        choices = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in choices.items() if isinstance(value, str)} if isinstance(choices, dict) else {}
