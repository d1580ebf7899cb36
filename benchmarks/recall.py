"""Evidence found by a crystal, beside BM25 alone over the same passages, on folders with questions whose evidence is known.

    python benchmarks/recall.py POOL [--crystal FILE] [--budget 2000 4000] [--json results/recall.json]

POOL holds `files/` and `questions.jsonl`: one JSON object a line with `qid`, `set`, `question` and `gold`, a list of
`{"path", "start", "end"}` in characters of the file. coverage@B: passages are read best first until B characters are used; a
gold span counts as found when at least half of it was read; the mean over questions of the share found, then over sets.
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

from common import machine, write_json

from crystalcli import Crystal
from crystalcli.library import fetched, read_into
from crystalcli.memory.crystal import ENCODER
from crystalcli.memory.recall import Recall
from crystalcli.types import Passage

Gold = list[dict[str, Any]]


def covered(read: list[tuple[str, int, int]], gold: dict[str, Any]) -> bool:
    """Whether at least half of a gold span's characters were read."""
    count, position = 0, gold["start"]
    for start, end in sorted((start, end) for path, start, end in read if path == gold["path"]):
        low, high = max(start, position), min(end, gold["end"])
        if high > low:
            count, position = count + high - low, high
    return count >= 0.5 * (gold["end"] - gold["start"])


def coverage(passages: list[Passage], gold: Gold, budget: int) -> float:
    """The share of gold spans found in the first `budget` characters."""
    read = []
    for passage in passages:
        if budget <= 0:
            break
        end = min(passage.end, passage.start + budget)
        budget -= end - passage.start
        read.append((passage.path, passage.start, end))
    return sum(covered(read, each) for each in gold) / len(gold)


def reciprocal_rank(passages: list[Passage], gold: Gold) -> float:
    """1 / rank of the first passage that covers half of a gold span."""
    for rank, passage in enumerate(passages, 1):
        if any(covered([(passage.path, passage.start, passage.end)], each) for each in gold):
            return 1 / rank
    return 0.0


def measure(
    name: str, recall: Callable[[str], list[Passage]], questions: list[dict[str, Any]], budgets: list[int]
) -> dict[str, Any]:
    """One system over all questions: figures by set, their mean, and the median time of a question."""
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
    """Ingest if need be, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument(
        "--crystal", type=Path, help="made from POOL/files when it does not exist; default POOL/pool.crystal"
    )
    parser.add_argument("--budget", type=int, nargs="+", default=[2000, 4000])
    parser.add_argument("--limit", type=int, help="only so many questions of each set")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    path = args.crystal or args.pool / "pool.crystal"
    if not path.exists():
        with read_into(path, fetched(ENCODER)) as made:
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
    results = []
    with Crystal.open(path) as crystal:
        recall = crystal.recaller()
        lexical = Recall(crystal.shelf, None, None)
        systems: dict[str, Callable[[str], list[Passage]]] = {
            "BM25 alone": lambda question: lexical.recall(question, 40),
            "crystal, depth 1": lambda question: recall.recall(question, 40, 1),
            "crystal, depth 2": lambda question: recall.recall(question, 40, 2),
            "crystal, depth 3": lambda question: recall.recall(question, 40, 3),
        }
        for name, system in systems.items():
            results.append(measure(name, system, questions, args.budget))
    sets = list(results[0]["sets"])
    print(f"{len(questions)} questions; coverage@{args.budget[0]} by set; {machine()}")
    print(
        f"{'':18s}"
        + "".join(f"{name[:10]:>11s}" for name in sets)
        + f"{'mean':>8s}"
        + "".join(f"{c:>15s}" for c in [*[f"coverage@{b}" for b in args.budget[1:]], "mrr", "p50 ms"])
    )
    for result in results:
        first = f"coverage@{args.budget[0]}"
        row = "".join(f"{result['sets'][name][first]:11.3f}" for name in sets) + f"{result['mean'][first]:8.3f}"
        rest = (
            "".join(f"{result['mean'][f'coverage@{b}']:15.3f}" for b in args.budget[1:])
            + f"{result['mean']['mrr']:15.3f}{1000 * result['p50']:15.1f}"
        )
        print(f"{result['name']:18s}{row}{rest}")
    write_json(args.json, {"questions": len(questions), "results": results})


if __name__ == "__main__":
    main()
