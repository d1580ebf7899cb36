"""Answer what newcomers ask of a program's source, manual and list of changes.

170 questions on eight packages (`data/newcomers.jsonl`), two packages to a crystal, written by
people who read the files and knew no rule of crystal: half as the questions of the set of people
are ("any": definitions, callers, messages, defaults), half in a newcomer's own words ("own"), most
of which a manual answers. A question is right where the first quotation, or any of the first three,
has one of its patterns, and the question is not refused; those without a pattern should be. Beside
it BM25 over pieces of 700 characters, which refuses nothing.

    python benchmarks/newcomers.py SOURCES [--sets a,b,c,d] [--verbose] [--json FILE]

SOURCES is a folder with the unpacked source distributions that the data names: `click-8.5.1`,
`Scrapy-2.9.0` and so on, as the package index has them. The rules of
`crystalcli.recall.plain_words` were made with sets a and c in view; b was read afterwards, d never
(docs/LOG.md, 2026-12-01).
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from common import machine, write_json
from memories import interval

from crystalcli import Crystal
from crystalcli.lexical import terms
from crystalcli.models import locate

QUESTIONS = Path(__file__).with_name("data") / "newcomers.jsonl"
PIECE = 700  # characters of what BM25 ranks
TEXTS = (".py", ".rst", ".md", ".txt", ".toml", ".cfg", ".ini", ".html", ".js", ".json", ".yaml", ".yml", ".pyi", "")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("--sets", default="a,b,c,d")
    parser.add_argument("--verbose", action="store_true", help="print what is not answered")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["set"] in arguments.sets.split(",")]
    missing = {each for row in rows for each in row["folders"] if not (arguments.sources / each).is_dir()}
    if missing:
        sys.exit(f"{arguments.sources} has no {', '.join(sorted(missing))}: unpack these source distributions there")
    print(machine())
    found: dict[str, float] = {}
    for name in dict.fromkeys(row["set"] for row in rows):
        found |= measure(
            name, [row for row in rows if row["set"] == name], arguments.sources, verbose=arguments.verbose
        )
    write_json(arguments.json, found)


def measure(name: str, rows: Sequence[dict], sources: Path, *, verbose: bool) -> dict[str, float]:
    """Ask the questions of a set of its two packages."""
    folders = [sources / each for each in rows[0]["folders"]]
    files = [path for each in folders for path in sorted(each.rglob("*")) if path.is_file()]
    hits: dict[str, list[float]] = defaultdict(list)
    pieces = Pieces([path for path in files if ".egg-info" not in path.as_posix()])
    with tempfile.TemporaryDirectory() as folder, Crystal(Path(folder) / "c.crystal", fetch=locate) as crystal:
        crystal.ingest(folders, exclude=["*.egg-info"])
        for row in rows:
            answer = crystal.ask(row["question"], extractive=True)
            shown = [f"{each.path}:{each.place.line_start}\n{each.quote}" for each in answer.citations]
            if not row["answers"]:
                hits["refused rightly"].append(not answer.answered)
                continue
            hits["refused wrongly"].append(not answer.answered)
            for system, texts in (
                ("crystal", shown if answer.answered else []),
                ("BM25", pieces.best(row["question"])),
            ):
                right = [any(re.search(each, text, re.IGNORECASE) for each in row["answers"]) for text in texts[:3]]
                hits[f"{system}, first"].append(right[:1] == [True])
                hits[f"{system}, in three"].append(any(right))
            if verbose and not hits["crystal, in three"][-1]:
                print(f"  {row['question']}\n    {[each.splitlines()[0] for each in shown]}")
    print(f"set {name}: {', '.join(rows[0]['folders'])}; {len(rows)} questions, words: {rows[0]['words']}")
    for key, values in hits.items():
        print(f"  {key:20} {interval(values)}")
    return {f"{name}, {key}": sum(values) / len(values) for key, values in hits.items()}


class Pieces:
    """Pieces of files, ranked by BM25.

    Args:
        files: The files.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._texts: list[str] = []
        for path in files:
            if path.suffix.lower() in TEXTS:
                self._texts += list(_pieces(path))
        counts = [Counter(term for term, _ in terms(text)) for text in self._texts]
        self._lengths = [sum(count.values()) for count in counts]
        self._mean = sum(self._lengths) / max(1, len(counts))
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, count in enumerate(counts):
            for term, times in count.items():
                self._postings[term].append((number, times))

    def best(self, question: str, k1: float = 1.2, b: float = 0.75) -> list[str]:
        """Give the three best pieces for a question."""
        scores: Counter[int] = Counter()
        for term in {term for term, _ in terms(question)}:
            postings = self._postings.get(term, [])
            idf = math.log(1 + (len(self._texts) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, times in postings:
                norm = 1 - b + b * self._lengths[number] / self._mean
                scores[number] += idf * times * (k1 + 1) / (times + k1 * norm)
        return [self._texts[number] for number, _ in scores.most_common(3)]


def _pieces(path: Path) -> list[str]:
    """Cut a file into pieces at line ends, each below the place that it has."""
    pieces, lines, first = [], [], 1
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        lines.append(line)
        if sum(map(len, lines)) >= PIECE:
            pieces.append(f"{path.as_posix()}:{first}\n" + "\n".join(lines))
            lines, first = [], number + 1
    return [*pieces, f"{path.as_posix()}:{first}\n" + "\n".join(lines)] if lines else pieces


if __name__ == "__main__":
    main()
