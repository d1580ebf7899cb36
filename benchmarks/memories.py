"""Measures memories of a made year: does the newest hold, is the past told, is telling quick?

    python benchmarks/memories.py                a year: 400 days of notes, 60 facts that change
    python benchmarks/memories.py --held-out     other topics, other words, and notes that come near
    python benchmarks/memories.py --times 10000  seconds of processes on so many memories
    python benchmarks/memories.py --json OUT     writes the figures, too

Each fact has a question and changes up to five times. Asked now, the value that holds has to stand
in the first quotation; asked as of a day, the value of that day; and the line of changes has to
have every former value. A third of the changes are told in words that no form of
`crystalcli/memories/claim.py` knows. Beside it is plain BM25 (k1 1.2, b 0.75) over whole memories:
its first memory, of all and of those until that day. Intervals are of 1,000 resamplings of the
facts. A supersession is wrong where its two memories are not of one fact. No data is needed but
the encoder's weights. Rules are judged on `--held-out` (memories_held_out.py).
"""

from __future__ import annotations

import argparse
import math
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from common import machine, timed_process, write_json
from memories_held_out import DAYS_OF_WEEK, HELD_OUT_FACTS, HELD_OUT_NOTES, NEAR, fill_note

from crystalcli import Crystal, RecallFilter
from crystalcli.index import ENCODER
from crystalcli.ingest import index_waiting
from crystalcli.memories import settle_all_claims
from crystalcli.memories.claim import read_claim
from crystalcli.models import locate
from crystalcli.storage import MemoryRow, Store

