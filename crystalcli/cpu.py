"""The processor: its count, its instructions, and the memory that its kernels may keep.

Knows: Linux's names for instruction sets, oneDNN's cache of kernels. Does not know: what torch
makes of either.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

_ONEDNN_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_ONEDNN_SHAPES = "64"  # one pass through a model needs no more


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """The instruction sets that Linux lists for the processor; empty on other systems."""
    try:
        return frozenset(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return frozenset()


def limit_onednn_cache() -> None:
    """Bound the kernels that oneDNN, which multiplies for torch, keeps for the shapes it has met.

    Its default is 1,024 shapes: 100 to 200 MB, since chunks and prompts have many lengths. Call
    this before torch first multiplies; later calls have no effect. A value that the user has set is
    left as it is.
    """
    os.environ.setdefault(_ONEDNN_VARIABLE, _ONEDNN_SHAPES)


def available_processors() -> int:
    """Count the processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
