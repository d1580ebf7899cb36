"""A broad answer while it is being said: piece by piece, with what carries it, so that a stop loses nothing of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from crystalcli.types import Answer, Citation, Passage, Portion


@dataclass(slots=True)
class Said:
    """An answer while it is being said."""

    question: str
    began: float
    on_text: Callable[[str], None] | None
    model: str = "extractive"
    first: float = 0.0
    recalled: float = 0.0
    text: list[str] = field(default_factory=list)
    portions: list[Portion] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    tokens: Counter[str] = field(default_factory=Counter)

    def say(self, piece: str) -> None:
        """Say a piece of it."""
        if not self.first:
            self.first = time.monotonic() - self.began
        self.text.append(piece)
        if self.on_text is not None:
            self.on_text(piece)

    def cite(self, citation: Citation | None) -> int:
        """The number of a citation, which is added; 0 for none."""
        if citation is None:
            return 0
        self.citations.append(replace(citation, number=len(self.citations) + 1))
        return len(self.citations)

    def answer(self) -> Answer:
        """What has been said."""
        seconds = {"recall": self.recalled, "first": self.first, "total": time.monotonic() - self.began}
        return Answer(
            self.question,
            "".join(self.text).strip(),
            tuple(self.citations),
            tuple(self.passages),
            self.model,
            dict(self.tokens),
            seconds,
            portions=tuple(self.portions),
        )
