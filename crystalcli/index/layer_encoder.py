"""Encoding of chunks to the codes of layers 1 to 3.

Encoder, pyramid and codec in a row; of ingesting, this module alone needs torch. `LayerEncoder`
holds the weights, `LazyEncoder` loads them on first use, and `CachedEncoder` keeps them from one
ingest to the next.

The codes of a chunk follow from its text and its context alone, so that the batches in which a text
is read make no difference. The encoder reads its prompt and the context before the text; they are
not pooled.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from crystalcli.datatypes import Chunk
from crystalcli.index.chunk_context import CONTEXT_MARK
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

    from crystalcli.datatypes import FloatArray, Int64Array, IntArray
    from crystalcli.index.encoder import Encoder


# The most tokens of a chunk's context that the encoder reads before the chunk.
PREFIX = 24


class _Parts(NamedTuple):
    atoms: bytes
    clusters: bytes
    units: bytes


class LayerCodes(_Parts):
    """The codes of one segment's layers, as they are stored.

    Attributes:
        fidelity: By layer, the number of nodes and the sum of the cosines between their vectors and
            their decoded codes.
    """

    fidelity: Mapping[str, tuple[int, float]] = MappingProxyType({})


class ChunkEncoder(Protocol):
    """An encoder of chunks."""

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """Encode chunks to the codes of layers 1 to 3, see `LayerEncoder.codes`."""
        ...


class LayerEncoder:
    """An encoder of chunks with its weights in memory."""

    def __init__(
        self,
        folder: Path,
        *,
        tokenizer: WordPieceTokenizer | None = None,
        codec: Codec | None = None,
        precision: str = "auto",
        threads: int | None = None,
    ) -> None:
        """Load the weights.

        Args:
            folder: The folder with `config.json` and `model.safetensors`.
            tokenizer: The encoder's tokenizer; None for that of the program's own encoder.
            codec: The encoder's codec; None for that of the program's own encoder.
            precision: The name of a dtype of torch, or "auto".
            threads: Threads of the encoder; None for the default of `Bert`.

        Raises:
            ModelMissingError: The weights cannot be read.
        """
        import torch

        from crystalcli.vectors import Bert, default_scales

        dtype = None if precision == "auto" else getattr(torch, precision)
        # Scales belong to the program's own encoder; the user's own brings a tokenizer.
        scales = default_scales() if tokenizer in (None, default_tokenizer()) else None
        self._tokenizer = tokenizer or default_tokenizer()
        self._bert = Bert(folder, special=self._tokenizer.special, precision=dtype, scales=scales, threads=threads)
        # The threads of numpy's products wait for one another inside the encoder's threads;
        # torch's products run on one thread here.
        self._codec = (codec or default_codec()).with_matmul(_matmul)
        self._prompt = self._tokenizer.passage_prompt
        # Tokens that it reads at once, besides.
        self._capacity = self._bert.config.positions - 2 - len(self._prompt)

    @property
    def description(self) -> str:
        """Its device, precision and threads, to be shown."""
        return f"{self._bert.device.type}, {str(self._bert.precision).removeprefix('torch.')}, {self._bert.threads} threads"

    def vectors(
        self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None
    ) -> tuple[list[FloatArray], list[PyramidLayout]]:
        """Encode chunks to vectors.

        Args:
            chunks: The chunks.
            tokens: As in `codes`.

        Returns:
            The vectors of the chunks' units, clusters and atoms, float32 [nodes, dimension] each,
            and the chunks' layouts.
        """
        from crystalcli.vectors import build_pyramid

        ids = [chunk.ids for chunk in chunks] if tokens is None else self._ids(chunks, list(tokens))
        layouts = [pyramid_layout(len(chunk_ids)) for chunk_ids in ids]
        pyramids: dict[int, list[FloatArray]] = {}

        def pool(index: int, states: torch.Tensor) -> None:
            pyramids[index] = [vectors.numpy() for vectors in build_pyramid(states, [layouts[index]])]

        self._begin_each(chunks, ids, pool)()
        empty = np.zeros((0, self._bert.dimension), np.float32)
        return [np.concatenate([empty, *(pyramids[i][layer] for i in sorted(pyramids))]) for layer in range(3)], layouts

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """Encode chunks to the codes of layers 1 to 3.

        The tokens of a chunk's whole text are encoded. Their number differs from the layout's only
        for a chunk that had to be cut inside a word: then the last tokens are dropped, or the last
        one is repeated.

        Args:
            chunks: The chunks.
            tokens: The number of tokens that each chunk is laid out by, as it is stored; None for
                the number of its ids.
        """
        return self.begin_codes(chunks, tokens)()

    def begin_codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> Callable[[], LayerCodes]:
        """Begin to encode chunks as `codes` does, after those that were begun before.

        Returns:
            Waits for the codes; to be called once.
        """
        codec = self._codec
        counts = [len(chunk.ids) for chunk in chunks] if tokens is None else list(tokens)
        layouts = [pyramid_layout(count) for count in counts]
        encoded: dict[int, tuple[bytes, ...]] = {}
        similarity: dict[int, list[float]] = {}

        def encode(index: int, states: torch.Tensor) -> None:
            from crystalcli.vectors import build_pyramid

            units, clusters, atoms = (vectors.numpy() for vectors in build_pyramid(states, [layouts[index]]))
            rows = parents([layouts[index]])
            codes, decoded = codec.encode_and_decode(atoms, clusters, units, *rows)
            encoded[index] = tuple(code.tobytes() for code in codes)
            similarity[index] = [
                float(cosines(*pair).sum()) for pair in zip((atoms, clusters, units), decoded, strict=True)
            ]

        wait = self._begin_each(chunks, self._ids(chunks, counts), encode)

        def result() -> LayerCodes:
            wait()
            parts = [b"".join(encoded[index][layer] for index in sorted(encoded)) for layer in range(3)]
            codes = LayerCodes(*parts)
            sums = [sum(similarity[index][layer] for index in sorted(similarity)) for layer in range(3)]
            codes.fidelity = {
                name: (len(part) // size, total)
                for (name, size), part, total in zip(CODE_BYTES.items(), parts, sums, strict=True)
            }
            return codes

        return result

    def _begin_each(
        self, chunks: Sequence[Chunk], ids: Sequence[IntArray], call: Callable[[int, torch.Tensor], None]
    ) -> Callable[[], None]:
        """Call `call` with each chunk's index and its own tokens' states, as `Bert.begin_each`."""
        prefixes = self._prefixes(chunks, ids)

        def call_without_prefix(index: int, states: torch.Tensor) -> None:
            call(index, states[len(prefixes[index]) :])

        whole = [np.concatenate(pair) for pair in zip(prefixes, ids, strict=True)]
        return self._bert.begin_each(whole, call_without_prefix)

    def _prefixes(self, chunks: Sequence[Chunk], ids: Sequence[IntArray]) -> list[IntArray]:
        """Choose the token ids before each chunk: the prompt, and a context for vectors."""
        contexts = [chunk.context.partition(CONTEXT_MARK) for chunk in chunks]
        texts = sorted({text for name, mark, place in contexts if mark for text in (name, place)})
        tokens = dict(zip(texts, self._tokenizer.token_ids(texts), strict=True))
        empty = np.zeros(0, np.int32)
        prefixes = [
            _prefix(tokens[name], tokens[place], self._capacity - len(own)) if mark and len(own) else empty
            for (name, mark, place), own in zip(contexts, ids, strict=True)
        ]
        if not len(self._prompt):
            return prefixes
        return [
            np.concatenate((self._prompt, prefix)) if len(own) else empty
            for prefix, own in zip(prefixes, ids, strict=True)
        ]

    def _ids(self, chunks: Sequence[Chunk], counts: Sequence[int]) -> list[IntArray]:
        """Tokenize the texts of chunks, to `counts` tokens each."""
        rows = []
        for ids, count in zip(self._tokenizer.token_ids([chunk.text for chunk in chunks]), counts, strict=True):
            if len(ids) < count:
                ids = np.pad(ids if len(ids) else np.zeros(1, np.int32), (0, count - max(1, len(ids))), "edge")
            rows.append(ids[:count])
        return rows


def begin_import() -> None:
    """Import what `LayerEncoder` needs in a thread, so that its first use need not wait for it.

    The import takes a second of one processor, and most of it is under the interpreter's lock. So
    it pays beside work that leaves the lock, such as tokenizing and compressing text.
    """
    if "torch" in sys.modules:
        return

    def import_torch() -> None:
        # What is wrong is said where torch is used.
        with suppress(Exception):
            import_module("crystalcli.vectors.bert")

    # No daemon: a thread that is cut off inside of torch's initialization ends the process badly.
    threading.Thread(target=import_torch, name="import of torch").start()


class LazyEncoder:
    """A LayerEncoder that is loaded on first use, so that an ingest without news needs no torch."""

    def __init__(self, encoder: Encoder, codec: Codec | None, threads: int | None = None) -> None:
        """Remember what to load.

        Args:
            encoder: The crystal's encoder, whose weights are here.
            codec: Its codec; None for that of the program's own encoder.
            threads: As of `LayerEncoder`.
        """
        self._encoder, self._codec, self._threads = encoder, codec, threads
        self._layers: LayerEncoder | None = None

    def layers(self) -> LayerEncoder:
        """Return the encoder of chunks, loaded now unless it was before.

        Raises:
            ModelMissingError: The weights cannot be read.
            EncoderMismatchError: The weights are not those of the crystal's encoder.
        """
        if self._layers is None:
            assert self._encoder.folder is not None
            self._encoder.verify()
            self._layers = LayerEncoder(
                self._encoder.folder, tokenizer=self._encoder.tokenizer, codec=self._codec, threads=self._threads
            )
        return self._layers

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """Encode chunks to the codes of layers 1 to 3, see `LayerEncoder.codes`."""
        return self.layers().codes(chunks, tokens)


class CachedEncoder:
    """The encoder of the last ingest, kept for the next one."""

    def __init__(self) -> None:
        self._encoder: LazyEncoder | None = None
        self._key: Hashable = None

    def of(self, encoder: Encoder, codec: Codec | None, key: Hashable) -> LazyEncoder:
        """Return the kept encoder where `key` is that of the last call, else make one.

        Args:
            encoder: The crystal's encoder.
            codec: Its codec.
            key: Identifies the weights and the codebooks.
        """
        if self._encoder is None or key != self._key:
            self._encoder, self._key = LazyEncoder(encoder, codec), key
        return self._encoder

    def let_go(self) -> None:
        """Free the memory; the next ingest loads the encoder again."""
        self._encoder = None


def _prefix(name: IntArray, place: IntArray, capacity: int) -> IntArray:
    """Choose the last tokens of a document's name and of the place in it: the innermost come last.

    Where both are long, each has half.

    Args:
        name: Token ids of the name.
        place: Token ids of the place.
        capacity: The most tokens; PREFIX where that is less.
    """
    most = max(0, min(PREFIX, capacity))
    of_place = min(len(place), max(most // 2, most - len(name)))
    of_name = min(len(name), most - of_place)
    return np.concatenate((name[len(name) - of_name :], place[len(place) - of_place :]))


def _matmul(a: FloatArray, b: FloatArray) -> FloatArray:
    """Multiply matrices by torch."""
    import torch

    result: FloatArray = (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
    return result


def parents(layouts: Sequence[PyramidLayout]) -> tuple[Int64Array, Int64Array]:
    """Find the row of each cluster's atom and of each unit's cluster, over consecutive chunks.

    Returns:
        Rows of atoms, int64 [clusters], and rows of clusters, int64 [units].
    """
    cluster_atom, unit_cluster = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    atoms = clusters = 0
    for _, cluster_bounds, atom_bounds in layouts:
        cluster_atom.append(atoms + np.repeat(np.arange(len(atom_bounds) - 1), np.diff(atom_bounds)))
        unit_cluster.append(clusters + np.repeat(np.arange(len(cluster_bounds) - 1), np.diff(cluster_bounds)))
        atoms += len(atom_bounds) - 1
        clusters += len(cluster_bounds) - 1
    return np.concatenate(cluster_atom), np.concatenate(unit_cluster)
