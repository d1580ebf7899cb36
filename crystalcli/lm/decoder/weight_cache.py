"""A cache of converted weights, so that the next start need not convert them again.

Knows: one safetensors file for one source, one form and one machine, and when it is obsolete.
Does not know: what is in it. Imports torch, so it is imported only when weights are loaded.

The cache is a convenience: a copy that cannot be read or written is ignored, and the weights come
from their source. With SmolLM2-135M it takes 314 MB and saves 0.6 s of loading and 0.4 s of the
first prompt (2 busy cores).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

_LAYOUT = 1  # counts up when names, shapes or meaning of the tensors change
_SUFFIX = ".safetensors"


def cached_name(source: bytes, form: str) -> str:
    """Name the file of a copy by its source, its form, and what decides how torch packs.

    Args:
        source: SHA-256 of the source.
        form: The precision and kernels that the copy is for.
    """
    machine = f"{_LAYOUT} {form} {torch.__version__} {torch.backends.cpu.get_cpu_capability()}"
    return hashlib.sha256(source + machine.encode()).hexdigest()[:32] + _SUFFIX


def load_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """Load the tensors of a copy; {} where there is no sound copy.

    They are mapped from the file and must not be changed.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(folder / name)
    except (OSError, SafetensorError, ValueError, KeyError, RuntimeError):
        return {}


def save_weights(folder: Path, name: str, tensors: Mapping[str, Tensor]) -> bool:
    """Write a copy, whole or not at all, and remove the others in the folder.

    The folder belongs to this one model: every other copy in it is of an older source, form or
    torch.

    Returns:
        Whether the copy was written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=name, suffix=".part")
        os.close(handle)
        save_file(dict(tensors), temporary)
        Path(temporary).replace(folder / name)
    except (OSError, SafetensorError):  # a full disk, or a folder that may not be written to
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        return False
    for other in folder.glob("*" + _SUFFIX):
        if other.name != name:
            with contextlib.suppress(OSError):
                other.unlink()
    return True
