"""The forgetting curve of memories: a power law, for floats, numpy arrays and torch tensors alike.

The share of a memory that is retained at age `t` is `R(t, S) = (1 + F·t/S)^-w`, with
`F = 0.9^(-1/w) - 1`, so that 0.9 is left at `t = S`, the stability. The curve and the growth of
stability are those of FSRS-5 (Ye, Su and Cao: A Stochastic Shortest Path Algorithm for Optimizing
Spaced Repetition Scheduling, KDD 2022, and the algorithm's description by open-spaced-repetition),
whose parameters were fitted to what people recalled. Forgetting follows a power law and not an
exponential (Wixted and Ebbesen: On the Form of Forgetting, 1991).

ACT-R's base level would need the time of every recall of every memory, and has no bound for new
memories. FSRS needs two numbers for each, and gives a new memory a weight of 1: `log R` is 0, so
attention is as if there were no forgetting.

Knows: ages, importance and stabilities. Does not know: memories.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from crystalcli.errors import UsageError

Values = TypeVar("Values")  # float, numpy array or tensor, of one shape or shapes that broadcast

# The least stability, as a share of that of importance 1: a memory of importance 0 fades almost at
# once, and its age is not divided by 0.
_MIN_STABILITY = 1e-6
# Below this power, half-lives and F soon exceed float32.
_MIN_POWER = 0.01
# FSRS-5's parameters for a recall that was neither hard nor easy, of an item that is neither:
# e^w8 · (11 - 5), w9 and w10.
_GAIN, _SATURATION, _SPACING = 28.15, 0.1192, 1.01925


@dataclass(frozen=True, slots=True)
class Forgetting:
    """A forgetting curve.

    Ages and stabilities are in one unit of the caller's choice: seconds, days or tokens.

    Attributes:
        stability: the age at which 0.9 of a memory of importance 1 is left.
        power: `w`; with 0.5, as in FSRS-5, half is left at 12.8 times the stability.

    Raises:
        UsageError: a parameter is not above 0 and finite, or the power is below 0.01.
    """

    stability: float
    power: float = 0.5

    def __post_init__(self) -> None:
        parameters = (self.stability, self.power)
        if not all(isinstance(value, int | float) and 0 < value < math.inf for value in parameters):
            raise UsageError(
                "stability and power of a forgetting curve must be above 0 and finite, "
                f"got {self.stability!r} and {self.power!r}"
            )
        if self.power < _MIN_POWER:
            raise UsageError(f"the power of a forgetting curve must be {_MIN_POWER} or more, got {self.power}")

    @classmethod
    def by_half_life(cls, half_life: float, power: float = 0.5) -> Forgetting:
        """Make the curve on which half of a memory of importance 1 is left at an age.

        Args:
            half_life: that age.
            power: `w`.

        Raises:
            UsageError: the half-life or the power is out of range.
        """
        if not isinstance(half_life, int | float) or not 0 < half_life < math.inf:
            raise UsageError(f"a half-life must be above 0 and finite, got {half_life!r}")
        return cls(half_life / cls(1.0, power).half_life, power)

    @property
    def half_life(self) -> float:
        """The age at which half of a memory of importance 1 is left."""
        return self.age_at(0.5)

    def age_at(self, retained: float, importance: float = 1.0) -> float:
        """Return the age at which a share of a memory is left that was never recalled.

        Args:
            retained: the share, above 0 and at most 1.
            importance: of the memory.

        Returns:
            The age; infinity where it exceeds the floats.

        Raises:
            UsageError: the share is out of range.
        """
        if not isinstance(retained, int | float) or not 0 < retained <= 1:
            raise UsageError(f"retained must be above 0 and at most 1, got {retained!r}")
        try:
            return self.initial(importance) * float(retained ** (-1 / self.power) - 1) / self._factor
        except OverflowError:
            return math.inf

    def initial(self, importance: Values) -> Values:
        """Return the stability of a new memory, in proportion to its importance.

        Args:
            importance: 0 or more; infinity is pinned, and never forgotten.
        """
        stability: Any = importance
        least = _MIN_STABILITY * self.stability
        stability = stability * self.stability
        return stability.clip(least) if hasattr(stability, "clip") else max(stability, least)  # type: ignore[no-any-return]

    def log_retained(self, age: Values, stability: Values) -> Values:
        """Return log R, which is added to the logits of attention.

        Args:
            age: a negative age, of a memory ahead of its time, counts as 0.
            stability: infinity for a pinned memory.

        Returns:
            0 for a new or a pinned memory, below 0 for any other.
        """
        elapsed: Any = age
        elapsed = elapsed.clip(0) if hasattr(elapsed, "clip") else max(elapsed, 0.0)
        growth = self._factor * elapsed / stability
        return -self.power * (growth.log1p() if hasattr(growth, "log1p") else np.log1p(growth))  # type: ignore[no-any-return]

    def retained(self, age: Values, stability: Values) -> Values:
        """Return R, above 0 and at most 1."""
        return _exp(self.log_retained(age, stability))  # type: ignore[no-any-return]

    def strengthened(self, stability: Values, age: Values) -> Values:
        """Return the stability after a recall at an age, from which on the age counts anew.

        `S' = S·(1 + g·(S/S₁)^-w₉·(e^(w₁₀·(1 - R)) - 1))`, with S₁ the stability of importance 1.
        The more was forgotten, the more a recall strengthens, so a hundred recalls at once count
        hardly more than one; and a memory that is strong already gains less.
        """
        current: Any = stability
        lost: Any = 1 - self.retained(age, stability)  # type: ignore[operator]
        gain = _GAIN * (current / self.stability) ** -_SATURATION * (_exp(_SPACING * lost) - 1)
        return current * (1 + gain)  # type: ignore[no-any-return]

    @property
    def _factor(self) -> float:
        return float(0.9 ** (-1 / self.power) - 1)


def _exp(values: Any) -> Any:
    return values.exp() if hasattr(values, "exp") else np.exp(values)
