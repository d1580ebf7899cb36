"""Search in source code: files and functions found by a crystal and by plain BM25.

    python benchmarks/code_search.py --data FOLDER [--keep FOLDER] [--limit N] [--sets NAME...]
                              [--repositories NAME...] [--no-vectors] [--json results/code.json]

FOLDER holds `docstring_search`, `cosqa`, `commit_localization` and `sweqa` as `NAME.queries.jsonl`
(`qid`, `question`, `evidence`), the first two with `NAME.docs.jsonl` (`doc_id`, `text`), and
`repos/REPOSITORY.tar.gz` for the others. Functions are written to one numbered file each, so that
file names carry no information. hit@N: a gold file is among the first N distinct files, ranked by
their best passage; N is 10 for functions, 5 for repositories. coverage@2000: share of the gold (a
function, or the lines that an answer cites) in the first 2,000 characters recalled, as in
recall.py. All are means over questions.

Plain BM25 scores windows of 150 words with k1 = 1.2 and b = 0.75, stemmed, without stop words; a
file's score is that of its best window. `lexical` is the crystal without its vectors. Unpacked
files and crystals stay in --keep for the next run: use another folder, or remove the crystals,
after a change of ingest.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tarfile
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, write_json
from recall import coverage

from crystalcli import Crystal
from crystalcli.datatypes import Passage, Place
from crystalcli.errors import SourceError
from crystalcli.index.encoder import ENCODER
from crystalcli.lexical import query_terms, terms
from crystalcli.library import locate_or_fetch
from crystalcli.recall.searcher import Searcher
from crystalcli.text.discover.walk import FoundFile, walk_files
from crystalcli.text.readers import open_source

FUNCTIONS = ("docstring_search", "cosqa")
REPOSITORIES = ("commit_localization", "sweqa")
HIT = {**dict.fromkeys(FUNCTIONS, 10), **dict.fromkeys(REPOSITORIES, 5)}
RECALLED = 40  # passages per question
BUDGET = 2000
WINDOW = 150  # words
K1, B = 1.2, 0.75

Question = dict[str, Any]  # question: str; files: the gold files; gold: their spans, if known
Corpus = tuple[str, Path, list[Question]]  # set, folder of files, its questions


class WindowIndex:
    """BM25 over windows of the files in a folder."""

    def __init__(self, files: Path) -> None:
        self._windows: list[Passage] = []
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths = []
        for found in walk_files([files], hidden=False):
            if not isinstance(found, FoundFile):
                continue
            try:
                _, reading = open_source(found.path)
                text = "".join(piece for piece in reading.pieces() if isinstance(piece, str))
            except SourceError:  # empty, or not text
                continue
            for start, end in windows(text):
                counts = Counter(term for term, _ in terms(text[start:end]))
                for term, count in counts.items():
                    postings[term].append((len(self._windows), count))
                lengths.append(sum(counts.values()))
                self._windows.append(Passage(Place(found.relative, start, end, 1, 1), text[start:end], 0.0))
        size = np.array(lengths, np.float32)
        self._norm = K1 * (1 - B + B * size / max(1.0, float(size.mean())))
        self._postings = {term: np.array(pairs, np.int32).T for term, pairs in postings.items()}

    def recall(self, question: str) -> list[Passage]:
        """Return the best windows, best first."""
        scores = np.zeros(len(self._windows), np.float32)
        for term in query_terms(question):
            if term in self._postings:
                numbers, counts = self._postings[term]
                idf = np.log(1 + (len(scores) - len(numbers) + 0.5) / (len(numbers) + 0.5))
                scores[numbers] += idf * counts * (K1 + 1) / (counts + self._norm[numbers])
        best = np.argsort(-scores, kind="stable")[: 4 * RECALLED]
        return [self._windows[number] for number in best if scores[number] > 0]


def windows(text: str) -> Iterator[tuple[int, int]]:
    """Split a text into spans of WINDOW words; together they are the text."""
    start = count = 0
    for at, letter in enumerate(text):
        if letter.isspace() and at and not text[at - 1].isspace():
            count += 1
            if count == WINDOW:
                yield start, at
                start, count = at, 0
    if text[start:].strip():
        yield start, len(text)


def ranked_files(passages: list[Passage]) -> list[str]:
    """Rank distinct files by their best passage; duplicates of a passage follow it."""
    paths = (path for passage in passages for path in (passage.path, *(place.path for place in passage.also)))
    return list(dict.fromkeys(paths))


def corpora(data: Path, keep: Path, chosen: list[str], repositories: list[str], limit: int | None) -> Iterator[Corpus]:
    """Return each set's folder of files, unpacked if necessary, with its questions."""
    for name in chosen:
        questions = read_lines(data / f"{name}.queries.jsonl")
        if name in FUNCTIONS:
            folder, texts = keep / name, read_lines(data / f"{name}.docs.jsonl")
            paths = {document["doc_id"]: f"{number:05d}.py" for number, document in enumerate(texts)}
            sizes = {document["doc_id"]: len(document["text"]) for document in texts}
            if not folder.exists():
                folder.mkdir(parents=True)
                for document in texts:
                    (folder / paths[document["doc_id"]]).write_text(document["text"], encoding="utf-8", newline="")
            asked = []
            for question in questions[:limit]:
                gold = [each["doc_id"] for each in question["evidence"]]
                spans = [{"path": paths[each], "start": 0, "end": sizes[each]} for each in gold]
                asked.append({"question": question["question"], "files": {paths[each] for each in gold}, "gold": spans})
            yield name, folder, asked
        else:
            by_repository: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for question in questions:
                by_repository[question["doc_id"].removeprefix("repo:")].append(question)
            for repository, of_it in by_repository.items():
                if repositories and repository not in repositories:
                    continue
                folder = keep / repository
                if not folder.exists():
                    with tarfile.open(data / "repos" / f"{repository}.tar.gz") as packed:
                        packed.extractall(keep, filter="data")
                asked = [repository_question(folder, each) for each in of_it[:limit] if each["evidence"]]
                yield name, folder, asked


