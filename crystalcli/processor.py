"""What the processor can do, by the names that Linux has for it. Does not know what torch makes of it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def flags() -> frozenset[str]:
    """What Linux says that the processor can do; nothing elsewhere."""
    try:
        return frozenset(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return frozenset()
