"""Definitions and callers in source code: found by a crystal, by `git grep` and by plain BM25.

    python benchmarks/exact.py --data FOLDER [--identifiers N] [--callers N] [--seed N]
                               [--keep FOLDER] [--verbose] [--json results/exact.json]

FOLDER holds repositories with Python code. Python's own parser (`ast`) finds which names are
defined where; N names are drawn by lot from those that are defined outside of tests, dunder methods
left out. Each is asked for in one of three ways: the bare name, "Where is NAME defined?", "Show me
the definition of NAME". `first` is the share of names whose definition, outside of tests, is in the
first place: the first citation of the answer, the first line of `git grep -nw NAME`, the best
window of BM25.

For callers names are drawn that are defined once and stand in at least two more lines of Python.
`complete` is the mean share of the lines of Python of `git grep -nw NAME`, but for the definition,
that the answer to "What calls NAME?" lists; `all_files` the same of all files, those that an ingest
leaves out too; `exact` the share of the lines listed that are among the latter; `ordered` the share
of answers that list source before tests. BM25 lists the lines with the name in its best 20 windows.
The crystal is made without vectors, which take no part; --keep keeps it for the next run.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from code_search import WindowIndex
from common import machine, write_json

from crystalcli import Crystal
from crystalcli.datatypes import Answer
from crystalcli.errors import CrystalError

FORMS = ("{}", "Where is {} defined?", "Show me the definition of {}")
COLUMNS = ("complete", "all_files", "exact", "ordered")
WINDOWS = 20  # of BM25, read for callers

Place = tuple[str, int]  # path and line


class Names(NamedTuple):
    """The names that are defined in a folder: the lines of their definitions, by name."""

    source: dict[str, set[Place]]
    tests: dict[str, set[Place]]


def is_test(path: str) -> bool:
    """Tell whether a path is that of a test."""
    *folders, name = path.split("/")
    return (
        not {"test", "tests", "testing"}.isdisjoint(folders)
        or re.match(r"test_|.*_test\.|conftest\.", name) is not None
    )


def defined_names(folder: Path) -> Names:
    """Parse every Python file; find functions, classes, methods and constants at the margin."""
    names = Names(defaultdict(set), defaultdict(set))
    for file in sorted(folder.rglob("*.py")):
        path = file.relative_to(folder).as_posix()
        try:
            tree = ast.parse(file.read_bytes())
        except SyntaxError:
            continue
        found = names.tests if is_test(path) else names.source
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found[node.name].add((path, node.lineno))
        for statement in tree.body:
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                for target in targets:
                    if isinstance(target, ast.Name):
                        found[target.id].add((path, statement.lineno))
    return names


def git_grep(folder: Path, name: str) -> list[Place]:
    """List the lines of `git grep -nwI`, in its order."""
    command = ["git", "grep", "--no-index", "--no-exclude-standard", "-nwIF", "-e", name, "--", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    lines = (line.split(":", 2) for line in done.stdout.splitlines())
    return [(parts[0], int(parts[1])) for parts in lines if len(parts) == 3 and parts[1].isdecimal()]


def ask(crystal: Crystal, question: str) -> Answer | None:
    """Ask; None for an error."""
    try:
        return crystal.ask(question, extractive=True)
    except CrystalError:
        return None


def cited_places(answer: Answer | None) -> set[Place]:
    """List the lines of the first citation of an answer."""
    if answer is None or not answer.answered or not answer.citations:
        return set()
    place = answer.citations[0].place
    return {(place.path, line) for line in range(place.line_start, place.line_end + 1)}


def listed_places(answer: Answer | None) -> list[Place]:
    """List the lines that an answer lists, in its order."""
    if answer is None or not answer.answered:
        return []
    places = []
    for portion in answer.portions:
        lines = re.match(r"lines? ([\d, ]+):", portion.text)
        path = portion.label.partition(" › ")[0]
        places += [(path, int(line)) for line in lines[1].split(",")] if lines else []
    return places


def window_places(folder: Path, windows: WindowIndex, question: str, count: int) -> list[set[Place]]:
    """List the lines of the best windows of BM25."""
    found = []
    for window in windows.recall(question)[:count]:
        text = (folder / window.path).read_text(encoding="utf-8", errors="replace")
        first = text.count("\n", 0, window.start) + 1
        found.append({(window.path, line) for line in range(first, first + window.text.count("\n") + 1)})
    return found


def measure_definitions(
    folder: Path, crystal: Crystal, windows: WindowIndex, args: argparse.Namespace
) -> dict[str, float]:
    """Measure whether the definition comes first."""
    names = defined_names(folder)
    pool = sorted(name for name in names.source if not (name.startswith("__") and name.endswith("__")))
    drawn = random.Random(args.seed).sample(pool, min(args.identifiers, len(pool)))
    first = dict.fromkeys(("crystal", "git grep", "BM25"), 0)
    seconds = 0.0
    for number, name in enumerate(drawn):
        gold, question = names.source[name], FORMS[number % len(FORMS)].format(name)
        began = time.perf_counter()
        answer = ask(crystal, question)
        seconds += time.perf_counter() - began
        found = {
            "crystal": cited_places(answer),
            "git grep": set(git_grep(folder, name)[:1]),
            "BM25": next(iter(window_places(folder, windows, question, 1)), set()),
        }
        for system, places in found.items():
            first[system] += not places.isdisjoint(gold)
        if args.verbose and found["crystal"].isdisjoint(gold):
            print(f"  {question}: {sorted(found['crystal'])[:1]} instead of {sorted(gold)[:2]}")
    print(
        f"definition first, of {len(drawn)} names out of {len(pool):,}; {1000 * seconds / len(drawn):.0f} ms an answer"
    )
    shares = {system: count / len(drawn) for system, count in first.items()}
    for system, share in shares.items():
        print(f"    {system:9s} {share:.3f}")
    return shares


def measure_callers(
    folder: Path, crystal: Crystal, windows: WindowIndex, args: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Measure whether lists of callers are complete."""
    names = defined_names(folder)
    pool = []
    for name in sorted(names.source.keys() - names.tests.keys()):
        if len(names.source[name]) == 1 and len(name) > 2 and not name.startswith("__"):
            pool.append(name)
    random.Random(args.seed).shuffle(pool)
    rows: dict[str, list[tuple[float, ...]]] = {"crystal": [], "BM25": []}
    for name in pool:
        everywhere = set(git_grep(folder, name)) - names.source[name]
        gold = {place for place in everywhere if place[0].endswith(".py")}
        if len(gold) < 2:
            continue
        question = f"What calls {name}?"
        listed = listed_places(ask(crystal, question))
        lines = {line for place in window_places(folder, windows, question, WINDOWS) for line in place}
        of_windows = sorted(lines & (everywhere | names.source[name]))
        for system, found in (("crystal", listed), ("BM25", of_windows)):
            tests = [is_test(path) for path, _ in found if path.endswith(".py")]
            exact = len(everywhere & set(found)) / max(1, len(set(found)))
            complete = [len(wanted & set(found)) / len(wanted) for wanted in (gold, everywhere)]
            rows[system].append((*complete, exact, float(tests == sorted(tests))))
        if args.verbose and set(listed) != everywhere:
            missing, more = sorted(everywhere - set(listed)), sorted(set(listed) - everywhere)
            print(f"  {question}: missing {missing[:5]}, more {more[:5]}")
        if len(rows["crystal"]) == args.callers:
            break
    count = len(rows["crystal"])
    print(f"callers, of {count} names")
    means = {
        system: dict(zip(COLUMNS, (sum(column) / count for column in zip(*found, strict=True)), strict=True))
        for system, found in rows.items()
        if found
    }
    for system, row in means.items():
        print(f"    {system:9s} " + "  ".join(f"{name} {value:.3f}" for name, value in row.items()))
    return means


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of repositories")
    parser.add_argument("--identifiers", type=int, default=200)
    parser.add_argument("--callers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--keep", type=Path, help="folder that keeps the crystal; default: a temporary one")
    parser.add_argument("--verbose", action="store_true", help="show what was not found")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        path = (args.keep or Path(passing)) / f"{args.data.resolve().name}-exact.crystal"
        if not path.exists():
            with Crystal(path, mode="write", encoder=None) as made:
                made.ingest([args.data])
        with Crystal.open(path, encoder=None) as crystal:
            windows = WindowIndex(args.data)
            definitions = measure_definitions(args.data, crystal, windows, args)
            callers = measure_callers(args.data, crystal, windows, args)
    print(machine())
    write_json(args.json, {"seed": args.seed, "definitions": definitions, "callers": callers})


if __name__ == "__main__":
    main()
