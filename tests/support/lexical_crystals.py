"""Small crystals without vectors, and what stands in them, for the tests of what moves crystals about."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from crystalcli import Crystal, Passage, library
from crystalcli.index.chunk_reader import ChunkReader
from crystalcli.storage.store import Store

_WORDS = "ferry harbour keeper ledger lamp oil tide rope anchor pilot chart storm winter bell salt".split()  # noqa: SIM905
_sentences = st.lists(st.sampled_from(_WORDS), min_size=4, max_size=12).map(
    lambda words: " ".join(words).title() + ". "
)
# Long enough that a document has several chunks, and made of few words, so that chunks are shared and scores are tied.
documents = st.builds(
    lambda parts, times: "\n\n".join("".join(part) * times for part in parts) + "\n",
    st.lists(st.lists(_sentences, min_size=1, max_size=8), min_size=1, max_size=4),
    st.integers(1, 6),
)
folders = st.dictionaries(st.sampled_from(["a.txt", "b.md", "c/d.txt", "c/e.py", "f.txt"]), documents, min_size=1)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Make `folder` hold just `files`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def read_into(path: Path, *sources: Path, prune: bool = False) -> Path:
    """Ingest into the crystal at `path`, without vectors."""
    with library.Crystal(path, mode="write", encoder=None) as opened:
        opened.ingest(sources, prune=prune)
    return path


def texts(path: Path) -> dict[str, str]:
    """Every document's text."""
    with Store.open(path) as store:
        chunks = ChunkReader(store)
        held = {source.path: "".join(map(chunks.text, chunks.of(source.id))) for source in store.sources()}
        assert all(len(held[source.path]) == source.characters for source in store.sources())
        return held


def recalled(path: Path, question: str, k: int = 50) -> list[Passage]:
    with Crystal.open(path, encoder=None) as crystal:
        return list(crystal.recall(question, k))


def inside(path: Path) -> dict[str, list[Any]]:
    """Everything that recall goes by, row by row; parts and blocks by their digests."""
    raw = sqlite3.connect(path)
    tables = {
        "segment": "SELECT * FROM segment ORDER BY id",
        "part": "SELECT segment, name, size, digest FROM part ORDER BY segment, name",
        "lexicon": "SELECT level, first_atom, atoms FROM lexicon ORDER BY first_atom",
        "posting": "SELECT first_term, posting.digest FROM posting JOIN lexicon ON lexicon = id ORDER BY first_atom, first_term",
    }
    found = {table: raw.execute(query).fetchall() for table, query in tables.items()}
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()
    return found
