"""Progress of the reading: a live board at a terminal, else lines.

The board is redrawn in place; without a terminal a line is written for each stride.

Knows: rich, columns. Does not know: what is measured, and how.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.examples.reading import State

if TYPE_CHECKING:
    from crystalcli.retrieval_lm import ChunkNodes

_MAX_WIDTH = 110  # columns
_SIDE_BY_SIDE = 78  # columns; with fewer, the panels are stacked
_SHARES = (10, 8, 8)  # of the columns, one a panel
_FRAME = 4  # columns of a panel's border and padding
_FIGURES = 25  # columns of the figures of the layers
_BLOCKS = "▁▂▃▄▅▆▇█"
_LAYERS = (("tokens", ""), ("units", "10:1"), ("clusters", "5:1"), ("atoms", "2:1"))


@contextmanager
def show_progress() -> Iterator[Callable[[State], None]]:
    """Yield a function that shows a state.

    At a terminal it draws a board on stderr, which is removed after the reading; elsewhere it
    writes a line for each stride.
    """
    if not output.shows_progress:
        shown = -1  # strides

        def write_line(state: State) -> None:
            nonlocal shown
            if not output.quiet and (len(state.rows) > shown or state.tokens == state.total):
                shown = len(state.rows)
                output.note(format_line(state))

        yield write_line
        return
    from rich.live import Live

    with Live(console=output.stderr_console, transient=True, refresh_per_second=8) as live:
        yield lambda state: live.update(draw_board(state, output.stderr_console.width))


def format_line(state: State) -> str:
    """Format the state as one line."""
    parts = [f"{state.tokens:,} of {state.total:,} tokens"]
    parts.append(", ".join(f"{getattr(state.nodes, name):,} {name}" for name, ratio in _LAYERS if ratio))
    if state.rows:
        parts.append(f"perplexity {state.perplexity(False):.1f} alone, {state.perplexity(True):.1f} with memory")
    resident = state.samples[-1].resident
    if resident is not None:
        parts.append(f"process {resident / 1e6:,.0f} MB")
    return "; ".join([*parts, f"{_format_clock(state.left)} left"])


def draw_board(state: State, width: int) -> RenderableType:
    """Draw the state as a board of at most `width` columns."""
    width = min(width - 1, _MAX_WIDTH)
    narrow = width < _SIDE_BY_SIDE
    widths = [(width if narrow else width * share // sum(_SHARES)) - _FRAME for share in _SHARES]
    panels = [
        _panel("the layers", draw_layers(state.nodes, max(0, widths[0] - _FIGURES) / max(1.0, state.total / 10))),
        _panel("memory", draw_memory(state, widths[1])),
        _panel("perplexity so far", draw_perplexity(state, widths[2])),
    ]
    body: RenderableType
    if narrow:
        body = Group(*panels)
    else:
        grid = Table.grid(expand=True)
        for share in _SHARES:
            grid.add_column(ratio=share)
        grid.add_row(*panels)
        body = grid
    bar = Table.grid(padding=(0, 2, 0, 0), expand=True)
    bar.add_column(ratio=1)
    for _ in range(2):
        bar.add_column(no_wrap=True)
    bar.add_row(
        ProgressBar(total=state.total, completed=state.tokens),
        f"{state.tokens:,} of {state.total:,} tokens",
        Text(f"{_format_clock(state.left)} left", style="dim"),
    )
    outer = Table.grid(expand=True)
    outer.width = width
    for row in (bar, body, _text_line("reads", state.recent, width), _text_line("recalls", state.recalled, width)):
        outer.add_row(row)
    return outer


def draw_layers(nodes: ChunkNodes, columns: float) -> Table:
    """Draw each layer with its count of nodes, its ratio to the layer below, and a bar.

    Args:
        nodes: Nodes of each layer.
        columns: Columns of a bar for one node.
    """
    table = Table.grid(padding=(0, 1, 0, 0))
    for justify in ("left", "right", "right", "left"):
        table.add_column(justify=justify, no_wrap=True)
    counts = [getattr(nodes, name) for name, _ in _LAYERS]
    for number, (name, _) in enumerate(_LAYERS):
        below = counts[number - 1] if number else 0
        ratio = f"{below / counts[number]:.1f}:1" if number and counts[number] else ""
        bar = "█" * max(round(columns * counts[number]), 1) if number and counts[number] and columns else ""
        table.add_row(name, f"{counts[number]:,}", Text(ratio, style="dim"), Text(bar, style="cyan"))
    return table


def draw_memory(state: State, width: int) -> RenderableType:
    """Draw the memory of the process, its growth, and the part that is for the text."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    last = state.samples[-1]
    table.add_row("process", "" if last.resident is None else f"{last.resident / 1e6:,.0f} MB")
    table.add_row("grown by", "" if state.grown is None else f"{state.grown / 1e6:+,.0f} MB")
    table.add_row("for recall", f"{last.kept / 1e6:.3f} MB")
    sizes = [sample.resident for sample in state.samples if sample.resident is not None]
    return Group(table, Text(sparks([0.0, *sizes], width)[1:], style="green"))


def draw_perplexity(state: State, width: int) -> RenderableType:
    """Draw the perplexity of both arms, and each stride as a block."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    if not state.rows:
        return Text("no stride yet", style="dim")
    table.add_row("window alone", f"{state.perplexity(False):.2f}")
    table.add_row("with memory", Text(f"{state.perplexity(True):.2f}", style="bold"))
    gain = 100 * (state.perplexity(True) / state.perplexity(False) - 1)
    table.add_row(
        Text(f"{len(state.rows)} stride{'s' * (len(state.rows) != 1)}", style="dim"),
        Text(f"{gain:+.1f} %", style="dim"),
    )
    strides = [row["window"].nats / row["window"].tokens for row in state.rows]
    return Group(table, Text(sparks(strides, width), style="yellow"))


def sparks(values: Sequence[float], columns: int) -> str:
    """Draw values as blocks of eight heights, scaled from the least to the greatest.

    Args:
        values: The values; with more than `columns` of them, evenly spaced ones are drawn.
        columns: Columns at most.
    """
    if len(values) > columns:
        values = [values[round(number * (len(values) - 1) / (columns - 1))] for number in range(columns)]
    least, most = min(values, default=0.0), max(values, default=0.0)
    scale = (len(_BLOCKS) - 1) / (most - least) if most > least else 0.0
    return "".join(_BLOCKS[round((value - least) * scale)] for value in values)


def _panel(title: str, body: RenderableType) -> Panel:
    return Panel(body, title=title, title_align="left", border_style="dim", box=box.ROUNDED, padding=(0, 1), height=6)


def _text_line(name: str, text: str, width: int) -> Text:
    """Fit a text to one line: the end of the text read, the beginning of the text recalled."""
    columns = max(10, width - 10)
    plain = " ".join(sanitize(text).split())
    return Text.assemble(
        (f"{name:<8}", "dim"), plain[-columns:] if name == "reads" else plain[:columns], overflow="ellipsis"
    )


def _format_clock(seconds: float) -> str:
    """Format seconds as minutes and seconds, rounded up."""
    whole = math.ceil(seconds)
    return f"{whole // 60}:{whole % 60:02}"
