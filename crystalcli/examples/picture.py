"""Two charts as a PNG: perplexity, and memory, over the tokens read.

Needs matplotlib, the extra `examples`.

Knows: curves and colours. Does not know: how any of it was measured.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError
from crystalcli.examples.reading import WINDOW, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The palette of Okabe and Ito, safe for colour-blind people.
_BLUE, _ORANGE, _GREEN, _GREY = "#0072b2", "#d55e00", "#009e73", "#555555"
_INK, _FAINT = "#222222", "#dddddd"
_STEPS = (1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000)
_LETTER = 0.0105  # width of a letter, as a share of the chart's
_MAX_NAME = 30  # letters


def is_available() -> bool:
    """Tell whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(state: State, parts: Sequence[tuple[str, int]], path: Path) -> None:
    """Draw the picture, and write it to a file.

    Args:
        state: The state at the end of the reading.
        parts: Name of each text, and the token at which it begins.
        path: File of the picture.

    Raises:
        CrystalError: The file cannot be written.
    """
    # At its first use matplotlib logs that it lists fonts.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(8.6, 6.4), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    above.set_title(f"{state.total:,} tokens through a window of {WINDOW}", fontsize=12, color=_INK, loc="left", pad=18)
    _draw_perplexity(above, state)
    _draw_memory(below, state)
    below.set_xlabel("tokens read", color=_INK)
    below.set_xlim(0, 1.01 * state.total)
    below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for axes in (above, below):
        axes.grid(axis="y", color=_FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(colors=_INK, length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_GREY)
        for _, start in parts[1:]:
            axes.axvline(start, color=_GREY, linewidth=0.8, linestyle=(0, (2, 3)))
    free = 0.0  # a name that would overlap the one before is left out
    for path_name, start in parts:
        name = path_name.rpartition("/")[2]
        name = name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…"
        if start >= free:
            above.annotate(
                name, (start, 1.0), (2, 3), xycoords=above.get_xaxis_transform(), textcoords="offset points", color=_GREY, fontsize=9
            )  # fmt: skip
            free = start + _LETTER * (len(name) + 2) * state.total
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=110)
    try:
        path.write_bytes(image.getvalue())
    except OSError as error:
        raise CrystalError(f"cannot write the picture to {path}: {error.strerror}") from error


def _draw_perplexity(axes: Axes, state: State) -> None:
    """Draw the perplexity so far of both arms as lines, and each stride as two dots."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    positions = [row["window"].start for row in state.rows]
    alone = [math.exp(row["window"].nats / row["window"].tokens) for row in state.rows]
    with_memory = [math.exp(row["window"].echoing / row["window"].tokens) for row in state.rows]
    axes.vlines(positions, alone, with_memory, color=_GREY, linewidth=1, alpha=0.5)
    for values, colour, name, last in (
        (alone, _BLUE, "the window alone", state.perplexity(False)),
        (with_memory, _ORANGE, "with memory", state.perplexity(True)),
    ):
        axes.plot(positions, values, "o", color=colour, markersize=4, alpha=0.5, markeredgewidth=0)
        axes.plot(
            positions,
            _running_mean(values),
            color=colour,
            linewidth=2.2,
            label=f"{name}: {last:.1f}",
            marker="",
            zorder=3,
        )
    axes.set_yscale("log")
    low, high = min(with_memory + alone) / 1.25, 1.25 * max(with_memory + alone)
    axes.set_ylim(low, high)
    axes.set_yticks([value for value in _STEPS if low < value < high])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("perplexity", color=_INK)
    axes.legend(loc="best", fontsize=9, framealpha=0.9, edgecolor="white", title="lines: so far; dots: single strides",
                title_fontsize=9, alignment="left")  # fmt: skip


def _draw_memory(axes: Axes, state: State) -> None:
    """Draw the resident memory of the process as a line, with a note of the part for recall."""
    measured = [(sample.tokens, sample.resident / 1e6) for sample in state.samples if sample.resident is not None]
    axes.plot([x for x, _ in measured], [y for _, y in measured], color=_GREEN, linewidth=2.2)
    axes.set_ylim(0, 1.2 * max([y for _, y in measured], default=1.0))
    axes.set_ylabel("resident memory, MB", color=_INK)
    if not measured:
        note = "not known on this system"
    else:
        note = f"the process with its models; for recall of the text: {state.samples[-1].kept / 1e6:.2f} MB at the end"
    axes.annotate(
        note,
        (0.012, 0.06),
        xycoords="axes fraction",
        color=_INK,
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
    )


def _running_mean(values: Sequence[float]) -> list[float]:
    """Compute the geometric mean up to each value.

    It is the perplexity so far, since all strides have the same length.
    """
    means, total = [], 0.0
    for number, value in enumerate(values, 1):
        total += math.log(value)
        means.append(math.exp(total / number))
    return means
