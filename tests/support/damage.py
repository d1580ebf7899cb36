"""Ways to damage a crystal, and a small one to damage. Shared by the tests of verify, repair and hostile files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from crystalcli.index import segment_writer
from crystalcli.library import Crystal
from crystalcli.maintenance.verify import VerifyReport, verify_crystal
from crystalcli.storage.store import Store

TABLES = (
    "meta", "folder", "source", "run", "landmark", "segment", "part", "lexicon", "posting", "seal", "source_seal",
)  # fmt: skip


def library(folder: Path) -> Path:
    """Documents of several kinds, with headings, shared text and text beyond ASCII."""
    folder.mkdir(parents=True)
    for number in range(5):
        lines = [
            f"## Entry {i}\n\nOn day {i * 37 % 101} the {word} of port {number} weighed {i * 7919 % 1000} stone – ça va.\n\n"
            for i, word in enumerate(("anchor", "barrel", "compass", "dinghy", "ensign", "ferry") * 6)
        ]
        (folder / f"log-{number}.md").write_text(f"# Log {number}\n\n" + "".join(lines), encoding="utf-8")
    (folder / "copy.md").write_bytes((folder / "log-2.md").read_bytes())
    (folder / "tide.py").write_text("def tide(hour):\n    return (hour * 14.765) % 12.4\n", encoding="utf-8")
    return folder


def make(path: Path, folder: Path, encoder: Path | None) -> Path:
    """A crystal of `folder` in several segments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment_writer, "SEGMENT_BYTES", 6000)
        with Crystal.create(path, encoder=encoder) as crystal:
            crystal.ingest([folder])
    return path


def change(path: Path, *statements: str, seal: bool = False) -> None:
    """Run SQL on a crystal behind its back; with `seal`, bring the seals up to date as an author of damage would."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in statements:
            db.execute(statement)
    finally:
        db.close()
    if seal:
        reseal(path)


def reseal(path: Path) -> None:
    """Make every seal hold for the rows as they are."""
    from crystalcli.storage.file.seal import RowSealer, group_column, sealed_columns, sealed_tables

    db = sqlite3.connect(path, isolation_level=None)
    sealer = RowSealer(db)
    for table in ("seal", "source_seal"):
        db.execute(f"DELETE FROM {table}")
    for table in sealed_tables():
        names = sealed_columns(db.execute, table)
        name, number = group_column(table, names)
        for found, *values in db.execute(f"SELECT {number}, {', '.join(names)} FROM {table}").fetchall():
            sealer._count(1, table, name, found, *values)
    sealer.write()
    db.close()


def verdict_of(path: Path, *, quick: bool = False) -> VerifyReport:
    """What verify says of a file that can be opened."""
    with Store.open(path) as store:
        return verify_crystal(store, quick=quick)


def texts(path: Path) -> dict[str, str]:
    """Every document's text, by name, of those that have any."""
    with Crystal.open(path, encoder=None) as crystal:
        sources = [source for source in crystal._store.sources() if source.chunks and source.state != "partial"]
        return {source.path: crystal.shelf.span_text(source) for source in sources}
