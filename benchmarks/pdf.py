"""Text extraction from PDFs: words in order, time, memory, and page hits.

    python benchmarks/pdf.py --data FOLDER [--work FOLDER] [--lexical] [--json results/pdf.json]

FOLDER holds `pdf/misc.docs.jsonl` (`path`, and for some `ground_truth_text`),
`pdf/financebench.docs.jsonl` and `pdf/financebench.queries.jsonl` (`doc_id`, `question`, `evidence`
with `page_index0`); paths are relative to FOLDER.

Words in order: the longest common subsequence of words of at least two letters, by difflib, over
the first 20,000 words of the ground truth; and again without its running headers, lines that occur
three times or more, which the reader leaves out on purpose. Seconds are those of a whole process
that reads one file; peak memory is that of the larger of it and its reader. Page hit@5: a gold page
is among the pages of the first five passages, or pages, recalled from the question's own document.
The crystals are kept in the work folder. BM25 over pages: k1 1.2, b 0.75, without stop words,
Porter2 stems.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from common import machine, write_json

from crystalcli import Crystal
from crystalcli.datatypes import Landmark
from crystalcli.errors import SourceError
from crystalcli.lexical import query_terms, terms
from crystalcli.text.readers import open_source
from crystalcli.text.source.read_request import ReadOptions

WORD = re.compile(r"[^\W\d_]{2,}")
MOST_WORDS = 20_000
PASSWORDS = {"libreoffice-writer-password.pdf": "openpassword"}
READ = """
import resource, sys
from pathlib import Path
from crystalcli.text.source.worker_process import dismiss
from crystalcli.text.source.read_request import ReadOptions
from crystalcli.text.readers import open_source
for _ in open_source(Path(sys.argv[1]), ReadOptions(password=sys.argv[2]))[1].pieces():
    pass
dismiss()
print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""


