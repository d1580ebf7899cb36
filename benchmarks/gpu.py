"""What a CUDA card does: one run of at most eight minutes, and JSON.

    python benchmarks/gpu.py [--json results/gpu.json] [--minutes 8]
    python benchmarks/gpu.py --cpu     the same on the CPU, in small sizes: a test of this script

Needs the weights of minilm, the reranker and a language model (`crystal models pull`); a part
whose weights are not here is left out, and says so. Parts, each on the device that it runs on:

    encoder       tokens a second: the stack alone, and with pyramid and codes, as an ingest has it
    language      tokens of a prompt and words a second of crystal's decoder
    reranker      pairs of a question and a passage a second
    layer         tokens a second of InfiniteMemoryTransformer in training, with memory and without
    perplexity    RecallingModel: perplexity with memory and without, and the tokens a second

The decoder and the reranker have no code for cards, so that `device` says "cpu" for them on every
machine. A part that fails gives its error; the others run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from common import write_json

from crystalcli import InfiniteMemoryTransformer, models
from crystalcli.datatypes import Chunk, Sampling
from crystalcli.index import Encoder
from crystalcli.index.codebook_training import training_chunks
from crystalcli.index.layer_encoder import LayerEncoder
from crystalcli.lm import LanguageModel
from crystalcli.retrieval_lm import measure_perplexity, open_scoring_model, read_text
from crystalcli.vectors import Bert, CrossEncoder

ROOT = Path(__file__).parents[1]
ENCODER, RERANKER = "all-MiniLM-L6-v2", "reranker"
LANGUAGE_MODELS = ("Qwen2.5-Coder-0.5B-Instruct", "SmolLM2-135M-Instruct")
WIDTH, HEADS, WINDOW = 256, 4, 128  # of the layer with memory


class Sizes:
    """How much each part does: enough for a card, or little for a test on a CPU."""

    def __init__(self, small: bool) -> None:
        self.chunks = 12 if small else 20_000
        self.prompt, self.words = (32, 4) if small else (512, 64)
        self.pairs = 8 if small else 2_000
        self.rows, self.windows, self.steps = (2, 3, 2) if small else (16, 16, 20)
        self.window, self.targets = (256, 1) if small else (1024, 8)


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not options.cpu and not torch.cuda.is_available():
        parser.error("no CUDA card here: --cpu runs the same in small sizes")
    device = "cpu" if options.cpu else "cuda"
    results = run(device, Sizes(options.cpu), time.monotonic() + 60 * options.minutes)
    print(json.dumps(results, indent=2))
    write_json(options.json, results)


def run(device: str, sizes: Sizes, deadline: float) -> dict[str, Any]:
    """Run all parts until the time is up.

    Args:
        device: "cuda" or "cpu".
        sizes: How much each part does.
        deadline: The time of `time.monotonic` after which no part begins.

    Returns:
        The card's name, and the figures of each part.
    """
    card = torch.cuda.get_device_name() if device == "cuda" else "none: a test on the CPU, in small sizes"
    results: dict[str, Any] = {"card": card, "torch": torch.__version__}
    parts: tuple[Callable[[str, Sizes], dict[str, Any]], ...] = (encoder, layer, reranker, language, perplexity)
    for part in parts:
        name, began = part.__name__, time.monotonic()
        if began >= deadline:
            results[name] = {"left_out": "no time was left"}
            continue
        try:
            results[name] = part(device, sizes)
        except Exception as error:  # a part that fails must not cost the others their turn
            results[name] = {"error": f"{type(error).__name__}: {error}"}
        results[name]["seconds"] = round(time.monotonic() - began, 1)
    return results


def encoder(device: str, sizes: Sizes) -> dict[str, Any]:
    """Measure the encoder of chunks."""
    folder = models.locate(ENCODER)
    if folder is None:
        return {"left_out": f"no weights of {ENCODER} here"}
    chunks = some_chunks(sizes.chunks)
    tokens = sum(len(chunk.ids) for chunk in chunks)
    bert = Bert(folder, device=device)
    few = [chunk.ids for chunk in chunks[:64]]
    bert.for_each(few, lambda index, states: None)  # kernels are made at the first use
    alone = timed(lambda: bert.for_each([chunk.ids for chunk in chunks], lambda index, states: None), device)
    figures: dict[str, Any] = {"device": device, "tokens": tokens, "stack_tokens_per_second": round(tokens / alone)}
    if device == "cuda" or not torch.cuda.is_available():  # LayerEncoder takes a card where there is one
        layers = LayerEncoder(folder)
        layers.codes(chunks[:64])
        whole = timed(lambda: layers.codes(chunks), device)
        figures |= {"ingest_tokens_per_second": round(tokens / whole), "precision": layers.description}
    return figures


def layer(device: str, sizes: Sizes) -> dict[str, Any]:
    """Measure the layer with memory in training, beside itself without memory."""
    figures: dict[str, Any] = {"device": device, "width": WIDTH, "window": WINDOW}
    shapes = {
        "with_memory": (sizes.rows, sizes.windows * WINDOW),
        "without_memory": (sizes.rows * sizes.windows, WINDOW),  # as many rows of one window each
    }
    for name, (rows, length) in shapes.items():
        torch.manual_seed(1)
        made = InfiniteMemoryTransformer(d_model=WIDTH, n_heads=HEADS, window=WINDOW, gradient=True).to(device)
        optimizer = torch.optim.AdamW(made.parameters(), lr=1e-3)
        train(made, optimizer, rows, length, 1)
        seconds = timed(partial(train, made, optimizer, rows, length, sizes.steps), device)
        figures[f"{name}_tokens_per_second"] = round(rows * length * sizes.steps / seconds)
    if device == "cuda":
        figures["peak_bytes"] = torch.cuda.max_memory_allocated()
    return figures


def train(
    made: InfiniteMemoryTransformer, optimizer: torch.optim.Optimizer, rows: int, length: int, steps: int
) -> None:
    """Train a layer on noise for some steps."""
    device = made.gate.device
    for _ in range(steps):
        loss = made(torch.randn(rows, length, WIDTH, device=device)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        made.memory.reset()


def reranker(device: str, sizes: Sizes) -> dict[str, Any]:
    """Measure the reranker, which runs on the CPU."""
    folder = models.locate(RERANKER)
    if folder is None:
        return {"left_out": "no weights of the reranker here"}
    model = CrossEncoder(folder)
    texts = [chunk.text for chunk in some_chunks(sizes.pairs)]
    question = "What does the command do when it is stopped?"
    model.logits(question, texts[:4])
    seconds = timed(lambda: model.logits(question, texts), "cpu")
    return {"device": "cpu", "pairs": len(texts), "pairs_per_second": round(len(texts) / seconds, 1)}


def language(device: str, sizes: Sizes) -> dict[str, Any]:
    """Measure crystal's decoder, which runs on the CPU."""
    path = language_model()
    if path is None:
        return {"left_out": "no weights of a language model here"}
    model = LanguageModel.open(path)
    model.load()
    ids = model.ids(some_chunks(8)[0].text * 40)[: sizes.prompt]
    times = [time.perf_counter()]
    for _ in model.generate_ids(ids, Sampling(max_tokens=sizes.words + 1)):
        times.append(time.perf_counter())
    words = len(times) - 2
    return {
        "device": "cpu",
        "model": path.name,
        "prompt_tokens_per_second": round(len(ids) / (times[1] - times[0]), 1),
        "words": words,
        "words_per_second": round(words / (times[-1] - times[1]), 1) if words > 0 else None,
    }


