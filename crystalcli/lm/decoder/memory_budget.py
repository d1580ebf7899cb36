"""The memory budget: what a decoder takes in the form it will be used in, and what is available.

Knows: sizes of matrices in each form and of caches; how each system tells what is free.
Does not know: how anything is computed. Nothing is allocated to ask: shapes and formats are enough.
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
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.linear import int4_planes, packs_as_one, rounds_to_int8
from crystalcli.lm.decoder.llama import BLOCK_SIZE
from crystalcli.lm.files.tensor_source import TensorSource

# A weight in one four-bit plane: the code, and two bfloat16 for 32 of them.
_PLANE_BYTES = 0.5 + 4 / 32
_LINEARS = {
    "qkv": ("attn_q", "attn_k", "attn_v"),
    "out": ("attn_output",),
    "up": ("ffn_gate", "ffn_up"),
    "down": ("ffn_down",),
}


def weight_bytes(source: TensorSource, width: int, int4: bool, keep_dense: bool, int8: bool = False) -> int:
    """Compute the bytes that the matrices take.

    Args:
        source: The tensors.
        width: Bytes of a number, 2 for bfloat16, 4 for float32.
        int4: As in `Llama`.
        keep_dense: As in `Linear`.
        int8: As in `Llama`.
    """
    native_kind = {2: "BF16", 4: "F32"}[width]
    total = largest = 0.0
    for names in _linears(source, int4):
        infos = [source.tensors[name] for name in names]
        kinds, count = [info.kind for info in infos], sum(math.prod(info.shape) for info in infos)
        rows = sum(info.shape[0] for info in infos)
        planes = int4_planes(kinds, rows) if int4 else 0
        total += count * planes * _PLANE_BYTES
        if int8 and rounds_to_int8(kinds) and (not int4 or names[0].endswith(("ffn_gate.weight", "ffn_up.weight"))):
            total += count + 8 * rows  # a byte a weight, a scale and a sum a row
            continue
        head = names[0] in ("output.weight", "token_embd.weight")
        if not planes or (keep_dense and not head):  # the head meets one row at a time
            total += count * width
        elif not head and set(kinds) != {native_kind}:
            largest = max(largest, count * width)  # made anew for each block
    return int(total + largest)


def prompt_bytes(config: DecoderConfig, width: int, positions: int) -> int:
    """Compute the bytes that a prompt takes.

    These are the keys and values of `positions`, and the activations of a block while it is read.
    """
    cache = 2 * config.layers * config.kv_heads * config.head_dim * width * positions
    heads = (config.heads + 2 * config.kv_heads) * config.head_dim
    activations = 4 * (3 * config.ffn_size + 3 * heads + 4 * config.hidden_size)
    return cache + min(positions, BLOCK_SIZE) * activations + 8 * config.vocab_size


def check_memory(needed: int, name: str, advice: str) -> None:
    """Raise CrystalError when less than `needed` bytes are available.

    The message ends with `advice`.
    """
    free = available_memory()
    if free is not None and needed > free:
        raise CrystalError(
            f"{name} needs about {_format_size(needed)} of memory and this machine has {_format_size(free)} free: {advice}"
        )


def fits_in_memory(needed: int) -> bool:
    """Tell whether `needed` bytes are available, as far as the system tells."""
    free = available_memory()
    return free is None or needed <= free


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


def _linears(source: TensorSource, int4: bool) -> Iterator[list[str]]:
    """The tensor names of each linear layer that the source has, grouped as `Llama` groups them."""
    layers = {name.split(".")[1] for name in source.tensors if name.startswith("blk.") and name.count(".") > 2}
    groups = [[f"blk.{layer}.{part}.weight" for part in parts] for layer in layers for parts in _LINEARS.values()]
    groups.append(["output.weight" if "output.weight" in source.tensors else "token_embd.weight"])
    for group in groups:
        names = [name for name in group if name in source.tensors]
        infos = [source.tensors[name] for name in names]
        kinds, rows = [info.kind for info in infos], [info.shape[0] for info in infos]
        if int4 and not packs_as_one(kinds, rows):
            yield from ([name] for name in names)
        elif names:
            yield names


def _format_size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