def words(text: str) -> list[str]:
    """Return the words of at least two letters, case-folded."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def in_order(truth: list[str], found: list[str]) -> float:
    """Return the share of the ground truth's words that are found in its order."""
    truth, found = truth[:MOST_WORDS], found[: MOST_WORDS * 11 // 10]  # the time is quadratic
    matcher = difflib.SequenceMatcher(None, truth, found, autojunk=False)
    return sum(match.size for match in matcher.get_matching_blocks()) / len(truth)


def without_heads(text: str) -> str:
    """Remove lines that occur three times or more, apart from their numbers."""
    lines = text.splitlines()
    counts = Counter(re.sub(r"[\W\d_]+", "", line).casefold() for line in lines)
    return "\n".join(line for line in lines if counts[re.sub(r"[\W\d_]+", "", line).casefold()] < 3)


def pages_in(path: Path) -> list[str]:
    """Return the text of each page. Raises SourceError."""
    pages: list[str] = []
    _, reading = open_source(path, ReadOptions(password=PASSWORDS.get(path.name, "")))
    for piece in reading.pieces():
        if isinstance(piece, Landmark):
            if piece.kind == "page":
                pages.append("")
        else:
            pages[-1] += piece
    return pages


def read(path: Path) -> dict[str, Any]:
    """Read one file in a new process: seconds, peak memory of it and its child, and the text."""
    row: dict[str, Any] = {"name": path.name, "pages": 0, "characters": 0, "reason": ""}
    try:
        text = pages_in(path)
    except SourceError as error:
        return {**row, "reason": str(error)}
    began = time.perf_counter()
    command = [sys.executable, "-c", READ, str(path), PASSWORDS.get(path.name, "")]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 1024
    return {
        **row,
        "seconds": time.perf_counter() - began,
        "peak": peak,
        "pages": len(text),
        "characters": sum(map(len, text)),
        "text": "".join(text),
    }


def bm25(pages: list[str], question: str, k1: float = 1.2, b: float = 0.75) -> list[int]:
    """Rank pages, counted from 0, best first."""
    bags = [Counter(term for term, _ in terms(page)) for page in pages]
    lengths = [sum(bag.values()) for bag in bags]
    mean = sum(lengths) / len(lengths) or 1.0
    scores = [0.0] * len(pages)
    for term in query_terms(question):
        holding = sum(term in bag for bag in bags)
        idf = math.log(1 + (len(bags) - holding + 0.5) / (holding + 0.5))
        for number, bag in enumerate(bags):
            count = bag[term]
            scores[number] += idf * count * (k1 + 1) / (count + k1 * (1 - b + b * lengths[number] / mean))
    return sorted(range(len(pages)), key=lambda number: (-scores[number], number))


def hits(data: Path, work: Path, lexical: bool) -> dict[str, Any]:
    """Return page hit@5 of crystals, one per document, and of BM25 over pages."""
    files = {row["doc_id"]: data / row["path"] for row in rows(data / "pdf/financebench.docs.jsonl")}
    questions = []
    held = {key: pages_in(path) for key, path in files.items()}
    for question in rows(data / "pdf/financebench.queries.jsonl"):
        key = question["doc_id"]
        gold = {each["page_index0"] + 1 for each in question["evidence"]}
        made = work / f"{files[key].stem}.crystal"
        if not made.exists():
            with Crystal.create(made, encoder=None if lexical else "auto") as crystal:
                crystal.ingest([files[key]])
        with Crystal.open(made, encoder=None if lexical else "auto") as crystal:
            passages = crystal.recall(question["question"], 5)
        found = [
            page for each in passages for page in range(each.place.page_start or 0, (each.place.page_end or 0) + 1)
        ]
        by_page = [page + 1 for page in bm25(held[key], question["question"])[:5]]
        questions.append(
            {
                "qid": question["qid"],
                "gold": sorted(gold),
                "crystal": found,
                "bm25": by_page,
                "crystal_hit": bool(gold & set(found)),
                "bm25_hit": bool(gold & set(by_page)),
            }
        )
    count = len(questions)
    return {
        "crystal": sum(each["crystal_hit"] for each in questions) / count,
        "bm25": sum(each["bm25_hit"] for each in questions) / count,
        "questions": questions,
    }


def rows(path: Path) -> list[dict[str, Any]]:
    """Read the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="folder that keeps the crystals; default: a temporary one")
    parser.add_argument("--lexical", action="store_true", help="crystals without layers: BM25 over passages")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    documents = [*rows(args.data / "pdf/misc.docs.jsonl"), *rows(args.data / "pdf/financebench.docs.jsonl")]
    results = []
    print(f"{'file':58s}{'pages':>6s}{'letters':>10s}{'seconds':>9s}{'peak MB':>9s}{'in order':>10s}{'no heads':>10s}")
    for document in documents:
        row = read(args.data / document["path"])
        text = row.pop("text", "")
        if truth := document.get("ground_truth_text"):
            known, found = (args.data / truth).read_text(encoding="utf-8"), words(text)
            row["in_order"] = in_order(words(known), found)
            row["in_order_without_heads"] = in_order(words(without_heads(known)), found)
        results.append(row)
        if row["reason"]:
            print(f"{row['name'][:57]:58s}{row['reason']}", flush=True)
            continue
        shares = "".join(f"{row[key]:10.3f}" for key in ("in_order", "in_order_without_heads") if key in row)
        print(
            f"{row['name'][:57]:58s}{row['pages']:6d}{row['characters']:10,d}{row['seconds']:9.2f}{row['peak'] / 1e6:9.0f}{shares}",
            flush=True,
        )
    with tempfile.TemporaryDirectory() as folder:
        work = args.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        found = hits(args.data, work, args.lexical)
    print(
        f"page hit@5, {len(found['questions'])} questions: crystal {found['crystal']:.3f}, BM25 over pages {found['bm25']:.3f}"
    )
    print(machine())
    write_json(args.json, {"files": results, "hits": found})


if __name__ == "__main__":
    main()
