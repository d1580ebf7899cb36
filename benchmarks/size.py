"""Size of a crystal by part, and of simpler ways to store the same, relative to the text.

    python benchmarks/size.py FOLDER... [--json results/size.json]

A folder is a kind of text: prose, code, a mixture. Nothing is encoded: the layers' codes are random
bytes, as many as real ones, whose number does not depend on the text. The simpler ways: zstd level
19 over the text as one piece; and float32 vectors of flat 128-token chunks, an SQLite FTS5 index
over the same chunks, and the text as it is.
"""

from __future__ import annotations

import argparse
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import zstandard
from common import write_json
from synthetic import RandomCodes

from crystalcli.index import resolve_encoder
from crystalcli.index.index_reader import IndexReader
from crystalcli.index.stats import crystal_stats
from crystalcli.ingest.ingester import Ingester
from crystalcli.storage import Store
from crystalcli.storage.file.schema import FORMAT_VERSION
from crystalcli.vectors import default_tokenizer

TOKENS = 128  # of a flat chunk
DIMENSION = 384


def documents(shelf: IndexReader) -> list[str]:
    """Return the exact text of every document, as the crystal returns it."""
    return [shelf.span_text(source) for source in shelf.store.sources() if source.chunks]


def flat(texts: list[str], folder: Path) -> dict[str, float]:
    """Return the bytes of the simpler ways to store `texts`."""
    pieces = []
    for text in texts:
        _, ends = default_tokenizer().tokenize([text])[0]
        bounds = [0, *ends[TOKENS - 1 :: TOKENS].tolist()]
        pieces += [text[a:b] for a, b in zip(bounds, [*bounds[1:], len(text)], strict=True) if b > a]
    with sqlite3.connect(folder / "fts.db") as db:
        db.execute("CREATE VIRTUAL TABLE chunk USING fts5(text, content='', tokenize='porter unicode61')")
        db.executemany("INSERT INTO chunk (rowid, text) VALUES (?, ?)", enumerate(pieces, 1))
        db.execute("INSERT INTO chunk (chunk) VALUES ('optimize')")
    db.execute("VACUUM")
    db.close()
    raw = "".join(texts).encode()
    return {
        "zstd-19 of the text alone": len(zstandard.ZstdCompressor(level=19).compress(raw)),
        "flat float32 vectors": 4.0 * DIMENSION * len(pieces),
        "FTS5 over them": (folder / "fts.db").stat().st_size,
        "text as it is": len(raw),
    }


def measure(kind: Path) -> dict[str, Any]:
    """Measure one folder, in bytes."""
    with TemporaryDirectory() as name:
        with Store.create(Path(name) / "m.crystal", resolve_encoder(None, Path(name))[1]) as store:
            report = Ingester(store, RandomCodes(1)).run([kind])
            found, parts = crystal_stats(store, FORMAT_VERSION), store.part_sizes()
            crystal = {part: float(stored) for part, (stored, _) in parts.items()}
            crystal["postings"] = store.lexical_size()
            plain = flat(documents(IndexReader(store)), Path(name))
        file = (Path(name) / "m.crystal").stat().st_size
    layers = found.layer_bytes_per_million
    crystal["tables, indexes and slack"] = file - sum(crystal.values())
    return {
        "folder": kind.name,
        "files": report.read,
        "tokens": found.tokens,
        "raw": found.text_raw,
        "crystal": crystal,
        "file": file,
        "layers per million tokens": layers,
        "plain": plain,
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results = []
    for folder in args.folder:
        found = measure(folder)
        results.append(found)
        raw, plain = found["raw"], found["plain"]
        print(
            f"{found['folder']}: {found['files']:,} files, {found['tokens']:,} tokens, {raw / 1e6:.1f} MB of text stored"
        )
        for name, size in sorted(found["crystal"].items(), key=lambda item: -item[1]):
            print(f"  {name:27s} {size / 1e6:8.2f} MB  {size / raw:6.3f}")
        print(f"  {'the crystal':27s} {found['file'] / 1e6:8.2f} MB  {found['file'] / raw:6.3f} of the text")
        print(f"  {'layers 1 to 3':27s} {found['layers per million tokens'] / 1e6:8.2f} MB per million tokens")
        for name, size in plain.items():
            print(f"  beside it: {name:26s} {size / 1e6:8.2f} MB  {size / raw:6.3f}")
        whole = sum(plain.values()) - plain["zstd-19 of the text alone"]
        print(f"  beside it: {'vectors, FTS5 and text':26s} {whole / 1e6:8.2f} MB  {whole / raw:6.3f}")
    write_json(args.json, {"results": results})


if __name__ == "__main__":
    main()