FIRST, DAYS = date(2026, 1, 1), 400
PEOPLE = ("", "Ann", "Ben")
STREETS = ("Mill Lane", "Ropewalk", "Quay Street", "Chapel Row", "Tar Alley", "Dock Road", "Fish Steps")
NAMES = ("Crask", "Kellisay", "Leckie", "Culley", "Anstrid", "Petrel", "Skarn", "Harland", "Moray", "Sollas")
# Of each fact: the question about oneself, its values, and statements, the last in other words.
FACTS: list[tuple[str, Callable[[random.Random], str], tuple[str, ...]]] = [
    (
        "What is my rent?",
        lambda c: f"{c.randrange(60, 140) * 10} euros",
        ("My rent is {v} a month.", "my rent has been raised to {v}", "From today on I pay {v} in rent."),
    ),
    (
        "Where do I live?",
        lambda c: f"{c.randrange(1, 90)} {c.choice(STREETS)}",
        ("I live at {v}.", "We've just moved to {v}", "All boxes are unpacked, {v} is my home now."),
    ),
    (
        "Where do I work?",
        lambda c: f"{c.choice(NAMES)} {c.choice(('Ltd', 'Works', 'Brothers'))}",
        ("I work at {v}.", "I started at {v}", "First day in the new job with {v}."),
    ),
    (
        "What is my phone number?",
        lambda c: f"07700 {c.randrange(100000, 999999)}",
        ("My phone number is {v}.", "My new phone number is {v}", "Call me on {v} from now on, the old phone is dead."),
    ),
    (
        "Who is my doctor?",
        lambda c: f"Dr {c.choice(NAMES)}",
        ("My doctor is {v}.", "my doctor is now {v}", "{v} has taken over from my doctor."),
    ),
    (
        "Who is my landlord?",
        lambda c: f"{c.choice(('Mr', 'Mrs'))} {c.choice(NAMES)}",
        ("My landlord is {v}.", "my landlord is now {v}", "The house was sold to {v}, who is my landlord."),
    ),
    (
        "When does my gym open?",
        lambda c: f"{c.randrange(5, 11)}:{c.choice(('00', '15', '30', '45'))}",
        ("My gym opens at {v}.", "My gym opens now at {v}", "New hours: the gym lets people in from {v}."),
    ),
    (
        "What is my wifi password?",
        lambda c: f"{c.choice(NAMES).lower()}{c.randrange(10, 999)}",
        ("My wifi password is {v}.", "my wifi password was changed to {v}", "For the wifi type {v} from now on."),
    ),
    (
        "When is my dentist appointment?",
        lambda c: f"{c.randrange(1, 28)} {c.choice(('March', 'June', 'October'))}",
        (
            "My dentist appointment is on {v}.",
            "My dentist appointment was moved to {v}",
            "The dentist called: {v} it is.",
        ),
    ),
    (
        "Where is my boat?",
        lambda c: f"{c.choice(NAMES)} {c.choice(('Bay', 'Harbour', 'Sound'))}",
        ("My boat is in {v}.", "My boat moved to {v}", "Rowed the boat over to {v}, where she stays."),
    ),
    (
        "What is the code of my shed?",
        lambda c: str(c.randrange(1000, 9999)),
        ("The code of my shed is {v}.", "the code of my shed was changed to {v}", "Shed lock: {v} opens it."),
    ),
    (
        "What is my favourite song?",
        lambda c: f"{c.choice(NAMES)} {c.choice(('Blues', 'Reel', 'Waltz'))}",
        ("My favourite song is {v}.", "my favourite song is now {v}", "I hum {v} all day, nothing beats it."),
    ),
    (
        "What is my weight?",
        lambda c: f"{c.randrange(60, 99)} kg",
        ("My weight is {v}.", "my weight is now {v}", "The scales said {v} this morning."),
    ),
    (
        "When does my bus leave?",
        lambda c: f"{c.randrange(6, 10)}:{c.randrange(10, 59)}",
        (
            "My bus leaves at {v}.",
            "My bus leaves now at {v}",
            "The timetable has changed, I have to catch the {v} bus.",
        ),
    ),
    (
        "Where is my office?",
        lambda c: f"{c.randrange(1, 90)} {c.choice(STREETS)}",
        ("My office is at {v}.", "My office moved to {v}", "The desk is set up, {v} is where I sit from Monday."),
    ),
    (
        "What is my budget for food?",
        lambda c: f"{c.randrange(10, 60) * 10} euros",
        (
            "My budget for food is {v}.",
            "my budget for food was lowered to {v}",
            "No more than {v} for food, says the plan.",
        ),
    ),
    (
        "When is my team meeting?",
        lambda c: c.choice(DAYS_OF_WEEK),
        ("My team meeting is on {v}.", "My team meeting was moved to {v}", "The team meets every {v}."),
    ),
    (
        "Who is my tax adviser?",
        lambda c: f"{c.choice(('Mr', 'Ms'))} {c.choice(NAMES)}",
        ("My tax adviser is {v}.", "my tax adviser is now {v}", "{v} does my taxes this time."),
    ),
    (
        "What is my locker number?",
        lambda c: f"{c.randrange(100, 999)}",
        ("My locker number is {v}.", "my locker number was changed to {v}", "They gave me another locker, {v}."),
    ),
    (
        "Where is my bicycle?",
        lambda c: f"{c.choice(NAMES)} {c.choice(('Cellar', 'Yard', 'Garage'))}",
        ("My bicycle is in {v}.", "My bicycle moved to {v}", "Put the bicycle away in {v}."),
    ),
]
NOTES = (
    "Rain all day, read in the kitchen.",
    "Walked to the harbour with {n} and watched the ferry.",
    "{n} came for supper, we had fish.",
    "The bell rang {k} times at noon.",
    "Paid {k} euros for paint.",
    "Dreamt of {n} and a lighthouse.",
    "Saw {k} seals off {s}.",
    "Fixed the gate on {s}, took {k} minutes.",
    "Wrote to {n} about the accounts.",
    "A quiet day, {k} pages of the ledger done.",
)


class Fact(NamedTuple):
    """A fact: its question, and its values with their days, the oldest first."""

    question: str
    values: list[tuple[date, str]]

    def value_on(self, day: date) -> str:
        """Give the value that held on a day."""
        return next(value for since, value in reversed(self.values) if since <= day)


class Year(NamedTuple):
    """A made year.

    Attributes:
        told: The memories, as (day, author, text), in order.
        facts: What is asked for.
        fact_of: The number of the fact that a memory states, by its author and text.
    """

    told: list[tuple[date, str, str]]
    facts: list[Fact]
    fact_of: dict[tuple[str, str], int]


