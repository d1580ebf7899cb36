"""How long whole processes take, each beside `python -c "import torch"` in the same run.

python benchmarks/latency.py CRYSTAL "A question it can answer" [--rounds 5] [--json results/latency.json]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import machine, timed_process, write_json


def ask_times(crystal: Path, question: str) -> dict[str, float]:
    """Seconds from the start of `crystal ask` to the first byte of its answer and to its end."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "crystalcli", "ask", "--generate", question, "-c", str(crystal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as child:
        assert child.stdout is not None
        child.stdout.read(1)
        first = time.perf_counter() - began
        child.stdout.read()
    return {"first": first, "end": time.perf_counter() - began}


def main() -> None:
    """Measure, print, write."""
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
        "crystal ask --extractive": [*program, "ask", "--extractive", args.question, "-c", str(args.crystal)],
    }
    times: dict[str, list[float]] = {name: [] for name in [*commands, "crystal ask, first word", "crystal ask, end"]}
    for _ in range(args.rounds):
        for name, command in commands.items():
            times[name].append(timed_process(command)["seconds"])
        asked = ask_times(args.crystal, args.question)
        times["crystal ask, first word"].append(asked["first"])
        times["crystal ask, end"].append(asked["end"])
    print(
        f"{args.crystal.name}, {args.crystal.stat().st_size / 1e6:.1f} MB; median (best) of {args.rounds} rounds; {machine()}"
    )
    for name, values in times.items():
        print(f"{name:26s} {statistics.median(values):6.2f} s ({min(values):.2f})")
    write_json(args.json, {"seconds": times})


if __name__ == "__main__":
    main()