def repository_question(folder: Path, question: dict[str, Any]) -> Question:
    """Return the gold files of a question, and the gold lines if given."""
    files = {each["file"] for each in question["evidence"]}
    spans = []
    for each in question["evidence"]:
        if each.get("line_start"):
            lines = (folder / each["file"]).read_bytes().decode(errors="replace").splitlines(keepends=True)
            start = sum(map(len, lines[: each["line_start"] - 1]))
            end = start + sum(map(len, lines[each["line_start"] - 1 : each.get("line_end") or each["line_start"]]))
            if end > start:
                spans.append({"path": each["file"], "start": start, "end": end})
    return {"question": question["question"], "files": files, "gold": spans}


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def systems(folder: Path, path: Path, vectors: bool) -> dict[str, Callable[[str], list[Passage]]]:
    """Return the systems: the crystal (made if missing), the same without vectors, plain BM25."""
    encoder = locate_or_fetch(ENCODER) if vectors else None
    if not path.exists():
        with Crystal(path, mode="write", encoder=encoder) as made:
            report = made.ingest([folder])
            print(f"{path.name}: {report.read} files, {report.tokens:,} tokens in {report.seconds:.0f} s", flush=True)
    crystal = Crystal.open(path, encoder=encoder)
    lexical = Searcher(crystal.shelf, None, None)
    found = {"lexical": lambda question: lexical.recall(question, RECALLED), "BM25": WindowIndex(folder).recall}
    return {"crystal": lambda question: crystal.recall(question, RECALLED), **found} if vectors else found


def measure(name: str, recall: Callable[[str], list[Passage]], questions: list[Question]) -> dict[str, list[float]]:
    """Measure one system; a value for each question."""
    values: dict[str, list[float]] = defaultdict(list)
    for question in questions:
        passages = recall(question["question"])
        first = ranked_files(passages)[: HIT[name]]
        values["hit"].append(float(not question["files"].isdisjoint(first)))
        if question["gold"]:
            values["coverage"].append(coverage(passages, question["gold"], BUDGET))
        values["characters"].append(statistics.mean(len(each.text) for each in passages[:5]) if passages else 0.0)
    return values


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--keep", type=Path, help="folder that keeps unpacked files and crystals; default: a temporary one"
    )
    parser.add_argument("--limit", type=int, help="questions of each set and repository, at most")
    parser.add_argument("--sets", nargs="+", choices=HIT, default=list(HIT), metavar="NAME")
    parser.add_argument("--repositories", nargs="+", default=[], metavar="NAME", help="only these repositories")
    parser.add_argument("--no-vectors", action="store_true", help="lexical crystals alone, which are made in seconds")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        results = run(args, args.keep or Path(passing))
    write_json(args.json, {"limit": args.limit, "results": results})


def run(args: argparse.Namespace, keep: Path) -> dict[str, Any]:
    """Measure everything: by set, in it by system, with its repositories."""
    began = time.monotonic()
    pooled: dict[str, dict[str, dict[str, list[float]]]] = {}
    results: dict[str, Any] = {}
    ready: dict[Path, dict[str, Callable[[str], list[Passage]]]] = {}
    vectors = not args.no_vectors
    for name, folder, questions in corpora(args.data, keep, args.sets, args.repositories, args.limit):
        if folder not in ready:
            path = keep / f"{folder.name}{'' if vectors else '-lexical'}.crystal"
            ready[folder] = systems(folder, path, vectors)
        for system, recall in ready[folder].items():
            values = measure(name, recall, questions)
            together = pooled.setdefault(name, {}).setdefault(system, defaultdict(list))
            for column, found in values.items():
                together[column] += found
            if name in REPOSITORIES:
                show(f"{name}/{folder.name}", system, HIT[name], values)
                results.setdefault(f"{name}/{folder.name}", {})[system] = means(values)
    for name, of_it in pooled.items():
        for system, values in of_it.items():
            show(name, system, HIT[name], values)
            results.setdefault(name, {})[system] = means(values)
    print(f"{time.monotonic() - began:.0f} s; {machine()}")
    return results


def means(values: dict[str, list[float]]) -> dict[str, float]:
    """Return the mean of each column, and the number of questions."""
    return {"questions": len(values["hit"]), **{column: statistics.mean(found) for column, found in values.items()}}


def show(name: str, system: str, hit: int, values: dict[str, list[float]]) -> None:
    """Print one row."""
    row = means(values)
    covered = f"{row['coverage']:.3f}" if "coverage" in row else "    -"
    print(
        f"{name:28s}{system:9s}{row['questions']:5.0f}  hit@{hit:<2d} {row['hit']:.3f}  coverage@{BUDGET} {covered}  "
        f"characters a passage {row['characters']:5.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