def make_year(seed: int, *, held_out: bool = False) -> Year:
    """Make the memories and the facts."""
    chance = random.Random(seed)
    told, facts, fact_of = list[tuple[date, str, str]](), list[Fact](), dict[tuple[str, str], int]()
    for person in PEOPLE:
        for question, make, statements in HELD_OUT_FACTS if held_out else FACTS:
            days = sorted(chance.sample(range(DAYS - 20), chance.randrange(2, 7)))
            values: list[tuple[date, str]] = []
            for number, day in enumerate(days):
                value = make(chance)
                while any(value == other for _, other in values):
                    value = make(chance)
                values.append((FIRST + timedelta(days=day), value))
                if held_out:
                    statement = chance.choice(statements[1:]) if number else statements[0]
                else:
                    statement = statements[-1] if chance.random() < 1 / 3 and number else statements[number > 0]
                told.append((values[-1][0], person, statement.format(v=value)))
                fact_of[person, told[-1][2]] = len(facts)
            facts.append(Fact(ask_of(person, question), values))
    for day in range(DAYS):
        if held_out:
            text = fill_note(chance.choice(NEAR if day % 2 else HELD_OUT_NOTES), chance)
        else:
            n, k, s = chance.choice(NAMES), chance.randrange(2, 60), chance.choice(STREETS)
            text = chance.choice(NOTES).format(n=n, k=k, s=s)
        told.append((FIRST + timedelta(days=day), chance.choice(PEOPLE), text))
    return Year(sorted(told), facts, fact_of)


def ask_of(person: str, question: str) -> str:
    """Ask a question about oneself of a person."""
    if not person:
        return question
    asked = re.sub(r"\b(?:my|our)\b", f"{person}'s", question)
    for own, other in ((" do I ", f" does {person} "), (" am I ", f" is {person} ")):
        asked = asked.replace(own, other)
    return asked


def keep(path: Path, told: Sequence[tuple[date, str, str]]) -> None:
    """Keep memories in a new crystal, in few commits."""
    Crystal.create(path, fetch=locate).close()
    with Crystal(path, fetch=locate) as crystal, Store.open_for_telling(path) as store:
        rows = []
        for number, (day, author, text) in enumerate(told):
            claim = read_claim(text, author)
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            number_id, key = f"{number:08x}", claim.key if claim else ""
            document = f"memories/{day}-{number_id}"
            row = MemoryRow(number_id, 0, "memory", document, str(day), int(noon.timestamp()), author, "", 0, text, key)
            rows.append(row)
        with store.transaction():
            store.put_memories(rows)
            settle_all_claims(store)
        index_waiting(store, crystal._encoder)
    with Crystal(path, fetch=locate) as crystal:
        crystal.ingest([])  # makes the layers


def bm25_first(texts: Sequence[str], question: str) -> str:
    """Give the text that BM25 ranks first."""
    bags = [Counter(words(text)) for text in texts]
    mean = sum(bag.total() for bag in bags) / len(bags)

    def score(bag: Counter[str]) -> float:
        total = 0.0
        for word in set(words(question)):
            holders = sum(word in other for other in bags)
            idf = math.log(1 + (len(bags) - holders + 0.5) / (holders + 0.5))
            total += idf * bag[word] * 2.2 / (bag[word] + 1.2 * (0.25 + 0.75 * bag.total() / mean))
        return total

    best = max(range(len(bags)), key=lambda number: (score(bags[number]), number))
    return texts[best]


def words(text: str) -> list[str]:
    """Cut a text into words."""
    return re.findall(r"\w+", text.lower())


def interval(hits: Sequence[float]) -> str:
    """Format a mean with its interval."""
    chance, n = random.Random(0), len(hits)
    means = sorted(sum(chance.choices(hits, k=n)) / n for _ in range(1000))
    return f"{sum(hits) / n:.2f} [{means[25]:.2f}, {means[974]:.2f}] of {n}"


