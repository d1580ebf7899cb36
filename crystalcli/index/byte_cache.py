"""What was read last, up to so many bytes: one bound for everything, so that a crystal's size does not show in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

ROOM = 2_500_000  # bytes


class ByteCache:
    """Values by key, each with its size in bytes; what was used longest ago goes first. room: bytes in all."""

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self.bytes = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """The value, or None when it is not kept (any more)."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value of `size` bytes, unless it is larger than all the room there is."""
        self.drop(key)
        if size > self.room:
            return
        self._values[key] = value, size
        self.bytes += size
        while self.bytes > self.room:
            self.drop(next(iter(self._values)))

    def drop(self, key: Hashable) -> None:
        """Forget a value, if it is there."""
        _, size = self._values.pop(key, (None, 0))
        self.bytes -= size

    def __len__(self) -> int:
        return len(self._values)
