"""Keys and values of the last prompt, for the next one that begins alike.

A conversation that goes on begins alike, and so do parts asked in turn.

Knows: ids, caches, how many bytes may be kept. Does not know: text. Imports torch, so it is
imported late.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from crystalcli.lm.decoder.attention import KVCache
from crystalcli.lm.decoder.llama import BLOCK_SIZE, Llama

_MAX_BYTES = 512 << 20  # 22,000 positions of SmolLM2-135M in bfloat16, 4,000 of an 8B model


class PrefixCache:
    """The keys and values of one prompt at most. Its methods may be called from several threads."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._changing = threading.Lock()
        self._stored: tuple[list[int], KVCache] | None = None

    def take(self, decoder: Llama, ids: Sequence[int], capacity: int) -> KVCache:
        """Take a cache that holds as many of the first of `ids` as are known, never all of them.

        It is the caller's until `store` gives it back: two prompts at a time never share one.

        Args:
            decoder: The decoder that will fill it.
            ids: Token ids of the prompt.
            capacity: Positions that the cache must have room for.
        """
        with self._changing:
            stored, self._stored = self._stored, None
        if stored is None:
            return decoder.cache(capacity)
        old_ids, cache = stored
        pairs = enumerate(zip(old_ids, ids, strict=False))
        shared = next((place for place, (old, new) in pairs if old != new), len(old_ids))
        shared = min(shared, len(ids) - 1) // BLOCK_SIZE * BLOCK_SIZE
        if cache.capacity >= capacity:
            cache.length = shared
            return cache
        larger = decoder.cache(capacity)
        larger.copy_prefix(cache, shared)
        return larger

    def store(self, ids: Sequence[int], cache: KVCache) -> None:
        """Keep the cache of the prompt `ids`, as far as it was read in whole blocks."""
        whole_blocks = list(ids[: len(ids) // BLOCK_SIZE * BLOCK_SIZE])
        if whole_blocks and cache.nbytes <= self._max_bytes:
            with self._changing:
                self._stored = whole_blocks, cache

    def clear(self) -> None:
        """Forget the prompt."""
        with self._changing:
            self._stored = None
