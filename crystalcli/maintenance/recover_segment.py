"""Recovers the readable chunks of one segment of a damaged crystal.

A chunk keeps its text, its spans, and its codes where they still fit. It is trusted if the blob of
the segment's text matches its digest, or else if the chunk matches its own hash. Where the spans
are lost, the hashes tell where chunks end: each chunk is the text that has its hash.

Knows: blobs of a segment, hashes, spans. Does not know: documents, rows of tables.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli import huffman
from crystalcli.datatypes import Chunk
from crystalcli.errors import DamagedCrystalError
from crystalcli.index import chunk_spans_of
from crystalcli.lexical import varint
from crystalcli.storage import ChunkSpans, digest
from crystalcli.vectors import CODE_BYTES, default_tokenizer, node_counts

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

_HASH_BYTES = 16
_LARGEST_CHUNK = 1 << 18  # bytes


class SalvagedPart(NamedTuple):
    """A blob of a damaged segment.

    Attributes:
        data: The blob as it is stored; a text is compressed.
        size: Its bytes once decompressed, as its row says.
        sound: Whether it matches its digest.
    """

    data: bytes
    size: int
    sound: bool


@dataclass(frozen=True, slots=True)
class RecoveredChunks:
    """The readable chunks of a segment.

    Attributes:
        total: The number of chunks that the segment had.
        positions: The index that each readable chunk had in the segment, int64 [readable].
        texts: The text of each readable chunk, in UTF-8.
        spans: The spans of the readable chunks.
        codes: The codes by layer; empty if they are damaged or if any chunk is lost.
        rebuilt: What was made again, for people.
    """

    total: int
    positions: Int64Array
    texts: list[bytes]
    spans: ChunkSpans
    codes: dict[str, bytes]
    rebuilt: tuple[str, ...]


def sound_spans(parts: dict[str, SalvagedPart], chunks: int | None) -> ChunkSpans | None:
    """Decode the spans of a segment.

    Args:
        parts: The segment's blobs by name.
        chunks: The number of chunks as the segment's row has it; None without a row. The number of
            hashes is tried as well.

    Returns:
        The spans, or None if they are damaged.
    """
    part = parts.get("spans")
    if part is None or not part.sound:
        return None
    counts = [chunks] if chunks is not None else []
    if "hashes" in parts:
        counts.append(len(parts["hashes"].data) // _HASH_BYTES)
    data = part.data
    with contextlib.suppress(ValueError):  # plain, in a file of an older format version
        data = huffman.unpack_bytes(part.data, part.size)
    for count in counts:
        try:
            numbers = varint.decode(data)
            spans = ChunkSpans.from_flat(numbers, count, len(numbers) - 4 * count)
        except (ValueError, DamagedCrystalError):
            continue
        if int(node_counts(spans.tokens)[0].sum()) == len(spans.units):
            return spans
    return None


def recover_chunks(text: bytes, parts: dict[str, SalvagedPart], chunks: int | None) -> RecoveredChunks | None:
    """Divide the text of a segment into its chunks, and keep those that can be trusted.

    Args:
        text: The segment's text.
        parts: The segment's blobs by name, `text` among them.
        chunks: The number of chunks as the segment's row has it; None without a row.

    Returns:
        The chunks, or None if neither spans nor hashes tell where they end.
    """
    hashes = parts["hashes"].data if "hashes" in parts and parts["hashes"].sound else b""
    text_sound = parts["text"].sound
    spans = sound_spans(parts, chunks)
    rebuilt = []
    if spans is not None and (
        (text_sound and int(spans.bytes.sum()) == len(text)) or len(hashes) == _HASH_BYTES * len(spans.bytes)
    ):
        bounds = np.concatenate(([0], np.cumsum(spans.bytes))).tolist()
        texts = [text[low:high] for low, high in pairwise(bounds)]
        if text_sound:
            hashes = b"".join(map(digest, texts))
        readable = [
            digest(data) == hashes[_HASH_BYTES * i : _HASH_BYTES * (i + 1)] and _decodes(data, int(spans.characters[i]))
            for i, data in enumerate(texts)
        ]
        total = len(texts)
        positions = np.flatnonzero(readable)
        texts = [texts[i] for i in positions]
        if len(positions) < total:
            spans = _select_spans(spans, positions)
    elif hashes:
        texts = cut_by_hashes(text, hashes)
        decoded = [data.decode() for data in texts]
        tokens = default_tokenizer().tokenize(decoded)
        spans = chunk_spans_of([Chunk(t, ids, ends) for t, (ids, ends) in zip(decoded, tokens, strict=True)])
        total = len(hashes) // _HASH_BYTES
        positions = np.arange(len(texts))
        rebuilt.append("the ends of chunks")
    else:
        return None
    codes = _sound_codes(parts, spans) if len(positions) == total else {}
    return RecoveredChunks(total, positions, texts, spans, codes, tuple(rebuilt))


def cut_by_hashes(text: bytes, hashes: bytes) -> list[bytes]:
    """Cut chunks from the front of a text by their hashes.

    Args:
        text: The text of consecutive chunks, in UTF-8.
        hashes: The hash of each chunk, 16 bytes each.

    Returns:
        The chunks up to the first whose hash no piece of the text has.
    """
    chunks = []
    position = 0
    for index in range(len(hashes) // _HASH_BYTES):
        chunk_hash = hashes[_HASH_BYTES * index : _HASH_BYTES * (index + 1)]
        hasher = blake2b(digest_size=_HASH_BYTES)
        for end in range(position + 1, min(len(text), position + _LARGEST_CHUNK) + 1):
            hasher.update(text[end - 1 : end])
            at_character = end == len(text) or text[end] & 0xC0 != 0x80
            if at_character and hasher.digest() == chunk_hash:
                chunks.append(text[position:end])
                position = end
                break
        else:
            break
    return chunks


def _decodes(data: bytes, characters: int) -> bool:
    try:
        return len(data.decode()) == characters
    except UnicodeDecodeError:
        return False


def _select_spans(spans: ChunkSpans, positions: Int64Array) -> ChunkSpans:
    """Return the spans of the chunks at `positions`."""
    units = node_counts(spans.tokens)[0]
    starts = np.cumsum(units) - units
    selected = [np.zeros(0, np.int64), *(spans.units[starts[i] : starts[i] + units[i]] for i in positions)]
    return ChunkSpans(
        spans.bytes[positions],
        spans.characters[positions],
        spans.newlines[positions],
        spans.tokens[positions],
        np.concatenate(selected),
    )


def _sound_codes(parts: dict[str, SalvagedPart], spans: ChunkSpans) -> dict[str, bytes]:
    """Return the codes of all three layers, or of none: a cluster's code needs that of its atom."""
    units, clusters, atoms = (int(count.sum()) for count in node_counts(spans.tokens))
    counts = {"atoms": atoms, "clusters": clusters, "units": units}
    for layer, width in CODE_BYTES.items():
        part = parts.get(layer)
        if part is None or not part.sound or len(part.data) != width * counts[layer]:
            return {}
    return {layer: parts[layer].data for layer in CODE_BYTES}
