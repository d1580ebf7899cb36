"""Prompt lookup: guesses the next tokens by what followed the last ones before (Saxena, 2023).

An answer repeats the passages that it was given. A decoder reads eight tokens in twice the time of
one: seven guesses pay where, on average, more than the first is what it would have chosen itself.

Knows: token ids, and what guessing has cost and gained. Does not know: text, weights.
"""

from __future__ import annotations

from collections.abc import Iterable

_SHORTEST, _LONGEST = 2, 3  # tokens that are looked up; what follows one alone is seldom right
_MEMORY = 0.7  # weight of the past in the moving averages
_TRIES = 4  # passes with guesses before they are judged: one alone may have waited for the processor
_FIRST_WAIT = 16  # tokens without guesses after these did not pay; doubled each time that they do not again


class PromptLookup:
    """The tokens so far, indexed by every few of them.

    Args:
        ids: Token ids of the prompt.
    """

    def __init__(self, ids: Iterable[int]) -> None:
        self._ids: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}  # what follows the last time that these stood
        for token in ids:
            self.add(token)

    def add(self, token: int) -> None:
        """Add the next token."""
        # Only now, so that the last tokens find an earlier place and not their own.
        end = len(self._ids)
        for size in range(_SHORTEST, min(_LONGEST, end) + 1):
            self._places[tuple(self._ids[end - size :])] = end
        self._ids.append(token)

    def guess(self, count: int) -> list[int]:
        """Guess the next tokens, `count` at most.

        They are those that followed the longest end of the tokens so far, the last time.
        """
        end = len(self._ids)
        for size in range(min(_LONGEST, end), _SHORTEST - 1, -1):
            place = self._places.get(tuple(self._ids[end - size :]))
            if place is not None:
                return self._ids[place : place + count]
        return []


class GuessPace:
    """Tells whether guesses pay: whether a token takes less time with them than without."""

    def __init__(self) -> None:
        self._single_time = self._guess_time = self._guess_tokens = 0.0  # of a pass; 0 before the first
        self._tries = 0
        self._wait = _FIRST_WAIT
        self._left = 0

    @property
    def pays(self) -> bool:
        """Whether to guess."""
        return not self._left

    def rest(self) -> None:
        """Guess nothing for the next 16 passes."""
        self._left = max(self._left, _FIRST_WAIT)

    def add_single(self, seconds: float) -> None:
        """Add a pass without guesses."""
        self._single_time = _average(self._single_time, seconds)
        self._left = max(self._left - 1, 0)

    def add_guess(self, seconds: float, tokens: int) -> None:
        """Add a pass with guesses, which gave so many tokens."""
        self._guess_time = _average(self._guess_time, seconds)
        self._guess_tokens = _average(self._guess_tokens, tokens)
        self._tries += 1
        if self._tries < _TRIES or not self._single_time:
            return
        if self._guess_time > self._guess_tokens * self._single_time:
            self._left, self._wait = self._wait, 2 * self._wait
            self._guess_time = self._guess_tokens = 0.0
            self._tries = 0
        else:
            self._wait = _FIRST_WAIT


def _average(past: float, value: float) -> float:
    return _MEMORY * past + (1 - _MEMORY) * value if past else value
