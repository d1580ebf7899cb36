"""The schema of a crystal: its tables, by format version.

A crystal is an SQLite database. Bulky data is in `part` and `posting`, each row with a digest of
its own. `docs/FORMAT.md` describes the tables in words; a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

APPLICATION_ID = 0x43525953  # "CRYS"
FORMAT_VERSION = 7  # user_version; files of all versions from 1 on are read and written
CODES_SINCE = 3  # the format version from which on `source` has a column `code`
SUMMARIES_SINCE = 4  # the format version from which on there is a table `summary`
MEMORIES_SINCE = 5  # the format version from which on there is a table `memory`
STATEMENTS_SINCE = 6  # the format version from which on there is a table `statement`
PACKED_SINCE = 7  # the format version from which on spans, blocks of terms and rows of `source` are packed
# The version of an older file that has been given the tables which it lacked.
COMPLETED = 6
_SINCE = {
    "summary": SUMMARIES_SINCE,
    "memory": MEMORIES_SINCE,
    "memory_by_date": MEMORIES_SINCE,
    "memory_by_claim": MEMORIES_SINCE,
    "memory_by_source": MEMORIES_SINCE,
    "statement": STATEMENTS_SINCE,
    "statement_by_claim": STATEMENTS_SINCE,
    "statement_reading": STATEMENTS_SINCE,
    "folder": PACKED_SINCE,
    "source_by_location": PACKED_SINCE,
    "source_seal": PACKED_SINCE,
}
# The column of `source` in older files, by the one in new files.
_OLDER_COLUMNS = {
    "location TEXT NOT NULL,": "location TEXT NOT NULL UNIQUE,",
    "root INTEGER NOT NULL REFERENCES folder(id),": "root TEXT NOT NULL,",
    "chunks INTEGER NOT NULL,\n    reader INTEGER NOT NULL": "chunks INTEGER NOT NULL",
}

TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Codebooks of an encoder of the user; empty where the codebooks ship with the program.
CREATE TABLE codebook (
    name TEXT PRIMARY KEY,            -- atoms_rotation, atoms_centroids, clusters_rotation, ...
    digest BLOB NOT NULL,             -- BLAKE2b-16 of data
    data BLOB NOT NULL                -- float16, little-endian, row by row
) STRICT;

-- The folders that were asked for, each once for all of its files.
CREATE TABLE folder (
    id INTEGER PRIMARY KEY,
    location TEXT NOT NULL UNIQUE     -- its path: relative to the crystal's folder, or absolute
) STRICT;

-- The ledger: one row for every file that was asked for.
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,        -- the name shown and cited
    location TEXT NOT NULL,           -- the file's path, in the same form; "" where it is `path` in the folder
    root INTEGER NOT NULL REFERENCES folder(id), -- the folder that was asked for
    kind TEXT NOT NULL,               -- text, markdown, code, pdf, ...; "" when it was not read
    title TEXT NOT NULL,
    state TEXT NOT NULL,              -- done, partial, skipped, failed, gone
    reason TEXT NOT NULL,             -- why it was skipped or failed, else ""
    code TEXT NOT NULL,               -- the same for programs (errors.Reason), else ""
    size INTEGER NOT NULL,            -- bytes
    mtime_ns INTEGER NOT NULL,
    digest BLOB NOT NULL,             -- SHA-256 of the bytes; empty when it was not read
    characters INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    reader INTEGER NOT NULL           -- the version of the reader that read it, or 0
) STRICT;
CREATE UNIQUE INDEX source_by_location ON source (location) WHERE location <> '';

-- The chunks of a source's text: consecutive ones a run, at most 64; runs in order of `ordinal`.
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
    kind TEXT NOT NULL,               -- one of datatypes.LANDMARKS or FIELDS
    label TEXT NOT NULL,
    PRIMARY KEY (source, kind, start)
) STRICT, WITHOUT ROWID;

-- The consecutive chunks that one commit added, with their text, spans and layers.
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
    name TEXT NOT NULL,               -- text, spans, hashes, lengths, contexts, atoms, clusters, units
    size INTEGER NOT NULL,            -- bytes once decompressed
    digest BLOB NOT NULL,             -- BLAKE2b-16 of data
    data BLOB NOT NULL,
    PRIMARY KEY (segment, name)
) STRICT;

-- The lexical index: sorted blocks of terms, in a few segments of its own that merge as they grow.
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

-- Sums over groups of rows, which reveal a missing or altered row.
CREATE TABLE seal (
    name TEXT NOT NULL,               -- the table that heads the group, or the table itself; "": all rows
    number INTEGER NOT NULL,          -- the id of the row that heads the group, else 0
    members INTEGER NOT NULL,         -- rows in the group
    total BLOB NOT NULL,              -- 16 bytes: the sum of the rows' BLAKE2b-16
    PRIMARY KEY (name, number)
) STRICT, WITHOUT ROWID;

-- The seals of the groups that rows of `source` head.
CREATE TABLE source_seal (
    source INTEGER PRIMARY KEY,       -- a source.id
    members INTEGER NOT NULL,         -- rows in the group
    total BLOB NOT NULL               -- 8 bytes: the low half of the sum
) STRICT;

-- What a language model has said of parts of documents. This table and those below
-- are the last, so that a file of version 3 that gets them has its tables in the order of version 6.
CREATE TABLE summary (
    source INTEGER NOT NULL REFERENCES source(id),
    start INTEGER NOT NULL,           -- character offset of the part in its document
    characters INTEGER NOT NULL,      -- of the part
    model TEXT NOT NULL,              -- the name of the language model
    digest BLOB NOT NULL,             -- BLAKE2b-16 of the request and the part's text
    text TEXT NOT NULL,               -- the sentences that the part bears out; "" without one
    PRIMARY KEY (source, start, characters, model)
) STRICT, WITHOUT ROWID;

-- What was told: memories, and turns of conversations that wait to become part of a document.
CREATE TABLE memory (
    id TEXT PRIMARY KEY,              -- eight hexadecimal digits
    source INTEGER NOT NULL,          -- its document, a source.id; 0 while it waits to be indexed
    kind TEXT NOT NULL,               -- memory, conversation
    document TEXT NOT NULL,           -- the name of its document while it waits, else ""
    dated TEXT NOT NULL,              -- the day that it speaks of, with or without a time
    told INTEGER NOT NULL,            -- seconds since 1970 at which it was told
    author TEXT NOT NULL,             -- who told it, or ""
    tags TEXT NOT NULL,               -- in order, with spaces between
    pinned INTEGER NOT NULL,          -- 1 or 0
    text TEXT NOT NULL,               -- as it was told
    claim TEXT NOT NULL,              -- the key of what it claims, or ""
    successor TEXT NOT NULL           -- the memory.id that superseded it, "-" where by hand never, or ""
) STRICT;
CREATE INDEX memory_by_date ON memory (dated);
CREATE INDEX memory_by_claim ON memory (claim) WHERE claim <> '';
CREATE INDEX memory_by_source ON memory (source);

-- What dated documents say of things that have one value at a time.
CREATE TABLE statement (
    source INTEGER NOT NULL REFERENCES source(id),
    start INTEGER NOT NULL,           -- character offset of the sentence in its document
    characters INTEGER NOT NULL,      -- of the sentence
    dated TEXT NOT NULL,              -- the day of its message, section or document
    author TEXT NOT NULL,             -- of its message, or ""
    claim TEXT NOT NULL,              -- the key of what it claims
    value TEXT NOT NULL,              -- as it is written
    negated INTEGER NOT NULL,         -- 1 where it says that the value does not hold, else 0
    upheld INTEGER NOT NULL,          -- 1 where it was decided by hand that it still holds, else 0
    PRIMARY KEY (source, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_by_claim ON statement (claim, dated);

-- The documents that statements were looked for in.
CREATE TABLE statement_reading (
    source INTEGER PRIMARY KEY,       -- a source.id
    rules INTEGER NOT NULL            -- the version of the rules by which it was read
) STRICT;
"""