def perplexity(device: str, sizes: Sizes) -> dict[str, Any]:
    """Measure RecallingModel on this project's documents; the model runs on the CPU."""
    path, folder = language_model(), models.locate(ENCODER)
    if path is None or folder is None:
        return {"left_out": "no weights of a language model, or of the encoder, here"}
    text = read_text(sorted((ROOT / "docs").glob("*.md")))
    began = time.monotonic()
    report = measure_perplexity(open_scoring_model(path), text, folder, window=sizes.window, targets=sizes.targets)
    return {
        "device": "cpu",
        "model": report.model,
        "window": report.window,
        "targets": report.targets,
        "perplexity": {name: round(arm.perplexity.value, 3) for name, arm in report.arms.items()},
        "tokens_per_second": round(report.tokens / (time.monotonic() - began), 1),
    }


def some_chunks(count: int) -> list[Chunk]:
    """Give so many chunks of this project's documents and code, some of them repeated."""
    found = list(different_chunks(count))
    return (found * (count // max(1, len(found)) + 1))[:count]


def different_chunks(count: int) -> Iterator[Chunk]:
    """Yield at most so many different chunks."""
    for number, chunk in enumerate(training_chunks([ROOT / "docs", ROOT / "crystalcli"], Encoder(None, None))):
        if number == count:
            return
        yield chunk


def language_model() -> Path | None:
    """Find the file of a language model that is here."""
    for name in LANGUAGE_MODELS:
        folder = models.locate(name)
        if folder is not None:
            return folder / models.catalogue_entry(name).main
    return None


def timed(work: Callable[[], object], device: str) -> float:
    """Return the seconds of some work, with what a card still does when it returns."""
    if device == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
