"""The number of threads to compute with, tuned while computing.

It depends on who else uses the machine.

Knows: clocks and thread counts. Does not know: what is computed.

A step on several threads ends when the last of them does. Alone on two cores, two threads generate
half as fast again as one; beside busy neighbours each step waits for a thread that is not running.
Measured, SmolLM2-135M on 2 cores, words a second with one thread and with two: alone 46 and 65,
beside neighbours 43 and from 1 to 12.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_MEMORY = 0.7  # weight of the past in the moving average of a step's time
_HOPE = 0.8  # expected time on several threads before they are tried, as a share of that on one
# Steps on one thread after several were slower; doubled each time that they are again.
_FIRST_WAIT = 64
_LONGEST_WAIT = 2048


class ThreadTuner:
    """Times equal steps and sets one thread or `most` for the next, whichever is faster at present.

    Args:
        most: Threads to try besides one.
        use: Sets the number of threads, as torch.set_num_threads does.
        first: Steps on one thread before several are tried.
        sample: Work of the same kind, much less of it than a step. It shows first whether a step on
            all threads would be hopeless.
        clock: Gives seconds.
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
        # Average seconds of a step on one thread, on all.
        self._single_time = self._multi_time = 0.0
        self._steps_left = first  # before all threads are tried
        self._wait = _FIRST_WAIT
        self._steps_since_change = 0
        self._started = 0.0
        use(1)

    def start_step(self) -> None:
        """Start the clock of a step."""
        self._started = self._clock()

    def end_step(self) -> None:
        """Stop it, and choose the threads of the next step."""
        elapsed = self._clock() - self._started
        self._steps_since_change += 1
        if self._threads == 1:
            self._single_time = self._average(self._single_time, elapsed) if self._single_time else elapsed
            self._steps_left -= 1
            if self._steps_left <= 0 and self._most > 1:
                self._multi_time = _HOPE * self._single_time
                self._set_threads(self._most)
                if self._sample is not None and not self._is_promising(self._sample):
                    self._give_up()
        else:
            self._multi_time = self._average(self._multi_time, elapsed)
            if self._multi_time > self._single_time:
                self._give_up()

    @staticmethod
    def _average(past: float, elapsed: float) -> float:
        return _MEMORY * past + (1 - _MEMORY) * elapsed

    def _is_promising(self, sample: Callable[[], object]) -> bool:
        """Tell whether the sample is faster on all threads than on one, twice.

        It runs once before, to wake the threads.
        """
        sample()
        multi = max(self._time(sample), self._time(sample))
        self._use(1)
        single = self._time(sample)
        self._use(self._most)
        return multi < single

    def _time(self, work: Callable[[], object]) -> float:
        started = self._clock()
        work()
        return self._clock() - started

    def _give_up(self) -> None:
        # Slower from the start: wait longer before the next try. Slower only after a while: the
        # machine has changed.
        hopeless = self._steps_since_change < _FIRST_WAIT
        self._wait = min(2 * self._wait, _LONGEST_WAIT) if hopeless else _FIRST_WAIT
        self._steps_left = self._wait
        self._set_threads(1)

    def _set_threads(self, threads: int) -> None:
        self._threads = threads
        self._steps_since_change = 0
        self._use(threads)
