"""Speed and memory of crystal's decoder and llama.cpp (`pip install xllamacpp`) on a GGUF file.

    python benchmarks/lm.py MODEL.gguf [--rounds N] [--threads N] [--busy] [--perplexity]
                                       [--asked FILE]

Each side opens the file twice in processes of its own, crystal first without its converted copy and
then with it, and answers in the second ones: a prompt of --prompt tokens, then --words tokens that
follow, greedy, past every end token. Rounds alternate, since the machine may be shared; figures are
medians, ratios medians of each round's ratio. The prompt differs by round, so that caches do not
help. Random prompts have nothing to copy, so that crystal does not guess words; with --asked it
does: FILE is JSON Lines, each [ids of a prompt, number of tokens to say]. Memory is the peak of
resident bytes after opening and answering, torch and the vocabulary included. --busy is for a busy
machine: one thread on both sides, and processor seconds instead of elapsed ones. --perplexity
compares with the same weights in bfloat16 on crystal's own documents.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import machine, write_json

SIDES = ("crystal", "llama.cpp")
CONTEXT = 2048  # positions that llama.cpp reserves
seconds = time.perf_counter  # or process_time, when others want the processor too


class Worker:
    """A side in a process of its own, told what to do line by line."""

    def __init__(self, side: str, options: argparse.Namespace, cache: Path) -> None:
        command = [sys.executable, __file__, str(options.model), "--worker", side, "--cache", str(cache)]
        command += ["--threads", str(options.threads), *(["--busy"] if options.busy else [])]
        command += ["--asked", str(options.asked)] if options.asked else []
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.opened = self._read()

    def answer(self, prompt: list[int], words: int) -> dict[str, Any]:
        """Read the prompt and generate so many tokens."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([prompt, words]) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a side ended early; run it with --worker to see why")
        return json.loads(line)


def tell(**facts: object) -> None:
    """Write facts to the process that asked."""
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    print(json.dumps({**facts, "peak": peak}), flush=True)


def work_as_crystal(options: argparse.Namespace) -> None:
    """Answer with crystal's decoder."""
    import torch

    from crystalcli.datatypes import Sampling
    from crystalcli.lm import LanguageModel
    from crystalcli.lm.decoder.prompt_lookup import GuessPace

    class Never(GuessPace):
        """A text that goes round would flatter."""

        pays = False

    torch.set_num_threads(options.threads)
    began = seconds()
    model = LanguageModel.open(
        options.model, threads=options.threads if options.busy else None, cache=Path(options.cache)
    )
    if not options.asked:
        model._generator._guess_pace = Never()
    model.load()
    tell(seconds=seconds() - began)
    vocabulary = model._vocabulary
    vocabulary.config = replace(vocabulary.config, eos_ids=frozenset())  # go on to the last token
    for line in sys.stdin:
        prompt, words = json.loads(line)
        began, times = seconds(), []
        tokens: Iterator[int] = model.generate_ids(prompt, Sampling(max_tokens=words + 1))
        for _ in tokens:  # before they become text
            times.append(seconds())
        tell(prompt=times[0] - began, words=times[-1] - times[0])


def work_as_llama_cpp(options: argparse.Namespace) -> None:
    """Answer with llama.cpp."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(options.model)
    parameters.n_ctx, parameters.n_parallel, parameters.verbosity = CONTEXT, 1, 0
    parameters.warmup, parameters.cache_ram_mib, parameters.n_ctx_checkpoints = False, 0, 0
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = options.threads
    began = seconds()
    server = xllamacpp.Server(parameters)
    tell(seconds=seconds() - began)

    def run(prompt: list[int], words: int) -> float:
        began = seconds()
        request = {"prompt": prompt, "n_predict": words, "temperature": 0, "ignore_eos": True, "cache_prompt": True}
        server.handle_completions(request)
        return seconds() - began

    for line in sys.stdin:
        prompt, words = json.loads(line)
        first = run(prompt, 1)
        # The prompt is known by now but for its last token: one pass for each word.
        tell(prompt=first, words=run(prompt, words))


def perplexity_ratio(path: Path, threads: int) -> dict[str, float]:
    """Compare the decoder's perplexity with that of its weights in bfloat16, token by token."""
    import torch

    from crystalcli.lm import LanguageModel

    torch.set_num_threads(threads)
    folder = Path(__file__).resolve().parent.parent
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("docs/DESIGN.md", "crystalcli/lm/opener.py")]
    found: dict[str, list[float]] = {}
    for precision in ("auto", "bf16"):
        model = LanguageModel.open(path, precision=precision)
        chosen = [model.ids(text)[:400] for text in texts]
        found[precision] = [value for ids in chosen for value in model.log_probabilities(ids, 32)]
    differences = [narrow - own for own, narrow in zip(found["auto"], found["bf16"], strict=True)]
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return {
        "perplexity ratio": math.exp(statistics.mean(differences)),
        "its standard error": error,
        "tokens": len(differences),
    }


