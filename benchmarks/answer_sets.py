"""The question sets of `answers.py`, read from the evaluation data, and their texts as files.

Asked of the whole corpus: xquad_en, nq_passages, covidqa, fairytaleqa, locomo, narrativeqa_books.
Their texts and those of medquad, cosqa and docstring_search are one folder. Asked within the
question's own document: leval_quality, leval_tpo (multiple choice) and financebench (filings in
PDF).

The gold passage of a question is what a perfect recall would return: the paragraph (xquad_en,
nq_passages), the section (fairytaleqa), the sentences around the answer (covidqa), the turns with
their dates (locomo), the pages (financebench). The other sets have no gold passages.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crystalcli.text.chunking.boundaries import sentence_spans

CORPUS_WIDE = ("xquad_en", "nq_passages", "covidqa", "fairytaleqa", "locomo", "narrativeqa_books")
WITHIN = ("leval_quality", "leval_tpo", "financebench")
SETS = (*CORPUS_WIDE, *WITHIN)
_FILES = {
    "xquad_en": "retrieval/xquad_en",
    "nq_passages": "retrieval/nq_passages",
    "covidqa": "qa/covidqa",
    "fairytaleqa": "qa/fairytaleqa",
    "locomo": "conversation/locomo",
    "narrativeqa_books": "qa/narrativeqa_books",
    "leval_quality": "qa/leval_quality",
    "leval_tpo": "qa/leval_tpo",
    "financebench": "pdf/financebench",
}
_BESIDE = {"medquad": "retrieval/medquad", "cosqa": "code/cosqa", "docstring_search": "code/docstring_search"}
# Characters around an answer in its gold passage, at least, for sets that name only a span.
_AROUND = 400


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its known answers.

    Attributes:
        kind: "short" (answers), "choice" (choices and the labels of the right ones) or "number"
            (answers that hold figures).
        gold: the passages that a perfect recall would return, in order.
        document: the id of the document it is asked within, or "".
    """

    set: str
    qid: str
    text: str
    kind: str
    answers: tuple[str, ...]
    gold: tuple[str, ...] = ()
    document: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    right: tuple[str, ...] = ()


def rows(data: Path, name: str) -> list[dict[str, Any]]:
    """Read the objects of a JSON Lines file, which may be gzipped."""
    plain, zipped = data / name, data / f"{name}.gz"
    text = plain.read_text("utf-8") if plain.exists() else gzip.decompress(zipped.read_bytes()).decode("utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def questions(data: Path, name: str, limit: int, seed: int) -> list[Question]:
    """Draw `limit` answerable questions of a set.

    A smaller limit gives a subset of a larger one.
    """
    found = list(_read(data, name))
    random.Random(f"{seed} {name}").shuffle(found)
    return found[:limit]


def _read(data: Path, name: str) -> Iterator[Question]:
    documents = (
        {} if name == "narrativeqa_books" else {row["doc_id"]: row for row in rows(data, f"{_FILES[name]}.docs.jsonl")}
    )
    for row in rows(data, f"{_FILES[name]}.queries.jsonl"):
        if not row["answers"] or row.get("unanswerable"):
            continue
        kind = "choice" if row.get("choices") else "number" if name == "financebench" else "short"
        yield Question(
            name,
            row["qid"],
            row["question"],
            kind,
            tuple(answer.split(" The answer here assumes")[0] for answer in row["answers"]),
            tuple(_gold(name, row, documents)),
            row["doc_id"] if name in WITHIN else "",
            tuple((choice["label"], choice["text"]) for choice in row.get("choices", ())),
            tuple(row.get("answer_labels", ())),
        )


def _gold(name: str, row: dict[str, Any], documents: dict[str, dict[str, Any]]) -> list[str]:
    evidence = row["evidence"]
    if name in ("xquad_en", "nq_passages"):
        return [documents[each["doc_id"]]["text"] for each in evidence]
    if name == "fairytaleqa":
        return [documents[each["doc_id"]]["text"][each["start"] : each["end"]] for each in evidence]
    if name == "covidqa":
        return [_around(documents[each["doc_id"]]["text"], each["start"], each["end"]) for each in evidence]
    if name == "locomo":
        return _turns(documents[row["doc_id"]], [each["dia_id"] for each in evidence])
    return [each["text"] for each in evidence] if name == "financebench" else []


def _around(text: str, start: int, end: int) -> str:
    spans = [(low, high) for low, high in sentence_spans(text) if high > start - _AROUND and low < end + _AROUND]
    return text[min(spans[0][0], start) : max(spans[-1][1], end)]


def _turns(document: dict[str, Any], wanted: list[str]) -> list[str]:
    """Return the turns of a conversation, each with the date of its session."""
    found = []
    for session in document["sessions"]:
        turns = [_turn(turn) for turn in session["turns"] if turn["dia_id"] in wanted]
        if turns:
            found.append("\n".join([f"=== {session['date_time']} ===", *turns]))
    return found


def _turn(turn: dict[str, Any]) -> str:
    shown = f" [shares {turn['image_caption']}]" if turn.get("image_caption") else ""
    return f"{turn['speaker']}: {turn['text']}{shown}"


def write_corpus(data: Path, folder: Path) -> None:
    """Write the texts of the corpus as files: SET/NNNNN.txt, each under its title, and books/."""
    books = folder / "books"
    books.mkdir(parents=True)
    for path in sorted((data / "books").iterdir()):
        if path.name.endswith((".txt", ".txt.gz")):
            content = path.read_bytes()
            zipped = path.suffix == ".gz"
            (books / path.name.removesuffix(".gz")).write_bytes(gzip.decompress(content) if zipped else content)
    for name, stem in {**_FILES, **_BESIDE}.items():
        if name in WITHIN or name == "narrativeqa_books":
            continue
        (folder / name).mkdir()
        code = stem.startswith("code/")
        for number, row in enumerate(rows(data, f"{stem}.docs.jsonl")):
            text = (
                row["text"] if code else _conversation(row) if "sessions" in row else f"{row['title']}\n\n{row['text']}"
            )
            (folder / name / f"{number:05d}{'.py' if code else '.txt'}").write_text(text, "utf-8", newline="")


def _conversation(row: dict[str, Any]) -> str:
    days = ("\n".join([f"=== {day['date_time']} ===", *map(_turn, day["turns"]), "\n"]) for day in row["sessions"])
    return "".join(days)


def write_document(data: Path, question: Question, folder: Path) -> Path:
    """Write a question's document to a file in `folder`."""
    row = next(row for row in rows(data, f"{_FILES[question.set]}.docs.jsonl") if row["doc_id"] == question.document)
    if "path" in row:
        return data / row["path"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{question.document.replace(':', '_')}.txt"
    path.write_text(row["text"], "utf-8", newline="")
    return path
