"""The options of a question: how it is recalled, and how the answer is worded.

Knows: the ranges of figures. Does not know: crystals, language models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Self, TypedDict

from crystalcli.answering.request import prompt_template
from crystalcli.datatypes import HalfLife, RecallFilter
from crystalcli.errors import UsageError

# Of questions that could be answered nine in ten were above it, of those about code nineteen in
# twenty.
DEFAULT_FLOOR = 0.5
MOST_IN_MIND = 8  # documents, such as pinned memories, that a language model is always given


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOptions:
    """All options of `Crystal.ask` and `Crystal.pack_context`.

    Attributes:
        k: How many passages to recall.
        depth: Layers to use: 1 atoms, 2 and clusters, 3 and units.
        half_life: The half-life of dated messages in days, "auto" or "off"; see `Crystal.recall`.
        max_tokens: The longest answer, in the model's tokens.
        seed: For sampling; at most 64 bits.
        extractive: True: quote the best sentences. False: a language model puts the answer in
            words. None: a model does where one is named or one that answers well enough is here,
            or where an option is given that only a model can follow (`with_defaults`).
        strict: Whether a generated sentence with names or numbers that the passages do not have
            gives way to a quotation.
        floor: The evidence that an answer needs, from 0 (answer always) to 1; see
            `crystalcli.answering.evidence.answerability`.
        budget: The most tokens of passages that a model is given; None: the usual. Fewer where its
            window is small.
        system: The system message; None: the usual; "": without one.
        template: The template of the user's message
            (`crystalcli.answering.request.prompt_template`); None: the usual.
        stoppable: Whether Ctrl-C while a model speaks, or a failure amid its answer, ends the
            answer there and is told in the Answer; otherwise both are exceptions.
        broad: True: answer from the whole of a document, or of all, part by part. False: from the
            nearest passages. None: as the question asks. A broad answer ignores k, depth,
            half_life, floor, budget, strict, system and template.
        time: The seconds that a broad answer may take; what the language model has not summed up
            by then is quoted. None: 60.
        where: The documents, times and people to answer from; None: all. The words of the question
            add to it ("in August", "what did Ann say").
        today: The day that "last week" in the question is counted from; None: the newest date in
            the text of the crystal.
        in_mind: Names of documents, such as pinned memories, that a language model is given before
            the passages that were recalled.

    Raises:
        UsageError: A figure is out of range, or the template lacks one of its two names.
    """

    k: int = 5
    depth: int = 3
    half_life: HalfLife = "auto"
    max_tokens: int = 128
    seed: int = 0
    extractive: bool | None = None
    strict: bool = False
    floor: float = DEFAULT_FLOOR
    budget: int | None = None
    system: str | None = None
    template: str | None = None
    stoppable: bool = False
    broad: bool | None = None
    time: float | None = None
    where: RecallFilter | None = None
    today: date | None = None
    in_mind: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UsageError(f"k: expected 1 or more, got {self.k}")
        if not -(2**63) <= self.seed < 2**64:
            raise UsageError(f"seed must fit in 64 bits, got {self.seed}")
        if self.max_tokens < 1:
            raise UsageError(f"max-tokens: expected 1 or more, got {self.max_tokens}")
        if self.budget is not None and self.budget < 1:
            raise UsageError(f"budget: expected 1 token or more, got {self.budget}")
        if self.template is not None:
            prompt_template.check_template(self.template)
        if self.time is not None and not 0.0 < self.time < float("inf"):
            raise UsageError(f"time: expected seconds above 0, got {self.time}")
        if not 0.0 <= self.floor <= 1.0:
            raise UsageError(f"floor: expected a number from 0 (answer always) to 1, got {self.floor}")
        if self.half_life not in ("auto", "off"):
            from crystalcli.recall import recency_of

            recency_of(self.half_life, None)

    def with_defaults(self, is_named: Callable[[], bool]) -> Self:
        """Decide `extractive` where it is None.

        The smallest of the program's own models does not speak unasked: its words are right far
        less often than quotations are.

        Args:
            is_named: Tells whether a language model was named, or one that answers well enough is
                here; called only if it matters.

        Returns:
            Options with `extractive` decided.
        """
        if self.extractive is not None:
            return self
        needs_model = self.strict or self.system is not None or self.template is not None
        return replace(self, extractive=not (needs_model or is_named()))


class AskArguments(TypedDict, total=False):
    """The fields of AskOptions as keyword arguments."""

    k: int
    depth: int
    half_life: HalfLife
    max_tokens: int
    seed: int
    extractive: bool | None
    strict: bool
    floor: float
    budget: int | None
    system: str | None
    template: str | None
    stoppable: bool
    broad: bool | None
    time: float | None
    where: RecallFilter | None
    today: date | None
    in_mind: tuple[str, ...]


def options_of(options: AskOptions | None, single: AskArguments) -> AskOptions:
    """Make the options of a question from one object or from single arguments.

    Args:
        options: All options in one; None: the single ones.
        single: The options one by one.

    Raises:
        UsageError: Options are given both ways.
    """
    if options is None:
        return AskOptions(**single)
    if single:
        raise UsageError(f"options are given twice: give {', '.join(single)} inside of AskOptions")
    return options
