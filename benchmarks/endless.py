"""The cost of reading after ten thousand tokens and after ten million, with memory and without.

    python benchmarks/endless.py [--behind 10000 10000000] [--strides 6] [--window 1024] [--shown]
                                 [--json results/endless.json]

Seconds per token, memory and bytes. The text read before is a synthetic crystal of so many tokens
(synthetic.py): its words and codes mean nothing, but are searched like any others. Then strides of
real text are predicted, in turn with copying from recalled text (--shown: with recalled text in
half of the window, and no copying) and from the last tokens alone, with equal windows. Recall, and
adding a stretch of text to the crystal, are also timed by themselves.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import synthetic
from common import machine, write_json

from crystalcli import models
from crystalcli.index.encoder import ENCODER
from crystalcli.language_models import LANGUAGE_MODEL
from crystalcli.recall.memory_use import resident_bytes
from crystalcli.retrieval_lm import (
    COPIED_PASSAGES,
    STRIDE,
    RecallingModel,
    ScoringModel,
    TextMemory,
    open_scoring_model,
)

ROOT = Path(__file__).parent.parent


def measure(model: ScoringModel, encoder: Path, path: Path, window: int, strides: int, shown: bool) -> dict[str, Any]:
    """Return medians over strides, after the text of the crystal at `path`."""
    text = "\n\n".join(each.read_text(encoding="utf-8") for each in sorted(ROOT.glob("docs/*.md")))
    ids = model.ids(text)
    with TextMemory(encoder, path) as past:
        size = past.size
        reader = RecallingModel(model, past, window=window, copying=not shown)
        recalled = None if shown else COPIED_PASSAGES
        reader.skip(ids[:window])
        reader.score(ids[window : window + STRIDE])
        seconds: dict[str, list[float]] = {"with memory": [], "without": [], "recall": []}
        at = window
        for _ in range(strides):
            target = ids[at : at + STRIDE]
            began = time.perf_counter()
            reader.score(target)
            ended = time.perf_counter()
            reader.log_probabilities(ids[at - window : at], target)
            seconds["without"].append((time.perf_counter() - ended) / STRIDE)
            seconds["with memory"].append((ended - began) / STRIDE)
            began = time.perf_counter()
            reader.recall(recalled)
            seconds["recall"].append(time.perf_counter() - began)
            reader.skip(target)
            at += STRIDE
        began = time.perf_counter()
        past.add(model.data(ids[at : at + 4096]).decode("utf-8", "ignore"))
        added = time.perf_counter() - began
        began = time.perf_counter()
        reader.recall(recalled)
        first = time.perf_counter() - began
        stretch = len(ids[at : at + 4096])
    found: dict[str, Any] = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        **found,
        "add a token": added / stretch,
        "first recall": first,
        "stretch": stretch,
        "bytes": size,
        "resident": resident_bytes() or 0,
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--behind", type=int, nargs="+", default=[10_000, 10_000_000], help="tokens read before, fewest first"
    )
    parser.add_argument("--strides", type=int, default=6)
    parser.add_argument("--window", type=int, default=1024)
    parser.add_argument("--shown", action="store_true", help="show recalled text before the window, and copy nothing")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    folder = models.locate(LANGUAGE_MODEL) or models.pull(LANGUAGE_MODEL)
    encoder = models.locate(ENCODER) or models.pull(ENCODER)
    model = open_scoring_model(folder / models.catalogue_entry(LANGUAGE_MODEL).main)
    rows = {}
    with TemporaryDirectory() as place:
        for behind in args.behind:
            path = Path(place, "behind.crystal")
            synthetic.make(path, behind, base=min(behind, synthetic.BASE))
            rows[behind] = measure(model, encoder, path, args.window, args.strides, args.shown)
            row = rows[behind]
            ms = {
                name: 1000 * row[name] for name in ("with memory", "without", "recall", "first recall", "add a token")
            }
            print(
                f"{behind:>12,} tokens behind: {ms['with memory']:.2f} ms a token with memory, {ms['without']:.2f} without;"
                f" recall {ms['recall']:.0f} ms, {ms['first recall']:.0f} after text was added; adding"
                f" {ms['add a token']:.3f} ms a token; file {row['bytes'] / 1e6:.1f} MB, process {row['resident'] / 1e6:.0f} MB",
                flush=True,
            )
            path.unlink()
    print(machine())
    write_json(args.json, {"rows": {str(behind): row for behind, row in rows.items()}})


if __name__ == "__main__":
    main()
