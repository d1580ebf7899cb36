"""Answer what holds of states that end: debts, things lent, repairs, pets, courses.

Four made lives of 80 to 100 dated notes each (`data/ended_states.jsonl`), written by somebody who
knew no rule. Of half of the states a later note says in words of its own that it is over; of a
quarter a later note may be taken for that and is not. Three quarters of the questions ask how
things are now, the others how they were. A question is answered where the first quotation has the
right note. BM25 over whole notes is beside it, of equals the newest first.

    python benchmarks/ended_states.py [--verbose] [--json FILE]

The rules of `crystalcli.memories.state_end` were changed after each life had been asked once: at
their first run they answered 47 and 46 of the 60 questions of the last life, before them 46 and 44
were answered (docs/LOG.md, 2026-12-01).
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from common import machine, write_json
from memories import bm25_first, interval

from crystalcli import Crystal
from crystalcli.models import locate

LIVES = Path(__file__).with_name("data") / "ended_states.jsonl"
NOW = re.compile(r"\W*(?:am|is|are|do|does|has|have|can)\b|.*\b(?:am|is|are|do|does|has|have|owes?)\b", re.IGNORECASE)
THEN = re.compile(r"\b(?:did|was|were|had|bought|taught|first)\b", re.IGNORECASE)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verbose", action="store_true", help="print what is not answered")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(machine())
    hits: dict[str, list[float]] = {}
    for line in LIVES.read_text(encoding="utf-8").splitlines():
        life = json.loads(line)
        for form in ("memories", "diary"):
            with tempfile.TemporaryDirectory() as folder:
                measure(life, form, Path(folder), hits, verbose=arguments.verbose)
    for name, values in hits.items():
        print(f"  {name:24} {interval(values)}")
    write_json(arguments.json, {name: sum(values) / len(values) for name, values in hits.items()})


def measure(life: dict, form: str, folder: Path, hits: dict[str, list[float]], *, verbose: bool) -> None:
    """Ask the questions of a life of its notes, as memories or as a diary."""
    with Crystal(folder / "life.crystal", fetch=locate) as crystal:
        keep(crystal, life["notes"], form, folder)
        texts = [text for _, text in sorted(life["notes"])]
        for question, right in life["questions"]:
            found = crystal.ask(question, extractive=True).citations
            first = found[0].quote if found else ""
            time = "then" if THEN.search(question) or not NOW.match(question) else "now"
            answered = {form: first}
            if form == "memories":  # the notes are the same
                answered["BM25"] = bm25_first(texts, question)
            for name, text in answered.items():
                hits.setdefault(f"{name}, {time}", []).append(re.search(right, text, re.IGNORECASE) is not None)
            if verbose and not hits[f"{form}, {time}"][-1]:
                print(f"life {life['life']}, {form}: {question}\n    {first!r}\n    wanted: {right}")


def keep(crystal: Crystal, notes: Sequence[tuple[str, str]], form: str, folder: Path) -> None:
    """Keep notes as memories, or as a diary with a file for each day."""
    if form == "memories":
        for day, text in notes:
            crystal.remember(text, at=day)
        return
    (folder / "diary").mkdir()
    for day, text in notes:
        with (folder / "diary" / f"{day}.md").open("a", encoding="utf-8") as file:
            file.write(f"{text}\n\n")
    crystal.ingest([folder / "diary"])


if __name__ == "__main__":
    main()
