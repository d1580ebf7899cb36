"""Quotations: every one that a crystal shows, verified without the code that made it; 0 may fail.

    python benchmarks/quotes.py POOL --crystal FILE [--limit N] [--seed 0] [--json
    results/quotes.json]

POOL holds `files/` and `questions.jsonl`, as for `recall.py`. Each question (or N of them) is
answered extractively, by default and with a floor of 0. A quotation is verified if it is the
document's text at its place in the crystal; if that text is the file's own, also the text of the
file on disk at that offset and line; and if the answer's text has it in quotation marks with its
number, and nothing else in quotation marks.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from functools import lru_cache
from pathlib import Path

from common import machine, write_json

from crystalcli import Answer, Citation, Crystal
from crystalcli.datatypes import LINED


def wrong(crystal: Crystal, files: Path, citation: Citation) -> str:
    """Say what is wrong with a quotation, or ""."""
    source = crystal._store.source_named(citation.path)
    if source is None:
        return "no such document"
    if crystal.shelf.span_text(source)[citation.start : citation.end] != citation.quote:
        return "not in the text layer at its place"
    if citation.place.kind in LINED:
        text = _on_disk(files / citation.path)
        if text[citation.start : citation.end] != citation.quote:
            return "not in the file at its place"
        if text.count("\n", 0, citation.start) + 1 != citation.place.line_start:
            return "on another line of the file"
    return ""


def wrong_text(answer: Answer) -> str:
    """Check that an extractive answer shows its quotations and nothing else."""
    expected = [f"“{' '.join(citation.quote.split())}” [{citation.number}]" for citation in answer.citations]
    if answer.answered:
        return "" if answer.text == "\n".join(expected) else "the answer shows something else"
    return "" if "“" not in answer.text else "a refusal quotes"


@lru_cache(maxsize=64)
def _on_disk(path: Path) -> str:
    """Read a file as a program without knowledge of crystals would."""
    return path.read_bytes().decode("utf-8-sig")


def main() -> None:
    """Run the benchmark; the exit code is 1 if a quotation fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--crystal", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="questions drawn at random, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    questions = [json.loads(line) for line in (args.pool / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    if args.limit and args.limit < len(questions):
        questions = random.Random(args.seed).sample(questions, args.limit)
    began, quotations, on_disk, refused = time.perf_counter(), 0, 0, 0
    problems = []
    with Crystal.open(args.crystal) as crystal:
        for question in questions:
            for floor in (0.0, 0.5):
                answer = crystal.ask(question["question"], extractive=True, floor=floor)
                refused += not answer.answered
                found = [wrong_text(answer), *(wrong(crystal, args.pool / "files", each) for each in answer.citations)]
                problems += [f"{question['qid']}: {each}" for each in found if each]
                quotations += len(answer.citations)
                on_disk += sum(citation.place.kind in LINED for citation in answer.citations)
    for problem in problems[:20]:
        print(problem)
    print(
        f"{len(questions):,} questions, each with and without the floor ({refused:,} not answered): {quotations:,} quotations, "
        f"{on_disk:,} of them compared with the file; {len(problems)} unverifiable ({time.perf_counter() - began:.0f} s; {machine()})"
    )
    write_json(args.json, {"questions": len(questions), "quotations": quotations, "problems": problems})
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
