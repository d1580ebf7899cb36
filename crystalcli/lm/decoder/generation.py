"""Generation of the tokens that follow a prompt that has been read, with the help of guesses.

With guesses or without, the tokens are the same: a guess is kept only where it is what the sampler
chooses from logits that are the same to the last bit.

Knows: the order of reading, choosing and taking back. Does not know: text, or where a text ends.
Imports torch, so it is imported late.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from crystalcli.lm.decoder.attention import KVCache
from crystalcli.lm.decoder.llama import MAX_GUESS, Llama
from crystalcli.lm.decoder.prompt_lookup import GuessPace, PromptLookup
from crystalcli.lm.decoder.sampler import Sampler
from crystalcli.lm.decoder.thread_tuner import ThreadTuner


class Generation:
    """One text being generated.

    Args:
        decoder: The decoder.
        cache: The positions of the prompt, with room for all tokens that are wanted but the last.
        sampler: Chooses each token.
        prompt: Token ids of the prompt.
        pace: What guesses have cost before, on this decoder.
        tuner: Told of every layer of a pass without guesses.
    """

    def __init__(
        self,
        decoder: Llama,
        cache: KVCache,
        sampler: Sampler,
        prompt: Sequence[int],
        pace: GuessPace,
        tuner: ThreadTuner | None = None,
    ) -> None:
        self._decoder = decoder
        self._cache = cache
        self._sampler = sampler
        self._pace = pace
        self._tuner = tuner
        self._lookup = PromptLookup(prompt)

    def after(self, token: int, count: int) -> Iterator[int]:
        """Generate `count` tokens behind `token`, the one that was chosen behind the prompt.

        A pass begins only when a token of it is asked for.
        """
        self._lookup.add(token)
        while count > 0:
            chosen = self._read(token, count)
            for following in chosen:
                self._lookup.add(following)
                yield following
            token = chosen[-1]
            count -= len(chosen)

    def _read(self, token: int, count: int) -> list[int]:
        """Read a token and the guess behind it; give the tokens that follow, one at least."""
        guess = self._guess(min(MAX_GUESS, count - 1))
        started = time.perf_counter()
        if not guess:
            chosen = [self._sampler.choose(self._decoder.forward([token], self._cache, tuner=self._tuner)[0])]
            self._pace.add_single(time.perf_counter() - started)
            return chosen
        start, chosen = self._cache.length, []
        for row, guessed in zip(self._decoder.forward_guess([token, *guess], self._cache), [*guess, -1], strict=True):
            chosen.append(self._sampler.choose(row))
            if chosen[-1] != guessed:
                break
        self._cache.length = start + len(chosen)
        self._pace.add_guess(time.perf_counter() - started, len(chosen))
        return chosen

    def _guess(self, count: int) -> list[int]:
        if not self._pace.pays or count < 1:
            return []
        guess = self._lookup.guess(count)
        return guess if guess and self._decoder.reads_rows_alike else []
