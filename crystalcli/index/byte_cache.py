"""A least-recently-used cache bounded in bytes.

All that is read from a crystal shares one bound, so that memory use does not grow with its size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

CAPACITY = 2_500_000  # bytes


class ByteCache:
    """Values by key, each with its size in bytes; the least recently used is dropped first.

    Attributes:
        capacity: The most bytes that are kept.
        bytes: The bytes that are kept now.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.bytes = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """Return the value of `key`, or None when it is not in the cache."""
        entry = self._values.get(key)
        if entry is None:
            return None
        self._values.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value of `size` bytes, unless it is larger than the capacity."""
        self.drop(key)
        if size > self.capacity:
            return
        self._values[key] = value, size
        self.bytes += size
        while self.bytes > self.capacity:
            self.drop(next(iter(self._values)))

    def drop(self, key: Hashable) -> None:
        """Remove a value, if it is in the cache."""
        _, size = self._values.pop(key, (None, 0))
        self.bytes -= size

    def __len__(self) -> int:
        return len(self._values)
