"""Recency in dated conversations: what is recalled by half-life and weight, and without recency.

    python benchmarks/fading.py DATA [--crystal FILE] [--json results/fading.json]

DATA is a folder of evaluation sets, with `conversation/locomo.docs.jsonl` and `.queries.jsonl`. The
conversations are read as exported chats into one crystal, which is asked all answerable questions.
Ages count from the newest candidate message, as by default. Evidence: share of the answering
messages in the first 2,000 characters recalled; rank: mean reciprocal rank. The interval is a
paired bootstrap of the difference to no recency.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from answer_scores import paired
from common import machine, write_json
from recall import coverage, reciprocal_rank

from crystalcli import Crystal
from crystalcli.index.encoder import ENCODER
from crystalcli.library import locate_or_fetch
from crystalcli.recall.recency import HALF_LIFE, WEIGHT, Recency

SETTINGS = [  # half-life in days, weight
    (HALF_LIFE, WEIGHT), (90.0, WEIGHT), (30.0, WEIGHT), (7.0, WEIGHT), (365.0, 0.1), (90.0, 0.1), (30.0, 0.1), (7.0, 0.1),
]  # fmt: skip
BUDGET = 2000  # characters


def chats(documents: Path, folder: Path) -> None:
    """Write each conversation as the list of its messages."""
    for number, line in enumerate(documents.read_text(encoding="utf-8").splitlines()):
        document = json.loads(line)
        messages = [
            {
                "author": turn["speaker"],
                "time": datetime.strptime(session["date_time"], "%I:%M %p on %d %B, %Y").isoformat(),
                "text": turn["text"],
                "id": f"{document['doc_id']} {turn['dia_id']}",
            }
            for session in document["sessions"]
            for turn in session["turns"]
        ]
        (folder / f"{number}.json").write_text(json.dumps(messages), encoding="utf-8")


def places(crystal: Crystal, folder: Path) -> dict[str, dict[str, Any]]:
    """Return each message's span in its document, by its id."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        text, at = whole(crystal, path.name), 0
        for message in json.loads(path.read_text(encoding="utf-8")):
            said = re.compile(r"\s+".join(re.escape(word) for word in message["text"].split()))
            if (match := said.search(text, at)) is None:
                raise ValueError(f"{message['id']} is not in the crystal as it was written")
            at = match.end()
            found[message["id"]] = {"path": path.name, "start": match.start(), "end": at}
    return found


def whole(crystal: Crystal, name: str) -> str:
    """Return the text of a document."""
    (characters,) = (each.characters for each in crystal.documents() if each.path == name)
    return crystal.quote(name, 0, characters)


def asked(queries: Path, where: dict[str, dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return the answerable questions with the spans of their evidence."""
    for line in queries.read_text(encoding="utf-8").splitlines():
        query = json.loads(line)
        names = [f"{each['doc_id']} {each['dia_id']}" for each in query.get("evidence", []) if "dia_id" in each]
        gold = [where[name] for name in names if name in where][:4]
        if gold and not query.get("unanswerable"):
            yield query["question"], gold


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--crystal", type=Path, help="made if it does not exist; default: a temporary one")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    documents, queries = (args.data / "conversation" / f"locomo.{name}.jsonl" for name in ("docs", "queries"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "chats"
        folder.mkdir()
        chats(documents, folder)
        path = args.crystal or Path(scratch) / "chats.crystal"
        if not path.exists():
            with Crystal(path, mode="write", encoder=locate_or_fetch(ENCODER)) as made:
                made.ingest([folder])
        with Crystal.open(path) as crystal:
            questions = list(asked(queries, places(crystal, folder)))
            recall = crystal.searcher().recall
            lines: list[dict[str, Any]] = []
            plain = np.zeros((0, 2))
            for half_life, weight in [(None, 0.0), *SETTINGS]:
                recency = None if half_life is None else Recency(half_life, weight=weight)
                figures = np.array(
                    [
                        (coverage(passages, gold, BUDGET), reciprocal_rank(passages, gold))
                        for question, gold in questions
                        for passages in [recall(question, 40, recency=recency)]
                    ]
                )
                plain = figures if half_life is None else plain
                evidence, rank = figures.mean(0).tolist()
                gained = paired(figures[:, 0].tolist(), plain[:, 0].tolist())
                low, high = gained["difference_low"], gained["difference_high"]
                line = {"half_life": half_life, "weight": weight, "evidence": evidence, "rank": rank}
                lines.append({**line, "low": low, "high": high})
                title = "none fades" if half_life is None else f"{half_life:g} days, {weight:g}"
                print(f"{title:16s} evidence {evidence:.3f} [{low:+.3f}, {high:+.3f}]  rank {rank:.3f}", flush=True)
    print(f"{len(questions)} questions; {machine()}")
    write_json(args.json, {"questions": len(questions), "lines": lines})


if __name__ == "__main__":
    main()
