"""Codebooks for an encoder that the program does not know, learnt from text: from files, or from what a crystal holds.

A crystal's are learnt from a sample of the first text that it is given. Which chunks are in it is decided by the hashes of their
texts, so that every part of the text has its share, and neither order nor interruptions make a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import SourceError
from crystalcli.index.document_chunks import chunks_of
from crystalcli.index.encoder import Encoder
from crystalcli.index.layer_encoder import LayerEncoder, parents
from crystalcli.text import FoundFile, open_source, walk_files
from crystalcli.types import Chunk
from crystalcli.vectors import Codec, PyramidLayout

if TYPE_CHECKING:
    from crystalcli.index.index_reader import IndexReader
    from crystalcli.types import FloatArray

SAMPLE_TOKENS = 300_000  # enough to learn from (see docs/DESIGN.md), and half a minute of the default encoder's time
_AT_ONCE = 256  # chunks

Pyramid = tuple["FloatArray", "FloatArray", "FloatArray", np.ndarray, np.ndarray]


def training_chunks(paths: Sequence[Path], encoder: Encoder) -> Iterator[Chunk]:
    """The chunks of every file under `paths` that can be read."""
    for found in walk_files(paths, hidden=False):
        if isinstance(found, FoundFile):
            try:
                _, reading = open_source(found.path)
                yield from chunks_of(reading, found.relative, encoder)
            except SourceError:
                continue


def sample_chunks(shelf: IndexReader, encoder: Encoder, tokens: int = SAMPLE_TOKENS) -> Iterator[Chunk]:
    """Chunks that a crystal holds, about `tokens` tokens in all: those whose hashes are the lowest."""
    found: list[tuple[bytes, int, int]] = []  # hash, number, tokens
    for index, segment in enumerate(shelf.segments):
        hashes = shelf.store.part(segment.id, "hashes")
        for local, count in enumerate(shelf.view(index).spans.tokens.tolist()):
            found.append((hashes[16 * local : 16 * local + 16], segment.first_chunk + local, count))
    total, chosen = 0, []
    for _, number, count in sorted(found):
        if total >= tokens:
            break
        total += count
        chosen.append((number, count))
    for number, count in sorted(chosen):  # as they lie, so that each segment is read once
        text = shelf.chunk_text(number)
        ((ids, ends),) = encoder.tokenizer.tokenize([text])
        yield Chunk(text, ids[:count], ends[:count], shelf.context_of(number))


def build_pyramid(chunks: Iterable[Chunk], layers: LayerEncoder, tokens: int) -> Pyramid | None:
    """The vectors of the first `tokens` tokens' nodes, float32 [nodes, dimension], coarse to fine, and their parents."""
    parts: list[list[FloatArray]] = [[], [], []]
    layouts: list[PyramidLayout] = []
    held: list[Chunk] = []
    read = 0

    def encode() -> None:
        vectors, made = layers.vectors(held)
        for layer, found in zip(parts, vectors, strict=True):
            layer.append(found.astype(np.float16))
        layouts.extend(made)
        held.clear()

    for chunk in chunks:
        if len(chunk.ids) == 0:
            continue
        held.append(chunk)
        read += len(chunk.ids)
        if len(held) == _AT_ONCE:
            encode()
        if read >= tokens:
            break
    if held:
        encode()
    if not layouts:
        return None
    units, clusters, atoms = (np.concatenate(layer).astype(np.float32) for layer in parts)
    return atoms, clusters, units, *parents(layouts)


def fit_codebooks(chunks: Iterable[Chunk], layers: LayerEncoder, tokens: int = SAMPLE_TOKENS) -> Codec | None:
    """A codec from the first `tokens` tokens of `chunks`, rounded as it will be stored; None where there is no token."""
    from crystalcli.vectors import train_codec

    pyramid = build_pyramid(chunks, layers, tokens)
    return Codec.from_arrays(train_codec(*pyramid).to_arrays()) if pyramid is not None else None
