"""Evidence recalled from months of conversation: with an assistant (BEAM), and of people (LoCoMo).

    python benchmarks/conversations.py DATA [--sets beam locomo] [--chats N] [--crystals DIR]
        [--no-rerank] [--verdicts N] [--json results/conversations.json]

DATA is a folder of evaluation sets, with `conversation/beam.docs.jsonl` and the like. Every chat is
a crystal of its own, which is asked its own questions; --crystals keeps them. A message counts as
found when its first 200 characters, or half of all, stand in the first 2,000 or 4,000 characters
recalled. Beside it, in the same run: BM25 over whole messages, over pieces of 80 words, and over
pieces of what the person wrote. Intervals are 95 % of the bootstrap over questions; the last column
is the paired difference to the best of the three. Of updates, whose evidence is an older and a
newer statement, it is counted which is read first. With --verdicts the chats are asked for answers
instead, without a model: their unanswerable questions, and N of each ability. Refused is what is
"not in this crystal".
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from answer_scores import interval, paired
from common import machine, write_json

from crystalcli import Crystal
from crystalcli.lexical import query_terms
from crystalcli.text import author_of_label, is_assistant

BUDGETS = (2000, 4000)  # characters
HEAD = 200  # characters of a message that stand for it
PIECE = 80  # words
DEPTH = 40  # passages
K1, B = 1.2, 0.75
UNANSWERABLE = "unanswerable"
CONTROLS = ("BM25, messages", "BM25, pieces", "BM25, own words")
Span = tuple[int, int]


class Chat(NamedTuple):
    """A conversation as a file, with its questions.

    Attributes:
        name: Its name in the set.
        file: The name of its file.
        text: The file's content.
        questions: Its questions that have evidence.
        unanswerable: Its questions that nothing in it answers.
    """

    name: str
    file: str
    text: str
    questions: list[dict[str, Any]]
    unanswerable: list[str]


def rows(data: Path, name: str) -> list[dict[str, Any]]:
    """Read a file of JSON lines, compressed or not."""
    path = next(path for path in (data / f"{name}.jsonl", data / f"{name}.jsonl.gz") if path.exists())
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def chats(data: Path, name: str) -> Iterator[Chat]:
    """Yield the chats of a set: exports of chats with an assistant, or lists of messages."""
    asked = defaultdict(list)
    for query in rows(data / "conversation", f"{name}.queries"):
        asked[query["doc_id"]].append(query)
    for document in rows(data / "conversation", f"{name}.docs"):
        turns = {}
        if "path" in document:
            with gzip.open(data / document["path"], "rt", encoding="utf-8") as export:
                text = export.read()
        else:
            messages = []
            for session in document["sessions"]:
                time = datetime.strptime(session["date_time"], "%I:%M %p on %d %B, %Y").isoformat()
                for turn in session["turns"]:
                    messages.append({"author": turn["speaker"], "time": time, "text": turn["text"]})
                    turns[turn["dia_id"]] = turn["text"]
            text = json.dumps(messages)
        questions = []
        unanswerable = [query["question"] for query in asked[document["doc_id"]] if query.get("unanswerable")]
        for query in asked[document["doc_id"]]:
            gold = {
                each.get("message_id", each.get("dia_id")): (
                    each.get("text") or turns.get(each.get("dia_id"), ""),
                    each,
                )
                for each in query.get("evidence", [])
            }
            evidence = [{"text": said, "part": each.get("part", "")} for said, each in gold.values() if said.strip()]
            if evidence and not query.get("unanswerable"):
                ability = query.get("ability", query["category"])
                questions.append({"question": query["question"], "ability": ability, "evidence": evidence})
        file = f"{re.sub(r'[^A-Za-z0-9]+', '_', document['doc_id'])}.json"
        yield Chat(document["doc_id"], file, text, questions, unanswerable)


class Conversation:
    """The text of a chat in its crystal, with its messages."""

    def __init__(self, crystal: Crystal, file: str) -> None:
        """Read the text and the marks of the messages."""
        (document,) = (each for each in crystal.documents() if each.path == file)
        self.text = crystal.quote(file, 0, document.characters)
        marks = crystal.shelf.store.rows("SELECT start, label FROM landmark WHERE kind = 'message' ORDER BY start")
        ends = [start for start, _ in marks[1:]] + [len(self.text)]
        self.messages = [
            (start, end, not is_assistant(author_of_label(label)))
            for (start, label), end in zip(marks, ends, strict=True)
        ]
        self._squeezed = "".join(self.text.split())
        self._places = [place for place, letter in enumerate(self.text) if not letter.isspace()]

    def span(self, message: str) -> Span:
        """Find a message by its letters: white space may differ, and text may have been cleaned."""
        letters = "".join(message.split())
        at = self._squeezed.find(letters)
        if at >= 0:
            return self._places[at], self._places[at + len(letters) - 1] + 1
        at = self._squeezed.find(letters[: HEAD // 4])
        if at < 0:
            raise ValueError(f"not in the crystal as it was written: {message[:60]}")
        start = self._places[at]
        return start, next(end for begin, end, _ in self.messages if begin <= start < end)

    def pieces(self, *, words: int = 0, own: bool = False) -> list[Span]:
        """Cut the messages into pieces of so many words; 0: whole messages."""
        spans = []
        for start, end, is_own in self.messages:
            if own and not is_own:
                continue
            first = [start + word.start() for word in re.finditer(r"\S+", self.text[start:end])][:: words or 10**9]
            spans += list(zip(first, [*first[1:], end], strict=True))
        return spans


class Bm25:
    """BM25 over spans of a text."""

    def __init__(self, text: str, spans: Sequence[Span]) -> None:
        """Count the words of each span."""
        self._spans = spans
        counts = [Counter(query_terms(text[start:end])) for start, end in spans]
        lengths = [sum(count.values()) for count in counts]
        average = sum(lengths) / max(1, len(lengths))
        self._weights: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            for term, n in count.items():
                weight = n * (K1 + 1) / (n + K1 * (1 - B + B * length / average))
                self._weights[term].append((number, weight))

    def best(self, question: str) -> list[Span]:
        """Return the spans that share words with a question, best first."""
        scores: dict[int, float] = defaultdict(float)
        for term in set(query_terms(question)):
            held = self._weights.get(term, [])
            idf = math.log(1 + (len(self._spans) - len(held) + 0.5) / (len(held) + 0.5))
            for number, weight in held:
                scores[number] += idf * weight
        return [self._spans[number] for number in sorted(scores, key=lambda number: (-scores[number], number))[:DEPTH]]


def first_characters(spans: Sequence[Span], budget: int) -> list[Span]:
    """Cut ranked spans after so many characters."""
    read = []
    for start, end in spans:
        if budget <= 0:
            break
        read.append((start, min(end, start + budget)))
        budget -= read[-1][1] - start
    return read


def is_found(message: Span, read: Sequence[Span]) -> bool:
    """Tell whether the head of a message was read, or half of it."""
    start, end = message
    head = min(end, start + HEAD)
    if any(low <= start and head <= high for low, high in read):
        return True
    covered = {place for low, high in read for place in range(max(low, start), min(high, end))}
    return 2 * len(covered) >= end - start


def first_read(question: dict[str, Any], spans: Sequence[Span]) -> str:
    """Say which statement of an update is read first; "" for other questions and where none is."""
    read, order = first_characters(spans, BUDGETS[-1]), {}
    for part in ("original_info", "updated_info"):
        told = [span for span, told in zip(question["gold"], question["parts"], strict=True) if told == part]
        if not told:
            return ""
        places = (n for n, each in enumerate(read) if any(is_found(span, [each]) for span in told))
        order[part] = next(places, len(read))
    old, new = order["original_info"], order["updated_info"]
    return "" if old == new else "newer" if new < old else "older"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", default=["beam", "locomo"])
    parser.add_argument("--chats", type=int, help="so many of each set")
    parser.add_argument("--crystals", type=Path, help="a folder in which the crystals are kept")
    parser.add_argument("--no-rerank", action="store_true")
    parser.add_argument(
        "--verdicts", type=int, metavar="N", help="ask for answers: the unanswerable and N of each ability"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        kept = args.crystals or Path(scratch)
        kept.mkdir(parents=True, exist_ok=True)
        for name in args.sets:
            table: dict[str, dict[tuple[str, int], list[float]]] = defaultdict(lambda: defaultdict(list))
            updates: dict[str, Counter[str]] = defaultdict(Counter)
            refused: dict[str, list[float]] = defaultdict(list)
            for chat in list(chats(args.data, name))[: args.chats]:
                path = kept / f"{Path(chat.file).stem}.crystal"
                is_new = not path.exists()
                with Crystal(path) as crystal:
                    if is_new:
                        source = Path(scratch) / chat.file
                        source.write_text(chat.text, encoding="utf-8")
                        crystal.ingest([source])
                    if args.verdicts is not None:
                        ask_verdicts(crystal, chat, args.verdicts, refused)
                    else:
                        ask_chat(crystal, chat, table, updates, rerank=not args.no_rerank)
            results[name] = show(name, table, updates) if args.verdicts is None else show_verdicts(name, refused)
    print(machine())
    write_json(args.json, results)


def ask_chat(
    crystal: Crystal,
    chat: Chat,
    table: dict[str, dict[tuple[str, int], list[float]]],
    updates: dict[str, Counter[str]],
    *,
    rerank: bool,
) -> None:
    """Ask a chat its questions in every way, and add up what was found."""
    said = Conversation(crystal, chat.file)
    spans = (said.pieces(), said.pieces(words=PIECE), said.pieces(words=PIECE, own=True))
    indexes = {control: Bm25(said.text, each) for control, each in zip(CONTROLS, spans, strict=True)}
    for question in chat.questions:
        question["gold"] = [said.span(each["text"]) for each in question["evidence"]]
        question["parts"] = [each["part"] for each in question["evidence"]]
        ranked = {control: index.best(question["question"]) for control, index in indexes.items()}
        passages = crystal.recall(question["question"], DEPTH, rerank=rerank)
        ranked["crystal"] = [(passage.start, passage.end) for passage in passages]
        for system, read in ranked.items():
            for budget in BUDGETS:
                seen = first_characters(read, budget)
                share = sum(is_found(span, seen) for span in question["gold"]) / len(question["gold"])
                for group in (question["ability"], "all"):
                    table[group][system, budget].append(share)
            if order := first_read(question, read):
                updates[system][order] += 1


def ask_verdicts(crystal: Crystal, chat: Chat, count: int, refused: dict[str, list[float]]) -> None:
    """Ask a chat its unanswerable questions and some of each ability, and keep what was refused."""
    by_ability = defaultdict(list)
    for question in chat.questions:
        by_ability[question["ability"]].append(question["question"])
    for ability, questions in {**by_ability, UNANSWERABLE: chat.unanswerable}.items():
        for question in questions if ability == UNANSWERABLE else questions[:count]:
            is_refused = float(not crystal.ask(question, extractive=True).answered)
            for group in {ability, UNANSWERABLE if ability == UNANSWERABLE else "answerable"}:
                refused[group].append(is_refused)


def show_verdicts(name: str, refused: dict[str, list[float]]) -> dict[str, Any]:
    """Print the share refused of each ability, and return the shares."""
    figures = {}
    for group in sorted(refused, key=lambda group: (group in ("answerable", UNANSWERABLE), group)):
        share = sum(refused[group]) / len(refused[group])
        low, high = interval(refused[group])
        figures[group] = {"refused": share, "low": low, "high": high, "questions": len(refused[group])}
        print(f"{name:7s}{group:26s}{len(refused[group]):4d}  refused {share:.3f} [{low:.3f}, {high:.3f}]", flush=True)
    return figures


def show(
    name: str, table: dict[str, dict[tuple[str, int], list[float]]], updates: dict[str, Counter[str]]
) -> dict[str, Any]:
    """Print the table of a set, and return its figures."""
    figures: dict[str, Any] = {"updates": {system: dict(counts) for system, counts in updates.items()}}
    for group in sorted(table, key=lambda group: (group == "all", group)):
        cells = table[group]
        line = f"{name:7s}{group:26s}{len(cells['crystal', BUDGETS[0]]):4d}"
        for budget in BUDGETS:
            values = {system: cells[system, budget] for system in ("crystal", *CONTROLS)}
            means = {system: sum(shares) / len(shares) for system, shares in values.items()}
            best = max(CONTROLS, key=means.__getitem__)
            low, high = interval(values["crystal"])
            gain = paired(values["crystal"], values[best])
            figures[f"{group} @{budget}"] = {**means, "low": low, "high": high, "best": best, **gain}
            line += f"  @{budget} {means['crystal']:.3f} [{low:.3f}, {high:.3f}] beside "
            line += ", ".join(f"{means[control]:.3f}" for control in CONTROLS)
            line += f" {gain['difference']:+.3f} [{gain['difference_low']:+.3f}, {gain['difference_high']:+.3f}]"
        print(line, flush=True)
    for system, counts in updates.items():
        print(f"{name:7s}updates, {system}: newer first {counts['newer']}, older first {counts['older']}")
    return figures


if __name__ == "__main__":
    main()
