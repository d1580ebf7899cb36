"""How many threads to compute with, found while computing, since it depends on who else is using the machine.

Knows: clocks and thread counts. Does not know: what is computed.

A step on several threads ends when the last of them does. Alone on two cores, two threads speak half as fast again as
one; beside busy neighbours each step waits for a thread that is not running. Measured, SmolLM2-135M on 2 cores, words
a second with one thread and with two: alone 46 and 65, beside neighbours 43 and from 1 to 12.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_MEMORY = 0.7  # how much of the usual time of a step is what it was before
_HOPE = 0.8  # of the usual time on one thread: what several are believed to take before they are tried
_FIRST_WAIT = 64  # steps on one thread after several were slower; twice as many each time that they are again
_LONGEST_WAIT = 2048


class Pace:
    """Times equal steps and sets one thread or `most` for the next, whichever is quicker at present.

    It begins with one thread, for `first` steps. use: sets the number of threads, as torch.set_num_threads does;
    sample: work of the same kind, much less of it than a step, by which it is seen first whether a step on all threads
    would be hopeless; clock: seconds.
    """

    def __init__(
        self,
        most: int,
        use: Callable[[int], None],
        first: int,
        sample: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._most = most
        self._use = use
        self._sample = sample
        self._clock = clock
        self._threads = 1
        self._alone = self._together = 0.0  # usual seconds of a step on one thread, on all
        self._left = first  # steps before all are tried
        self._wait = _FIRST_WAIT
        self._since = 0  # steps since the last change
        self._began = 0.0
        use(1)

    def begin(self) -> None:
        """A step begins."""
        self._began = self._clock()

    def end(self) -> None:
        """It has ended."""
        taken = self._clock() - self._began
        self._since += 1
        if self._threads == 1:
            self._alone = taken if not self._alone else _MEMORY * self._alone + (1 - _MEMORY) * taken
            self._left -= 1
            if self._left <= 0 and self._most > 1:
                self._together = _HOPE * self._alone
                self._change(self._most)
                if self._sample is not None and not self._promising(self._sample):
                    self._give_up()
        else:
            self._together = _MEMORY * self._together + (1 - _MEMORY) * taken
            if self._together > self._alone:
                self._give_up()

    def _promising(self, sample: Callable[[], object]) -> bool:
        """Whether the sample is quicker on all threads than on one, twice; once before to wake them."""
        sample()
        together = max(self._time(sample), self._time(sample))
        self._use(1)
        alone = self._time(sample)
        self._use(self._most)
        return together < alone

    def _time(self, work: Callable[[], object]) -> float:
        began = self._clock()
        work()
        return self._clock() - began

    def _give_up(self) -> None:
        # Slower from the start: wait longer before the next try. Slower only after a while: the machine has changed.
        self._wait = min(2 * self._wait, _LONGEST_WAIT) if self._since < _FIRST_WAIT else _FIRST_WAIT
        self._left = self._wait
        self._change(1)

    def _change(self, threads: int) -> None:
        self._threads = threads
        self._since = 0
        self._use(threads)
