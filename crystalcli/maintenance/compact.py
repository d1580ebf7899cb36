"""Gives back the space of what no document refers to any more: the crystal written anew, then put in its own place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crystalcli.index import ChunkReader
from crystalcli.maintenance.copier import CrystalCopier
from crystalcli.storage import Store, check_seal, copy_codebooks, landmark_triples, write_beside


@dataclass(frozen=True, slots=True)
class CrystalSize:
    """The size of a crystal: bytes of the file, chunks and their tokens, segments."""

    bytes: int
    chunks: int
    tokens: int
    segments: int


@dataclass(frozen=True, slots=True)
class CompactReport:
    """The size of a crystal before and after it was compacted, its documents with text, and the seconds that it took."""

    before: CrystalSize
    after: CrystalSize
    documents: int
    seconds: float


def compact_crystal(path: Path, progress: Callable[[int, int], None] | None = None) -> CompactReport:
    """Write the crystal at `path` anew without its dead chunks, its segments as large as those of one ingest.

    Documents, texts and codes stay what they are; nothing is encoded. The file is replaced at the end, in one step: until then,
    and after an interruption, the old one is whole. progress: told tokens done and tokens in all, a document at a time.
    Raises CrystalError when another program is writing it, and DamagedCrystalError rather than copy what is damaged.
    """
    began = time.monotonic()
    with Store.open(path, writable=True) as old:
        before = size_of(old)
        with write_beside(path, old.meta(), old) as new:
            copy_codebooks(old, new)
            copy, chunks, documents = CrystalCopier(new), ChunkReader(old), 0
            sources, done = old.sources(), 0
            total = sum(source.tokens for source in sources)
            for source in sources:
                check_seal(old, source)
                copy.enter(source, copy.add(chunks, source.id), landmark_triples(old, source.id))
                documents += source.chunks > 0
                done += source.tokens
                if progress is not None:
                    progress(done, total)
            copy.finish()
            after = size_of(new)
    return CompactReport(before, after, documents, time.monotonic() - began)


def size_of(store: Store) -> CrystalSize:
    """Count."""
    segments = store.segments()
    chunks, tokens = sum(segment.chunks for segment in segments), sum(segment.tokens for segment in segments)
    return CrystalSize(store.file_size(), chunks, tokens, len(segments))
