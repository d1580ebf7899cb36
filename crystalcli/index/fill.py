"""Missing parts of a crystal, made afterwards: layers and codebooks.

Layers are missing where segments were stored without weights, codebooks where the encoder is the
user's own.

Knows: segments, encoders, codebooks. Does not know: files, the ledger, questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.datatypes import Chunk, Progress
from crystalcli.errors import SourceError
from crystalcli.index.encoder import Encoder
from crystalcli.index.index_reader import IndexReader
from crystalcli.index.layer_encoder import CachedEncoder, LazyEncoder
from crystalcli.storage import Store, digest, put_codebooks, stored_codebooks

if TYPE_CHECKING:
    from crystalcli.index.layer_encoder import ChunkEncoder
    from crystalcli.vectors import Codec


def codec_of(store: Store, encoder: Encoder) -> Codec | None:
    """Return the codec of a crystal's vectors; None while its codebooks are still to be learned."""
    from crystalcli.vectors import Codec, default_codec

    if encoder.mark is None:
        return default_codec()
    blobs = stored_codebooks(store)
    return Codec.from_blobs(blobs, encoder.dimension) if blobs else None


def lacks_codebooks(store: Store, encoder: Encoder) -> bool:
    """Return whether the encoder is the user's own and its codebooks are still to be learned."""
    return encoder.mark is not None and not stored_codebooks(store)


def make_lazy_encoder(store: Store, encoder: Encoder, cache: CachedEncoder | None = None) -> LazyEncoder:
    """Make the encoder of chunks, loaded when it is first used.

    Args:
        store: The open crystal.
        encoder: Its encoder, whose weights are here.
        cache: The encoder of the last ingest; it is used again for the same weights and codebooks.
    """
    codec = codec_of(store, encoder)
    if cache is None:
        return LazyEncoder(encoder, codec)
    codebooks = tuple(sorted((name, digest(data)) for name, data in stored_codebooks(store).items()))
    return cache.of(encoder, codec, (encoder.folder, encoder.mark, codebooks))


def learn_codebooks(store: Store, encoder: Encoder, paths: Sequence[Path] = ()) -> None:
    """Learn the codebooks of the user's own encoder and store them.

    Without `paths`, a crystal that holds no text yet is left as it is.

    Args:
        store: The crystal, open for writing.
        encoder: Its encoder, whose weights are here.
        paths: Files and folders to learn from; empty: the crystal's own text.

    Raises:
        SourceError: There is no text in `paths`.
    """
    from crystalcli.index.codebook_training import fit_codebooks, sample_chunks, training_chunks
    from crystalcli.index.layer_encoder import LayerEncoder

    assert encoder.folder is not None
    encoder.verify()
    chunks = training_chunks(paths, encoder) if paths else sample_chunks(IndexReader(store), encoder)
    codec = fit_codebooks(chunks, LayerEncoder(encoder.folder, tokenizer=encoder.tokenizer))
    if codec is not None:
        with store.transaction():
            put_codebooks(store, codec.to_blobs())
    elif paths:
        raise SourceError("there is no text to learn codebooks from")


def make_missing_layers(store: Store, encoder: Encoder) -> int:
    """Make the missing layers, where weights and codebooks are there; return the tokens encoded."""
    if encoder.folder is None or codec_of(store, encoder) is None:
        return 0
    return fill_layers(store, make_lazy_encoder(store, encoder))


def fill_layers(store: Store, encoder: ChunkEncoder, progress: Callable[[Progress], None] | None = None) -> int:
    """Make the layers of segments that were stored without them.

    Args:
        store: The crystal, open for writing.
        encoder: Makes the codes.
        progress: Called after each segment.

    Returns:
        The number of tokens that were encoded.
    """
    from crystalcli.index.fidelity import add_fidelity

    missing = [(number, segment) for number, segment in enumerate(store.segments()) if not segment.encoded]
    if not missing:
        return 0
    index, no_ids = IndexReader(store), np.zeros(0, np.int32)  # the encoder tokenizes texts itself
    tokens = size = done = 0
    total = sum(segment.bytes for _, segment in missing)
    for number, segment in missing:
        numbers = range(segment.first_chunk, segment.first_chunk + segment.chunks)
        chunks = [Chunk(index.chunk_text(chunk), no_ids, no_ids, index.context_of(chunk)) for chunk in numbers]
        codes = encoder.codes(chunks, index.view(number).spans.tokens.tolist())
        with store.transaction():
            for name, data in zip(codes._fields, codes, strict=True):
                store.add_part(segment.id, name, data)
            store.mark_encoded(segment.id)
            add_fidelity(store, codes.fidelity)
        tokens, size, done = tokens + segment.tokens, size + segment.bytes, done + 1
        if progress is not None:
            progress(
                Progress(
                    size, total, "bytes", files=done, files_total=len(missing), tokens=tokens, encoded_tokens=tokens
                )
            )
    return tokens
