"""Latency of whole processes, beside `python -c "import torch"` in the same run.

python benchmarks/latency.py CRYSTAL "A question it can answer" [--rounds 5]
                             [--json results/latency.json]
python benchmarks/latency.py CRYSTAL "A question it can answer" --busy 2 [--other CHECKOUT]

With --busy N only `crystal ask` to its quotations is timed, quiet and with N busy processes beside
it, in turns; with --other also the program in another checkout.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep `count` processes busy inside the block."""
    children = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(0.3 * (count > 0))
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def busy_times(crystal: Path, question: str, busy: int, rounds: int, other: Path | None) -> dict[str, list[float]]:
    """Return the seconds of `crystal ask` to its quotations, quiet and beside busy processes."""
    here = Path(__file__).parents[1]
    checkouts = {"this": here, **({"other": other.resolve()} if other else {})}
    words = ["ask", "--floor", "0", "--extractive", question, "-c", str(crystal.resolve())]
    times: dict[str, list[float]] = {}
    for turn in range(rounds + 1):
        for count in (0, busy):
            for name, checkout in checkouts.items():
                with busy_processes(count):
                    path = os.pathsep.join(filter(None, (str(checkout), os.environ.get("PYTHONPATH"))))
                    command = [sys.executable, "-P", "-m", "crystalcli", *words]
                    seconds = timed_process(command, PYTHONPATH=path)["seconds"]
                if turn:  # the first only fills the caches
                    times.setdefault(f"{name}, {count} busy", []).append(seconds)
    return times


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crystal", type=Path)
    parser.add_argument("question")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", type=int, metavar="N", help="time quoted `ask` quiet and beside N busy processes")
    parser.add_argument("--other", type=Path, metavar="CHECKOUT", help="with --busy: time that checkout's program, too")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.busy is not None:
        times = busy_times(args.crystal, args.question, args.busy, args.rounds, args.other)
        print(f"{args.crystal.name}; median (best) of {args.rounds} rounds; {machine()}")
        for name, values in times.items():
            print(f"{name:26s} {statistics.median(values):6.2f} s ({min(values):.2f})")
        write_json(args.json, {"seconds": times})
        return
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
    times = {name: [] for name in [*commands, *(f"crystal ask, {step}" for step in STEPS)]}
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
