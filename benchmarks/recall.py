"""Recall of evidence by a crystal and by a flat index, and the contribution of each layer.

    python benchmarks/recall.py POOL [--crystal FILE] [--budget 2000 4000] [--limit N] [--only
    SYSTEM...]
                                [--json results/recall.json]

The flat index is that of `flat.py`: chunks of 128 tokens, vectors in float32, BM25 with stemming,
reciprocal rank fusion.

POOL holds `files/` and `questions.jsonl`: one JSON object a line with `qid`, `set`, `question` and
`gold`, a list of `{"path", "start", "end"}` in characters of the file. coverage@B: passages are
read best first until B characters are used; a gold span counts as found if at least half of it was
read; the mean over questions of the share found, then over sets. The flat vectors are kept in
POOL/flat.npy: computing them takes as long as the encoder takes in float32.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, write_json
from flat import FlatIndex

from crystalcli import Crystal
from crystalcli.datatypes import Passage
from crystalcli.index.encoder import ENCODER
from crystalcli.library import locate_or_fetch
from crystalcli.recall.passages import PassageBuilder
from crystalcli.recall.searcher import Searcher

Gold = list[dict[str, Any]]
FULL = "+ BM25 = depth 3"  # what `crystal recall` does


def covered(read: list[tuple[str, int, int]], gold: dict[str, Any]) -> bool:
    """Check that at least half of a gold span's characters were read."""
    count, position = 0, gold["start"]
    for start, end in sorted((start, end) for path, start, end in read if path == gold["path"]):
        low, high = max(start, position), min(end, gold["end"])
        if high > low:
            count, position = count + high - low, high
    return count >= 0.5 * (gold["end"] - gold["start"])


def coverage(passages: list[Passage], gold: Gold, budget: int) -> float:
    """Return the share of gold spans found in the first `budget` characters."""
    read = []
    for passage in passages:
        if budget <= 0:
            break
        end = min(passage.end, passage.start + budget)
        budget -= end - passage.start
        read.append((passage.path, passage.start, end))
    return sum(covered(read, each) for each in gold) / len(gold)


def reciprocal_rank(passages: list[Passage], gold: Gold) -> float:
    """Return 1 / rank of the first passage that covers half of a gold span."""
    for rank, passage in enumerate(passages, 1):
        if any(covered([(passage.path, passage.start, passage.end)], each) for each in gold):
            return 1 / rank
    return 0.0


