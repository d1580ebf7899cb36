"""What a decoder needs of the place its weights come from: tensors by the names that GGUF gives them, and their bytes.

Knows: the two protocols. `GGUF` keeps them as it is; other layouts give their tensors these names.
Does not know: files, torch, what a tensor is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Stored(Protocol):
    """What is known of a tensor before it is read."""

    @property
    def kind(self) -> str:
        """The format of its numbers, one of quants.READABLE where it can be run: F32, BF16, Q4_K, …"""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first, as torch has it."""


class Source(Protocol):
    """Tensors by name: `token_embd.weight`, `blk.0.attn_q.weight`, `blk.0.attn_q.bias`, `output_norm.weight`, …"""

    @property
    def path(self) -> Path:
        """Where it lies, for messages."""

    @property
    def tensors(self) -> Mapping[str, Stored]:
        """Every tensor there is. What the decoder has no use for must not be among them."""

    def data(self, name: str) -> memoryview:
        """The bytes of a tensor, uint8 [size], row after row, mapped where that can be. They are not written to."""

    def digest(self) -> bytes:
        """32 bytes that are others when the weights are."""
