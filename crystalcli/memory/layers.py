"""Chunks to the codes of layers 1 to 3: encoder, pyramid and codec in a row. The one place where ingesting needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from crystalcli.types import Chunk
from crystalcli.vectors.pyramid import Layout, layout

if TYPE_CHECKING:
    from crystalcli.vectors.pyramid import Levels


class LayerCodes(NamedTuple):
    """The codes of one segment's layers, as they are stored."""

    atoms: bytes
    clusters: bytes
    units: bytes


class ChunkEncoder(Protocol):
    """Makes the codes of chunks. tokens: see `LayerEncoder.codes`."""

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """The codes of layers 1 to 3."""
        ...


class LayerEncoder:
    """Holds the encoder's weights. folder: where `model.safetensors` is. Raises ModelMissingError when it cannot be read."""

    def __init__(self, folder: Path, *, precision: str = "auto", threads: int | None = None) -> None:
        import torch

        from crystalcli.vectors.bert import Bert
        from crystalcli.vectors.codec import default_codec

        chosen = None if precision == "auto" else getattr(torch, precision)
        self._bert = Bert(folder, precision=chosen, threads=threads)
        self._codec = default_codec()

    @property
    def description(self) -> str:
        """Device, precision and threads, for a person."""
        return f"{self._bert.device.type}, {str(self._bert.precision).removeprefix('torch.')}, {self._bert.threads} threads"

    def levels(self, chunks: Sequence[Chunk], layouts: Sequence[Layout]) -> Levels:
        """The vectors of the chunks' units, clusters and atoms."""
        from crystalcli.vectors.pyramid import build

        return build(self._bert.states([chunk.ids for chunk in chunks]), list(layouts))

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """Encode chunks. tokens: how many each was laid out by, where that is known already; else as many as it has."""
        if tokens is not None:
            chunks = [laid_out(chunk, count) for chunk, count in zip(chunks, tokens, strict=True)]
        layouts = [layout(len(chunk.ids)) for chunk in chunks]
        levels = self.levels(chunks, layouts)
        atoms, clusters, units = self._codec.encode(
            levels.atoms.numpy(), levels.clusters.numpy(), levels.units.numpy(), *parents(layouts)
        )
        return LayerCodes(atoms.tobytes(), clusters.tobytes(), units.tobytes())


def laid_out(chunk: Chunk, tokens: int) -> Chunk:
    """The chunk with as many ids as it was laid out by when it was stored.

    They are others only where it had to be cut inside a word; the last token is then dropped or said again.
    """
    if len(chunk.ids) == tokens:
        return chunk
    return Chunk(chunk.text, np.pad(chunk.ids, (0, tokens), "edge")[:tokens], chunk.ends)


def parents(layouts: Sequence[Layout]) -> tuple[np.ndarray, np.ndarray]:
    """The row of each cluster's atom and of each unit's cluster, int64, over consecutive chunks."""
    cluster_atom, unit_cluster = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    atoms = clusters = 0
    for _, cluster_bounds, atom_bounds in layouts:
        cluster_atom.append(atoms + np.repeat(np.arange(len(atom_bounds) - 1), np.diff(atom_bounds)))
        unit_cluster.append(clusters + np.repeat(np.arange(len(cluster_bounds) - 1), np.diff(cluster_bounds)))
        atoms += len(atom_bounds) - 1
        clusters += len(cluster_bounds) - 1
    return np.concatenate(cluster_atom), np.concatenate(unit_cluster)