def measure(
    name: str, recall: Callable[[str], list[Passage]], questions: list[dict[str, Any]], budgets: list[int]
) -> dict[str, Any]:
    """Measure one system: figures by set, their mean, and the median time of a question."""
    rows: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    seconds = []
    for question in questions:
        began = time.perf_counter()
        passages = recall(question["question"])
        seconds.append(time.perf_counter() - began)
        for budget in budgets:
            rows[question["set"]][f"coverage@{budget}"].append(coverage(passages, question["gold"], budget))
        rows[question["set"]]["mrr"].append(reciprocal_rank(passages, question["gold"]))
    sets = {
        each: {column: statistics.mean(values) for column, values in columns.items()} for each, columns in rows.items()
    }
    columns = next(iter(sets.values())).keys()
    mean = {column: statistics.mean(row[column] for row in sets.values()) for column in columns}
    return {"name": name, "sets": sets, "mean": mean, "p50": statistics.median(seconds)}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument(
        "--crystal", type=Path, help="made from POOL/files if it does not exist; default: POOL/pool.crystal"
    )
    parser.add_argument("--budget", type=int, nargs="+", default=[2000, 4000])
    parser.add_argument("--limit", type=int, help="questions of each set, at most")
    parser.add_argument("--only", nargs="+", metavar="SYSTEM", help="of the crystal's systems, run only these")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    path = args.crystal or args.pool / "pool.crystal"
    if not path.exists():
        with Crystal(path, mode="write", encoder=locate_or_fetch(ENCODER)) as made:
            report = made.ingest([args.pool / "files"])
            print(f"ingested {report.tokens:,} tokens in {report.seconds:.0f} s")
    questions = [json.loads(line) for line in (args.pool / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    if args.limit:
        count: dict[str, int] = defaultdict(int)
        kept = []
        for question in questions:
            count[question["set"]] += 1
            if count[question["set"]] <= args.limit:
                kept.append(question)
        questions = kept
    encoder = locate_or_fetch(ENCODER)
    assert encoder is not None, "the encoder's weights are needed"
    results = []
    with Crystal.open(path) as crystal:
        systems = crystal_systems(crystal)
        for name, system in systems.items():
            if args.only and name not in (*args.only, FULL):
                continue
            results.append(measure(name, system, questions, args.budget))
            show(results[-1], args.budget, header=len(results) == 1)
    flat = FlatIndex(args.pool / "files", encoder, args.pool / "flat.npy")
    for name, scores in (("flat BM25", flat.bm25), ("flat dense", flat.dense), ("flat hybrid", flat.fused)):
        results.append(measure(name, lambda q, scores=scores: flat.recall(scores(q), 40), questions, args.budget))
        show(results[-1], args.budget)
    summary = compare(results, f"coverage@{args.budget[0]}")
    print(f"{len(questions)} questions; {machine()}")
    print(
        f"crystal {summary['crystal']:.3f}, flat hybrid {summary['hybrid']:.3f}: {100 * summary['gain']:+.1f} points; "
        f"worst set against the better of its flat halves: {summary['worst_set']} {100 * summary['worst']:+.1f}"
    )
    write_json(args.json, {"questions": len(questions), "results": results, "summary": summary})


def crystal_systems(crystal: Crystal) -> dict[str, Callable[[str], list[Passage]]]:
    """Return the systems: layer after layer, the depths of `crystal recall`, and BM25 alone."""
    recall = crystal.searcher()
    lexical = Searcher(crystal.shelf, None, None)

    def vectors_alone(depth: int) -> Callable[[str], list[Passage]]:
        def system(question: str) -> list[Passage]:
            query = recall.prepare(question)
            silent = query._replace(bm25=np.zeros_like(query.bm25))
            builder = PassageBuilder(crystal.shelf, crystal.codec(), silent, by_units=depth == 3)
            return builder.make(recall.rank(silent, depth, 160), 40)

        return system

    return {
        "atoms": vectors_alone(1),
        "+ clusters": vectors_alone(2),
        "+ units": vectors_alone(3),
        FULL: lambda question: recall.recall(question, 40),
        "+ re-encoding 32": lambda question: recall.recall(question, 40, reencode=32),
        "depth 1": lambda question: recall.recall(question, 40, 1),
        "depth 2": lambda question: recall.recall(question, 40, 2),
        "BM25 alone": lambda question: lexical.recall(question, 40),
    }


def show(result: dict[str, Any], budgets: list[int], header: bool = False) -> None:
    """Print one row: the first budget by set, then the means."""
    first = f"coverage@{budgets[0]}"
    columns = [*[f"coverage@{budget}" for budget in budgets[1:]], "mrr"]
    if header:
        names = "".join(f"{name[:10]:>11s}" for name in result["sets"])
        print(f"{first:18s}{names}{'mean':>8s}{''.join(f'{c:>15s}' for c in [*columns, 'p50 ms'])}")
    row = "".join(f"{values[first]:11.3f}" for values in result["sets"].values())
    rest = "".join(f"{result['mean'][column]:15.3f}" for column in columns)
    print(f"{result['name']:18s}{row}{result['mean'][first]:8.3f}{rest}{1000 * result['p50']:15.1f}", flush=True)


def compare(results: list[dict[str, Any]], column: str) -> dict[str, Any]:
    """Compare the crystal with the hybrid, and by set with the better half of the hybrid."""
    by_name = {result["name"]: result for result in results}
    full, hybrid = by_name[FULL], by_name["flat hybrid"]
    gaps = {
        name: values[column] - max(by_name[half]["sets"][name][column] for half in ("flat BM25", "flat dense"))
        for name, values in full["sets"].items()
    }
    worst = min(gaps, key=lambda name: gaps[name])
    mine, theirs = full["mean"][column], hybrid["mean"][column]
    return {
        "crystal": mine,
        "hybrid": theirs,
        "gain": mine - theirs,
        "worst_set": worst,
        "worst": gaps[worst],
        "gaps": gaps,
    }


if __name__ == "__main__":
    main()
