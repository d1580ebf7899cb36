"""Recall in six languages: the right passage for a question in its language, and in English.

    python benchmarks/languages.py [SQUAD.json...] [--encoder DIR] [--questions N] [-o FILE]

The set was made for this: 72 passages of two or three sentences in German, French, Spanish,
Italian, Dutch and Russian (`benchmarks/data/languages.json`), all in one crystal; of each, two
questions in its language, which avoid its words, and one in English. Four ways, in one run:

    words          BM25 over whole words in lower case
    stems          `recall` without vectors: BM25, stemmed by the language of the document
    default        `recall` with the program's own encoder
    multilingual   `recall` with multilingual-e5-small

Each file in SQuAD's layout (XQuAD's translations have it) becomes a crystal of its own and another
line, asked with its first N questions. Printed: the share of questions whose passage is first, with
its 95 % interval (Wilson, 1927), and the mean reciprocal rank among the first ten.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from common import machine, write_json

import crystalcli
from crystalcli import models

DATA = Path(__file__).parent / "data" / "languages.json"
RANKS = 10
K1, B = 1.2, 0.75
_WORD = re.compile(r"\w+")
Ranking = Callable[[str], Sequence[str]]


class Question(NamedTuple):
    """A question: its group, its text, and the name of the passage that answers it."""

    group: str
    text: str
    passage: str


def made_set() -> tuple[dict[str, str], list[Question]]:
    """Read the passages, by name, and the questions of the set that was made for this."""
    passages, questions = {}, []
    for language, rows in json.loads(DATA.read_text(encoding="utf-8")).items():
        for number, (passage, first, second, english) in enumerate(rows):
            name = f"{number:02}-{language}.txt"
            passages[name] = passage
            questions += [Question(language, text, name) for text in (first, second)]
            questions.append(Question(f"en>{language}", english, name))
    return passages, questions


def squad_set(path: Path, limit: int) -> tuple[dict[str, str], list[Question]]:
    """Read the passages, by name, and the first questions of a file in SQuAD's layout."""
    passages, questions = {}, []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            name = f"{len(passages):04}.txt"
            passages[name] = paragraph["context"]
            questions += [Question(path.stem, row["question"], name) for row in paragraph["qas"]]
    return passages, questions[:limit]


def by_words(passages: Mapping[str, str]) -> Ranking:
    """Rank by BM25 over whole words."""
    counts = {name: Counter(_WORD.findall(text.lower())) for name, text in passages.items()}
    lengths = {name: count.total() for name, count in counts.items()}
    mean = sum(lengths.values()) / len(lengths)
    frequency = Counter(word for count in counts.values() for word in count)

    def rank(question: str) -> list[str]:
        scores: Counter[str] = Counter()
        for word in set(_WORD.findall(question.lower())):
            idf = math.log(1 + (len(counts) - frequency[word] + 0.5) / (frequency[word] + 0.5))
            for name, count in counts.items():
                if tf := count[word]:
                    scores[name] += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * lengths[name] / mean))
        return [name for name, _ in scores.most_common(RANKS)]

    return rank


def by_crystal(folder: Path, crystal: Path, encoder: str | Path | None) -> tuple[Ranking, float]:
    """Ingest a folder; rank by recall. Also returns the seconds of the ingest."""
    opened = crystalcli.Crystal(crystal, encoder=encoder)
    began = time.perf_counter()
    opened.ingest(folder)
    seconds = time.perf_counter() - began

    def rank(question: str) -> list[str]:
        return list(dict.fromkeys(Path(passage.path).name for passage in opened.recall(question, k=RANKS)))

    return rank, seconds


def interval(hits: int, count: int) -> tuple[float, float]:
    """Compute Wilson's 95 % interval of a share."""
    z, share = 1.96, hits / count
    middle, half = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - half) / (1 + z * z / count), (middle + half) / (1 + z * z / count)


def measure(
    passages: Mapping[str, str], questions: Sequence[Question], encoders: Mapping[str, str | Path | None]
) -> dict[str, dict[str, dict[str, float]]]:
    """Rank the passages for every question in every way, and print a table.

    Returns:
        By way and group: "first", "low", "high", "mrr", "questions".
    """
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "passages")
        folder.mkdir()
        for name, text in passages.items():
            (folder / name).write_text(text + "\n", encoding="utf-8")
        ways: dict[str, Ranking] = {"words": by_words(passages)}
        for way, encoder in encoders.items():
            ways[way], seconds = by_crystal(folder, Path(home, f"{way}.crystal"), encoder)
            print(f"{way}: ingest {seconds:.1f} s")
        results: dict[str, dict[str, dict[str, float]]] = {}
        for way, rank in ways.items():
            ranks: dict[str, list[float]] = {}
            for question in questions:
                found = list(rank(question.text))
                gain = 1 / (1 + found.index(question.passage)) if question.passage in found else 0.0
                own = "all in English" if question.group.startswith("en>") else "all in their own"
                for group in (question.group, own):
                    ranks.setdefault(group, []).append(gain)
            results[way] = {}
            for group, gains in ranks.items():
                hits = sum(gain == 1 for gain in gains)
                low, high = interval(hits, len(gains))
                figures = (hits / len(gains), low, high, sum(gains) / len(gains), float(len(gains)))
                results[way][group] = dict(zip(("first", "low", "high", "mrr", "questions"), figures, strict=True))
    for group in results["words"]:
        print(f"{group:16s}", end="")
        for way, groups in results.items():
            row = groups[group]
            print(f"  {way} {row['first']:.2f} [{row['low']:.2f}, {row['high']:.2f}] mrr {row['mrr']:.2f}", end="")
        print()
    return results


def main() -> None:
    """Measure the made set and the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("squad", type=Path, nargs="*", help="files in SQuAD's layout")
    parser.add_argument("--encoder", type=Path, help="take this folder for multilingual-e5-small")
    parser.add_argument("--questions", type=int, default=200, help="of a file, at most")
    parser.add_argument("-o", "--output", type=Path, help="write the results as JSON")
    args = parser.parse_args()
    print(machine())
    encoders: dict[str, str | Path | None] = {
        "stems": None,
        "default": models.pull("all-MiniLM-L6-v2"),
        "multilingual": args.encoder or models.pull("multilingual-e5-small"),
    }
    results = {"made": measure(*made_set(), encoders)}
    for path in args.squad:
        results[path.stem] = measure(*squad_set(path, args.questions), encoders)
    write_json(args.output, dict(results))


if __name__ == "__main__":
    main()
