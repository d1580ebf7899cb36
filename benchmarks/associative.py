"""Associative recall over windows: a layer with memory and without, trained from scratch.

    python benchmarks/associative.py [--minutes 4] [--steps 400] [--seed 0]
                                     [--chart docs/associative.svg] [--json FILE]

A sequence is ten windows of 20 tokens. A window holds two pairs of a key and a value, one in each
ten tokens, among noise; keys do not repeat. The last window asks for all keys in any order, and the
layer has to give the value of each. Those of the first window are ten windows back, beyond every
window that the last one attends to: without a memory the best strategy is to guess one of 32.
Sequences are drawn anew for every step; test sequences were never trained on. The model trained on
ten windows is then tested on more, up to 100, without training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from chart import Line, line_chart
from common import machine, write_json
from torch import Tensor, nn

from crystalcli import InfiniteMemoryTransformer

UNIT = 10  # tokens; a pair takes two


@dataclass(frozen=True)
class Task:
    """Sizes of the task.

    Attributes give the kinds of keys, values and noise, the windows before the last one, and pairs
    in each.
    """

    keys: int = 256
    values: int = 32
    noise: int = 16
    windows: int = 10
    pairs: int = 2

    @property
    def vocabulary(self) -> int:
        """Number of tokens: noise, then keys, then values."""
        return self.noise + self.keys + self.values

    @property
    def window(self) -> int:
        """Tokens in a window."""
        return UNIT * self.pairs


class Sample(NamedTuple):
    """Sequences with their answers.

    Attributes:
        read: int64 [batch, tokens], all windows but the last.
        asked: int64 [batch, pairs], keys in any order.
        answers: int64 [batch, pairs], the numbers of their values.
        back: int64 [batch, pairs], how many windows back each pair is.
    """

    read: Tensor
    asked: Tensor
    answers: Tensor
    back: Tensor


def draw(task: Task, count: int, windows: int, generator: torch.Generator) -> Sample:
    """Draw `count` sequences of so many windows."""
    units = windows * task.pairs
    read = torch.randint(0, task.noise, (count, units, UNIT), generator=generator)
    keys = torch.rand(count, task.keys, generator=generator).argsort(1)[:, :units]
    answers = torch.randint(0, task.values, (count, units), generator=generator)
    places = torch.randint(0, UNIT - 1, (count, units, 1), generator=generator)
    read.scatter_(2, places, task.noise + keys[..., None])
    read.scatter_(2, places + 1, task.noise + task.keys + answers[..., None])
    order = torch.rand(count, units, generator=generator).argsort(1)
    asked = task.noise + keys.gather(1, order)
    return Sample(read.flatten(1), asked, answers.gather(1, order), windows - order // task.pairs)


class Recaller(nn.Module):
    """An embedding, the layer, and a classifier of values for each token."""

    def __init__(self, task: Task, width: int, heads: int, k: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(task.vocabulary, width)
        self.layer = InfiniteMemoryTransformer(width, heads, window=task.window, k=k, gradient=True)
        self.norm = nn.LayerNorm(width)
        self.choice = nn.Linear(width, task.values)

    def forward(self, sample: Sample, remember: bool) -> Tensor:
        """Return logits [batch, pairs, values] for the keys, after reading all windows."""
        self.layer.memory.reset()
        self.layer(self.embedding(sample.read), remember)
        found: Tensor = self.choice(self.norm(self.layer(self.embedding(sample.asked), remember)))
        return found


class Point(NamedTuple):
    """Progress of a training: steps, processor seconds, loss, and accuracy on new sequences."""

    step: int
    seconds: float
    loss: float
    accuracy: float


@torch.no_grad()
def accuracy(model: Recaller, task: Task, windows: int, remember: bool, seed: int = 1, count: int = 64) -> float:
    """Return the accuracy for the keys of the first of `windows` windows, on `count` sequences."""
    sample = draw(task, count, windows, torch.Generator().manual_seed(seed))
    right = model(sample, remember).argmax(2) == sample.answers
    return float(right[sample.back == windows].float().mean())


def train(
    task: Task,
    remember: bool,
    steps: int,
    *,
    width: int = 64,
    heads: int = 2,
    k: int = 8,
    batch: int = 32,
    rate: float = 3e-3,
    every: int = 20,
    grow: int = 0,
    seed: int = 0,
    tell: Callable[[Point], bool] = lambda _: True,
) -> tuple[Recaller, list[Point]]:
    """Train a model from scratch; ends early when `tell` says so.

    The same seed gives the same sequences and the same initial weights, with memory and without.
    `grow` is the number of steps after which sequences get one window longer, from one up to the
    task's; 0 for full length from the start.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1000)
    model = Recaller(task, width, heads, k)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    points, began = [], time.process_time()
    for step in range(steps + 1):
        windows = min(task.windows, 1 + step // grow) if grow else task.windows
        sample = draw(task, batch, windows, generator)
        loss = F.cross_entropy(model(sample, remember).flatten(0, 1), sample.answers.flatten())
        if step % every == 0:
            spent = time.process_time() - began
            points.append(Point(step, spent, float(loss.detach()), accuracy(model, task, task.windows, remember)))
            if not tell(points[-1]):
                break
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.layer.memory.reset()
    return model, points


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--minutes", type=float, default=4.0, help="processor minutes per training, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chart", type=Path, help="write an SVG with both curves")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    task = Task()
    results: dict[str, Any] = {"task": vars(task)}
    curves: dict[str, list[Point]] = {}
    for name, remember in (("with memory", True), ("without", False)):

        def tell(point: Point, name: str = name) -> bool:
            said = f"step {point.step:4d} {point.seconds:6.1f} s loss {point.loss:.3f} right {point.accuracy:.3f}"
            print(f"{name:12s} {said}", flush=True)
            return point.seconds < 60 * args.minutes

        model, curves[name] = train(task, remember, args.steps, seed=args.seed, tell=tell)
        results[name] = [point._asdict() for point in curves[name]]
        if remember:
            results["windows"] = {}
            for windows in (10, 20, 50, 100):
                results["windows"][windows] = accuracy(model, task, windows, True, seed=2, count=2560 // windows)
                print(
                    f"{windows:4d} windows back, {windows * task.window} tokens: {results['windows'][windows]:.3f} right"
                )
    print(f"guessing {1 / task.values:.3f}; {machine()}")
    write_json(args.json, results)
    if args.chart:
        args.chart.write_text(chart(curves, task), encoding="utf-8")


def chart(curves: dict[str, list[Point]], task: Task) -> str:
    """Draw the accuracy by step of each training, and that of guessing."""
    last = max(point.step for points in curves.values() for point in points)
    lines = {name: Line([(point.step, point.accuracy) for point in points]) for name, points in curves.items()}
    lines["guessing"] = Line([(0.0, 1 / task.values), (last, 1 / task.values)], dashed=True)
    return line_chart(
        "Values recalled from ten windows back",
        lines,
        ("steps of training", 0.0, last, last / 8),
        ("right", 0.0, 1.0, 0.25),
    )


if __name__ == "__main__":
    main()
