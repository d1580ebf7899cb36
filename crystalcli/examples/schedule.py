"""The schedule of measurements, so that a run keeps to its time.

It chooses the places of a text where the model is measured, fewer on a slow machine.

Knows: tokens, seconds. Does not know: what is measured, what the time is.
"""

from __future__ import annotations

import statistics

_ANSWERS = 2.0  # time of the answers at the end, in strides
# Strides whose median is the expected time of the next: one that another process slowed down must
# not count.
_LAST_COSTS = 3


class Schedule:
    """Strides spread evenly over the rest of the text, as many as the time left allows.

    The first is measured in any case: the time of a stride is not known before.

    Args:
        first: First token at which a stride may begin; at most `last`.
        last: Last token at which a stride may begin.
        most: Number of strides if there is time for all.
        seconds: Time in all.
        cost: Expected seconds of a stride.
    """

    def __init__(self, first: int, last: int, most: int, seconds: float, cost: float) -> None:
        self.first, self.last, self.most, self.seconds = first, last, most, seconds
        self._costs = [cost]
        self.done = 0
        self._previous = 0  # token at which the last stride began
        self._read = self._reading = 0.0  # tokens read between strides, and the seconds of that

    @property
    def cost(self) -> float:
        """Expected seconds of a stride."""
        return statistics.median(self._costs)

    def read(self, tokens: int, seconds: float) -> None:
        """Note that `tokens` were read, and remembered, in `seconds`."""
        self._read += tokens
        self._reading += seconds

    def measured(self, at: int, seconds: float) -> None:
        """Note that a stride was measured that began at token `at` and took `seconds`."""
        self.done += 1
        self._previous = at
        self._costs = [*self._costs, seconds][-_LAST_COSTS:]

    def strides(self, at: int, elapsed: float) -> int:
        """Compute the number of strides still to come.

        Args:
            at: Tokens read so far.
            elapsed: Seconds since the beginning.
        """
        return self._affordable(at, elapsed) if self.done else self.most

    def due(self, at: int, elapsed: float) -> bool:
        """Tell whether it is time for a stride.

        Args:
            at: Tokens read so far.
            elapsed: Seconds since the beginning.
        """
        count = self.strides(at, elapsed)
        since, rest = at - self._previous, self.last - self._previous
        return bool(count) and self.first <= at <= self.last and since * count >= rest

    def left(self, at: int, elapsed: float) -> float:
        """Estimate the seconds left.

        Args:
            at: Tokens read so far.
            elapsed: Seconds since the beginning.
        """
        more = max(self._affordable(at, elapsed), int(self.done == 0)) if at < self.last else 0
        return self._rest(at) + (more + _ANSWERS) * self.cost

    def _affordable(self, at: int, elapsed: float) -> int:
        """Compute the number of strides that the time left allows."""
        budget = self.seconds - elapsed - self._rest(at) - _ANSWERS * self.cost
        return min(self.most - self.done, int(budget / max(self.cost, 1e-9))) if budget > 0 else 0

    def _rest(self, at: int) -> float:
        """Estimate the seconds for reading the rest of the text, without strides."""
        return (self.last - at) * self._reading / self._read if self._read else 0.0
