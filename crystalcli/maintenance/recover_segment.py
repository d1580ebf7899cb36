"""What can be kept of one segment of a damaged crystal: its chunks' texts, their spans, and its codes where they still fit.

A chunk is believed when its text's blob matches its digest, or else when the chunk matches its own hash. Where spans are lost,
the hashes say where chunks end: a chunk's text is the one that hashes so.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.index import chunk_spans_of
from crystalcli.lexical import varint
from crystalcli.storage import ChunkSpans, digest
from crystalcli.types import Chunk
from crystalcli.vectors import CODE_BYTES, default_tokenizer, node_counts

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

_LONGEST = 1 << 18  # bytes of a chunk at most


class SalvagedPart(NamedTuple):
    """A blob as it was found, and whether it matches its digest."""

    data: bytes
    size: int
    sound: bool


@dataclass(frozen=True, slots=True)
class RecoveredChunks:
    """A segment's readable chunks. places: int64 [kept], each one's index in the segment as it was, of `chunks`.

    sizes: int64 [chunks, 3], characters, newlines and tokens of every chunk, also of those that are lost, or None.
    codes: the layers' codes, when they are sound and belong to these chunks. notes: what had to be worked out anew.
    """

    chunks: int
    places: Integers
    texts: list[bytes]
    spans: ChunkSpans
    sizes: Integers | None
    codes: dict[str, bytes]
    notes: tuple[str, ...]


def sound_spans(parts: dict[str, SalvagedPart], chunks: int | None) -> ChunkSpans | None:
    """The spans, when they can be believed. chunks: as the segment's row counts them, else as many as there are hashes."""
    part = parts.get("spans")
    if part is None or not part.sound:
        return None
    counts = [chunks] if chunks is not None else []
    if "hashes" in parts:
        counts.append(len(parts["hashes"].data) // 16)
    for count in counts:
        try:
            flat = varint.decode(part.data)
            spans = ChunkSpans.from_flat(flat, count, len(flat) - 4 * count)
        except (ValueError, DamagedCrystalError):
            continue
        if int(node_counts(spans.tokens)[0].sum()) == len(spans.units):
            return spans
    return None


def recover_chunks(text: bytes, parts: dict[str, SalvagedPart], chunks: int | None) -> RecoveredChunks | None:
    """What of a segment's text can be cut into its chunks again; None when there is no saying where they end."""
    hashes = parts["hashes"].data if "hashes" in parts and parts["hashes"].sound else b""
    believed = parts["text"].sound
    spans = sound_spans(parts, chunks)
    notes = []
    if spans is not None and (
        (believed and int(spans.bytes.sum()) == len(text)) or len(hashes) == 16 * len(spans.bytes)
    ):
        bounds = np.concatenate(([0], np.cumsum(spans.bytes))).tolist()
        texts = [text[low:high] for low, high in pairwise(bounds)]
        if believed:
            hashes = b"".join(map(digest, texts))
        good = [
            digest(data) == hashes[16 * i : 16 * i + 16] and _decodes(data, int(spans.characters[i]))
            for i, data in enumerate(texts)
        ]
        total, sizes = len(texts), np.stack([spans.characters, spans.newlines, spans.tokens], 1)
        kept = np.flatnonzero(good)
        texts = [texts[i] for i in kept]
        if len(kept) < total:
            spans = _some(spans, kept)
    elif hashes:
        texts = cut_by_hashes(text, hashes)
        read = [data.decode() for data in texts]
        tokens = default_tokenizer().tokenize(read)
        spans = chunk_spans_of([Chunk(t, ids, ends) for t, (ids, ends) in zip(read, tokens, strict=True)])
        total, sizes = len(hashes) // 16, None
        kept = np.arange(len(texts))
        notes.append("where chunks end")
    else:
        return None
    codes = _codes(parts, spans) if len(kept) == total else {}
    return RecoveredChunks(total, kept, texts, spans, sizes, codes, tuple(notes))


def cut_by_hashes(text: bytes, hashes: bytes) -> list[bytes]:
    """The chunks at the front of `text` whose hashes, 16 bytes each, are `hashes`; as many as are found one after the other."""
    found = []
    position = 0
    for index in range(len(hashes) // 16):
        wanted = hashes[16 * index : 16 * index + 16]
        hasher = blake2b(digest_size=16)
        for end in range(position + 1, min(len(text), position + _LONGEST) + 1):
            hasher.update(text[end - 1 : end])
            if (end == len(text) or text[end] & 0xC0 != 0x80) and hasher.digest() == wanted:
                found.append(text[position:end])
                position = end
                break
        else:
            break
    return found


def _decodes(data: bytes, characters: int) -> bool:
    try:
        return len(data.decode()) == characters
    except UnicodeDecodeError:
        return False


def _some(spans: ChunkSpans, kept: Integers) -> ChunkSpans:
    """The spans of some chunks."""
    units = node_counts(spans.tokens)[0]
    starts = np.cumsum(units) - units
    chosen = [np.zeros(0, np.int64), *(spans.units[starts[i] : starts[i] + units[i]] for i in kept)]
    return ChunkSpans(
        spans.bytes[kept], spans.characters[kept], spans.newlines[kept], spans.tokens[kept], np.concatenate(chosen)
    )


def _codes(parts: dict[str, SalvagedPart], spans: ChunkSpans) -> dict[str, bytes]:
    """The codes of all three layers, or none: a cluster's code means nothing without its atom's."""
    units, clusters, atoms = (int(count.sum()) for count in node_counts(spans.tokens))
    counts = {"atoms": atoms, "clusters": clusters, "units": units}
    for layer, width in CODE_BYTES.items():
        part = parts.get(layer)
        if part is None or not part.sound or len(part.data) != width * counts[layer]:
            return {}
    return {layer: parts[layer].data for layer in CODE_BYTES}
