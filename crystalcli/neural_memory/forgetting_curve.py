"""How memories fade: a power law, in numpy and torch alike. Knows ages and strengths, and nothing of what is remembered.

What is retained of a memory at age `t` is `R(t, S) = (1 + F·t/S)^-w`, with `F = 0.9^(-1/w) - 1`, so that 0.9 is left at `t = S`,
the stability: the curve and the growth of stability of FSRS-5 (Ye, Su and Cao: A Stochastic Shortest Path Algorithm for Optimizing
Spaced Repetition Scheduling, KDD 2022, and the algorithm's description by open-spaced-repetition), whose figures were fitted to
what people recalled; that forgetting follows a power and not an exponential is Wixted and Ebbesen (On the Form of Forgetting,
1991). ACT-R's base level would need the time of every recall of every memory, and has no bound for what is new. Here two numbers
for each do, and what is new has weight 1: `log R` is 0, so attention is as if there were no decay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from crystalcli.errors import UsageError

Values = TypeVar("Values")  # float, numpy array or tensor, of one shape or shapes that broadcast

_LEAST = 1e-6  # of the stability of importance 1: what has no importance fades almost at once, and its age is not divided by 0
_FLATTEST = 0.01  # with a power below it half-lives and F soon are beyond float32
# FSRS-5's figures for a recall that was neither hard nor easy, of what is neither: e^w8 · (11 - 5), w9 and w10.
_GAIN, _SATURATION, _SPACING = 28.15, 0.1192, 1.01925


@dataclass(frozen=True, slots=True)
class Forgetting:
    """A forgetting curve. Ages and stabilities are in one unit of the caller's choice: seconds, days or tokens.

    stability: of a memory of importance 1, the age at which 0.9 of it is left. power: `w`; 0.5 as in FSRS-5, with which half is
    left at 12.8 times the stability. Raises UsageError for figures that are not above 0, or not finite.
    """

    stability: float
    power: float = 0.5

    def __post_init__(self) -> None:
        figures = (self.stability, self.power)
        if not all(isinstance(each, int | float) and 0 < each < math.inf for each in figures):
            raise UsageError("the stability and the power of a forgetting curve are above 0, and finite")
        if self.power < _FLATTEST:
            raise UsageError(f"the power of a forgetting curve is {_FLATTEST} or more, not {self.power}")

    @classmethod
    def by_half_life(cls, half_life: float, power: float = 0.5) -> Forgetting:
        """The curve on which half of a memory of importance 1 is left at this age. Raises UsageError."""
        if not isinstance(half_life, int | float) or not 0 < half_life < math.inf:
            raise UsageError(f"a half-life is above 0, and finite, not {half_life!r}")
        return cls(half_life / cls(1.0, power).half_life, power)

    @property
    def half_life(self) -> float:
        """The age at which half of a memory of importance 1 is left."""
        return self.age_at(0.5)

    def age_at(self, retained: float, importance: float = 1.0) -> float:
        """The age at which so much, above 0 and at most 1, is left of a memory that was never recalled; infinity where it
        is beyond all numbers. Raises UsageError for another share."""
        if not isinstance(retained, int | float) or not 0 < retained <= 1:
            raise UsageError(f"what is left of a memory is above 0 and at most 1, not {retained!r}")
        try:
            return self.initial(importance) * float(retained ** (-1 / self.power) - 1) / self._factor
        except OverflowError:
            return math.inf

    def initial(self, importance: Values) -> Values:
        """The stability of a new memory: in proportion to its importance, 0 or more; infinity, which is pinned, is never forgotten."""
        given: Any = importance
        least = _LEAST * self.stability
        given = given * self.stability
        return given.clip(least) if hasattr(given, "clip") else max(given, least)  # type: ignore[no-any-return]

    def log_retained(self, age: Values, stability: Values) -> Values:
        """log R, 0 for what is new or pinned and below 0 else: what is added to the logits of attention.

        A negative age, of what is ahead of its time, counts as 0.
        """
        old: Any = age
        old = old.clip(0) if hasattr(old, "clip") else max(old, 0.0)
        grown = self._factor * old / stability
        return -self.power * (grown.log1p() if hasattr(grown, "log1p") else np.log1p(grown))  # type: ignore[no-any-return]

    def retained(self, age: Values, stability: Values) -> Values:
        """R, above 0 and at most 1."""
        return _exp(self.log_retained(age, stability))  # type: ignore[no-any-return]

    def strengthened(self, stability: Values, age: Values) -> Values:
        """The stability after a recall at this age, from which on the age counts anew.

        `S' = S·(1 + g·(S/S₁)^-w₉·(e^(w₁₀·(1 - R)) - 1))`, with S₁ the stability of importance 1: the more was forgotten, the more a
        recall strengthens, so that a hundred recalls at once are hardly more than one; and what is strong already gains less.
        """
        now: Any = stability
        lost: Any = 1 - self.retained(age, stability)  # type: ignore[operator]
        gain = _GAIN * (now / self.stability) ** -_SATURATION * (_exp(_SPACING * lost) - 1)
        return now * (1 + gain)  # type: ignore[no-any-return]

    @property
    def _factor(self) -> float:
        return float(0.9 ** (-1 / self.power) - 1)


def _exp(values: Any) -> Any:
    return values.exp() if hasattr(values, "exp") else np.exp(values)
