"""How a question is to be answered: what whoever asks may choose."""

from __future__ import annotations

from dataclasses import dataclass

from crystalcli.errors import UsageError

FLOOR = 0.5  # of questions that could be answered, nine in ten were above it, nineteen in twenty in code


@dataclass(frozen=True, slots=True)
class Wishes:
    """k: passages recalled. depth: layers used, as in recall. max_tokens: of the answer. seed: for sampling.

    extractive: no language model, the best sentences as they stand. strict: a generated sentence with names or numbers that the
    passages do not have gives way to an extract. floor: how much must speak for an answer, from 0 to 1, for there to be one; 0
    answers always; `crystalcli.answering.floor` says what it is. Raises UsageError for figures out of range.
    """

    k: int = 5
    depth: int = 3
    max_tokens: int = 128
    seed: int = 0
    extractive: bool = False
    strict: bool = False
    floor: float = FLOOR

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise UsageError(f"max-tokens is 1 or more, not {self.max_tokens}")
        if not 0.0 <= self.floor <= 1.0:
            raise UsageError(f"floor is from 0 (answer always) to 1, not {self.floor}")
