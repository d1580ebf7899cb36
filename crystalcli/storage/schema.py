"""The tables of a crystal. `docs/FORMAT.md` says the same in words; a test compares the two.

A crystal is an SQLite database. What is bulky lies in `part` and `posting`, each row with a digest of its own.
"""

from __future__ import annotations

APPLICATION_ID = 0x43525953  # "CRYS"
FORMAT_VERSION = 1  # user_version
EXTENSION = ".crystal"

TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The codebooks of an encoder that the program does not know; empty where they ship with it.
CREATE TABLE codebook (
    name TEXT PRIMARY KEY,            -- atoms_rotation, atoms_centroids, clusters_rotation, ...
    digest BLOB NOT NULL,             -- BLAKE2b-16 of data
    data BLOB NOT NULL                -- float16, little-endian, row by row
) STRICT;

-- The ledger: one row for every file that was ever asked for.
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,        -- the name shown and cited
    location TEXT NOT NULL UNIQUE,    -- where the file is: relative to the crystal's folder, or absolute
    root TEXT NOT NULL,               -- the folder that was asked for, in the same form
    kind TEXT NOT NULL,               -- text, markdown, code, pdf; "" when it was not read
    title TEXT NOT NULL,
    state TEXT NOT NULL,              -- done, partial, skipped, failed, gone
    reason TEXT NOT NULL,             -- why it was skipped or failed, else ""
    size INTEGER NOT NULL,            -- bytes
    mtime_ns INTEGER NOT NULL,
    digest BLOB NOT NULL,             -- SHA-256 of the bytes; empty when it was not read
    characters INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    chunks INTEGER NOT NULL
) STRICT;

-- Where a source's text is: consecutive chunks, in order of `ordinal`. At most 64 chunks a run.
CREATE TABLE run (
    source INTEGER NOT NULL REFERENCES source(id),
    ordinal INTEGER NOT NULL,
    first_chunk INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    start INTEGER NOT NULL,           -- character offset of the run in its document
    lines INTEGER NOT NULL,           -- newlines before it in its document
    PRIMARY KEY (source, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_by_chunk ON run (first_chunk);

CREATE TABLE landmark (
    source INTEGER NOT NULL REFERENCES source(id),
    start INTEGER NOT NULL,           -- character offset in the document
    kind TEXT NOT NULL,               -- page, heading
    label TEXT NOT NULL,
    PRIMARY KEY (source, kind, start)
) STRICT, WITHOUT ROWID;

-- What one commit added: consecutive chunks with their text, spans and layers.
CREATE TABLE segment (
    id INTEGER PRIMARY KEY,
    first_chunk INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    first_atom INTEGER NOT NULL,
    atoms INTEGER NOT NULL,
    clusters INTEGER NOT NULL,
    units INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    bytes INTEGER NOT NULL,           -- of its text, before compression
    encoded INTEGER NOT NULL          -- 1 when its layers are stored, 0 when there were no weights
) STRICT;

CREATE TABLE part (
    segment INTEGER NOT NULL REFERENCES segment(id),
    name TEXT NOT NULL,               -- text, spans, hashes, lengths, atoms, clusters, units
    size INTEGER NOT NULL,            -- bytes once decompressed
    digest BLOB NOT NULL,             -- BLAKE2b-16 of data
    data BLOB NOT NULL,
    PRIMARY KEY (segment, name)
) STRICT;

-- The lexical index: sorted blocks of terms, in a few segments of their own that merge as they grow.
CREATE TABLE lexicon (
    id INTEGER PRIMARY KEY,
    level INTEGER NOT NULL,
    first_atom INTEGER NOT NULL,
    atoms INTEGER NOT NULL
) STRICT;

CREATE TABLE posting (
    lexicon INTEGER NOT NULL REFERENCES lexicon(id),
    first_term TEXT NOT NULL,
    digest BLOB NOT NULL,             -- BLAKE2b-16 of data
    data BLOB NOT NULL,
    PRIMARY KEY (lexicon, first_term)
) STRICT;
"""
