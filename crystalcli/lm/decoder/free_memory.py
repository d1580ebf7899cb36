"""The memory that this machine has free: what can be had without swapping.

Knows: how each system tells. Does not know: what is to be put there. It imports nothing heavy, so
that a model can be chosen by it before torch is loaded.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path


def available_memory(processes: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Ask the system for the bytes that can be had without swapping.

    Args:
        processes: Where Linux tells of processes.
        groups: Where Linux tells of control groups.

    Returns:
        Bytes, within the limits of this process and its control groups; None where the system does
        not tell.
    """
    if sys.platform == "win32":
        return _available_on_windows()
    try:
        lines = (processes / "meminfo").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        try:  # macOS does not tell cheaply what could be freed: take all there is
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):
            return None
    return min([free, *_left_in_groups(processes, groups), *_left_of_limit(processes)])


def _left_of_limit(processes: Path) -> Iterator[int]:
    """Bytes that `ulimit -v` leaves this process."""
    with suppress(ImportError, OSError, ValueError, IndexError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            used = int((processes / "self" / "statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            yield max(limit - used, 0)


def _left_in_groups(processes: Path, groups: Path) -> Iterator[int]:
    """Bytes that each control group above this process has left.

    That is its limit, less what it uses and could not drop.
    """
    try:
        lines = (processes / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        number, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        if number == "0" and not kinds:
            root, limit, usage, cached = groups, "memory.max", "memory.current", ("inactive_file", "active_file")
        elif "memory" in kinds.split(","):
            root, limit, usage = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cached = ("total_inactive_file", "total_active_file")
        else:
            continue
        # In a container the path may be that outside, while its own group is mounted as the root.
        inner = root / path.lstrip("/")
        for folder in [inner, *inner.parents]:
            if not folder.is_relative_to(root):
                break
            left = _left_in_group(folder, limit, usage, cached)
            if left is not None:
                yield left


def _left_in_group(folder: Path, limit_file: str, usage_file: str, cached: Sequence[str]) -> int | None:
    try:
        limit, usage = int((folder / limit_file).read_text()), int((folder / usage_file).read_text())
        rows = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        droppable = sum(int(row[1]) for row in rows if row and row[0] in cached)
    except (OSError, ValueError, IndexError):  # "max": no limit
        return None
    return max(limit - usage + droppable, 0)


def _available_on_windows() -> int | None:
    class MemoryStatus(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows API."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *(
                (name, ctypes.c_ulonglong)
                for name in ("total", "free", "pages", "pages_free", "virtual", "rest", "more")
            ),
        )

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  # there on Windows alone
    return int(status.free) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
