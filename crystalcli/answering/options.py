"""How a question is to be answered: what whoever asks may choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from crystalcli.answering import templates
from crystalcli.errors import UsageError
from crystalcli.types import Decay

FLOOR = 0.5  # of questions that could be answered, nine in ten were above it, nineteen in twenty in code


@dataclass(frozen=True, slots=True)
class Wishes:
    """k: passages recalled. depth: layers used, decay: how dated messages lose by their age, both as in recall. max_tokens: of the
    answer. seed: for sampling.

    extractive: no language model, the best sentences as they stand; None: so where nobody wants one (`settled`). strict: a generated
    sentence with names or numbers that the passages do not have gives way to an extract. floor: how much must speak for an answer,
    from 0 to 1, for there to be one; 0 answers always; `crystalcli.answering.floor` says what it is. budget: tokens of passages
    that the model is given, None for the usual; fewer where its window is small. system: instead of the usual system message, ""
    for none. template: of the user's message, see `crystalcli.answering.templates`; None for the usual. stoppable: Ctrl-C while the
    model speaks ends the answer there, and the Answer says that it was stopped, and so does a model that fails when it has begun, with
    its failure; otherwise either is an exception like any other.
    broad: answer from the whole of a document, or of all, and not from the nearest passages; None: where the question asks for that.
    Such an answer heeds neither k, depth, decay, floor and budget, nor system and template, which are for the nearest passages.
    Raises UsageError for figures out of range, and for a template without its two names.
    """

    k: int = 5
    depth: int = 3
    decay: Decay = "auto"
    max_tokens: int = 128
    seed: int = 0
    extractive: bool | None = None
    strict: bool = False
    floor: float = FLOOR
    budget: int | None = None
    system: str | None = None
    template: str | None = None
    stoppable: bool = False
    broad: bool | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UsageError(f"k is 1 or more, not {self.k}")
        if not -(2**63) <= self.seed < 2**64:
            raise UsageError(f"a seed has 64 bits: {self.seed} has more")
        if self.max_tokens < 1:
            raise UsageError(f"max-tokens is 1 or more, not {self.max_tokens}")
        if self.budget is not None and self.budget < 1:
            raise UsageError(f"budget is 1 token or more, not {self.budget}")
        if self.template is not None:
            templates.check(self.template)
        if not 0.0 <= self.floor <= 1.0:
            raise UsageError(f"floor is from 0 (answer always) to 1, not {self.floor}")
        if self.decay not in ("auto", "off"):
            from crystalcli.memory.fading import fading_of

            fading_of(self.decay, None)

    def settled(self, named: Callable[[], bool]) -> Self:
        """The same, with `extractive` decided: a model speaks where one is `named`, or something is wished that only it can do.

        The program's own is not named by being there, since it says the right words far less often than they are quoted.
        """
        if self.extractive is not None:
            return self
        told = self.strict or self.system is not None or self.template is not None
        return replace(self, extractive=not (told or named()))
