"""Chunks to the codes of layers 1 to 3: encoder, pyramid and codec in a row. The one place where ingesting needs torch.

The codes of a chunk follow from its text and its context and from nothing beside them, so that it does not matter in how many
runs, or in which company, a text is read. The context stands before the text where the encoder reads it, and is not pooled.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from crystalcli.index.chunk_context import CONTEXT_MARK
from crystalcli.types import Chunk
from crystalcli.vectors import (
    CODE_BYTES,
    Codec,
    PyramidLayout,
    WordPieceTokenizer,
    cosines,
    default_codec,
    default_tokenizer,
    pyramid_layout,
)

if TYPE_CHECKING:
    import torch

    from crystalcli.index.encoder import Encoder
    from crystalcli.types import FloatArray, IntArray


PREFIX = 24  # tokens of a chunk's context that the encoder reads before it, at most


class _Parts(NamedTuple):
    atoms: bytes
    clusters: bytes
    units: bytes


class LayerCodes(_Parts):
    """The codes of one segment's layers, as they are stored.

    fidelity: for each layer its nodes, and the sum of the cosines between their vectors and what their codes decode to.
    """

    fidelity: Mapping[str, tuple[int, float]] = MappingProxyType({})


class ChunkEncoder(Protocol):
    """Makes the codes of chunks. tokens: see `LayerEncoder.codes`."""

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """The codes of layers 1 to 3."""
        ...


class LayerEncoder:
    """Holds the encoder's weights.

    folder: where `config.json` and `model.safetensors` are. tokenizer and codec: of that encoder; by default those that ship
    with the package. Raises ModelMissingError when the weights cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tokenizer: WordPieceTokenizer | None = None,
        codec: Codec | None = None,
        precision: str = "auto",
        threads: int | None = None,
    ) -> None:
        import torch

        from crystalcli.vectors import Bert, default_scales

        chosen = None if precision == "auto" else getattr(torch, precision)
        # Scales belong to the program's own encoder; one of the user's own comes with a tokenizer of its own.
        scales = default_scales() if tokenizer in (None, default_tokenizer()) else None
        self._tokenizer = tokenizer or default_tokenizer()
        self._bert = Bert(folder, special=self._tokenizer.special, precision=chosen, scales=scales, threads=threads)
        # numpy's matrices have threads of their own, which wait for one another inside the encoder's: torch's, here, have one.
        self._codec = (codec or default_codec()).with_matmul(_product)
        self._room = self._bert.config.positions - 2  # tokens that it reads at once

    @property
    def description(self) -> str:
        """Device, precision and threads, for a person."""
        return f"{self._bert.device.type}, {str(self._bert.precision).removeprefix('torch.')}, {self._bert.threads} threads"

    def vectors(
        self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None
    ) -> tuple[list[FloatArray], list[PyramidLayout]]:
        """The vectors of the chunks' units, clusters and atoms, float32 [nodes, dimension] each, and the chunks' layouts.

        tokens: as in `codes`.
        """
        from crystalcli.vectors import build_pyramid

        ids = [chunk.ids for chunk in chunks] if tokens is None else self._ids(chunks, list(tokens))
        layouts = [pyramid_layout(len(each)) for each in ids]
        made: dict[int, list[FloatArray]] = {}

        def take(index: int, states: torch.Tensor) -> None:
            made[index] = [vectors.numpy() for vectors in build_pyramid(states, [layouts[index]])]

        self._each(chunks, ids, take)
        nothing = np.zeros((0, self._bert.dimension), np.float32)
        return [np.concatenate([nothing, *(made[i][layer] for i in sorted(made))]) for layer in range(3)], layouts

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """Encode chunks. tokens: how many each is laid out by, where that is known already; else as many as it has.

        What is encoded are the tokens of a chunk's whole text. They are more or fewer than it is laid out by only for a chunk
        that had to be cut inside a word; its last ones are then dropped, or the last said again.
        """
        codec = self._codec
        counts = [len(chunk.ids) for chunk in chunks] if tokens is None else list(tokens)
        layouts = [pyramid_layout(count) for count in counts]
        made: dict[int, tuple[bytes, ...]] = {}
        near: dict[int, list[float]] = {}

        def take(index: int, states: torch.Tensor) -> None:
            from crystalcli.vectors import build_pyramid

            units, clusters, atoms = (vectors.numpy() for vectors in build_pyramid(states, [layouts[index]]))
            above = parents([layouts[index]])
            codes = codec.encode(atoms, clusters, units, *above)
            decoded = codec.decode(*codes, *above)
            made[index] = tuple(code.tobytes() for code in codes)
            near[index] = [float(cosines(*pair).sum()) for pair in zip((atoms, clusters, units), decoded, strict=True)]

        self._each(chunks, self._ids(chunks, counts), take)
        parts = [b"".join(made[index][layer] for index in sorted(made)) for layer in range(3)]
        result = LayerCodes(*parts)
        sums = [sum(near[index][layer] for index in sorted(near)) for layer in range(3)]
        result.fidelity = {
            name: (len(part) // size, total)
            for (name, size), part, total in zip(CODE_BYTES.items(), parts, sums, strict=True)
        }
        return result

    def _each(
        self, chunks: Sequence[Chunk], ids: Sequence[IntArray], take: Callable[[int, torch.Tensor], None]
    ) -> None:
        """Call `take` with each chunk's index and its own tokens' states, as `Bert.each` does."""
        before = self._before(chunks, ids)

        def own(index: int, states: torch.Tensor) -> None:
            take(index, states[len(before[index]) :])

        self._bert.for_each([np.concatenate(pair) for pair in zip(before, ids, strict=True)], own)

    def _before(self, chunks: Sequence[Chunk], ids: Sequence[IntArray]) -> list[IntArray]:
        """What the encoder reads before each chunk: its context, as far as there is room and it takes part in vectors."""
        places = [chunk.context.partition(CONTEXT_MARK) for chunk in chunks]
        known = sorted({part for name, mark, place in places if mark for part in (name, place)})
        tokens = {part: found for part, (found, _) in zip(known, self._tokenizer.tokenize(known), strict=True)}
        none = np.zeros(0, np.int32)
        return [
            _prefix(tokens[name], tokens[place], self._room - len(own)) if mark and len(own) else none
            for (name, mark, place), own in zip(places, ids, strict=True)
        ]

    def _ids(self, chunks: Sequence[Chunk], counts: Sequence[int]) -> list[IntArray]:
        found = []
        for (ids, _), count in zip(self._tokenizer.tokenize([chunk.text for chunk in chunks]), counts, strict=True):
            if len(ids) < count:
                ids = np.pad(ids if len(ids) else np.zeros(1, np.int32), (0, count - max(1, len(ids))), "edge")
            found.append(ids[:count])
        return found


class LazyEncoder:
    """A LayerEncoder for later: an ingest with nothing new never waits for torch."""

    def __init__(self, encoder: Encoder, codec: Codec | None) -> None:
        self._encoder, self._codec = encoder, codec
        self._layers: LayerEncoder | None = None

    def layers(self) -> LayerEncoder:
        """It, loaded now if need be. Raises ModelMissingError or EncoderMismatchError."""
        if self._layers is None:
            assert self._encoder.folder is not None
            self._encoder.verify()
            self._layers = LayerEncoder(self._encoder.folder, tokenizer=self._encoder.tokenizer, codec=self._codec)
        return self._layers

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """See `LayerEncoder.codes`."""
        return self.layers().codes(chunks, tokens)


class CachedEncoder:
    """The encoder of the last ingest, for the next one: it is made anew only for other weights or codebooks."""

    def __init__(self) -> None:
        self._kept: LazyEncoder | None = None
        self._key: Hashable = None

    def of(self, encoder: Encoder, codec: Codec | None, key: Hashable) -> LazyEncoder:
        """The one that is kept, if `key` is what it was. key: what weights and codebooks are told from others by."""
        if self._kept is None or key != self._key:
            self._kept, self._key = LazyEncoder(encoder, codec), key
        return self._kept

    def let_go(self) -> None:
        """Give its memory back; the next ingest loads it again."""
        self._kept = None


def _prefix(name: IntArray, place: IntArray, room: int) -> IntArray:
    """The last tokens of a document's name and of the place in it, at most PREFIX and `room`: what is innermost is at the end.

    Where both are long, each has half.
    """
    most = max(0, min(PREFIX, room))
    of_place = min(len(place), max(most // 2, most - len(name)))
    of_name = min(len(name), most - of_place)
    return np.concatenate((name[len(name) - of_name :], place[len(place) - of_place :]))


def _product(a: FloatArray, b: FloatArray) -> FloatArray:
    import torch

    result: FloatArray = (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
    return result


def parents(layouts: Sequence[PyramidLayout]) -> tuple[np.ndarray, np.ndarray]:
    """The row of each cluster's atom and of each unit's cluster, int64, over consecutive chunks."""
    cluster_atom, unit_cluster = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    atoms = clusters = 0
    for _, cluster_bounds, atom_bounds in layouts:
        cluster_atom.append(atoms + np.repeat(np.arange(len(atom_bounds) - 1), np.diff(atom_bounds)))
        unit_cluster.append(clusters + np.repeat(np.arange(len(cluster_bounds) - 1), np.diff(cluster_bounds)))
        atoms += len(atom_bounds) - 1
        clusters += len(cluster_bounds) - 1
    return np.concatenate(cluster_atom), np.concatenate(unit_cluster)
