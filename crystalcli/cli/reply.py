"""One crystal asked in one way: what is done with a question, and in which form its answer is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.cli import render, render_answers
from crystalcli.cli.output import harmless, output
from crystalcli.cli.screen import Screen
from crystalcli.cli.speaking import chosen
from crystalcli.cli.waiting import Waiting
from crystalcli.errors import UsageError
from crystalcli.language_models import get_model
from crystalcli.lm import Preload

if TYPE_CHECKING:
    from crystalcli.answering.wishes import Wishes
    from crystalcli.library import Crystal
    from crystalcli.types import Answer, Citation, Speaker


class Asker:
    """One crystal, asked in one way, in one form."""

    def __init__(
        self,
        crystal: Crystal,
        wishes: Wishes,
        model: str | Path | Speaker | None,
        allow_remote: bool,
        form: str,
        context_only: bool,
    ) -> None:
        self._crystal, self._wishes, self._form, self._context_only = crystal, wishes, form, context_only
        self._model, self._allow_remote = model, allow_remote
        self._waiting = Waiting()

    def prepare(self) -> None:
        """Open the language model, if there will be one, and go on loading it. Raises as `library.get_model` does."""
        if not self._wishes.extractive and not self._context_only:
            self._open(self._model)

    @property
    def model(self) -> str:
        """The language model's name."""
        if self._context_only:
            return "none"
        if self._wishes.extractive:
            return "none: the best sentences are quoted; /model NAME has one speak"
        if isinstance(self._model, str | Path):
            return Path(self._model).name.removesuffix(".gguf")
        return self._model.name if self._model is not None else "none"

    def take(self, model: str) -> None:
        """Answer with another model from now on."""
        if self._context_only:
            raise UsageError("no language model is asked here")
        self._open(chosen(model, self._allow_remote))
        self._wishes = replace(self._wishes, extractive=False)  # not sooner: one that cannot be opened changes nothing

    def quote(self) -> None:
        """Quote from now on, and let go of the model; `take` has one speak again."""
        if self._context_only:
            raise UsageError("no language model is asked here")
        self._model, self._wishes = None, replace(self._wishes, extractive=True)

    def _open(self, model: str | Path | Speaker | None) -> None:
        def opened() -> Speaker:
            return get_model(model) if model is None or isinstance(model, str | Path) else model

        self._model = Preload(opened)()  # and its weights are on their way

    def reply(self, question: str) -> Answer | None:
        """Answer, on the screen, in the form that was chosen; None where only the context was asked for."""
        if self._context_only:
            self._pack(question)
            return None
        screen = Screen() if self._form == "plain" else None

        def evidence(cited: tuple[Citation, ...]) -> None:
            if screen is not None:
                screen.evidence(cited)
            self._waiting.say(f"{self.model} reads what was found …")

        def text(piece: str) -> None:
            self._waiting.clear()
            if screen is not None and not self._wishes.extractive:  # whose words are its sources': they come at the end
                screen.text(piece)

        try:
            answer = self._crystal.ask(
                question, wishes=self._wishes, model=self._model, on_text=text, on_evidence=evidence
            )
        finally:
            self._waiting.clear()
        if screen is not None:
            screen.end(answer)
        elif self._form == "markdown":
            output.write(render_answers.answer_markdown(answer))
        else:
            output.json("ask", render_answers.answer_json(answer))
        return answer

    def sources(self, answer: Answer) -> None:
        """Show what the answer was made from."""
        render.passages(answer.passages)

    def _pack(self, question: str) -> None:
        packed = self._crystal.packed(question, self._wishes, model=self._model, allow_remote=self._allow_remote)
        if self._form == "json":
            output.json("ask", render_answers.packed_json(packed))
        elif self._form == "markdown":
            output.write(render_answers.packed_markdown(packed))
        else:
            output.write(harmless(packed.user if self._wishes.template else packed.context).rstrip("\n") + "\n")
        output.note(render_answers.tokens_line(packed))
