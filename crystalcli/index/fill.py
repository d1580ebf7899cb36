"""Missing parts of a crystal, made after its text: layers and codebooks.

An ingest stores text first, so that questions can be answered; layers follow, segment by segment,
first where recalls have found passages, then the newest. Each segment's layers are one transaction.
While they are made nothing is locked, so that other programs can write in between.

Knows: segments, encoders, codebooks. Does not know: files, the ledger, questions.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import Chunk, Phase, Progress
from crystalcli.errors import SourceError
from crystalcli.index.asked_segments import forget_asked, most_asked_first
from crystalcli.index.chunk_reader import ChunkReader
from crystalcli.index.encoder import Encoder
from crystalcli.index.fidelity import add_fidelity
from crystalcli.index.index_reader import IndexReader
from crystalcli.index.layer_encoder import CachedEncoder, LazyEncoder
from crystalcli.storage import CONTEXTS_PART, SegmentRow, Store, digest, put_codebooks, stored_codebooks

if TYPE_CHECKING:
    from crystalcli.index.layer_encoder import ChunkEncoder, LayerCodes
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


def make_lazy_encoder(
    store: Store, encoder: Encoder, cache: CachedEncoder | None = None, threads: int | None = None
) -> LazyEncoder:
    """Make the encoder of chunks, loaded when it is first used.

    Args:
        store: The open crystal.
        encoder: Its encoder, whose weights are here.
        cache: The encoder of the last ingest; it is used again for the same weights and codebooks.
        threads: Threads of the encoder, where there is no cache; None: one for each processor.
    """
    codec = codec_of(store, encoder)
    if cache is None:
        return LazyEncoder(encoder, codec, threads)
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
    """Make the layers of all segments without them, in a crystal that is locked meanwhile.

    Args:
        store: The crystal, open for writing.
        encoder: Makes the codes.
        progress: Called before the first segment and after each one.

    Returns:
        The number of tokens that were encoded.
    """
    return fill_layers_in_turns(lambda: store, lambda: nullcontext(store), encoder, progress)


def fill_layers_in_turns(
    current: Callable[[], Store],
    writing: Callable[[], AbstractContextManager[Store]],
    encoder: ChunkEncoder,
    progress: Callable[[Progress], None] | None = None,
) -> int:
    """Make the layers of all segments without them, and lock the crystal for each commit alone.

    Segments that others add meanwhile are among them. Layers of text that has gone meanwhile, as
    when a `compact` has replaced the file, are dropped.

    Args:
        current: Gives the open crystal as of now.
        writing: Locks the crystal and opens it for writing; waits for other programs.
        encoder: Makes the codes.
        progress: Called before the first segment and after each one, with the tokens of the crystal
            that have layers.

    Returns:
        The number of tokens that were encoded.
    """
    tokens = 0
    while segments := next_without_layers(current(), (), 1):
        segment = segments[0]
        if progress is not None:
            progress(tell_progress(current(), tokens))
        text = read_segment(current(), segment)
        codes = encoder.codes(text.chunks, text.tokens)
        with writing() as store:
            if store_layers(store, text, codes):
                tokens += segment.tokens
    if tokens and progress is not None:
        progress(tell_progress(current(), tokens))
    return tokens


class SegmentText(NamedTuple):
    """The text of a segment that layers are made from.

    Attributes:
        row: The segment's row.
        digest: Identifies its texts and their contexts.
        chunks: Its chunks, without token ids, which the encoder makes itself.
        tokens: The tokens that each chunk is laid out by.
    """

    row: SegmentRow
    digest: bytes
    chunks: list[Chunk]
    tokens: list[int]


def next_without_layers(store: Store, begun: Container[SegmentRow], most: int) -> list[SegmentRow]:
    """List the segments whose layers are to be made next, the most asked and newest first.

    Args:
        store: The open crystal.
        begun: Segments to leave out.
        most: The most segments to list.
    """
    missing = [segment for segment in store.segments() if not segment.encoded and segment not in begun]
    return most_asked_first(store, missing)[: max(0, most)]


def read_segment(store: Store, segment: SegmentRow) -> SegmentText:
    """Read the text of a segment that layers are made from."""
    no_ids = np.zeros(0, np.int32)
    with store.snapshot():
        reader = ChunkReader(store)
        numbers = range(segment.first_chunk, segment.first_chunk + segment.chunks)
        chunks = [Chunk(reader.text(chunk), no_ids, no_ids, reader.context(chunk)) for chunk in numbers]
        return SegmentText(segment, _text_digest(store, segment), chunks, [reader.tokens(chunk) for chunk in numbers])


def _text_digest(store: Store, segment: SegmentRow) -> bytes:
    return digest(store.part(segment.id, "hashes") + (store.frame(segment.id, CONTEXTS_PART) or b""))


def store_layers(store: Store, text: SegmentText, codes: LayerCodes) -> bool:
    """Store a segment's layers, unless the segment has others or is another one by now.

    Returns:
        Whether they were stored.
    """
    row = text.row
    if row not in store.segments() or _text_digest(store, row) != text.digest:
        return False
    with store.transaction():
        for name, data in zip(codes._fields, codes, strict=True):
            store.add_part(row.id, name, data)
        store.mark_encoded(row.id)
        add_fidelity(store, codes.fidelity)
        forget_asked(store)
    return True


def tell_progress(store: Store, tokens: int) -> Progress:
    """Tell how many tokens of a crystal have layers.

    Args:
        store: The open crystal.
        tokens: Tokens that were encoded in this run.
    """
    done, total = store.encoded_tokens()
    return Progress(done, total, "tokens", tokens=tokens, encoded_tokens=tokens, phase=Phase.LAYERS)
