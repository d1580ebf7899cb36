"""The pace of a language model: how often it can still be asked in the time there is.

Knows: tokens, seconds. Does not know: texts, models.
"""

from __future__ import annotations

import time

_PROMPT_PACE, _ANSWER_PACE = 100.0, 10.0  # tokens a second, until the model has shown its own
_PROMPT_TOKENS, _ANSWER_TOKENS = 200, 25  # of one turn


class ReadingPace:
    """The time for an answer, and the pace that a model has shown in it.

    Args:
        deadline: The time, by `time.monotonic`, at which the answer has to end.
        parts: The parts that the model is to sum up.
    """

    def __init__(self, deadline: float, parts: int) -> None:
        self.deadline = deadline
        self._parts = parts
        self._passed = self._taken = 0  # parts that are done, and those that got any time
        self._prompt, self._answer = (0, 0.0), (0, 0.0)  # tokens, seconds

    def add(self, prompt: int, seconds_to_first: float, answer: int, seconds: float) -> None:
        """Add what a model has just done.

        Args:
            prompt: The tokens that it read.
            seconds_to_first: The seconds until its first word.
            answer: The tokens that it said.
            seconds: The seconds until its last word.
        """
        self._prompt = self._prompt[0] + prompt, self._prompt[1] + seconds_to_first
        self._answer = self._answer[0] + answer, self._answer[1] + max(0.0, seconds - seconds_to_first)

    def next_part(self) -> int:
        """Give the number of turns that the next part may take.

        Where there is not enough time for every part, those that get any are evenly spaced, so that
        what is said covers the whole.
        """
        turns, left = self._turns_left(), max(1, self._parts - self._passed)
        self._passed += 1
        if turns < left:
            turns = int(self._taken * self._parts < self._passed * (self._taken + turns))
        else:
            turns //= left
        self._taken += turns > 0
        return turns

    def _turns_left(self) -> int:
        """Estimate how often the model can be asked until the deadline."""
        seconds = _PROMPT_TOKENS / _rate(*self._prompt, _PROMPT_PACE)
        seconds += _ANSWER_TOKENS / _rate(*self._answer, _ANSWER_PACE)
        return max(0, int((self.deadline - time.monotonic()) / seconds))


def _rate(tokens: int, seconds: float, usual: float) -> float:
    """Compute tokens a second; the usual pace where nothing was measured."""
    return tokens / seconds if tokens and seconds > 0 else usual