def prompts(options: argparse.Namespace) -> list[tuple[list[int], int]]:
    """Give the prompts, and the tokens to generate behind each."""
    if options.asked:
        lines = map(json.loads, options.asked.read_text("utf-8").splitlines())
        return [(ids, words) for ids, words in lines][: options.rounds + 1]
    numbers = range(options.rounds + 1)
    texts = [[(place * 7919 + number) % 40_000 + 300 for place in range(options.prompt)] for number in numbers]
    return [(text, options.words) for text in texts]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run both sides, in alternating rounds."""
    with tempfile.TemporaryDirectory() as folder:
        first = {side: Worker(side, options, Path(folder)) for side in SIDES}
        for worker in first.values():
            worker.close()
        workers = {side: Worker(side, options, Path(folder)) for side in SIDES}
        figures: dict[str, Any] = {f"{side} first opening": first[side].opened["seconds"] for side in SIDES}
        figures |= {f"{side} second opening": workers[side].opened["seconds"] for side in SIDES}
        rows, counts = [], []
        for prompt, words in prompts(options):
            rows.append({side: worker.answer(prompt, words) for side, worker in workers.items()})
            counts.append({"prompt": len(prompt), "words": words})
        for worker in workers.values():
            worker.close()
    measured = list(zip(rows, counts, strict=True))[1:]  # the first warms up
    for what in ("prompt", "words"):
        speeds = {side: [count[what] / row[side][what] for row, count in measured] for side in SIDES}
        figures |= {f"{side} {what}": statistics.median(speeds[side]) for side in SIDES}
        ratios = [ours / theirs for ours, theirs in zip(*speeds.values(), strict=True)]
        figures[f"ratio {what}"] = statistics.median(ratios)
    figures |= {f"{side} peak": rows[-1][side]["peak"] for side in SIDES}
    figures["ratio peak"] = figures["crystal peak"] / figures["llama.cpp peak"]
    return figures


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=400, help="tokens of the prompt")
    parser.add_argument("--words", type=int, default=32, help="tokens to generate")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--perplexity", action="store_true")
    parser.add_argument("--asked", type=Path, metavar="FILE", help="real prompts instead of random ones")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--cache", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.busy:
        global seconds
        seconds = time.process_time
        options.threads = 1
    if options.worker:
        (work_as_crystal if options.worker == "crystal" else work_as_llama_cpp)(options)
        return
    figures = measure(options)
    print(f"{options.model.name}, {options.threads} threads, {machine()}; {options.rounds} rounds")
    for side in SIDES:
        opened = f"opened {figures[f'{side} first opening']:5.2f} s, then {figures[f'{side} second opening']:5.2f} s"
        speeds = f"prompt {figures[f'{side} prompt']:7.1f}, words {figures[f'{side} words']:6.1f} tokens/s"
        print(f"{side:10} {opened}   {speeds}   peak {figures[f'{side} peak'] / 1e6:,.0f} MB", flush=True)
    print("ratios     " + ", ".join(f"{what} {figures[f'ratio {what}']:.2f}" for what in ("prompt", "words", "peak")))
    if options.perplexity:
        figures |= perplexity_ratio(options.model, options.threads)
        print(
            f"perplexity {figures['perplexity ratio']:.4f} times that in bfloat16 (± {figures['its standard error']:.4f})"
        )
    write_json(options.json, {"model": options.model.name, "threads": options.threads, **figures})


if __name__ == "__main__":
    main()
