"""Answers by one model: from nothing, a flat index, a crystal, and the gold passage.

    python benchmarks/answers.py --data DEV --keep FOLDER [--limit 25] [--seed 0] [--sets SET...]
                                 [--arms ARM...] [--model GGUF] [--json results/answers.json]

Arms:
    closed       the model alone
    bm25         the best chunks of flat BM25, then the model   (`flat.py`: chunks of 128 tokens)
    hybrid       the same with BM25 and vectors in reciprocal rank fusion
    one each     the best sentence of each of the first three passages
    extractive   the sentences that `crystal ask` quotes, three at most
    crystal      passages of a crystal, then the model, as in `crystal ask`: its own words
    as given     the same, with the quotation that an answer ends with where it is not near the best
    gold, gold extractive    the same from the gold passage: the ceiling of a perfect recall

`answer_sets.py` says which sets are asked of the whole corpus and which within the question's
document, `answer_scores.py` how answers are scored. Multiple choice: the model takes the choice
whose words are likeliest after question and passages, by the mean over its tokens; without a model,
the choice that shares most words with the quoted sentences.

FOLDER keeps the corpus (files/), its crystal and flat index, crystals of single documents,
recalled.jsonl and answers.jsonl, one line per answer. An interrupted run resumes. Delete a file to
make it again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from answer_arms import ARMS, Arms
from answer_scores import contains, exact, f1, interval, numeric, paired
from answer_sets import CORPUS_WIDE, SETS, Question, questions
from common import machine, write_json

MAIN = {"short": "contains", "choice": "right", "number": "numeric"}  # the score with intervals
POOLED = (
    "xquad_en",
    "nq_passages",
    "fairytaleqa",
    "covidqa",
)  # corpus-wide sets with a gold passage for every question


def score(question: Question, answer: str) -> dict[str, float]:
    """Score one answer; scores by name."""
    if question.kind == "choice":
        return {"right": float(answer in question.right)}
    known = question.answers
    scores = {"exact": exact(answer, known), "f1": f1(answer, known), "contains": contains(answer, known)}
    scores["first"] = contains(answer.split("\n")[0], known)  # of quotations, the first alone
    scores["first f1"] = f1(answer.split("\n")[0], known)
    if question.kind == "number" and (right := numeric(answer, known, question.text)) is not None:
        scores["numeric"] = right
    return scores


def run(arms: Arms, asked: Sequence[Question], names: Sequence[str], path: Path) -> list[dict[str, Any]]:
    """Run every question by every arm that applies, except those that `path` has a line of."""
    done: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            done[row["set"], row["qid"], row["arm"], row["model"]] = row
    found = []
    with path.open("a", encoding="utf-8") as file:
        for number, question in enumerate(asked, 1):
            for name in names:
                if not arms.applies(name, question):
                    continue
                key = (question.set, question.qid, name, arms.model_of(name))
                if key not in done:
                    began = time.perf_counter()
                    answer, context = arms.answer(name, question)
                    row = dict(zip(("set", "qid", "arm", "model"), key, strict=True))
                    row |= {"answer": answer, "seconds": round(time.perf_counter() - began, 3)}
                    row["found"] = contains(context, question.answers)  # whether it can be read off
                    done[key] = row
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    file.flush()
                found.append(done[key] | {"kind": question.kind, "scores": score(question, done[key]["answer"])})
            print(f"\r{number}/{len(asked)}", end="", flush=True)
    print()
    return found


def table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return means by set and arm, with the interval of the main score.

    Means over POOLED together are weighted by questions.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["set"], row["arm"]].append(row)
        if row["set"] in POOLED:
            groups["pooled", row["arm"]].append(row)
    result = []
    for (name, arm), group in groups.items():
        values: dict[str, list[float]] = defaultdict(list)
        for row in group:
            for column, value in row["scores"].items():
                values[column].append(value)
        main = MAIN[group[0]["kind"]]
        result.append(
            {
                "set": name,
                "arm": arm,
                "questions": len(group),
                "main": main,
                **{column: statistics.mean(each) for column, each in values.items()},
                **{f"{column}_interval": interval(each) for column, each in values.items()},
                "found": statistics.mean(row["found"] for row in group),
                "seconds": statistics.median(row["seconds"] for row in group),
            }
        )
    order = {name: index for index, name in enumerate((*SETS, "pooled"))}
    return sorted(result, key=lambda row: (order[row["set"]], ARMS.index(row["arm"])))


def against_ceiling(rows: list[dict[str, Any]], arm: str, ceiling: str = "gold") -> list[dict[str, Any]]:
    """Compare an arm with the ceiling: differences and ratios of scores, with intervals."""
    by_arm = {(row["arm"], row["set"], row["qid"]): row for row in rows}
    result = []
    for name in (*SETS, "pooled"):
        sets = POOLED if name == "pooled" else (name,)
        pairs = [
            (row, by_arm[ceiling, row["set"], row["qid"]])
            for row in rows
            if row["arm"] == arm and row["set"] in sets and (ceiling, row["set"], row["qid"]) in by_arm
        ]
        for column in ("f1", "contains", *(("first",) if arm == "extractive" else ())):
            if pairs and column in pairs[0][0]["scores"]:
                scores = [tuple(row["scores"][column] for row in pair) for pair in pairs]
                mine, best = zip(*scores, strict=True)
                result.append({"set": name, "arm": arm, "score": column, "questions": len(pairs), **paired(mine, best)})
    return result


def show(rows: list[dict[str, Any]], ratios: list[dict[str, Any]]) -> None:
    """Print the two tables."""
    columns = {
        "exact": "EM",
        "f1": "F1",
        "first f1": "F1 1st",
        "contains": "cont.",
        "first": "1st",
        "right": "right",
        "numeric": "num.",
    }
    names = "".join(f"{name:>7s}" for name in columns.values())
    print(f"{'set':18s}{'arm':16s}{'n':>5s}{names}  {'main, 95 %':16s}{'found':>7s}{'s':>7s}")
    for row in rows:
        figures = "".join(f"{row[column]:7.3f}" if column in row else " " * 7 for column in columns)
        low, high = row.get(f"{row['main']}_interval", (float("nan"), float("nan")))
        print(
            f"{row['set']:18s}{row['arm']:16s}{row['questions']:5d}{figures}  {f'[{low:.3f}, {high:.3f}]':16s}"
            f"{row['found']:7.3f}{row['seconds']:7.2f}"
        )
    print("\nagainst the gold passage, over the same questions")
    for row in ratios:
        spans = [f"[{row[name + '_low']:+.3f}, {row[name + '_high']:+.3f}]" for name in ("difference", "ratio")]
        print(
            f"{row['set']:18s}{row['arm']:16s}{row['score']:10s}{row['questions']:5d}"
            f"  {row['difference']:+.3f} {spans[0]}  ratio {row['ratio']:.3f} {spans[1]}"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=25, help="questions of each set")
    parser.add_argument("--seed", type=int, default=0, help="of the random choice of questions")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--model", type=Path, help="a GGUF file; default: crystal's own model")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    args.keep.mkdir(parents=True, exist_ok=True)
    by_set = [questions(args.data, name, args.limit, args.seed) for name in args.sets]
    # One question of each set in turn, so that an interrupted run has some of all sets.
    asked = [each[i] for i in range(args.limit) for each in by_set if i < len(each)]
    with Arms(args.data, args.keep, args.model) as arms:
        rows = run(arms, asked, args.arms, args.keep / "answers.jsonl")
    summary = table(rows)
    ratios = [row for arm in ("crystal", "hybrid", "bm25") for row in against_ceiling(rows, arm)]
    ratios += against_ceiling(rows, "extractive", "gold extractive")
    show(summary, ratios)
    print(f"asked of the whole corpus: {', '.join(CORPUS_WIDE)}; the others within their document; {machine()}")
    write_json(args.json, {"seed": args.seed, "limit": args.limit, "table": summary, "ratios": ratios})


if __name__ == "__main__":
    main()
