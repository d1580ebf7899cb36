"""What was read of the last prompt, for the next one that begins alike: a conversation that goes on, parts asked in turn.

Knows: ids, caches, how many bytes may be kept. Does not know: what is said. Imports torch, so it is imported late.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from crystalcli.lm.decoder.attention import Cache
from crystalcli.lm.decoder.llama import BLOCK, Llama

_MOST = 512 << 20  # bytes kept: 22,000 positions of SmolLM2-135M in bfloat16, 4,000 of an 8B model


class Prefix:
    """The keys and values of one prompt at most. Its methods may be called from several threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._changing = threading.Lock()
        self._kept: tuple[list[int], Cache] | None = None

    def cache(self, decoder: Llama, ids: Sequence[int], room: int) -> Cache:
        """A cache for `room` positions that holds as many of the first of `ids` as are known, never all of them.

        It is the caller's until it is given back with `keep`: two prompts at a time never share one.
        """
        with self._changing:
            kept, self._kept = self._kept, None
        if kept is None:
            return decoder.cache(room)
        before, cache = kept
        shared = next((n for n, (old, new) in enumerate(zip(before, ids, strict=False)) if old != new), len(before))
        shared = min(shared, len(ids) - 1) // BLOCK * BLOCK
        if cache.room >= room:
            cache.length = shared
            return cache
        larger = decoder.cache(room)
        larger.begin_with(cache, shared)
        return larger

    def keep(self, ids: Sequence[int], cache: Cache) -> None:
        """Keeps what was read of the prompt `ids`, as far as it was read in whole blocks."""
        whole = list(ids[: len(ids) // BLOCK * BLOCK])
        if whole and cache.size <= self._most:
            with self._changing:
                self._kept = whole, cache
