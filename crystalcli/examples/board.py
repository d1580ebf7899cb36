"""The reading on the screen: a board that is drawn again and again at a terminal, a line for each stride elsewhere.

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

_WIDEST = 110  # columns
_NARROW = 78  # where there are fewer, panels stand below one another
_SHARES = (10, 8, 8)  # of the columns, for each panel
_FRAME = 4  # columns of a panel that are not for what stands in it
_FIGURES = 25  # columns that the figures of the layers take
_BLOCKS = "▁▂▃▄▅▆▇█"
_LAYERS = (("tokens", ""), ("units", "10:1"), ("clusters", "5:1"), ("atoms", "2:1"))


@contextmanager
def watching() -> Iterator[Callable[[State], None]]:
    """Give a function that shows a state.

    At a terminal it draws a board on stderr, which goes when the reading is over; elsewhere it writes a line for each stride.
    """
    if not output.shows_progress:
        shown = -1  # strides

        def tell(state: State) -> None:
            nonlocal shown
            if not output.quiet and (len(state.rows) > shown or state.tokens == state.total):
                shown = len(state.rows)
                output.note(line(state))

        yield tell
        return
    from rich.live import Live

    with Live(console=output.stderr_console, transient=True, refresh_per_second=8) as live:
        yield lambda state: live.update(board(state, output.stderr_console.width))


def line(state: State) -> str:
    """Write the state in one line."""
    parts = [f"{state.tokens:,} of {state.total:,} tokens"]
    parts.append(", ".join(f"{getattr(state.nodes, name):,} {name}" for name, ratio in _LAYERS if ratio))
    if state.rows:
        parts.append(f"perplexity {state.perplexity(False):.1f} alone, {state.perplexity(True):.1f} with memory")
    resident = state.samples[-1].resident
    if resident is not None:
        parts.append(f"process {resident / 1e6:,.0f} MB")
    return "; ".join([*parts, f"{_clock(state.left)} left"])


def board(state: State, width: int) -> RenderableType:
    """Draw the state as a board of so many columns."""
    width = min(width - 1, _WIDEST)
    narrow = width < _NARROW
    rooms = [(width if narrow else width * share // sum(_SHARES)) - _FRAME for share in _SHARES]
    panels = [
        _panel("the layers", layers(state.nodes, max(0, rooms[0] - _FIGURES) / max(1.0, state.total / 10))),
        _panel("memory", memory(state, rooms[1])),
        _panel("perplexity so far", perplexity(state, rooms[2])),
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
        Text(f"{_clock(state.left)} left", style="dim"),
    )
    outer = Table.grid(expand=True)
    outer.width = width
    for row in (bar, body, _words("reads", state.recent, width), _words("recalls", state.recalled, width)):
        outer.add_row(row)
    return outer


def layers(nodes: ChunkNodes, columns: float) -> Table:
    """Draw each layer with its nodes, its ratio to the one below, and a bar of so many columns for a node."""
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


def memory(state: State, room: int) -> RenderableType:
    """Draw the memory of the process, how it has grown, and the part of it that is for the text."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    last = state.samples[-1]
    table.add_row("process", "" if last.resident is None else f"{last.resident / 1e6:,.0f} MB")
    table.add_row("grown by", "" if state.grown is None else f"{state.grown / 1e6:+,.0f} MB")
    table.add_row("for recall", f"{last.kept / 1e6:.3f} MB")
    sizes = [sample.resident for sample in state.samples if sample.resident is not None]
    return Group(table, Text(sparks([0.0, *sizes], room)[1:], style="green"))


def perplexity(state: State, room: int) -> RenderableType:
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
    return Group(table, Text(sparks(strides, room), style="yellow"))


def sparks(values: Sequence[float], columns: int) -> str:
    """Draw values as blocks of eight heights, from the least to the greatest; of too many, evenly chosen ones."""
    if len(values) > columns:
        values = [values[round(number * (len(values) - 1) / (columns - 1))] for number in range(columns)]
    least, most = min(values, default=0.0), max(values, default=0.0)
    scale = (len(_BLOCKS) - 1) / (most - least) if most > least else 0.0
    return "".join(_BLOCKS[round((value - least) * scale)] for value in values)


def _panel(title: str, body: RenderableType) -> Panel:
    return Panel(body, title=title, title_align="left", border_style="dim", box=box.ROUNDED, padding=(0, 1), height=6)


def _words(name: str, text: str, width: int) -> Text:
    """Words of a text on one line, the last ones."""
    room = max(10, width - 10)
    plain = " ".join(sanitize(text).split())
    return Text.assemble((f"{name:<8}", "dim"), plain[-room:] if name == "reads" else plain[:room], overflow="ellipsis")


def _clock(seconds: float) -> str:
    whole = math.ceil(seconds)
    return f"{whole // 60}:{whole % 60:02}"
