"""How a question is to be answered: what whoever asks may choose."""

from __future__ import annotations

from dataclasses import dataclass

from crystalcli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Wishes:
    """k: passages recalled. depth: layers used, as in recall. max_tokens: of the answer. seed: for sampling.

    extractive: no language model, the best sentences as they stand. broad: answer from the whole of a document, or of all, and not from
    the nearest passages; None: where the question asks for that. Raises UsageError for figures out of range.
    """

    k: int = 5
    depth: int = 3
    max_tokens: int = 128
    seed: int = 0
    extractive: bool = False
    broad: bool | None = None

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise UsageError(f"max-tokens is 1 or more, not {self.max_tokens}")
