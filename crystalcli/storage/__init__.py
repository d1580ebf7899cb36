"""Storage: one crystal file, its tables and blobs.

The question it answers: how is it written so that a commit is whole, and read so that damage is seen?

atomic_replace.py  A crystal written beside its place, which it takes when it is whole. Until then
                   whatever stands there stays as it was.
check.py           What can be said of a file without knowing what it means: SQLite's own checks,
                   seals, and the digest of every blob.
salvage.py         Reads a damaged crystal row by row, around what is broken, and puts a repaired
                   one in its place.
store.py           One crystal file: its rows and blobs, in and out. Knows zstd and digests.

file/
    connection.py      Connections to the database in a crystal's file: made, opened, and what
                       SQLite refuses said in words.
    database.py        A crystal as an open database: opened and given back, its transactions, its
                       queries. Knows SQLite, locks and seals.
    file_lock.py       Who may write a crystal: a lock file beside it, since SQLite's own locks last
                       one commit only.
    query_guard.py     Queries on a file that may be anybody's: errors by name, and an end to those
                       that go in circles.
    schema.py          The tables of a crystal. `docs/FORMAT.md` says the same in words; a test
                       compares the two.
    seal.py            Seals: what groups of rows add up to. A row that is missing, altered or
                       foreign breaks its group's seal.
    signals.py         Signals that would stop the program, made to wait while something is done
                       that must not be left half done.

tables/
    chunk_spans.py     Where a segment's chunks, and the units in them, begin and end: one stream of
                       varints.
    codebooks.py       The codebooks of a crystal with an encoder of its own, as named blobs. What
                       is in them is the codec's business.
    context_rows.py    What the chunks of a segment stand in, as it is stored: a line for each
                       chunk, all of them one zstd frame.
    copy_rows.py       What a copy of a crystal takes over row by row: landmarks, and codebooks of
                       its own where it has them.
    landmark_span.py   Where the stretch between two landmarks begins and ends.
    landmarks.py       The landmarks of whole documents at once, and the documents that have a
                       certain one.
    reason_codes.py    Reason codes for crystals of format versions 1 and 2, whose ledger has only
                       sentences.
    rows.py            The rows of a crystal's tables, as `crystalcli.storage.file.schema` describes
                       them.
    runs.py            Which chunks documents refer to, read a stretch at a time, so that many
                       documents take no more memory than few.
    segments.py        Parts of many segments, read in few queries and never all at once. Each is
                       checked against its digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.storage.atomic_replace import (
        write_beside,
    )
    from crystalcli.storage.check import (
        StorageFault,
        blob_faults,
        check_seal,
        file_faults,
        seal_faults,
    )
    from crystalcli.storage.file.connection import (
        PAGE_CACHE,
    )
    from crystalcli.storage.file.file_lock import (
        crystal_path,
        lock_beside,
        release_lock,
    )
    from crystalcli.storage.file.seal import (
        sealed_tables,
    )
    from crystalcli.storage.file.signals import (
        signals_held_back,
    )
    from crystalcli.storage.salvage import (
        DamagedFile,
        insert_rows,
        put_in_place,
    )
    from crystalcli.storage.store import (
        Store,
        compressed,
        digest,
    )
    from crystalcli.storage.tables.chunk_spans import (
        ChunkSpans,
    )
    from crystalcli.storage.tables.codebooks import (
        put_codebooks,
        stored_codebooks,
    )
    from crystalcli.storage.tables.context_rows import (
        CONTEXTS_PART,
        CONTEXTS_SINCE,
        add_contexts,
        contexts_of,
    )
    from crystalcli.storage.tables.copy_rows import (
        copy_codebooks,
        landmark_triples,
    )
    from crystalcli.storage.tables.landmark_span import (
        landmark_span,
    )
    from crystalcli.storage.tables.landmarks import (
        has_landmarks,
        headings_like,
        landmarks_of,
    )
    from crystalcli.storage.tables.reason_codes import (
        reason_code_of,
    )
    from crystalcli.storage.tables.rows import (
        RUN_SIZE,
        LexiconRow,
        RunRow,
        SegmentRow,
        SourceRow,
        checked_row,
        typed_rows,
    )
    from crystalcli.storage.tables.runs import (
        first_sources,
        runs_by_chunk,
        runs_in_order,
        runs_of_all,
        with_landmarks,
    )
    from crystalcli.storage.tables.segments import (
        stored_parts,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "check": (
                "StorageFault",
                "blob_faults",
                "check_seal",
                "file_faults",
                "seal_faults",
            ),
            "atomic_replace": ("write_beside",),
            "file.connection": ("PAGE_CACHE",),
            "file.file_lock": (
                "crystal_path",
                "lock_beside",
                "release_lock",
            ),
            "file.seal": ("sealed_tables",),
            "file.signals": ("signals_held_back",),
            "salvage": (
                "DamagedFile",
                "insert_rows",
                "put_in_place",
            ),
            "store": (
                "Store",
                "compressed",
                "digest",
            ),
            "tables.chunk_spans": ("ChunkSpans",),
            "tables.codebooks": (
                "put_codebooks",
                "stored_codebooks",
            ),
            "tables.context_rows": (
                "CONTEXTS_PART",
                "CONTEXTS_SINCE",
                "add_contexts",
                "contexts_of",
            ),
            "tables.copy_rows": (
                "copy_codebooks",
                "landmark_triples",
            ),
            "tables.landmarks": (
                "has_landmarks",
                "headings_like",
                "landmarks_of",
            ),
            "tables.landmark_span": ("landmark_span",),
            "tables.reason_codes": ("reason_code_of",),
            "tables.rows": (
                "LexiconRow",
                "RUN_SIZE",
                "RunRow",
                "SegmentRow",
                "SourceRow",
                "checked_row",
                "typed_rows",
            ),
            "tables.runs": (
                "first_sources",
                "runs_by_chunk",
                "runs_in_order",
                "runs_of_all",
                "with_landmarks",
            ),
            "tables.segments": ("stored_parts",),
        },
    )

__all__ = [
    "CONTEXTS_PART",
    "CONTEXTS_SINCE",
    "PAGE_CACHE",
    "RUN_SIZE",
    "ChunkSpans",
    "DamagedFile",
    "LexiconRow",
    "RunRow",
    "SegmentRow",
    "SourceRow",
    "StorageFault",
    "Store",
    "add_contexts",
    "blob_faults",
    "check_seal",
    "checked_row",
    "compressed",
    "contexts_of",
    "copy_codebooks",
    "crystal_path",
    "digest",
    "file_faults",
    "first_sources",
    "has_landmarks",
    "headings_like",
    "insert_rows",
    "landmark_span",
    "landmark_triples",
    "landmarks_of",
    "lock_beside",
    "put_codebooks",
    "put_in_place",
    "reason_code_of",
    "release_lock",
    "runs_by_chunk",
    "runs_in_order",
    "runs_of_all",
    "seal_faults",
    "sealed_tables",
    "signals_held_back",
    "stored_codebooks",
    "stored_parts",
    "typed_rows",
    "with_landmarks",
    "write_beside",
]
