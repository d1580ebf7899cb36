"""Gives back the space of unreferenced chunks by writing the crystal anew.

The new file then takes the old one's place. Nothing is encoded again.

Knows: copying of documents and codebooks. Does not know: why a chunk is unreferenced.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crystalcli.index import ASKED_KEY, ChunkReader
from crystalcli.lexical import ANALYSIS
from crystalcli.maintenance.copier import CrystalCopier, notes_on
from crystalcli.storage import (
    ANALYSIS_KEY,
    LANGUAGES_KEY,
    Store,
    check_seal,
    copy_codebooks,
    landmark_triples,
    write_beside,
)


@dataclass(frozen=True, slots=True)
class CrystalSize:
    """The size of a crystal.

    Attributes:
        bytes: Bytes of the file.
        chunks: Stored chunks.
        tokens: Tokens of these chunks.
        segments: Segments of the index.
    """

    bytes: int
    chunks: int
    tokens: int
    segments: int


@dataclass(frozen=True, slots=True)
class CompactReport:
    """The outcome of a compaction.

    Attributes:
        before: The size before it.
        after: The size after it.
        documents: The documents with text.
        seconds: The time that it took.
    """

    before: CrystalSize
    after: CrystalSize
    documents: int
    seconds: float


def compact_crystal(path: Path, progress: Callable[[int, int], None] | None = None) -> CompactReport:
    """Write a crystal anew without its unreferenced chunks.

    Segments are as large as those of one ingest. Documents, texts, codes and summaries stay the
    same. The file is replaced at the end, in one step: until then, and after an interruption, the
    old one is whole.

    Args:
        path: The crystal.
        progress: Called after each document with the tokens that are done and all tokens.

    Raises:
        CrystalError: Another program is writing the crystal, or it cannot be written.
        DamagedCrystalError: The crystal is damaged. Damage is never copied.
    """
    started = time.monotonic()
    with Store.open(path, writable=True) as old:
        old_size = crystal_size(old)
        # The copier notes the languages of the chunks that stay, and analyzes their text anew.
        meta = {key: value for key, value in old.meta().items() if key not in (LANGUAGES_KEY, ASKED_KEY)}
        meta[ANALYSIS_KEY] = str(ANALYSIS)
        with write_beside(path, meta, old) as new:
            copy_codebooks(old, new)
            copier, chunks, documents = CrystalCopier(new), ChunkReader(old), 0
            sources, done, statement_rules = old.sources(), 0, old.statement_rules()
            total = sum(source.tokens for source in sources)
            for source in sources:
                check_seal(old, source)
                numbers, landmarks = copier.copy_chunks(chunks, source.id), landmark_triples(old, source.id)
                copier.add_document(source, numbers, landmarks, notes_on(old, source.id, statement_rules))
                documents += source.chunks > 0
                done += source.tokens
                if progress is not None:
                    progress(done, total)
            copier.finish()
            copier.add_waiting(old.waiting_memories())
            new_size = crystal_size(new)
    return CompactReport(old_size, new_size, documents, time.monotonic() - started)


def crystal_size(store: Store) -> CrystalSize:
    """Count the bytes, chunks, tokens and segments of a crystal."""
    segments = store.segments()
    chunks, tokens = sum(segment.chunks for segment in segments), sum(segment.tokens for segment in segments)
    return CrystalSize(store.file_size(), chunks, tokens, len(segments))
