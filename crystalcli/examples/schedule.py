"""Where the model is measured while a text is read, so that a run takes about as long as it may on any machine.

Knows: tokens, seconds. Does not know: what is measured, what the time is.
"""

from __future__ import annotations

import statistics

_ANSWERS = 2.0  # strides that the answers at the end take as long as
_LOOKED_AT = (
    3  # strides, of which the middle one says what the next will take: one that a busy neighbour held up says little
)


class Schedule:
    """Strides spread evenly over what is left, as many as the time left has room for. The first is measured in any case, since nobody
    knows before what one takes.

    last: where the last of them may begin, in tokens; first: where the first may, at most `last`; most: how many there are where time
    does not matter; seconds: the time in all; cost: what one is expected to take, in seconds.
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
        """So many tokens were read, and remembered, in that time."""
        self._read += tokens
        self._reading += seconds

    def measured(self, at: int, seconds: float) -> None:
        """A stride was measured."""
        self.done += 1
        self._before = at
        self._costs = [*self._costs, seconds][-_LOOKED_AT:]

    def strides(self, at: int, elapsed: float) -> int:
        """How many more there are to be, `elapsed` seconds after the beginning."""
        return self._affordable(at, elapsed) if self.done else self.most

    def due(self, at: int, elapsed: float) -> bool:
        """Whether it is time for one, where `at` tokens were read."""
        count = self.strides(at, elapsed)
        return bool(count) and self.first <= at <= self.last and (at - self._before) * count >= self.last - self._before

    def left(self, at: int, elapsed: float) -> float:
        """The seconds that are left, as far as can be foreseen."""
        more = max(self._affordable(at, elapsed), int(self.done == 0)) if at < self.last else 0
        return self._rest(at) + (more + _ANSWERS) * self.cost

    def _affordable(self, at: int, elapsed: float) -> int:
        room = self.seconds - elapsed - self._rest(at) - _ANSWERS * self.cost
        return min(self.most - self.done, int(room / max(self.cost, 1e-9))) if room > 0 else 0

    def _rest(self, at: int) -> float:
        return (self.last - at) * self._reading / self._read if self._read else 0.0
