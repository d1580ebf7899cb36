"""Stream of an answer: what comes while a question is answered in the crystal's thread.

A listener that goes away ends the answer at the model's next word.

Knows: threads, language models. Does not know: how an answer is shown.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from crystalcli.datatypes import Answer, Citation, Progress, RecallFilter
from crystalcli.errors import CrystalError
from crystalcli.language_models import is_model_named, open_model
from crystalcli.lm import Preload

if TYPE_CHECKING:
    from crystalcli.datatypes import ChatModel
    from crystalcli.library import Crystal
    from crystalcli.mcp_server import CrystalThread

_MOST_KEPT = 32  # answers that are shown again without being made again


class ListenerGoneError(Exception):
    """The listener of an answer has gone away."""


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """Something that happens while a question is answered.

    Attributes:
        kind: "waiting": another question is answered first; "begun"; "evidence": the best
            sentences; "text": words of the model; "progress": a part of a long answer begins;
            "answer": the whole; "failure": there is none.
        citations: The best sentences, of "evidence".
        text: The words of "text", the message of "failure" or "progress".
        answer: The answer, of "answer".
    """

    kind: Literal["waiting", "begun", "evidence", "text", "progress", "answer", "failure"]
    citations: tuple[Citation, ...] = ()
    text: str = ""
    answer: Answer | None = None


AnswerKey: TypeAlias = tuple[str, RecallFilter | None, object]


class AnswerSource:
    """Answers questions one after the other, and keeps the last answers.

    Args:
        thread: The crystal with its models.
        path: The crystal.
        model: The language model by its name, or open; None: the usual one, if it is here.
    """

    def __init__(self, thread: CrystalThread, path: Path, model: str | Path | ChatModel | None) -> None:
        self._thread, self._path, self._named = thread, path, model
        self._opened: ChatModel | None = None
        self._kept: OrderedDict[AnswerKey, Answer] = OrderedDict()
        self._waiting = 0

    def kept(self, question: str, where: RecallFilter | None) -> Answer | None:
        """Give the answer that was made before, if the crystal is still the same."""
        return self._kept.get((question, where, self._state()))

    async def stream(self, question: str, where: RecallFilter | None) -> AsyncIterator[AnswerEvent]:
        """Answer a question.

        Yields:
            What happens, the answer or a failure last.
        """
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[AnswerEvent | None] = asyncio.Queue()
        gone = threading.Event()

        def tell(event: AnswerEvent | None) -> None:
            if gone.is_set():
                raise ListenerGoneError
            loop.call_soon_threadsafe(events.put_nowait, event)

        def work(crystal: Crystal) -> None:
            tell(AnswerEvent("begun"))
            state = self._state()
            answer = self._ask(crystal, question, where, tell)
            if not answer.stopped:
                self._keep((question, where, state), answer)
            tell(AnswerEvent("answer", answer=answer))

        async def run() -> None:
            self._waiting += 1
            try:
                await self._thread.run(work)
            except ListenerGoneError:
                pass
            except CrystalError as error:
                events.put_nowait(AnswerEvent("failure", text=str(error)))
            except Exception as error:
                events.put_nowait(AnswerEvent("failure", text=f"unexpected {type(error).__name__}: {error}"))
                raise
            finally:
                self._waiting -= 1
                events.put_nowait(None)

        if self._waiting:
            yield AnswerEvent("waiting")
        task = asyncio.create_task(run())
        try:
            while (event := await events.get()) is not None:
                yield event
        finally:
            gone.set()
            task.cancel()

    def _ask(
        self, crystal: Crystal, question: str, where: RecallFilter | None, tell: Callable[[AnswerEvent], None]
    ) -> Answer:
        model = self._model()

        def tell_progress(progress: Progress) -> None:
            tell(AnswerEvent("progress", text=f"part {progress.done + 1} of {progress.total}"))

        return crystal.ask(
            question,
            model=model,
            extractive=model is None,
            stoppable=True,
            where=where,
            on_text=lambda piece: tell(AnswerEvent("text", text=piece)),
            on_evidence=lambda citations: tell(AnswerEvent("evidence", citations)),
            progress=tell_progress,
        )

    def _model(self) -> ChatModel | None:
        """Open the language model once; None where none answers by itself."""
        named = self._named
        if named is not None and not isinstance(named, str | Path):
            return named
        if self._opened is None:
            if named is None and not is_model_named(None):
                return None
            self._opened = Preload(lambda: open_model(named))()
        return self._opened

    def _state(self) -> object:
        """Give what changes when the crystal does."""
        state: list[tuple[int, int, int] | None] = []
        for path in (self._path, self._path.with_name(f"{self._path.name}-wal")):
            try:
                status = path.stat()
            except OSError:
                state.append(None)
            else:
                state.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(state)

    def _keep(self, key: AnswerKey, answer: Answer) -> None:
        self._kept[key] = answer
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
