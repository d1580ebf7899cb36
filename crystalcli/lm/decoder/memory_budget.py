"""Whether a model fits into memory: what a decoder will take, in the form it will be used in, and what there is.

Knows: sizes of matrices in each form, of caches, and how each system tells what is free.
Does not know: how anything is computed. Nothing is allocated for asking: shapes and formats are enough.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from crystalcli.errors import CrystalError
from crystalcli.lm.decoder.decoder_config import Shape
from crystalcli.lm.decoder.linear import planes_of, together
from crystalcli.lm.decoder.llama import BLOCK
from crystalcli.lm.files.tensor_source import Source

_PLANE = 0.5 + 4 / 32  # bytes a weight in one four-bit plane: the code, and two bfloat16 for 32 of them
_MATRICES = {"qkv": ("attn_q", "attn_k", "attn_v"), "out": ("attn_output",), "up": ("ffn_gate", "ffn_up")}
_MATRICES["down"] = ("ffn_down",)


def weights(source: Source, width: int, packing: bool, keeping: bool, eight: bool = False) -> int:
    """Bytes that the matrices take. width: bytes of a number, 2 for bfloat16, 4 for float32; the rest as in `Matrix` and `Llama`."""
    native = {2: "BF16", 4: "F32"}[width]
    total = largest = 0.0
    for names in _groups(source, packing):
        stored = [source.tensors[name] for name in names]
        kinds, count = [one.kind for one in stored], sum(math.prod(one.shape) for one in stored)
        planes = planes_of(kinds, sum(one.shape[0] for one in stored)) if packing else 0
        total += count * planes * _PLANE
        head = names[0] in ("output.weight", "token_embd.weight")
        if planes and keeping and eight and names[0].endswith(("ffn_gate.weight", "ffn_up.weight")):
            total += count + 4 * sum(one.shape[0] for one in stored)  # a byte a weight, a scale a row
        elif not planes or (keeping and not head):  # the head meets one row at a time
            total += count * width
        elif not head and set(kinds) != {native}:
            largest = max(largest, count * width)  # made anew for each block
    return int(total + largest)


def reading(shape: Shape, width: int, positions: int) -> int:
    """Bytes of the keys and values of so many positions, and of what a block of them is while it is read."""
    kept = 2 * shape.layers * shape.groups * shape.head * width * positions
    heads = (shape.heads + 2 * shape.groups) * shape.head
    return kept + min(positions, BLOCK) * 4 * (3 * shape.hidden + 3 * heads + 4 * shape.width) + 8 * shape.vocabulary


def check(needed: int, name: str, wish: str) -> None:
    """Raises CrystalError when there is less memory than `needed` bytes, with both figures. wish: what to do about it."""
    free = available()
    if free is not None and needed > free:
        raise CrystalError(
            f"{name} needs about {_size(needed)} of memory and this machine has {_size(free)} free: {wish}"
        )


def fits(needed: int) -> bool:
    """Whether there is so much memory, as far as the system tells."""
    free = available()
    return free is None or needed <= free


def available(processes: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that can be had without swapping, within the limits of this process and its control groups; None if unknown."""
    if sys.platform == "win32":
        return _of_windows()
    try:
        lines = (processes / "meminfo").read_text(encoding="ascii").splitlines()
        found = dict(line.split(":", 1) for line in lines if ":" in line)
        free = int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        try:  # macOS does not tell cheaply what could be freed: all that is there
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):
            return None
    return min([free, *_within_groups(processes, groups), *_within_limit(processes)])


def _within_limit(processes: Path) -> Iterator[int]:
    """What `ulimit -v` leaves this process."""
    with suppress(ImportError, OSError, ValueError, IndexError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            used = int((processes / "self" / "statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            yield max(limit - used, 0)


def _within_groups(processes: Path, groups: Path) -> Iterator[int]:
    """What each control group above this process has left: its limit less what it uses and could not drop."""
    try:
        lines = (processes / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        number, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        if number == "0" and not kinds:
            root, most, used, cached = groups, "memory.max", "memory.current", ("inactive_file", "active_file")
        elif "memory" in kinds.split(","):
            root, most, used = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cached = ("total_inactive_file", "total_active_file")
        else:
            continue
        # In a container the path may be that outside, while its own group is mounted as the root.
        inner = root / path.lstrip("/")
        for folder in [inner, *inner.parents]:
            if not folder.is_relative_to(root):
                break
            left = _left(folder, most, used, cached)
            if left is not None:
                yield left


def _left(folder: Path, most: str, used: str, cached: Sequence[str]) -> int | None:
    try:
        limit, now = int((folder / most).read_text()), int((folder / used).read_text())
        rows = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        droppable = sum(int(row[1]) for row in rows if row and row[0] in cached)
    except (OSError, ValueError, IndexError):  # "max": no limit
        return None
    return max(limit - now + droppable, 0)


def _of_windows() -> int | None:
    class Status(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows API."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *(
                (name, ctypes.c_ulonglong)
                for name in ("total", "free", "pages", "pages_free", "virtual", "rest", "more")
            ),
        )

    status = Status(length=ctypes.sizeof(Status))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  # there on Windows alone
    return int(status.free) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def _groups(source: Source, packing: bool) -> Iterator[list[str]]:
    """The names of the tensors that become one matrix, for each matrix of which there is something, as in `Llama`."""
    layers = {name.split(".")[1] for name in source.tensors if name.startswith("blk.") and name.count(".") > 2}
    wanted = [[f"blk.{layer}.{part}.weight" for part in parts] for layer in layers for parts in _MATRICES.values()]
    wanted.append(["output.weight" if "output.weight" in source.tensors else "token_embd.weight"])
    for names in wanted:
        there = [name for name in names if name in source.tensors]
        stored = [source.tensors[name] for name in there]
        if packing and not together([one.kind for one in stored], [one.shape[0] for one in stored]):
            yield from ([name] for name in there)
        elif there:
            yield there


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
