"""Makes what a crystal lacks: layers of segments that were stored without weights, and the codebooks of an own encoder.

Knows: segments, encoders, codebooks. Does not know: files, the ledger, questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import SourceError
from crystalcli.index.encoder import Encoder
from crystalcli.index.index_reader import IndexReader
from crystalcli.index.layer_encoder import CachedEncoder, LazyEncoder
from crystalcli.storage import Store, digest, put_codebooks, stored_codebooks
from crystalcli.types import Chunk, Progress

if TYPE_CHECKING:
    from crystalcli.index.layer_encoder import ChunkEncoder
    from crystalcli.vectors import Codec


def codec_of(store: Store, encoder: Encoder) -> Codec | None:
    """Give the codec of a crystal's vectors; None while its codebooks are still to be learnt."""
    from crystalcli.vectors import Codec, default_codec

    if encoder.mark is None:
        return default_codec()
    blobs = stored_codebooks(store)
    return Codec.from_blobs(blobs, encoder.dimension) if blobs else None


def lacks_codebooks(store: Store, encoder: Encoder) -> bool:
    """Whether the encoder is an own one whose codebooks are still to be learnt."""
    return encoder.mark is not None and not stored_codebooks(store)


def make_lazy_encoder(store: Store, encoder: Encoder, kept: CachedEncoder | None = None) -> LazyEncoder:
    """Give the encoder of chunks, loaded when it is first used.

    Args:
        store: The open crystal.
        encoder: Its encoder, whose weights are here.
        kept: The holder of the encoder of the last ingest, which is used again for the same weights and codebooks.
    """
    codec = codec_of(store, encoder)
    if kept is None:
        return LazyEncoder(encoder, codec)
    books = tuple(sorted((name, digest(data)) for name, data in stored_codebooks(store).items()))
    return kept.of(encoder, codec, (encoder.folder, encoder.mark, books))


def learn_codebooks(store: Store, encoder: Encoder, paths: Sequence[Path] = ()) -> None:
    """Learn the codebooks of an own encoder and store them; a crystal without text learns none yet.

    Args:
        store: The crystal, open for writing.
        encoder: Its encoder, whose weights are here.
        paths: Files and folders to learn from; empty: what the crystal holds.

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
    """Make the layers that are missing where weights and codebooks are there; return how many tokens were encoded."""
    if encoder.folder is None or codec_of(store, encoder) is None:
        return 0
    return fill_layers(store, make_lazy_encoder(store, encoder))


def fill_layers(store: Store, encoder: ChunkEncoder, progress: Callable[[Progress], None] | None = None) -> int:
    """Make the layers of segments that were stored without them; return how many tokens were encoded."""
    from crystalcli.index.fidelity import add_fidelity

    missing = [(index, segment) for index, segment in enumerate(store.segments()) if not segment.encoded]
    if not missing:
        return 0
    shelf, no_ids = IndexReader(store), np.zeros(0, np.int32)  # the encoder tokenizes texts itself
    tokens = size = done = 0
    total = sum(segment.bytes for _, segment in missing)
    for index, segment in missing:
        numbers = range(segment.first_chunk, segment.first_chunk + segment.chunks)
        chunks = [Chunk(shelf.chunk_text(number), no_ids, no_ids, shelf.context_of(number)) for number in numbers]
        codes = encoder.codes(chunks, shelf.view(index).spans.tokens.tolist())
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
