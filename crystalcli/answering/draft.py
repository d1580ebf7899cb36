"""A broad answer while it is being said: piece by piece, with what carries it, so that a stop loses nothing of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from crystalcli.answering.spoken import Spoken
from crystalcli.types import Answer, Citation, Claim, Passage, Portion


@dataclass(slots=True)
class Said:
    """An answer while it is being said. heard: whether a model has said any of it."""

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
    claims: list[Claim] = field(default_factory=list)
    tokens: Counter[str] = field(default_factory=Counter)
    heard: bool = False

    def say(self, piece: str) -> None:
        """Say a piece of it."""
        self.text.append(piece)
        self.show([piece])

    def show(self, pieces: Iterable[str]) -> None:
        """Show pieces of what a model is saying, with its marks; `take` has the words when they are whole."""
        for piece in pieces:
            if not self.first:
                self.first = time.monotonic() - self.began
            if self.on_text is not None:
                self.on_text(piece)

    def take(self, spoken: Spoken) -> None:
        """What a model has said, which was shown already."""
        before = sum(map(len, self.text))
        self.text.append(spoken.text)
        self.claims += [claim.at(before + claim.start) for claim in spoken.claims]

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
            claims=tuple(self.claims),
            portions=tuple(self.portions),
        )