def schema_statements(version: int = FORMAT_VERSION) -> list[str]:
    """Give the statements that make an empty crystal of a format version, without comments."""
    text = re.sub("--.*", "", TABLES)
    if version < PACKED_SINCE:
        for new, old in _OLDER_COLUMNS.items():
            text = re.sub(r"\s+".join(map(re.escape, new.split())), old, text, count=1)
    if version < CODES_SINCE:
        text = re.sub(r"(?m)^    code TEXT .*\n", "", text)
    statements = [_without_comments(statement) for statement in text.split(";\n") if statement.strip()]
    return [statement for statement in statements if _SINCE.get(_name_of(statement), 1) <= version]


def newer_statements(version: int) -> list[str]:
    """Give the statements that make the tables of version `COMPLETED` that a file lacks."""
    return [statement for statement in schema_statements(COMPLETED) if _SINCE.get(_name_of(statement), 1) > version]


def table_names() -> list[str]:
    """Name all tables, in the order in which they are made."""
    return re.findall(r"^CREATE TABLE (\w+)", TABLES, re.MULTILINE)


def schema_fault(rows: Iterable[tuple[str, str, str | None]], version: int = FORMAT_VERSION) -> str:
    """Say what is wrong with a file's schema; "" when it is that of the format version.

    Nothing but this program's tables and index may be there: a view, a trigger or a generated
    column is code.

    Args:
        rows: Rows of (type, name, sql) from `sqlite_master`.
        version: The file's format version.
    """
    expected = {_name_of(statement): statement for statement in schema_statements(version)}
    present = set()
    for kind, name, sql in rows:
        if kind == "index" and sql is None and name.startswith("sqlite_autoindex_"):
            continue
        if name not in expected:
            return f"unexpected {kind} {name}"
        if sql is None or _without_comments(sql) != expected[name]:
            return f"{kind} {name} differs from format version {version}"
        present.add(name)
    missing = [name for name in expected if name not in present]
    if not missing:
        return ""
    return f"{'table' if expected[missing[0]].startswith('CREATE TABLE') else 'index'} {missing[0]} is missing"


def _name_of(statement: str) -> str:
    """Name the table or index that a statement makes."""
    words = statement.split("(")[0].split()
    return words[3 if words[1] == "UNIQUE" else 2]


def _without_comments(sql: str) -> str:
    """Give a statement without its comments, in one line."""
    return " ".join(re.sub(r"--.*", "", sql).split())
