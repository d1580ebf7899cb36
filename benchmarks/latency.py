"""Latency of whole processes, beside `python -c "import torch"` in the same run.

python benchmarks/latency.py CRYSTAL "A question it can answer" [--rounds 5]
                             [--json results/latency.json]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import machine, timed_process, write_json

STEPS = ("evidence", "first word", "end")


def ask_times(crystal: Path, question: str) -> dict[str, float]:
    """Return the seconds of `crystal ask` to all evidence, to the first word, and to the end."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "crystalcli", "ask", "--floor", "0", "--generate", question, "-c", str(crystal)]
    got, times = b"", {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as child:
        assert child.stdout is not None
        while piece := child.stdout.read(4096):
            got += piece
            lines = got.decode("utf-8", "ignore").split("\n")
            if "first word" in times:
                continue
            if any(line and not line.startswith("│") for line in lines):
                times["first word"] = time.perf_counter() - began
            else:
                times["evidence"] = time.perf_counter() - began
    return {**times, "end": time.perf_counter() - began}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crystal", type=Path)
    parser.add_argument("question")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    program = [sys.executable, "-m", "crystalcli"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import torch": [sys.executable, "-c", "import torch"],
        "crystal --help": [*program, "--help"],
        "crystal recall": [*program, "recall", args.question, "-c", str(args.crystal)],
        "crystal ask --extractive": [
            *program,
            "ask",
            "--floor",
            "0",
            "--extractive",
            args.question,
            "-c",
            str(args.crystal),
        ],
    }
    times: dict[str, list[float]] = {name: [] for name in [*commands, *(f"crystal ask, {step}" for step in STEPS)]}
    for _ in range(args.rounds):
        for name, command in commands.items():
            times[name].append(timed_process(command)["seconds"])
        asked = ask_times(args.crystal, args.question)
        for step in STEPS:
            times[f"crystal ask, {step}"].append(asked[step])
    print(
        f"{args.crystal.name}, {args.crystal.stat().st_size / 1e6:.1f} MB; median (best) of {args.rounds} rounds; {machine()}"
    )
    for name, values in times.items():
        print(f"{name:26s} {statistics.median(values):6.2f} s ({min(values):.2f})")
    write_json(args.json, {"seconds": times})


if __name__ == "__main__":
    main()
