"""Storage: one crystal file, its tables and blobs.

The question it answers: how is it written so that a commit is whole, and read so that damage is
seen?

atomic_replace.py  Atomic replacement: a crystal is written beside its place, then renamed.
check.py           Checks of a crystal's storage: SQLite's own, seals, and digests of blobs.
salvage.py         Salvage: a damaged crystal is read row by row, and replaced.
store.py           One crystal file: the sum of its tables, in and out.

file/
    btree_pages.py     B-tree pages of an SQLite file as they lie in it, without its list of tables.
    connection.py      Connections to a crystal's database, and SQLite's errors in plain words.
    database.py        A crystal as an open database: opening, closing, transactions and queries.
    file_lock.py       The lock files beside a crystal: one writer at a time, and one process that
                       makes layers.
    query_guard.py     Queries on a file of unknown origin, with bounds on rows and time.
    schema.py          The schema of a crystal: its tables, by format version.
    seal.py            Seals: sums over groups of rows that reveal missing or altered rows.
    signals.py         Deferred signals: SIGINT, SIGTERM and SIGHUP wait for the end of a block.

tables/
    blobs.py           Blobs: their digests, and zstd frames.
    chunk_spans.py     The spans of a segment's chunks and units, as one list of integers.
    codebooks.py       The table `codebook`: codebooks of the crystal's own encoder, as blobs.
    landmarks.py       The table `landmark`: named places in documents, such as headings.
    lexicons.py        The tables `lexicon` and `posting`: segments of the lexical index.
    memory_table.py    The table `memory`: what was told, each with its date, its tags and its
                       document.
    reason_codes.py    Reason codes for crystals of format versions 1 and 2.
    rows.py            The rows of a crystal's tables, and their checks.
    runs.py            The table `run`: the chunks of each document, in order.
    segments.py        The tables `segment` and `part`: the chunks of each commit, as blobs.
    sources.py         The table `source`: the ledger, one row for every file that was asked for.
    statements.py      The tables `statement` and `statement_reading`: what dated documents say, and
                       which were read.
    summaries.py       The table `summary`: what a language model has said of parts of documents.
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
        scratch_database,
    )
    from crystalcli.storage.file.file_lock import (
        MAKING_LAYERS,
        LockHolder,
        lock_beside,
        lock_for_telling,
        lock_holder,
        real_path,
        release_lock,
    )
    from crystalcli.storage.file.schema import (
        PACKED_SINCE,
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
    )
    from crystalcli.storage.tables.blobs import (
        compressed,
        digest,
    )
    from crystalcli.storage.tables.chunk_spans import (
        ChunkSpans,
    )
    from crystalcli.storage.tables.codebooks import (
        copy_codebooks,
        put_codebooks,
        stored_codebooks,
    )
    from crystalcli.storage.tables.landmarks import (
        definitions_named,
        has_landmarks,
        headings_like,
        landmark_span,
        landmark_triples,
        landmarks_between,
        landmarks_of,
        landmarks_of_kind,
        landmarks_over,
        with_landmarks,
        without_reader,
    )
    from crystalcli.storage.tables.reason_codes import (
        reason_code_of,
    )
    from crystalcli.storage.tables.rows import (
        RUN_SIZE,
        LexiconRow,
        MemoryRow,
        RunRow,
        SegmentRow,
        SourceRow,
        StatementRow,
        SummaryRow,
        checked_row,
        typed_rows,
    )
    from crystalcli.storage.tables.runs import (
        first_sources,
        runs_by_chunk,
        runs_in_order,
        runs_of_all,
    )
    from crystalcli.storage.tables.segments import (
        ANALYSIS_KEY,
        CONTEXTS_PART,
        CONTEXTS_SINCE,
        FIRST_ANALYSIS,
        LANGUAGES_KEY,
        LANGUAGES_PART,
        LANGUAGES_SINCE,
        PartSlice,
        add_contexts,
        add_languages,
        contexts_of,
        languages_of,
        stored_analysis,
        stored_languages,
        stored_parts,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "atomic_replace": ("write_beside",),
            "check": (
                "StorageFault",
                "blob_faults",
                "check_seal",
                "file_faults",
                "seal_faults",
            ),
            "file.connection": (
                "scratch_database",
                "PAGE_CACHE",
            ),
            "file.file_lock": (
                "LockHolder",
                "MAKING_LAYERS",
                "lock_beside",
                "lock_holder",
                "lock_for_telling",
                "real_path",
                "release_lock",
            ),
            "file.schema": ("PACKED_SINCE",),
            "file.seal": ("sealed_tables",),
            "file.signals": ("signals_held_back",),
            "salvage": (
                "DamagedFile",
                "insert_rows",
                "put_in_place",
            ),
            "store": ("Store",),
            "tables.blobs": (
                "compressed",
                "digest",
            ),
            "tables.chunk_spans": ("ChunkSpans",),
            "tables.codebooks": (
                "copy_codebooks",
                "put_codebooks",
                "stored_codebooks",
            ),
            "tables.landmarks": (
                "definitions_named",
                "has_landmarks",
                "headings_like",
                "landmark_span",
                "landmark_triples",
                "landmarks_between",
                "landmarks_of",
                "landmarks_of_kind",
                "landmarks_over",
                "with_landmarks",
                "without_reader",
            ),
            "tables.reason_codes": ("reason_code_of",),
            "tables.rows": (
                "LexiconRow",
                "MemoryRow",
                "RUN_SIZE",
                "RunRow",
                "SegmentRow",
                "SourceRow",
                "StatementRow",
                "StatementRow",
                "SummaryRow",
                "checked_row",
                "typed_rows",
            ),
            "tables.runs": (
                "first_sources",
                "runs_by_chunk",
                "runs_in_order",
                "runs_of_all",
            ),
            "tables.segments": (
                "ANALYSIS_KEY",
                "FIRST_ANALYSIS",
                "FIRST_ANALYSIS",
                "CONTEXTS_PART",
                "LANGUAGES_KEY",
                "LANGUAGES_PART",
                "LANGUAGES_SINCE",
                "PartSlice",
                "CONTEXTS_SINCE",
                "add_contexts",
                "add_languages",
                "contexts_of",
                "languages_of",
                "stored_analysis",
                "stored_languages",
                "stored_parts",
            ),
        },
    )

__all__ = [
    "ANALYSIS_KEY",
    "CONTEXTS_PART",
    "CONTEXTS_SINCE",
    "FIRST_ANALYSIS",
    "LANGUAGES_KEY",
    "LANGUAGES_PART",
    "LANGUAGES_SINCE",
    "MAKING_LAYERS",
    "PACKED_SINCE",
    "PAGE_CACHE",
    "RUN_SIZE",
    "ChunkSpans",
    "DamagedFile",
    "LexiconRow",
    "LockHolder",
    "MemoryRow",
    "PartSlice",
    "RunRow",
    "SegmentRow",
    "SourceRow",
    "StatementRow",
    "StorageFault",
    "Store",
    "SummaryRow",
    "add_contexts",
    "add_languages",
    "blob_faults",
    "check_seal",
    "checked_row",
    "compressed",
    "contexts_of",
    "copy_codebooks",
    "definitions_named",
    "digest",
    "file_faults",
    "first_sources",
    "has_landmarks",
    "headings_like",
    "insert_rows",
    "landmark_span",
    "landmark_triples",
    "landmarks_between",
    "landmarks_of",
    "landmarks_of_kind",
    "landmarks_over",
    "languages_of",
    "lock_beside",
    "lock_for_telling",
    "lock_holder",
    "put_codebooks",
    "put_in_place",
    "real_path",
    "reason_code_of",
    "release_lock",
    "runs_by_chunk",
    "runs_in_order",
    "runs_of_all",
    "scratch_database",
    "seal_faults",
    "sealed_tables",
    "signals_held_back",
    "stored_analysis",
    "stored_codebooks",
    "stored_languages",
    "stored_parts",
    "typed_rows",
    "with_landmarks",
    "without_reader",
    "write_beside",
]
