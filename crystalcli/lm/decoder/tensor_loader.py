"""Takes tensors out of a source for a decoder: each is checked against the shape it must have, and none may be left over.

Knows: names, shapes and formats. Does not know: what is computed with them. Imports torch, so it is imported late.
"""

from __future__ import annotations

import functools
import warnings

import torch
from torch import Tensor

from crystalcli.errors import CrystalError
from crystalcli.lm.decoder.linear import Part
from crystalcli.lm.files import ggml_quants
from crystalcli.lm.files.gguf import show
from crystalcli.lm.files.tensor_source import Source


class Tensors:
    """The tensors of a source that nothing has taken yet. What is taken raises CrystalError where it does not fit."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = set(source.tensors)

    def __contains__(self, name: str) -> bool:
        return name in self._source.tensors

    def part(self, name: str, rows: int, columns: int) -> Part:
        """A matrix [rows, columns], as it lies in the source."""
        kind = self._check(name, (rows, columns))
        return Part(kind, self._bytes(name).view(rows, -1), columns)

    def vector(self, name: str, length: int) -> Tensor:
        """The numbers of a vector, float32 [length], a copy."""
        return ggml_quants.dequantize(self._check(name, (length,)), self._bytes(name), torch.float32).clone()

    def finish(self) -> None:
        """Raises CrystalError when something was not taken: to run without it would be wrong."""
        if self._left:
            names = ", ".join(show(name) for name in sorted(self._left)[:3])
            raise CrystalError(f"{self._source.path}: {len(self._left)} tensors are unknown to this decoder: {names}")

    def _check(self, name: str, shape: tuple[int, ...]) -> str:
        stored = self._source.tensors.get(name)
        if stored is None:
            raise CrystalError(f"{self._source.path}: the tensor {name} is missing")
        if stored.shape != shape:
            raise CrystalError(f"{self._source.path}: the tensor {name} is {stored.shape} where {shape} is needed")
        if stored.kind not in ggml_quants.READABLE:
            known = ", ".join(sorted(ggml_quants.READABLE))
            raise CrystalError(f"{self._source.path}: {name} is in {stored.kind}; formats that can be read: {known}")
        self._left.discard(name)
        return stored.kind

    def _bytes(self, name: str) -> Tensor:
        _silence()
        return torch.frombuffer(self._source.data(name), dtype=torch.uint8)


@functools.cache
def _silence() -> None:
    """Has torch give its warning about memory that cannot be written to, once a process, to nobody: none is written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.frombuffer(b"\0", dtype=torch.uint8)
