"""Codebooks of the user's own encoder, learned from text.

The text is that of files, or that of a crystal.

A crystal's codebooks are learned from a sample of the first text that it is given. The hashes of
the chunks decide which are in the sample. So every part of the text has its share, and neither the
order nor interruptions make a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import Chunk
from crystalcli.errors import SourceError
from crystalcli.index.document_chunks import chunks_of
from crystalcli.index.encoder import Encoder
from crystalcli.index.layer_encoder import LayerEncoder, parents
from crystalcli.text import FoundFile, open_source, walk_files
from crystalcli.vectors import Codec, PyramidLayout

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array
    from crystalcli.index.index_reader import IndexReader

# Enough to learn from (docs/DESIGN.md), and half a minute of the default encoder's time.
SAMPLE_TOKENS = 300_000
_BATCH = 256  # chunks that are encoded at once


class TrainingVectors(NamedTuple):
    """The vectors of a text's nodes, float32 [nodes, dimension], and the nodes' parents.

    Attributes:
        atoms: Vectors of the atoms.
        clusters: Vectors of the clusters.
        units: Vectors of the units.
        cluster_atoms: The row of each cluster's atom, int64 [clusters].
        unit_clusters: The row of each unit's cluster, int64 [units].
    """

    atoms: FloatArray
    clusters: FloatArray
    units: FloatArray
    cluster_atoms: Int64Array
    unit_clusters: Int64Array


def training_chunks(paths: Sequence[Path], encoder: Encoder) -> Iterator[Chunk]:
    """Cut every readable file under `paths` into chunks with their contexts."""
    for file in walk_files(paths, hidden=False):
        if isinstance(file, FoundFile):
            try:
                _, reading = open_source(file.path)
                yield from chunks_of(reading, file.relative, encoder)
            except SourceError:
                continue


def sample_chunks(index: IndexReader, encoder: Encoder, tokens: int = SAMPLE_TOKENS) -> Iterator[Chunk]:
    """Sample the chunks of a crystal: those with the lowest hashes.

    Args:
        index: The crystal's index.
        encoder: Its encoder, whose tokenizer is here.
        tokens: Tokens of the sample, about.
    """
    ranked: list[tuple[bytes, int, int]] = []  # hash, number, tokens
    for segment, row in enumerate(index.segments):
        hashes = index.store.part(row.id, "hashes")
        for local, count in enumerate(index.view(segment).spans.tokens.tolist()):
            ranked.append((hashes[16 * local : 16 * local + 16], row.first_chunk + local, count))
    total, sample = 0, []
    for _, number, count in sorted(ranked):
        if total >= tokens:
            break
        total += count
        sample.append((number, count))
    for number, count in sorted(sample):  # in stored order, so that each segment is read once
        text = index.chunk_text(number)
        ((ids, ends),) = encoder.tokenizer.tokenize([text])
        yield Chunk(text, ids[:count], ends[:count], index.context_of(number))


def encode_for_training(chunks: Iterable[Chunk], layers: LayerEncoder, tokens: int) -> TrainingVectors | None:
    """Encode the first `tokens` tokens of `chunks`; None where there is no token."""
    parts: list[list[FloatArray]] = [[], [], []]
    layouts: list[PyramidLayout] = []
    batch: list[Chunk] = []
    read = 0

    def encode() -> None:
        vectors, batch_layouts = layers.vectors(batch)
        for layer, rows in zip(parts, vectors, strict=True):
            layer.append(rows.astype(np.float16))
        layouts.extend(batch_layouts)
        batch.clear()

    for chunk in chunks:
        if len(chunk.ids) == 0:
            continue
        batch.append(chunk)
        read += len(chunk.ids)
        if len(batch) == _BATCH:
            encode()
        if read >= tokens:
            break
    if batch:
        encode()
    if not layouts:
        return None
    units, clusters, atoms = (np.concatenate(layer).astype(np.float32) for layer in parts)
    return TrainingVectors(atoms, clusters, units, *parents(layouts))


def fit_codebooks(chunks: Iterable[Chunk], layers: LayerEncoder, tokens: int = SAMPLE_TOKENS) -> Codec | None:
    """Learn a codec from the first `tokens` tokens of `chunks`.

    Returns:
        The codec, rounded as it will be stored; None where there is no token.
    """
    from crystalcli.vectors import train_codec

    vectors = encode_for_training(chunks, layers, tokens)
    return Codec.from_arrays(train_codec(*vectors).to_arrays()) if vectors is not None else None
