"""Latency of a recall in an open process as a crystal grows, and of a flat index in the same run.

    python benchmarks/warm.py [--millions 1 4 40] [--keep FOLDER] [--questions 40]
                              [--json results/warm.json]

The crystals are synthetic (synthetic.py); questions are words of the same text. For each size:
opening, a question to its five passages at depths 3 and 1 (encoding included), BM25 alone, `crystal
recall` as a whole cold process, and the flat alternative: float32 vectors of 128-token chunks,
7,800 for a million tokens, multiplied in numpy, with the same question encoder and the same BM25.
The systems take turns at every question, so that the load of the machine affects all alike. 40 M
tokens need 0.5 GB for the flat vectors.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common import machine, timed_process, write_json
from synthetic import Words, make

from crystalcli import Crystal, models
from crystalcli.index.encoder import ENCODER
from crystalcli.index.index_reader import IndexReader
from crystalcli.recall.searcher import Searcher
from crystalcli.storage.store import Store
from crystalcli.vectors import QuestionEncoder, default_tokenizer

CHUNKS = 7_800  # flat chunks of 128 tokens in a million tokens
WARM_UP = 5  # questions before timing starts
BEST = 5  # passages, or chunks


def plain_vectors(tokens: int) -> np.ndarray:
    """Return random unit vectors, float32 [chunks, 384], as many as flat chunks would have."""
    vectors = np.random.default_rng(1).standard_normal((round(CHUNKS * tokens / 1e6), 384), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def plain(recall: Searcher, vectors: np.ndarray, question: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the best flat chunks by vector and the best atoms by BM25.

    Joining the two costs next to nothing.
    """
    query = recall.prepare(question)
    assert query.encoded is not None
    dense = vectors @ query.encoded.vector
    return np.argpartition(-dense, BEST)[:BEST], np.argpartition(-query.bm25, BEST)[:BEST]


def opening(path: Path) -> float:
    """Return the seconds to open a crystal and to load what stays in memory."""
    began = time.perf_counter()
    with Store.open(path) as store:
        IndexReader(store)
    return time.perf_counter() - began


def measure(path: Path, questions: int, rounds: int) -> dict[str, Any]:
    """Time every system on one crystal, in seconds, with opening and whole processes."""
    encoder = models.locate(ENCODER) or models.pull(ENCODER)
    asked = Words(7).questions(WARM_UP + questions)
    with Crystal.open(path, encoder=encoder) as crystal:
        alone = QuestionEncoder(encoder)
        recall, lexical = crystal.searcher(), Searcher(crystal.shelf, None, None)
        tokens = sum(segment.tokens for segment in crystal.shelf.segments)
        vectors = plain_vectors(tokens)
        ways: dict[str, Callable[[str], object]] = {
            "depth 3": lambda question: recall.recall(question, BEST, 3),
            "depth 1": lambda question: recall.recall(question, BEST, 1),
            "BM25 alone": lambda question: lexical.recall(question, BEST),
            "flat float32 and BM25": lambda question: plain(recall, vectors, question),
            "encoding alone": lambda question: alone.encode(default_tokenizer().tokenize([question])[0][0].tolist()),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number, question in enumerate(asked):
            for name, way in ways.items():
                began = time.perf_counter()
                way(question)
                if number >= WARM_UP:
                    times[name].append(time.perf_counter() - began)
    opened = [opening(path) for _ in range(rounds)]
    command = [sys.executable, "-m", "crystalcli", "recall", asked[0], "-c", str(path)]
    cold = [timed_process(command)["seconds"] for _ in range(rounds)]
    return {"tokens": tokens, "file": path.stat().st_size, "open": opened, "cold": cold, "warm": times}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 4, 40])
    parser.add_argument("--keep", type=Path, help="folder that keeps the crystals for the next run")
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of opening and of whole processes")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results = []
    with TemporaryDirectory() as name:
        folder = args.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for millions in args.millions:
            path = folder / f"{millions}.crystal"
            if not path.exists():
                make(path, millions * 1_000_000, base=1_000_000)
            found = measure(path, args.questions, args.rounds)
            results.append(found)
            print(f"{found['tokens'] / 1e6:.1f} M tokens, {found['file'] / 1e6:.0f} MB; {machine()}")
            print(f"  opening                 best of {args.rounds}  {1e3 * min(found['open']):7.1f} ms")
            print(f"  crystal recall, cold    best of {args.rounds}  {1e3 * min(found['cold']):7.1f} ms")
            for way, values in found["warm"].items():
                p95 = statistics.quantiles(values, n=20)[-1]
                print(f"  {way:22s}  p50 {1e3 * statistics.median(values):7.1f} ms   p95 {1e3 * p95:7.1f} ms")
    write_json(args.json, {"results": results})


if __name__ == "__main__":
    main()
