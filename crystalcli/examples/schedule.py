"""The places where the model is measured while a text is read, so that a run takes about as long as it may on any machine.

Knows: tokens, seconds. Does not know: what is measured, what the time is.
"""

from __future__ import annotations

import statistics

_ANSWERS = 2.0  # strides that the answers at the end take as long as
# Strides of which the middle one says what the next will take: one that a busy neighbour held up says little.
_LOOKED_AT = 3


class Schedule:
    """Strides spread evenly over the rest of the text, as many as the time left has room for.

    The first is measured in any case: before it the time that one takes is not known.

    Args:
        first: Where the first stride may begin, in tokens; at most `last`.
        last: Where the last one may begin, in tokens.
        most: How many there are where time does not matter.
        seconds: The time in all.
        cost: The seconds that one is expected to take.
    """

    def __init__(self, first: int, last: int, most: int, seconds: float, cost: float) -> None:
        self.first, self.last, self.most, self.seconds = first, last, most, seconds
        self._costs = [cost]
        self.done = 0
        self._before = 0  # where the last one began
        self._read = self._reading = 0.0  # tokens that were read between strides, and the seconds that took

    @property
    def cost(self) -> float:
        """The seconds that a stride is expected to take."""
        return statistics.median(self._costs)

    def read(self, tokens: int, seconds: float) -> None:
        """Note that so many tokens were read, and remembered, in that time."""
        self._read += tokens
        self._reading += seconds

    def measured(self, at: int, seconds: float) -> None:
        """Note that a stride was measured, which began at `at` and took so many seconds."""
        self.done += 1
        self._before = at
        self._costs = [*self._costs, seconds][-_LOOKED_AT:]

    def strides(self, at: int, elapsed: float) -> int:
        """Compute how many more there are to be, where `at` tokens were read `elapsed` seconds after the beginning."""
        return self._affordable(at, elapsed) if self.done else self.most

    def due(self, at: int, elapsed: float) -> bool:
        """Tell whether it is time for one, where `at` tokens were read `elapsed` seconds after the beginning."""
        count = self.strides(at, elapsed)
        return bool(count) and self.first <= at <= self.last and (at - self._before) * count >= self.last - self._before

    def left(self, at: int, elapsed: float) -> float:
        """Compute the seconds that are left, as far as can be foreseen."""
        more = max(self._affordable(at, elapsed), int(self.done == 0)) if at < self.last else 0
        return self._rest(at) + (more + _ANSWERS) * self.cost

    def _affordable(self, at: int, elapsed: float) -> int:
        room = self.seconds - elapsed - self._rest(at) - _ANSWERS * self.cost
        return min(self.most - self.done, int(room / max(self.cost, 1e-9))) if room > 0 else 0

    def _rest(self, at: int) -> float:
        return (self.last - at) * self._reading / self._read if self._read else 0.0
