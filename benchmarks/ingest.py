"""Speed of ingest of one long text, and of sentence-transformers' `encode` of its chunks.

    python benchmarks/ingest.py NOVEL.txt [--json results/ingest.json]

Prints seconds, tokens/s, processor seconds and peak resident memory; where other work runs beside,
processor seconds hold better than seconds. Needs the test extras (sentence-transformers).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import installed_environment, machine, timed_process, write_json

from crystalcli import models
from crystalcli.index.encoder import ENCODER
from crystalcli.text.chunking.chunker import cut_chunks
from crystalcli.vectors import VOCABULARY, default_tokenizer

WHOLE, INSIDE, ENCODE = "crystal, whole process", "crystal, torch imported", "sentence-transformers encode"
REFERENCE = """
import json, sys, time, resource
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
chunks = json.load(open(sys.argv[2]))
model = SentenceTransformer(modules=[Transformer(sys.argv[1], max_seq_length=256), Pooling(384, "mean")], device="cpu")
model.encode(chunks[:8])
began, worked = time.perf_counter(), time.process_time()
model.encode(chunks)
seconds, processor = time.perf_counter() - began, time.process_time() - worked
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak}))
"""


# Everything but the start of the program and the import of torch, which are not counted for the
# reference either.
INGEST = """
import json, resource, sys, time
import torch, crystalcli.vectors.bert
from crystalcli import Crystal
began, worked = time.perf_counter(), time.process_time()
with Crystal.create(sys.argv[2]) as crystal:
    crystal.ingest([sys.argv[1]])
seconds, processor = time.perf_counter() - began, time.process_time() - worked
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak}))
"""


def started(text: Path, crystal: str) -> dict[str, float]:
    """Ingest in a process that has already imported torch; loading the weights is counted."""
    return last_line([sys.executable, "-c", INGEST, str(text), crystal])


def reference(chunks: list[str], folder: Path) -> dict[str, float]:
    """Run sentence-transformers' `encode` with its defaults in a process of its own.

    Loading is not counted.
    """
    from transformers import BertTokenizerFast

    weights = models.locate(ENCODER) or models.pull(ENCODER)
    for name in ("model.safetensors", "config.json"):
        (folder / name).symlink_to(weights / name)
    BertTokenizerFast(vocab=str(VOCABULARY), do_lower_case=True).save_pretrained(folder)
    (folder / "chunks.json").write_text(json.dumps(chunks))
    return last_line([sys.executable, "-W", "ignore", "-c", REFERENCE, str(folder), str(folder / "chunks.json")])


def last_line(command: list[str]) -> dict[str, float]:
    """Run a process and read the JSON in the last line that it prints."""
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=installed_environment())
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    text = args.text.read_text(encoding="utf-8")
    chunks = list(cut_chunks([text], default_tokenizer()))
    tokens = sum(len(chunk.ids) for chunk in chunks)
    rows = []
    for number in range(args.rounds):
        with tempfile.TemporaryDirectory() as name:
            ours = timed_process(
                [sys.executable, "-m", "crystalcli", "ingest", str(args.text), "-c", f"{name}/m.crystal"]
            )
            inside = started(args.text, f"{name}/inside.crystal")
            theirs = reference([chunk.text for chunk in chunks], Path(name))
        rows.append({"round": number, WHOLE: ours, INSIDE: inside, ENCODE: theirs})
    best = {who: min((row[who] for row in rows), key=lambda each: each["seconds"]) for who in (WHOLE, INSIDE, ENCODE)}
    print(f"{args.text.name}: {tokens:,} tokens in {len(chunks):,} chunks; best of {args.rounds}; {machine()}")
    for who, figures in best.items():
        processor = min(row[who]["processor"] for row in rows)
        print(
            f"{who:30s} {figures['seconds']:7.1f} s  {tokens / figures['seconds']:8,.0f} tokens/s  "
            f"processor {processor:7.1f} s  peak {figures['peak'] / 1e6:6.0f} MB"
        )
    # Of each round, so that the load of the machine affects both alike.
    ratios = {
        f"{who}, {what}": statistics.median(row[ENCODE][what] / row[who][what] for row in rows)
        for who in (WHOLE, INSIDE)
        for what in ("seconds", "processor")
    }
    for what, ratio in ratios.items():
        print(f"{what}: encode alone takes {ratio:.2f} times as much (median of {args.rounds})")
    write_json(args.json, {"tokens": tokens, "rows": rows, "ratios": ratios})


if __name__ == "__main__":
    main()
