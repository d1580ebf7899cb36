"""Two charts as a PNG: perplexity, and memory, over the tokens read. Needs matplotlib, the extra `examples`.

Knows: curves and colours. Does not know: how any of it was measured.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import math
from collections.abc import Sequence
from pathlib import Path

from crystalcli.errors import CrystalError
from crystalcli.examples.reading import State

# Of Okabe and Ito, told apart by everybody.
_BLUE, _ORANGE, _GREEN, _GREY = "#0072b2", "#d55e00", "#009e73", "#555555"
_INK, _FAINT = "#222222", "#dddddd"


def drawable() -> bool:
    """Whether what draws is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def check(path: Path) -> None:
    """Raises CrystalError where no picture can be written: said before anything is read."""
    if path.is_dir():
        raise CrystalError(f"cannot write the picture to {path}: it is a folder")
    try:
        there = path.exists()
        with path.open("ab"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise CrystalError(f"cannot write the picture to {path}: {error.strerror}") from error


def draw(state: State, title: str, path: Path) -> None:
    """Write the picture. Raises CrystalError where it cannot be written."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its fonts when it is first used
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    figure = Figure(figsize=(8.6, 6.4), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    figure.suptitle(title, fontsize=12, color=_INK, x=0.01, ha="left")

    at = [row["window"].start for row in state.rows]
    alone = [math.exp(row["window"].nats / row["window"].tokens) for row in state.rows]
    remembering = [math.exp(row["window"].echoing / row["window"].tokens) for row in state.rows]
    for values, colour, name, last in (
        (alone, _BLUE, "the window alone", state.perplexity(False)),
        (remembering, _ORANGE, "with memory", state.perplexity(True)),
    ):
        above.plot(at, values, "o", color=colour, markersize=4.5, alpha=0.45)
        above.plot(at, _so_far(state, values), color=colour, linewidth=2.2, label=f"{name}: {last:.1f}")
    above.set_yscale("log")
    above.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    above.set_yticks([value for value in _STEPS if min(remembering + alone) / 1.5 < value < 1.5 * max(alone)])
    above.yaxis.set_minor_locator(MaxNLocator(1))
    above.set_ylabel("perplexity", color=_INK)
    above.legend(loc="best", frameon=False, title="so far; dots: single strides", alignment="left")

    measured = [(each.tokens, each.resident / 1e6) for each in state.samples if each.resident is not None]
    below.plot([x for x, _ in measured], [y for _, y in measured], color=_GREEN, linewidth=2.2)
    below.set_ylim(0, 1.25 * max([y for _, y in measured], default=1.0))
    below.set_ylabel("resident memory, MB", color=_INK)
    below.set_xlabel("tokens read", color=_INK)
    below.set_xlim(0, state.total)
    below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for each in (above, below):
        each.grid(axis="y", color=_FAINT, linewidth=0.8)
        each.set_axisbelow(True)
        each.tick_params(colors=_INK, length=0)
        each.spines[["top", "right", "left"]].set_visible(False)
        each.spines["bottom"].set_color(_GREY)
    if measured:
        below.annotate(
            f"the process; recall keeps {state.samples[-1].kept / 1e6:.2f} MB of it for {state.nodes.atoms:,} atoms",
            (0.01, 0.06), xycoords="axes fraction", color=_INK,
        )  # fmt: skip
    found = io.BytesIO()
    figure.savefig(found, format="png", dpi=110)
    try:
        path.write_bytes(found.getvalue())
    except OSError as error:
        raise CrystalError(f"cannot write the picture to {path}: {error.strerror}") from error


_STEPS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200, 500, 1000, 2000, 5000, 10_000)


def _so_far(state: State, values: Sequence[float]) -> list[float]:
    """The geometric means of what was measured up to each, which the perplexity so far is where all strides are as long."""
    found, total = [], 0.0
    for number, value in enumerate(values, 1):
        total += math.log(value)
        found.append(math.exp(total / number))
    return found