def measure_year(
    seed: int, limit: int | None = None, *, held_out: bool = False, verbose: bool = False
) -> dict[str, Any]:
    """Ask about every fact, now and as of a day in its past."""
    told, facts, fact_of = make_year(seed, held_out=held_out)
    chance = random.Random(seed + 1)
    lines = [(day, f"{author}: {text}" if author else text) for day, author, text in told]
    hits: dict[str, list[float]] = {name: [] for name in ("now", "now, BM25", "as of", "as of, BM25", "history")}
    with tempfile.TemporaryDirectory() as folder:
        keep(Path(folder) / "year.crystal", told)
        with Crystal(Path(folder) / "year.crystal", fetch=locate) as crystal:
            for fact in random.Random(seed).sample(facts, limit or len(facts)):
                answer = crystal.ask(fact.question, extractive=True, floor=0.0, broad=False)
                first = answer.citations[0].quote if answer.citations else ""
                hits["now"].append(fact.values[-1][1] in first)
                hits["now, BM25"].append(fact.values[-1][1] in bm25_first([text for _, text in lines], fact.question))
                former = [value for _, value in fact.values[:-1]]
                hits["history"].append(any(all(value in line for value in former) for line in answer.changes))
                if verbose and not (hits["now"][-1] and hits["history"][-1]):
                    print(f"{fact.question} {[value for _, value in fact.values]}\n    {first!r}\n    {answer.changes}")
                day = fact.values[0][0] + timedelta(
                    days=chance.randrange((fact.values[-1][0] - fact.values[0][0]).days)
                )
                where = RecallFilter(as_of=day)
                answer = crystal.ask(fact.question, extractive=True, floor=0.0, broad=False, where=where)
                first = answer.citations[0].quote if answer.citations else ""
                hits["as of"].append(fact.value_on(day) in first)
                until = [text for since, text in lines if since <= day]
                hits["as of, BM25"].append(fact.value_on(day) in bm25_first(until, fact.question))
            changes = crystal.memory_changes()
    wrong = [pair for pair in changes if len({fact_of.get((each.author, each.text), -1) for each in pair}) != 1]
    if verbose:
        print("\n".join(f"wrong: {older} -> {newer}" for older, newer in wrong))
    superseded, wrong_count = len(changes), len(wrong)
    print(f"{len(told)} memories, {len(facts)} facts, {superseded} superseded, {wrong_count} of them wrongly")
    for name, values in hits.items():
        print(f"  {name:12} {interval(values)}")
    return {
        "memories": len(told),
        "superseded": superseded,
        "wrongly": wrong_count,
        **{n: sum(v) / len(v) for n, v in hits.items()},
    }


def measure_times(count: int) -> dict[str, Any]:
    """Time whole processes on a crystal of so many memories."""
    chance = random.Random(0)
    told = []
    for number in range(count):
        note = chance.choice(NOTES).format(n=chance.choice(NAMES), k=number, s=chance.choice(STREETS))
        told.append((FIRST + timedelta(days=number % DAYS), chance.choice(PEOPLE), f"Entry {number}: {note}"))
    program = [sys.executable, "-m", "crystalcli"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.crystal"
        keep(path, told)
        with Store.open(path) as store:
            print(f"{count} memories, {len(store.segments())} segments, {store.file_size() / 1e6:.1f} MB")
        commands = {
            "remember": ["remember", "The bell of Skarn cracked.", "-c", str(path)],
            "memories": ["memories", "-c", str(path)],
            "recall": ["recall", "which bell cracked", "-c", str(path)],
        }
        seconds = {
            name: min(timed_process([*program, *words])["seconds"] for _ in range(3))
            for name, words in commands.items()
        }
        with Store.open(path) as store:
            segments = len(store.segments())
    for name, value in seconds.items():
        print(f"  {name:10} {value:.2f} s")
    return {"count": count, "segments": segments, **seconds}


def main() -> None:
    """Measure the year, or times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, help="number of memories of the crystal whose commands are timed")
    parser.add_argument("--facts", type=int, help="number of facts that are asked for, drawn by lot; all by default")
    parser.add_argument("--held-out", action="store_true", help="other topics in other words")
    parser.add_argument("--verbose", action="store_true", help="print what is not found")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"{machine()}, encoder {ENCODER}")
    if arguments.times:
        figures = measure_times(arguments.times)
    else:
        figures = measure_year(arguments.seed, arguments.facts, held_out=arguments.held_out, verbose=arguments.verbose)
    write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
