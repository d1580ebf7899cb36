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
from crystalcli.examples.board import layers
from crystalcli.examples.books import Prepared
from crystalcli.examples.reading import MOST, WINDOW, Sample, State
from crystalcli.retrieval_lm import TARGET_TOKENS, PerplexityReport, perplexity_report

_WIDEST = 110  # columns
_LEAST, _MANY = 10_000, 250_000  # tokens
_NARROW = 66  # where there are fewer, answers stand below one another


def beginning(prepared: Prepared, model: str) -> None:
    """Say what is about to be read, and how."""
    _say(
        f"{len(prepared.ids):,} tokens stream through a window of {WINDOW}: {', '.join(map(single_line, prepared.names))}"
    )
    _say(
        f"Each one that leaves it is crystallized. {single_line(model)} itself does not read them all, which would take many minutes: "
        f"it predicts {TARGET_TOKENS} tokens in up to {MOST} places."
    )
    _say(f"Put in behind token {prepared.before:,}: {prepared.fact.sentence}")
    output.write("\n")


def ending(prepared: Prepared, state: State, replies: Replies, model: str) -> None:
    """Show layers, memory, perplexity, and the three answers."""
    width = min(output.console.width, _WIDEST)
    console = output.console
    console.print(layers(state.nodes, 20 / max(1, state.nodes.units)))
    output.write("\n")
    for line in memory_lines(state):
        _say(line)
    output.write("\n")
    print_perplexity(_report(state, model))
    output.write("\n")
    _say(f"Asked {prepared.behind:,} tokens later: {prepared.fact.question}")
    names = ("with the window alone", "what recall finds", "with what is recalled")
    bodies = (
        _marked(replies.alone),
        Group(_marked(replies.recalled), Text(f"at token {replies.position:,} of {state.total:,}", style="dim")),
        _marked(replies.told),
    )
    console.print(_beside(names, bodies, width))
    _say(verdict(prepared, replies))


def _report(state: State, model: str) -> PerplexityReport:
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
        f"What recall keeps of the text is {last.kept / 1e6:.2f} MB of that: {per_token:.2f} MB for a million tokens."
    )
    return lines


def second_half(samples: Sequence[Sample], base: Sample) -> str:
    """Describe how much the highest memory of the process rose in the second half, and for a million tokens where there are enough.

    The highest, since allocators give some back now and then.

    Args:
        samples: All samples.
        base: The sample after the first stride; the half begins there at the earliest.
    """
    middle, last = max(base.tokens, samples[-1].tokens / 2), samples[-1].tokens
    sizes = [(sample.tokens, sample.resident) for sample in samples if sample.resident is not None]
    before, tokens = [size for at, size in sizes if at <= middle], round(last - middle)
    if not before or tokens < _LEAST:
        return ""
    rise = max(size for _, size in sizes) - max(before)
    million = f", {rise / tokens:.0f} MB for a million" if tokens >= _MANY else ""
    return f" In the second half, {tokens:,} tokens, the most that it had rose by {rise / 1e6:.0f} MB{million}."


def verdict(prepared: Prepared, replies: Replies) -> str:
    """Say plainly who gave the answer."""
    answer = f"“{prepared.fact.answer}”"
    model = "The model says" if replies.told.right else "Given what is recalled the model does not say"
    recall = "recall finds it" if replies.recalled.right else "recall does not find it"
    alone = "says it" if replies.alone.right else "does not know it"
    return f"{model} {answer}; {recall}; with its window alone the model {alone}."


def _beside(names: tuple[str, ...], bodies: tuple[RenderableType, ...], width: int) -> RenderableType:
    panels = [
        Panel(body, title=name, title_align="left", border_style="dim")
        for name, body in zip(names, bodies, strict=True)
    ]
    if width < _NARROW:
        return Group(*panels)
    grid = Table.grid(expand=True)
    grid.width = width
    for panel in panels:
        panel.expand = True
        grid.add_column(ratio=1)
    grid.add_row(*panels)
    return grid


def _marked(reply: Reply) -> Text:
    mark = ("✓ ", "green") if reply.right else ("✗ ", "red")
    return Text.assemble(mark, sanitize(reply.text) or "(nothing)")


def _say(line: str) -> None:
    output.console.print(
        Text(sanitize(line)), width=min(output.console.width, _WIDEST) if output.console.is_terminal else None
    )


def as_json(prepared: Prepared, state: State, replies: Replies, model: str, picture: Path | None) -> dict[str, Any]:
    """Build the same for programs.

    `resident` and `kept` are bytes; positions and counts are tokens of the language model, those of the layers the encoder's.
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
            "recalled": replies.told._asdict(),
        },
        "seconds": state.seconds,
        "picture": str(picture) if picture is not None else None,
    }
