"""Coverage of a book or a repository by broad answers, plain recall and even spacing.

    python benchmarks/broad.py --data FOLDER --books CRYSTAL --repository CRYSTAL [--speak]
                               [--json results/broad.json]

FOLDER holds `books/books.docs.jsonl` with the offsets of every chapter, the books,
`qa/narrativeqa_books.queries.jsonl`, and `code/repos/flask.tar.gz`; the crystals hold these books
and that repository (and may hold others).

about: "What is TITLE about?", by `ask --quote --broad`, by as many passages of plain recall,
and by as many evenly spaced passages; all cut to the same number of characters.
    chapters   share of the book's chapters (of the repository's files) that the passages touch
    quoted     the same for the sentences that are shown
    words      share of the book's terms in the passages, weighted by frequency and idf over books
    names      share of the book's 30 most frequent names that the passages hold
    plot       share of the words of NarrativeQA's answers (from plot summaries) in the passages
list: "Which chapters of TITLE mention NAME?" for ten of each book's names, against a plain text
search; and the chapters of the first 20 passages of plain recall that hold the name. For the
repository: the files that hold a name it defines.
mentions: share of lists that count as many mentions as the search.
rule: share of the questions of other sets that are taken as broad by their words; sure: without
looking into the crystal.
--speak: time and memory of whole processes on Moby Dick, with the language model, too: the first
time, when its words are kept in a copy of the crystal, and again; and the share of the parts that
it sums up, the others being quoted.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import shutil
import statistics
import sys
import tarfile
import tempfile
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common import machine, timed_process, write_json

from crystalcli import Crystal
from crystalcli.answering.broad.broad_question import broad_intent
from crystalcli.datatypes import Passage
from crystalcli.lexical import terms
from crystalcli.storage.tables.landmarks import landmarks_of

NAMES, ASKED, DEFINED = 30, 10, 40
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b")

Span = tuple[int, int]


def titled(book: dict[str, Any]) -> str:
    """Return a book's title without its author."""
    return str(book["title"].split(" — ")[0])


def frequent_names(text: str) -> list[str]:
    """Return the words that are mostly capitalized inside sentences, most frequent first."""
    names, words = Counter(_NAME.findall(text)), Counter(re.findall(r"\b[a-z]{3,}\b", text))
    return [name for name, count in names.most_common() if words[name.lower()] < count][:NAMES]


def evenly_spaced(text: str, count: int, size: int) -> list[Span]:
    """Return evenly spaced spans of `size` characters, from the starts of lines or sentences."""
    spans = []
    for number in range(count):
        start = number * len(text) // count
        start = min((at for at in (text.find("\n", start), text.find(". ", start)) if at >= 0), default=start) + 1
        spans.append((start, min(len(text), start + size)))
    return spans


def cut(spans: Sequence[Span], characters: int) -> list[Span]:
    """Shorten spans in the same proportion, so that they have so many characters in all."""
    share = min(1.0, characters / max(1, sum(end - start for start, end in spans)))
    return [(start, start + round(share * (end - start))) for start, end in spans]


