"""How a crystal grows: a table of one row for each size.

    python benchmarks/scale.py FOLDER... [--tokens 1 4 40] [--shards 1] [--questions 40]
                               [--json results/scale.json]

    tokens      millions
    first       seconds from the start of `crystal ingest` until `crystal recall` has answered, cold
    ingest      tokens a second until the text is stored, of wall and of processor time
    file        megabytes
    resident    megabytes of one process that has answered, and what grows of it with the crystal
    cold        seconds of `crystal recall` as a whole process, without the reranker, and of the
                processor
    warm        milliseconds of a recall in an open crystal, p50 and p95, without the reranker, and
                p50 of its processor time: where other work runs beside, that holds better

The first row is real text: as many files of the folders as make so many tokens, read as a user
reads them; its layers are not waited for. The others grow out of synthetic.py, whose words follow
Zipf's law and whose codes are random: they cost what real ones cost, and rank nothing. Their files
are read with real code paths, but not ingested, so `first` and `ingest` are left out. With
--shards N each is asked once more as N crystals read as one.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import synthetic
from common import machine, timed_process, write_json

from crystalcli import Crystal
from crystalcli.recall.memory_use import measure_memory, resident_bytes

_BYTES_A_TOKEN = 4.4  # of English text
_PROGRAM = [sys.executable, "-m", "crystalcli"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--tokens", type=float, nargs="+", default=[1, 4, 40], help="millions")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print(machine())
    print("  tokens  first s  wall t/s  cpu t/s  file MB  resident  grows  cold s   cpu s  warm p50  p95 ms  cpu ms")
    with TemporaryDirectory() as name:
        rows.append(real_row(options.folder, options.tokens[0] * 1e6, Path(name), options.questions))
        show(rows[-1])
        for millions in options.tokens:
            path = Path(name) / f"{millions:g}.crystal"
            synthetic.make(path, int(millions * 1e6), base=int(min(1e6, millions * 1e6)))
            rows.append({"text": "synthetic", **measure([path], options.questions)})
            show(rows[-1])
            path.unlink()
            if options.shards > 1:
                shards = [Path(name) / f"{number}.crystal" for number in range(options.shards)]
                for number, shard in enumerate(shards):
                    part = int(millions * 1e6 / options.shards)
                    synthetic.make(shard, part, base=min(1_000_000, part), seed=2 + number)
                rows.append({"text": f"synthetic, {options.shards} shards", **measure(shards, options.questions)})
                show(rows[-1])
                for shard in shards:
                    shard.unlink()
    write_json(options.json, {"results": rows})


def real_row(folders: list[Path], tokens: float, home: Path, questions: int) -> dict[str, Any]:
    """Ingest real text as a user does, and ask it at once."""
    files, left = [], tokens * _BYTES_A_TOKEN
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        if left > 0:
            files.append(str(path))
            left -= path.stat().st_size
    crystal = home / "real.crystal"
    began, before = time.perf_counter(), processor_seconds()
    timed_process([*_PROGRAM, "ingest", *files, "-c", str(crystal), "--wait-for", "text"])
    stored, worked = time.perf_counter() - began, processor_seconds() - before
    timed_process([*_PROGRAM, "recall", "What is said of the harbour?", "--no-rerank", "-c", str(crystal)])
    first = time.perf_counter() - began
    row = measure([crystal], questions)
    speeds = {"wall": round(row["tokens"] / stored), "processor": round(row["tokens"] / worked)}
    return {"text": "real, without layers", "first": round(first, 2), "ingest": speeds, **row}


def measure(paths: list[Path], questions: int) -> dict[str, Any]:
    """Measure recall in one crystal, or in several as one."""
    asked = [word for path in paths for word in ("-c", str(path))]
    command = [*_PROGRAM, "recall", "What is said of the harbour?", "--no-rerank", *asked]
    cold = [timed_process(command) for _ in range(4)][1:]  # the first reads the disk
    empty = resident_bytes() or 0
    with Crystal(paths, mode="read", reranker=None) as crystal:
        began = time.perf_counter()
        crystal.recall("What is said of the harbour?", rerank=False)
        opened = time.perf_counter() - began
        seconds, processor = [], []
        for question in synthetic.Words(7).questions(questions):
            began, worked = time.perf_counter(), time.process_time()
            crystal.recall(question, rerank=False)
            seconds.append(time.perf_counter() - began)
            processor.append(time.process_time() - worked)
        memory, tokens = measure_memory(crystal), crystal.stats().tokens
        resident = resident_bytes() or 0
    return {
        "tokens": tokens,
        "file": sum(path.stat().st_size for path in paths),
        "resident": resident,
        "more_than_empty": resident - empty,
        "grows": memory.grown,
        "opened": round(opened, 3),
        "cold": {name: round(statistics.median(each[name] for each in cold), 3) for name in ("seconds", "processor")},
        "warm": {
            "p50": round(1000 * statistics.median(seconds), 1),
            "p95": round(1000 * statistics.quantiles(seconds, n=20)[-1], 1),
            "processor": round(1000 * statistics.median(processor), 1),
        },
    }


def processor_seconds() -> float:
    """Return the processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(row: dict[str, Any]) -> None:
    """Print a row."""
    speeds = row.get("ingest", {})
    first = f"{row['first']:.1f}" if "first" in row else "-"
    wall, processor = (f"{speeds[name]:,}" if name in speeds else "-" for name in ("wall", "processor"))
    print(
        f"{row['tokens'] / 1e6:7.1f}M {first:>8} {wall:>9} {processor:>8} {row['file'] / 1e6:8.1f} "
        f"{row['resident'] / 1e6:9.0f} {row['grows'] / 1e6:6.1f} {row['cold']['seconds']:7.2f} "
        f"{row['cold']['processor']:7.2f} {row['warm']['p50']:9.1f} {row['warm']['p95']:7.1f} "
        f"{row['warm']['processor']:7.1f}  {row['text']}",
        flush=True,
    )


if __name__ == "__main__":
    main()
