"""The source of a decoder's weights, as protocols.

It gives tensors by the names that GGUF gives them, and their bytes.

Knows: the two protocols, and how one state of a file is told from another. `GGUF` fits them as it
is; other layouts give their tensors these names.
Does not know: what is in files, torch, what a tensor is for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol


class TensorInfo(Protocol):
    """A tensor's format and shape, known before it is read."""

    @property
    def kind(self) -> str:
        """Number format, such as F32, BF16 or Q4_K.

        One of ggml_quants.READABLE_KINDS where it can be run.
        """

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first, as torch has it."""


class TensorSource(Protocol):
    """Tensors by the names that GGUF gives them.

    Among them are `token_embd.weight`, `blk.0.attn_q.weight`, `blk.0.attn_q.bias` and
    `output_norm.weight`.
    """

    @property
    def path(self) -> Path:
        """The file or folder, for messages."""

    @property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """All tensors. Those that the decoder has no use for must not be among them."""

    def data(self, name: str) -> memoryview:
        """View the bytes of a tensor, uint8 [size], row after row.

        They are read-only, and mapped where possible.
        """

    def release(self, name: str) -> None:
        """Let the system drop the pages of a tensor. Views of it stay valid."""

    def digest(self) -> bytes:
        """Digest of the weights, 32 bytes; changes if and only if they change."""

    def stamp(self) -> str:
        """Stamp of the files, without reading them: the same stamp means the same weights."""


def stat_stamp(files: Iterable[Path | int]) -> str:
    """Stamp files by size, inode and time of change.

    Args:
        files: Paths or descriptors.

    Raises:
        OSError: One of them cannot be asked.
    """
    facts = (os.fstat(file) if isinstance(file, int) else file.stat() for file in files)
    return " ".join(f"{fact.st_size} {fact.st_ino} {fact.st_mtime_ns}" for fact in facts)