def reached(starts: Sequence[int], spans: Sequence[Span]) -> set[int]:
    """Return the chapters, by their `starts`, that contain the middles of spans."""
    return {bisect_right(starts, (start + end) // 2) - 1 for start, end in spans} - {-1}


def about_books(
    crystal: Crystal, books: list[dict[str, Any]], texts: dict[str, str], plots: dict[str, list[str]]
) -> dict[str, Any]:
    """Measure "about": means over books."""
    bags = {name: Counter(term for term, _ in terms(text)) for name, text in texts.items()}
    standing = Counter(term for bag in bags.values() for term in bag)
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for book in books:
        name, question = Path(book["path"]).name.removesuffix(".gz"), f"What is {titled(book)} about?"
        text, starts = texts[name], [chapter["start"] for chapter in book["chapters"]]
        told = crystal.ask(question, extractive=True, broad=True)
        assert {passage.path for passage in told.passages} == {path_of(crystal, name)}, told.text[:200]
        count = len(told.passages)
        recalled = [each for each in crystal.recall(question, 40 * count) if each.path.endswith(name)][:count]
        systems: dict[str, tuple[list[Span], list[Span]]] = {
            "broad": (spans_of(told.passages), [(each.start, each.end) for each in told.citations]),
            "recall": (spans_of(recalled), [each.best for each in recalled[: len(told.citations)]]),
        }
        size = sum(end - start for start, end in systems["broad"][0]) // count
        even = evenly_spaced(text, count, size)
        systems["evenly"] = even, even[:: max(1, count // len(told.citations))][: len(told.citations)]
        room = min(sum(end - start for start, end in spans) for spans, _ in systems.values())
        names = frequent_names(text)
        for system, (spans, quoted) in systems.items():
            held = "\n".join(text[start:end] for start, end in cut(spans, room))
            has = {term for term, _ in terms(held)}
            bag = bags[name]
            weight = {term: tf * math.log((len(texts) + 1) / standing[term]) for term, tf in bag.items()}
            row = values[system]
            row["passages"].append(len(spans))
            row["chapters"].append(len(reached(starts, spans)) / len(starts))
            row["most"].append(min(1.0, len(spans) / len(starts)))
            row["quoted"].append(len(reached(starts, quoted)) / max(1, len(quoted)))
            row["words"].append(sum(weight[term] for term in has & weight.keys()) / sum(weight.values()))
            row["names"].append(sum(bool(re.search(rf"\b{each}\b", held)) for each in names) / len(names))
            row["characters"].append(room)
            if plots.get(book["doc_id"]):
                wanted = {term for answer in plots[book["doc_id"]] for term, _ in terms(answer)} & bag.keys()
                row["plot"].append(len(wanted & has) / len(wanted))
    return show("about, books", values)


def spans_of(passages: Sequence[Passage]) -> list[Span]:
    """Return the spans of passages."""
    return [(each.start, each.end) for each in passages]


def path_of(crystal: Crystal, name: str) -> str:
    """Return the cited path of the document whose path ends in `name`."""
    return next(path for path in crystal if path.endswith(name))


def lists_of_books(crystal: Crystal, books: list[dict[str, Any]], texts: dict[str, str]) -> dict[str, Any]:
    """Measure lists of chapters."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for book in books:
        name = Path(book["path"]).name.removesuffix(".gz")
        text, starts = texts[name], [chapter["start"] for chapter in book["chapters"]]
        path = path_of(crystal, name)
        source = crystal.shelf.store.source_named(path)
        assert source is not None
        marks = landmarks_of(crystal.shelf.store, source.id, "heading")
        for asked in random.Random(1).sample(frequent_names(text), ASKED):
            question = f"Which chapters of {titled(book)} mention {asked}?"
            hits = [match.start() for match in re.finditer(rf"\b{asked}\b", text, re.IGNORECASE)]
            gold = {bisect_right(starts, hit) - 1 for hit in hits}
            told = crystal.ask(question, extractive=True)
            left = list(marks)
            found = set()
            # The place of its heading in the text, in order: labels may repeat.
            for portion in told.portions:
                if portion.label == path:  # the text before the first heading
                    found.add(0)
                    continue
                while left and " ".join(left[0][1].split()) != portion.label:
                    left.pop(0)
                found.add(bisect_right(starts, left[0][0] + 1) - 1 if left else -1)
            score(values["list"], found, gold)
            values["list"]["mentions"].append(float(sum(portion.count for portion in told.portions) == len(hits)))
            recalled = [each for each in crystal.recall(question, 20) if each.path == path]
            holding = [each for each in recalled if re.search(rf"\b{asked}\b", each.text, re.IGNORECASE)]
            score(values["recall"], reached(starts, spans_of(holding)), gold)
    return show("list, books", values)


def score(row: dict[str, list[float]], found: set[int] | set[str], gold: set[int] | set[str]) -> None:
    """Return the precision and recall of one list."""
    both = len(set(found) & set(gold))
    row["precision"].append(both / len(found) if found else 1.0)
    row["recall"].append(both / len(gold))


def repository(crystal: Crystal, archive: Path) -> dict[str, Any]:
    """Measure a repository: files as chapters, defined names as names."""
    with tarfile.open(archive) as packed:
        members = {each.name: packed.extractfile(each) for each in packed if each.isfile()}
        files = {name: file.read().decode(errors="replace") for name, file in members.items() if file is not None}
    held = {
        path: next((text for name, text in files.items() if name.endswith(path) or path.endswith(name)), "")
        for path in crystal
    }
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    question = "What is this repository about?"
    told = crystal.ask(question, extractive=True)
    plain = crystal.recall(question, len(told.passages))
    folders = {path.rpartition("/")[0] for path in held}
    for system, passages in (("broad", told.passages), ("recall", plain)):
        paths = {each.path for each in passages}
        values[system]["files"].append(len(paths) / len(held))
        values[system]["folders"].append(len({path.rpartition("/")[0] for path in paths}) / len(folders))
        values[system]["passages"].append(len(passages))
    results = {"about": show("about, flask", values)}
    values = defaultdict(lambda: defaultdict(list))
    defined = sorted(
        {name for path, text in held.items() if "/src/" in path for name in re.findall(r"def ([a-z]\w{5,})", text)}
    )
    for asked in random.Random(1).sample(defined, DEFINED):
        gold = {
            path
            for path, text in held.items()
            if re.search(rf"(?<!\w){asked}(?!\w)", text, 0 if "_" in asked else re.IGNORECASE)
        }
        question = f"In which files is {asked} used?"
        told = crystal.ask(question, extractive=True)
        score(values["list"], {portion.label for portion in told.portions}, gold)
        score(values["recall"], {each.path for each in crystal.recall(question, 20) if asked in each.text}, gold)
    results["list"] = show("list, flask", values)
    return results


def rule(data: Path) -> dict[str, Any]:
    """Count the questions of each set that their words alone make broad."""
    results = {}
    for file in sorted(data.glob("*/*.queries.jsonl")):
        questions = [json.loads(line)["question"] for line in file.read_text(encoding="utf-8").splitlines()]
        taken = [intent for intent in map(broad_intent, questions) if intent is not None]
        name = file.name.removesuffix(".queries.jsonl")
        results[name] = {"questions": len(questions), "taken": len(taken), "sure": sum(each.sure for each in taken)}
        shares = (results[name][column] / len(questions) for column in ("taken", "sure"))
        print(f"rule  {name:28s}{len(questions):6d}  taken {next(shares):.4f}  sure {next(shares):.4f}")
    return results


def show(name: str, values: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Print a row for each system and return the means."""
    results = {
        system: {column: statistics.mean(found) for column, found in row.items()} for system, row in values.items()
    }
    for system, row in results.items():
        print(
            f"{name:14s}{system:8s}" + "  ".join(f"{column} {value:.3f}" for column, value in row.items()), flush=True
        )
    return results


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--books", type=Path, required=True)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--speak", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    books = [
        json.loads(line) for line in (args.data / "books/books.docs.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    plots: dict[str, list[str]] = defaultdict(list)
    for line in (args.data / "qa/narrativeqa_books.queries.jsonl").read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)
        plots[asked["doc_id"]] += asked["answers"]
    results: dict[str, Any] = {"rule": rule(args.data)}
    with Crystal.open(args.books) as crystal:
        held = list(crystal)
        books = [
            book for book in books if any(path.endswith(Path(book["path"]).name.removesuffix(".gz")) for path in held)
        ]
        texts = {}
        for book in books:
            source = crystal.shelf.store.source_named(
                path_of(crystal, name := Path(book["path"]).name.removesuffix(".gz"))
            )
            assert source is not None
            texts[name] = crystal.shelf.span_text(source)
        results["about"] = about_books(crystal, books, texts, plots)
        results["list"] = lists_of_books(crystal, books, texts)
    with Crystal.open(args.repository) as crystal:
        results["repository"] = repository(crystal, args.data / "code/repos/flask.tar.gz")
    with tempfile.TemporaryDirectory() as folder:
        copied = shutil.copy(args.books, folder)
        question = "What is Moby Dick about?"
        command = [sys.executable, "-m", "crystalcli", "ask", "-c", str(copied), question]
        runs: dict[str, Callable[[], dict[str, float]]] = {"extractive": lambda: timed_process([*command, "--quote"])}
        if args.speak:
            runs["spoken"] = runs["again"] = lambda: timed_process([*command, "--generate"])
        results["process"] = {name: run() for name, run in runs.items()}
        if args.speak:
            with Crystal.open(copied) as crystal:
                told = crystal.ask(question, extractive=False)
            said = sum(not portion.text.startswith("“") for portion in told.portions)
            results["said"] = said / len(told.portions)
            print(f"parts that the model sums up: {said} of {len(told.portions)}")
    for name, row in results["process"].items():
        print(f"process {name}: {row['seconds']:.1f} s, peak {row['peak'] / 1e6:.0f} MB")
    print(machine())
    write_json(args.json, results)


if __name__ == "__main__":
    main()
