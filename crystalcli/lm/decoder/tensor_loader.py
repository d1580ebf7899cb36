"""Loads the tensors of a decoder from a source.

Each is checked against its shape, and none may be left over.

Knows: names, shapes and formats. Does not know: what is computed with them. Imports torch, so it is
imported late.
"""

from __future__ import annotations

import functools
import warnings

import torch
from torch import Tensor

from crystalcli.errors import CrystalError
from crystalcli.lm.decoder.linear import BlockMatrix
from crystalcli.lm.files import ggml_quants
from crystalcli.lm.files.gguf import printable
from crystalcli.lm.files.tensor_source import TensorSource


class TensorLoader:
    """The tensors of a source, and which of them have been loaded.

    `matrix` and `vector` raise CrystalError where a tensor is missing, of another shape, or in an
    unknown format.
    """

    def __init__(self, source: TensorSource) -> None:
        self._source = source
        self._unused = set(source.tensors)

    def __contains__(self, name: str) -> bool:
        return name in self._source.tensors

    def matrix(self, name: str, rows: int, columns: int) -> BlockMatrix:
        """Load a matrix [rows, columns], still in the blocks of the source."""
        kind = self._check(name, (rows, columns))
        return BlockMatrix(kind, self._bytes(name).view(rows, -1), columns)

    def vector(self, name: str, length: int) -> Tensor:
        """Load a copy of a vector, float32 [length]."""
        return ggml_quants.dequantize(self._check(name, (length,)), self._bytes(name), torch.float32).clone()

    def release(self, prefix: str) -> None:
        """Give the pages of tensors back to the system: they were converted.

        They are read again where they are needed.

        Args:
            prefix: Beginning of their names.
        """
        for name in self._source.tensors:
            if name.startswith(prefix):
                self._source.release(name)

    def check_all_used(self) -> None:
        """Raise CrystalError when a tensor was not loaded: to run without it would be wrong."""
        if self._unused:
            names = ", ".join(printable(name) for name in sorted(self._unused)[:3])
            raise CrystalError(f"{self._source.path}: {len(self._unused)} tensors are unknown to this decoder: {names}")

    def _check(self, name: str, shape: tuple[int, ...]) -> str:
        info = self._source.tensors.get(name)
        if info is None:
            raise CrystalError(f"{self._source.path}: the tensor {name} is missing")
        if info.shape != shape:
            raise CrystalError(f"{self._source.path}: the tensor {name} is {info.shape} where {shape} is needed")
        if info.kind not in ggml_quants.READABLE_KINDS:
            known = ", ".join(sorted(ggml_quants.READABLE_KINDS))
            raise CrystalError(f"{self._source.path}: {name} is in {info.kind}; formats that can be read: {known}")
        self._unused.discard(name)
        return info.kind

    def _bytes(self, name: str) -> Tensor:
        silence_read_only_warning()
        return torch.frombuffer(self._source.data(name), dtype=torch.uint8)


@functools.cache
def silence_read_only_warning() -> None:
    """Trigger torch's warning about read-only memory, once a process, where it is hidden.

    It is harmless: no tensor is written to.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.frombuffer(b"\0", dtype=torch.uint8)
