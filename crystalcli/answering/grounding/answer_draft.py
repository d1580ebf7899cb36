"""An answer while it is made, with its citations, so that a stop loses nothing.

Knows: how a model is heard, and what ends it early. Does not know: passages, prompts, plans.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from crystalcli.answering.grounding.answer_end import until_answer_ends
from crystalcli.answering.grounding.attribution import Sources
from crystalcli.answering.grounding.claim_stream import REPETITION_PENALTY, ClaimStream
from crystalcli.answering.grounding.declining import without_decline
from crystalcli.answering.grounding.source_words import source_claim, source_end, source_introduction
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.datatypes import (
    Answer,
    AnswerVerdict,
    ChatModel,
    Citation,
    Claim,
    FilterReading,
    Passage,
    Portion,
    Progress,
    Sampling,
)
from crystalcli.errors import CrystalError
from crystalcli.storage import SourceRow, SummaryRow

KeepSummaries: TypeAlias = Callable[[Sequence[tuple[SourceRow, SummaryRow]]], None]


@dataclass(slots=True)
class AnswerDraft:
    """An answer while it is made.

    Attributes:
        question: The question.
        options: The options of the question.
        on_text: Called with each piece of the answer.
        on_progress: Called before each part of a long answer.
        keep_summaries: Keeps what a language model says of parts of documents, each summary with
            its document as it was read; None: nothing is kept.
        start_time: The time at which the question came, by `time.monotonic`.
        model: The name of the model that speaks; None where none does.
        seconds_to_text: Seconds until the first piece.
        seconds_to_passages: Seconds until the passages were there.
        text: The pieces of the answer, without marks.
        portions: The parts of a broad answer.
        citations: The quotations that carry it.
        passages: The passages that it is made from.
        instructions: Passages with what the person wants of every answer, for a model.
        claims: The sentences that a model has said.
        tokens: Counts by name, as of `Answer`.
        evidence: The estimated probability that the passages hold an answer; None without one.
        wants_newest: Whether the words of the question ask for the newest of dated text.
        changes: What has changed of the thing that is asked for, as of `Answer.changes`.
        has_ended: Whether the first passage says that a state of another one has ended.
        is_sure: False where what is quoted is the nearest, and may not answer.
        reading: The filter of the question; None without one.
        started: Whether any of the answer has been said, or a model has been asked to.
        model_spoke: Whether a model has said any of it.
        stopped: Whether it was stopped before its end.
        failure: The error that ended it.
    """

    question: str
    options: AskOptions
    on_text: Callable[[str], None] | None = None
    on_progress: Callable[[Progress], None] | None = None
    keep_summaries: KeepSummaries | None = None
    start_time: float = field(default_factory=time.monotonic)
    model: str | None = None
    seconds_to_text: float = 0.0
    seconds_to_passages: float = 0.0
    text: list[str] = field(default_factory=list)
    portions: list[Portion] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    instructions: list[Passage] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    tokens: Counter[str] = field(default_factory=Counter)
    evidence: float | None = None
    wants_newest: bool = False
    changes: tuple[str, ...] = ()
    has_ended: bool = False
    is_sure: bool = True
    reading: FilterReading | None = None
    started: bool = False
    model_spoke: bool = False
    stopped: bool = False
    failure: CrystalError | None = None

    def say(self, piece: str) -> None:
        """Add a piece to the answer, and show it."""
        self.started = True
        self.text.append(piece)
        self.show([piece])

    def show(self, pieces: Iterable[str]) -> None:
        """Show pieces of a model's words, with their marks; `generate` adds the words."""
        for piece in pieces:
            if not self.seconds_to_text:
                self.seconds_to_text = self.seconds()
            if self.on_text is not None:
                self.on_text(piece)

    def quote(self, citation: Citation) -> None:
        """Add a source's own words, which bear themselves out, after a model's."""
        introduction, claim = source_introduction(citation), source_claim(citation)
        self.text.append(introduction)
        self.claims.append(claim.at(sum(map(len, self.text))))
        self.text.append(claim.text)
        self.show([source_end(citation)])

    def cite(self, citation: Citation | None) -> int | None:
        """Add a citation and give its number; None for None."""
        if citation is None:
            return None
        self.citations.append(replace(citation, number=len(self.citations) + 1))
        return len(self.citations)

    @contextmanager
    def keep_when_stopped(self) -> Iterator[None]:
        """Keep the answer so far when the user stops it, or when the model fails amid it.

        Raises:
            KeyboardInterrupt: It was stopped and is not stoppable, or had not started.
            CrystalError: The model failed before it said anything, or the answer is not stoppable.
        """
        try:
            yield
        except KeyboardInterrupt:
            if not (self.started and self.options.stoppable):
                raise
            self.stopped = True
        except CrystalError as error:
            if not (self.model_spoke and self.options.stoppable):
                raise
            self.stopped, self.failure = True, error

    def generate(
        self,
        model: ChatModel,
        messages: Sequence[Mapping[str, str]],
        sources: Sources,
        *,
        context: Sequence[str],
        max_tokens: int,
        stop: Sequence[str] = (),
        deadline: float | None = None,
    ) -> ClaimStream:
        """Let a model speak, and show its words as they come, each sentence with its mark.

        Args:
            model: The language model.
            messages: The conversation.
            sources: The passages that its sentences are looked up in.
            context: The texts of the conversation that count as context.
            max_tokens: The most tokens that it may say.
            stop: Strings that end it, besides the end of its paragraph.
            deadline: The time, by `time.monotonic`, at which it is cut short, with an ellipsis;
                None: never.

        Returns:
            The sentences that it said; no text where it declined to answer.
        """
        stream = ClaimStream(sources, strict=self.options.strict)
        self.started = True
        last_letter, is_complete = "", False
        try:
            sampling = Sampling(
                max_tokens=max_tokens, seed=self.options.seed, repetition_penalty=REPETITION_PENALTY, stop=stop
            )
            for piece in without_decline(until_answer_ends(model.say(messages, sampling))):
                self.model_spoke = True
                last_letter = piece.strip()[-1:] or last_letter
                self.show(stream.feed(piece))
                if deadline is not None and time.monotonic() > deadline:
                    break
            else:
                is_complete = True
        finally:  # keep the words, whatever ended them
            if deadline is not None and last_letter.isalnum():  # in the middle of a sentence
                self.show(stream.feed("…"))
            rest = list(stream.finish(stopped=not is_complete))
            self._add_claims(stream)
            self.tokens["context"] += sum(map(model.count, context))
            self.tokens["prompt"] += model.prompt_size(messages)
            self.tokens["answer"] += model.count(stream.text)
            self.show(rest)  # last: it may be stopped, too
        return stream

    def recite(self, text: str, sources: Sources) -> ClaimStream:
        """Add words of a model that are known already, each sentence with its mark."""
        stream = ClaimStream(sources)
        self.started = True
        self.show(stream.feed(text))
        self.show(stream.finish())
        self._add_claims(stream)
        return stream

    def tell_progress(self, done: int, total: int, unit: str) -> None:
        """Tell how much of the answer is done."""
        if self.on_progress is not None:
            self.on_progress(Progress(done, total, unit))

    def _add_claims(self, stream: ClaimStream) -> None:
        """Add the words of a model, which are shown already."""
        length = sum(map(len, self.text))
        self.text.append(stream.text)
        self.claims += [claim.at(length + claim.start) for claim in stream.claims]

    def seconds(self) -> float:
        """Give the seconds since the question came."""
        return time.monotonic() - self.start_time

    def answer(self) -> Answer:
        """Make the answer from the draft."""
        return Answer(
            question=self.question,
            text="".join(self.text).strip(),
            citations=tuple(self.citations),
            passages=tuple(self.passages),
            model=self.model,
            extractive=self.model is None,
            tokens=dict(self.tokens),
            seconds={"recall": self.seconds_to_passages, "first": self.seconds_to_text, "total": self.seconds()},
            stopped=self.stopped,
            failure=self.failure,
            claims=tuple(self.claims),
            verdict=AnswerVerdict.ANSWERED if self.is_sure else AnswerVerdict.MAYBE,
            evidence=self.evidence,
            portions=tuple(self.portions),
            reading=self.reading,
            changes=self.changes,
        )

    def refusal(self, text: str, nearest: Sequence[Citation]) -> Answer:
        """Make the answer for a crystal that does not seem to hold one.

        Args:
            text: The words for that.
            nearest: The nearest quotations that the crystal has.

        Returns:
            An answer that is not `answered`.
        """
        return Answer(
            question=self.question,
            text=text,
            citations=tuple(nearest),
            passages=tuple(self.passages),
            seconds={"recall": self.seconds_to_passages, "total": self.seconds()},
            verdict=AnswerVerdict.NOT_HERE,
            evidence=self.evidence,
            reading=self.reading,
        )
