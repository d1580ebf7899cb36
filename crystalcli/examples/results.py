"""The results of the reading, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crystalcli.cli.render.perplexity_view import perplexity_json, print_perplexity
from crystalcli.cli.terminal.humanize import single_line
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.examples.asking import Replies, Reply
from crystalcli.examples.board import draw_layers
from crystalcli.examples.books import Prepared
from crystalcli.examples.reading import MAX_STRIDES, WINDOW, Sample, State
from crystalcli.retrieval_lm import TARGET_TOKENS, PerplexityReport, perplexity_report

_MAX_WIDTH = 110  # columns
_MIN_TOKENS = 10_000  # from which the growth of the second half is shown
_MIN_FOR_RATE = 250_000  # tokens from which it is shown for a million, too
_SIDE_BY_SIDE = 66  # columns; with fewer, the answers are stacked


def print_plan(prepared: Prepared, model: str) -> None:
    """Print the text to be read, and the way it is read."""
    _print_line(
        f"{len(prepared.ids):,} tokens stream through a window of {WINDOW}: {', '.join(map(single_line, prepared.names))}"
    )
    _print_line(
        f"Each one that leaves it is crystallized. {single_line(model)} itself does not read them all, which would take many minutes: "
        f"it predicts {TARGET_TOKENS} tokens in up to {MAX_STRIDES} places."
    )
    _print_line(f"Inserted after token {prepared.before:,}: {prepared.fact.sentence}")
    output.write("\n")


def print_results(prepared: Prepared, state: State, replies: Replies, model: str) -> None:
    """Print the layers, the memory, the perplexity, and the three answers."""
    width = min(output.console.width, _MAX_WIDTH)
    console = output.console
    console.print(draw_layers(state.nodes, 20 / max(1, state.nodes.units)))
    output.write("\n")
    for line in memory_lines(state):
        _print_line(line)
    output.write("\n")
    print_perplexity(_report(state, model))
    output.write("\n")
    _print_line(f"Asked {prepared.behind:,} tokens later: {prepared.fact.question}")
    names = ("with the window alone", "found by recall", "with the recalled passage")
    bodies = (
        _marked(replies.alone),
        Group(_marked(replies.recalled), Text(f"at token {replies.position:,} of {state.total:,}", style="dim")),
        _marked(replies.informed),
    )
    console.print(_side_by_side(names, bodies, width))
    _print_line(verdict(prepared, replies))


def _report(state: State, model: str) -> PerplexityReport:
    """Build the report of the perplexity over all strides."""
    return perplexity_report(state.rows, model=model, window=WINDOW, tokens=state.total)


def memory_lines(state: State) -> list[str]:
    """Describe the memory of the process, and how it changed."""
    last = state.samples[-1]
    lines = []
    if state.base is not None and state.base.resident is not None and last.resident is not None:
        lines.append(
            f"The process had {state.base.resident / 1e6:,.0f} MB after the first stride and {last.resident / 1e6:,.0f} MB at the end."
            f"{second_half(state.samples, state.base)}"
        )
    per_token = last.kept / max(1, last.tokens)
    lines.append(
        f"Recall keeps {last.kept / 1e6:.2f} MB for the text in memory: {per_token:.2f} MB for a million tokens."
    )
    return lines


def second_half(samples: Sequence[Sample], base: Sample) -> str:
    """Describe the growth of the process in the second half, by its highest memory.

    The highest counts, since allocators return memory now and then.

    Args:
        samples: All samples.
        base: The sample after the first stride; the half begins there at the earliest.

    Returns:
        A sentence, with the growth for a million tokens if the half is long enough; "" for a short
        half, or if the system does not tell.
    """
    middle, last = max(base.tokens, samples[-1].tokens / 2), samples[-1].tokens
    sizes = [(sample.tokens, sample.resident) for sample in samples if sample.resident is not None]
    first_half, tokens = [size for position, size in sizes if position <= middle], round(last - middle)
    if not first_half or tokens < _MIN_TOKENS:
        return ""
    rise = max(size for _, size in sizes) - max(first_half)
    million = f", {rise / tokens:.0f} MB for a million" if tokens >= _MIN_FOR_RATE else ""
    return f" In the second half, {tokens:,} tokens, its highest memory rose by {rise / 1e6:.0f} MB{million}."


def verdict(prepared: Prepared, replies: Replies) -> str:
    """Say in one sentence which of the three replies give the answer."""
    answer = f"“{prepared.fact.answer}”"
    model = "The model says" if replies.informed.right else "With the recalled passage the model does not say"
    recall = "recall finds it" if replies.recalled.right else "recall does not find it"
    alone = "says it" if replies.alone.right else "does not know it"
    return f"{model} {answer}; {recall}; with its window alone the model {alone}."


def _side_by_side(names: tuple[str, ...], bodies: tuple[RenderableType, ...], width: int) -> RenderableType:
    """Lay panels out side by side, or stacked if the screen is narrow."""
    panels = [
        Panel(body, title=name, title_align="left", border_style="dim")
        for name, body in zip(names, bodies, strict=True)
    ]
    if width < _SIDE_BY_SIDE:
        return Group(*panels)
    grid = Table.grid(expand=True)
    grid.width = width
    for panel in panels:
        panel.expand = True
        grid.add_column(ratio=1)
    grid.add_row(*panels)
    return grid


def _marked(reply: Reply) -> Text:
    """Mark a reply as right or wrong."""
    mark = ("✓ ", "green") if reply.right else ("✗ ", "red")
    return Text.assemble(mark, sanitize(reply.text) or "(nothing)")


def _print_line(line: str) -> None:
    """Print a line, wrapped at the widest at a terminal."""
    output.console.print(
        Text(sanitize(line)), width=min(output.console.width, _MAX_WIDTH) if output.console.is_terminal else None
    )


def as_json(prepared: Prepared, state: State, replies: Replies, model: str, picture: Path | None) -> dict[str, Any]:
    """Build the JSON of the results.

    `resident` and `kept` are bytes. Positions and counts are tokens of the language model, those of
    the layers tokens of the encoder.
    """
    return {
        **perplexity_json(_report(state, model)),
        "texts": prepared.names,
        "planted": {**prepared.fact._asdict(), "before": prepared.before, "behind": prepared.behind},
        "layers": state.nodes._asdict(),
        "memory": [sample._asdict() for sample in state.samples],
        "strides": [
            {
                "start": row["window"].start,
                "window": row["window"].nats,
                "memory": row["window"].echoing,
                "tokens": row["window"].tokens,
                "repeated": row["memory"].repeated,
            }
            for row in state.rows
        ],
        "answers": {
            "window": replies.alone._asdict(),
            "recall": {**replies.recalled._asdict(), "position": replies.position},
            "recalled": replies.informed._asdict(),
        },
        "seconds": state.seconds,
        "picture": str(picture) if picture is not None else None,
    }
