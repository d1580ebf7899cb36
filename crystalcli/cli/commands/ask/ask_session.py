"""A session of `crystal ask`: one crystal, one set of options, one format of answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.answering import MOST_IN_MIND
from crystalcli.cli.commands.ask.answer_screen import AnswerScreen
from crystalcli.cli.options.model_options import resolve_language_model
from crystalcli.cli.options.user_files import keep_sources
from crystalcli.cli.render.answer_view import (
    answer_json,
    answer_markdown,
    packed_json,
    packed_markdown,
    tokens_line,
)
from crystalcli.cli.render.memory_view import print_context, print_told
from crystalcli.cli.render.reading_view import print_read_as
from crystalcli.cli.render.recall_view import print_passages
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.cli.terminal.progress import StatusLine
from crystalcli.datatypes import MEMORY_KIND, RecallFilter, Turn
from crystalcli.errors import CrystalError, NotFoundError, UsageError
from crystalcli.language_models import open_model
from crystalcli.lm import Preload

if TYPE_CHECKING:
    from crystalcli.answering import AskOptions
    from crystalcli.cli.commands.ask.model_offer import ModelOffer
    from crystalcli.datatypes import Answer, ChatModel, Citation, Progress
    from crystalcli.library import Crystal
    from crystalcli.memories import Memory

_MAX_TURNS = 8  # that a question may lean on


class AskSession:
    """Questions to one crystal.

    Args:
        crystal: the crystal, open.
        options: how questions are answered.
        model: the language model to ask, open or by name; None if quotations are enough.
        allow_remote: whether a server may be another machine.
        form: format of the answers: "plain", "markdown" or "json".
        context_only: whether the context of a model is written instead of an answer.
        offer: the offer to fetch a language model after the first answer that is quoted; None
            without one. Only with plain answers.
        stores: whether questions and answers are kept in the crystal, as a conversation.
    """

    def __init__(
        self,
        crystal: Crystal,
        options: AskOptions,
        model: str | Path | ChatModel | None,
        allow_remote: bool,
        form: str,
        context_only: bool,
        offer: ModelOffer | None = None,
        stores: bool = False,
    ) -> None:
        self._crystal, self._options, self._form, self._context_only = crystal, options, form, context_only
        self._offer = offer
        self._model, self._allow_remote = model, allow_remote
        self._turns: list[Turn] = []
        self._status = StatusLine()
        self._stores, self._conversation = stores, ""

    def prepare(self) -> None:
        """Open the language model, if one is needed, and load its weights in the background.

        Raises:
            CrystalError: the model cannot be opened.
        """
        if not self._options.extractive and not self._context_only:
            self._open(self._model)

    @property
    def model(self) -> str:
        """Name of the language model; "none", with advice, while answers are quotations."""
        if self._context_only:
            return "none"
        if self._options.extractive:
            return "none: what answers best is quoted; /model NAME takes a model"
        if isinstance(self._model, str | Path):
            return Path(self._model).name.removesuffix(".gguf")
        return self._model.name if self._model is not None else "none"

    def use_model(self, model: str) -> None:
        """Answer with another model from now on.

        Raises:
            CrystalError: the model cannot be opened; the old one stays.
        """
        if self._context_only:
            raise UsageError("--context-only asks no language model")
        self._open(resolve_language_model(model, self._allow_remote))
        # Only now: a model that cannot be opened changes nothing.
        self._options, self._offer = replace(self._options, extractive=False), None

    def use_quotations(self) -> None:
        """Quote from now on, and let go of the model.

        Raises:
            UsageError: only contexts are written.
        """
        if self._context_only:
            raise UsageError("--context-only asks no language model")
        self._model, self._options, self._offer = None, replace(self._options, extractive=True), None

    def _open(self, model: str | Path | ChatModel | None) -> None:
        def opened() -> ChatModel:
            return open_model(model) if model is None or isinstance(model, str | Path) else model

        self._model = Preload(opened)()  # which goes on loading the weights

    def begin_topic(self) -> None:
        """Forget the questions before, so that the next one stands alone."""
        self._turns.clear()

    def answer(self, question: str) -> Answer | None:
        """Answer a question on stdout; it may lean on those before it.

        Returns:
            The answer; None if only the context was written.

        Raises:
            CrystalError: the question cannot be answered.
        """
        if self._context_only:
            self._write_context(question)
            return None
        screen = AnswerScreen() if self._form == "plain" else None
        answer = self._ask(question, screen)
        is_due = self._offer is not None and answer.answered and _needs_model(answer.read_as or question)
        if is_due and screen is not None:
            answer = self._offer_model(answer, screen)
        else:
            self._write(answer, screen)
        self._remember(answer.turn)
        if self._stores and not answer.stopped:
            self._store(answer)
        return answer

    def _store(self, answer: Answer) -> None:
        """Keep a turn in the crystal; where that fails, say so once and keep no more."""
        try:
            self._conversation = self._conversation or self._crystal.begin_conversation()
            self._crystal.keep_turn(self._conversation, answer)
        except CrystalError as error:
            self._stores = False
            output.note(f"this conversation is not kept: {error}")

    def tell(self, text: str) -> None:
        """Keep what the user said is to be remembered, and say so."""
        print_told(self._crystal.remember(text))

    def find_told(self, words: str) -> Memory | None:
        """Find the memory that some words mean best; None without one."""
        try:
            passages = self._crystal.recall(words, 1, where=RecallFilter(kinds=(MEMORY_KIND,)))
        except NotFoundError:
            return None
        return self._crystal.find_memory(passages[0].path) if passages else None

    def forget_told(self, memory: Memory) -> None:
        """Forget a memory."""
        self._crystal.forget_memories([memory.id])

    def show_context(self, answer: Answer | None) -> None:
        """Print what a turn is made of: last turns, pinned memories, what was recalled."""
        print_context(self._turns, self._crystal.memories(pinned=True, limit=MOST_IN_MIND), answer)

    def _ask(self, question: str, screen: AnswerScreen | None, is_second: bool = False) -> Answer:
        """Ask the crystal, and write what comes before the end of the answer.

        A second time, after the quotations were shown, the question stands alone.
        """

        def show_evidence(citations: tuple[Citation, ...]) -> None:
            if screen is not None and not is_second:
                screen.show_evidence(citations)
            self._status.show(f"{self.model} reads the passages …")

        def show_read_as(question: str) -> None:
            self._status.clear()
            if screen is not None:
                screen.show_read_as(question)

        def show_text(piece: str) -> None:
            self._status.clear()
            # An extractive answer consists of its sources, which come at the end.
            if screen is not None and not self._options.extractive:
                screen.add_text(piece)

        def show_progress(progress: Progress) -> None:
            if not self._options.extractive:
                self._status.show(f"{self.model} reads part {progress.done + 1} of {progress.total} …")

        try:
            return self._crystal.ask(
                question,
                self._options_now(),
                model=self._model,
                history=() if is_second else self._turns,
                on_text=show_text,
                on_evidence=show_evidence,
                on_read_as=show_read_as,
                progress=show_progress,
            )
        finally:
            self._status.clear()

    def _options_now(self) -> AskOptions:
        """Give the options of the next question: a model has pinned memories in mind."""
        if self._options.extractive:
            return self._options
        pinned = self._crystal.memories(pinned=True, limit=MOST_IN_MIND)
        return replace(self._options, in_mind=tuple(memory.document for memory in pinned if not memory.waits))

    def _remember(self, turn: Turn) -> None:
        self._turns = [*self._turns[1 - _MAX_TURNS :], turn]

    def _write(self, answer: Answer, screen: AnswerScreen | None) -> Answer:
        """Write the answer, or the end of it, and keep its sources for `crystal open`."""
        keep_sources((citation.number, citation) for citation in answer.citations)
        if screen is not None:
            screen.finish(answer)
        elif self._form == "markdown":
            output.write(answer_markdown(answer))
        else:
            output.json("ask", {**answer_json(answer), "layer_share": self._crystal.layer_share})
        return answer

    def _offer_model(self, quoted: Answer, screen: AnswerScreen) -> Answer:
        """Write an answer that was quoted, offer a model, and let it answer if it is taken."""
        assert self._offer is not None
        offer, self._offer = self._offer, None
        if offer.is_unasked:
            screen.show_evidence(quoted.citations)
            if not offer.accept():
                return self._write(quoted, screen)
        else:
            self._write(quoted, screen)
            if not offer.accept():
                return quoted
            output.space()
            screen = AnswerScreen()
            screen.mark_shown(quoted.citations)
        self._open(offer.name)
        self._options = replace(self._options, extractive=False)
        answer = self._ask(quoted.read_as or quoted.question, screen, is_second=True)
        return self._write(replace(answer, question=quoted.question, read_as=quoted.read_as), screen)

    def show_sources(self, answer: Answer) -> None:
        """Print the passages that an answer was made from."""
        print_passages(answer.passages)

    def _write_context(self, question: str) -> None:
        packed = self._crystal.pack_context(
            question, self._options, model=self._model, allow_remote=self._allow_remote, history=self._turns
        )
        if packed.question != question and self._form == "plain":
            print_read_as(packed.question)
        self._remember(Turn(question, packed.question))
        if self._form == "json":
            output.json("ask", packed_json(packed))
        elif self._form == "markdown":
            output.write(packed_markdown(packed))
        else:
            output.write(sanitize(packed.user if self._options.template else packed.context).rstrip("\n") + "\n")
        output.note(tokens_line(packed))


def _needs_model(question: str) -> bool:
    """Tell whether a model could answer better than a list does."""
    from crystalcli.answering import broad_intent

    intent = broad_intent(question)
    return intent is None or not intent.needs_no_model
