"""Text first: seconds until the first answer, and how good answers are while layers are made.

    python benchmarks/text_first.py POOL [--crystal FILE] [--limit 25] [--no-rerank]
                                    [--shares 0 0.25 0.5 1] [--time PATH... --question WORDS]
                                    [--json results/text_first.json]

POOL holds `files/` and `questions.jsonl`, as for `recall.py`. Its crystal is made once, whole; for
each share, a copy loses the layers of its oldest segments, as an ingest that makes the newest first
leaves it. Each copy is asked each question as `crystal ask --quote` does, with the reranker.
coverage@2000 and the reciprocal rank are those of `recall.py`; right: an answer of the question
stands in what is quoted. With --no-rerank nothing is quoted.

With --time, files are ingested by the command `crystal ingest --background`, and one question is
asked by the command `crystal recall`, both cold; the worker is stopped at the end. The wall time on
a shared machine says little: processor seconds are given beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from common import machine, write_json
from recall import coverage, reciprocal_rank

from crystalcli import Crystal
from crystalcli.index import LayerCodes
from crystalcli.storage import Store

CRYSTAL = [sys.executable, "-m", "crystalcli"]
BUDGET = 2000
PASSAGES = 12


def drop_layers(path: Path, share: float) -> float:
    """Take away the layers of the oldest segments; return the share of tokens that keeps them.

    Args:
        path: A crystal with all layers.
        share: The share of tokens that is to keep them, at most.
    """
    with Store.open(path, writable=True) as store:
        _, total = store.encoded_tokens()
        kept = total
        with store.transaction():
            for segment in store.segments():
                if kept <= share * total:
                    break
                for name in LayerCodes._fields:
                    store.rows("DELETE FROM part WHERE segment = ? AND name = ?", (segment.id, name))
                store.rows("UPDATE segment SET encoded = 0 WHERE id = ?", (segment.id,))
                kept -= segment.tokens
        return store.layer_share()


def measure_answers(path: Path, questions: list[dict[str, Any]], rerank: bool) -> dict[str, Any]:
    """Ask all questions of one crystal: the means by set, and the median time of an answer."""
    rows: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    seconds = []
    with Crystal.open(path, reranker="auto" if rerank else None) as crystal:
        for question in questions:
            began, row = time.perf_counter(), rows[question["set"]]
            if rerank:
                answer = crystal.ask(question["question"], extractive=True, floor=0.0, k=PASSAGES)
                passages, text = list(answer.passages), " ".join(answer.text.lower().split())
                row["right"].append(float(any(known.lower() in text for known in question["answers"])))
            else:
                passages = list(crystal.recall(question["question"], PASSAGES, rerank=False))
            seconds.append(time.perf_counter() - began)
            row["coverage"].append(coverage(passages, question["gold"], BUDGET))
            row["mrr"].append(reciprocal_rank(passages, question["gold"]))
    sets = {name: {column: statistics.mean(values) for column, values in row.items()} for name, row in rows.items()}
    return {"sets": sets, "p50": statistics.median(seconds)}


def time_first_answer(paths: list[Path], question: str) -> dict[str, float]:
    """Ingest files by the command, ask one question by the command, and stop the worker."""
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder, "first.crystal"))
        began, used = time.perf_counter(), sum(os.times()[2:4])
        ingest = [*CRYSTAL, "ingest", *map(str, paths), "-c", target, "--background", "--json"]
        report = json.loads(subprocess.run(ingest, check=True, capture_output=True).stdout)
        stored, stored_used = time.perf_counter() - began, sum(os.times()[2:4]) - used
        subprocess.run([*CRYSTAL, "recall", question, "-c", target], check=True, capture_output=True)
        answered, answered_used = time.perf_counter() - began, sum(os.times()[2:4]) - used
        subprocess.run([*CRYSTAL, "ingest", "--stop", "-c", target], check=True, capture_output=True)
    return {
        "tokens": report["tokens"],
        "text": report["text_seconds"],
        "ingest": stored,
        "ingest_processor": stored_used,
        "answer": answered,
        "answer_processor": answered_used,
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print a line for each share."""
    for row in rows:
        sets = "; ".join(
            f"{name} {', '.join(f'{column} {value:.3f}' for column, value in values.items())}"
            for name, values in row["sets"].items()
        )
        print(f"layers of {100 * row['share']:5.1f} %: {sets}; p50 {1000 * row['p50']:.0f} ms", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--crystal", type=Path, help="default: POOL/pool.crystal, made if it does not exist")
    parser.add_argument("--limit", type=int, default=25, help="questions of each set, at most")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.25, 0.5, 1.0])
    parser.add_argument("--no-rerank", action="store_true")
    parser.add_argument("--time", type=Path, nargs="+", default=[], metavar="PATH")
    parser.add_argument("--question", default="Who keeps the ledgers?", help="the question after --time")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    first = time_first_answer(args.time, args.question) if args.time else None
    if first is not None:
        print(
            f"{first['tokens']:,} tokens: text stored in {first['text']:.1f} s; command {first['ingest']:.1f} s "
            f"({first['ingest_processor']:.1f} s of processors); first answer {first['answer']:.1f} s "
            f"({first['answer_processor']:.1f} s)",
            flush=True,
        )
    whole = args.crystal or args.pool / "pool.crystal"
    if not whole.exists():
        with Crystal(whole, mode="write") as made:
            made.ingest([args.pool / "files"])
    questions, counts = [], defaultdict(int)
    for line in (args.pool / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        counts[question["set"]] += 1
        if counts[question["set"]] <= args.limit:
            questions.append(question)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for share in args.shares:
            # The names of documents are relative to the crystal's folder, and stay as they are.
            copy = Path(shutil.copy(whole, Path(folder, "copy.crystal")))
            copy.chmod(0o600)
            real = drop_layers(copy, share)
            rows.append({"share": real, **measure_answers(copy, questions, not args.no_rerank)})
            show(rows[-1:])
    print(f"{len(questions)} questions; {machine()}")
    write_json(args.json, {"questions": len(questions), "first": first, "rows": rows})


if __name__ == "__main__":
    main()
