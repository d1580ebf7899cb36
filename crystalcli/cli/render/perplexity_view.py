"""View of the figures of `crystal perplexity`: text for people, a dictionary for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import format_count, single_line
from crystalcli.cli.terminal.output import output

if TYPE_CHECKING:
    from crystalcli.memory.perplexity import Estimate, Foreseen

_ARMS = {
    "window": "the last tokens alone",
    "window and copying": "  copying from them",
    "window and echoes": "  copying from what is recalled",
    "memory": "half as many, and as many recalled",
    "memory and copying": "  copying from the last tokens",
    "memory and echoes": "  copying from what is recalled",
}


def print_perplexity(rows: Sequence[Mapping[str, Foreseen]], model: str, window: int, tokens: int) -> None:
    """Print the figures.

    Args:
        rows: one row of arms for each target.
        model: the language model's name.
        window: tokens before each target.
        tokens: tokens of the text.
    """
    from crystalcli.memory.perplexity import results

    figures = results(rows)
    targets = f"{format_count(len(rows), 'target')} among {tokens:,} tokens"
    output.console.print(Text(f"{single_line(model)}, {targets}, {window:,} tokens before each"))
    titles = ("before each target", "bits per byte", "perplexity", "of the first")
    table = plain_table(*titles, numbers=titles[1:])
    for arm, label in _ARMS.items():
        estimates, ratio = figures.arms[arm], figures.ratios.get(arm)
        bits, perplexity = format_estimate(estimates.bits_per_byte), format_estimate(estimates.perplexity)
        table.add_row(label, bits, perplexity, format_estimate(ratio) if ratio else "")
    output.console.print(table)
    if figures.repeated:
        repeated = format_count(figures.repeated, "target")
        output.console.print(Text(f"of {repeated}, 13 tokens in a row stand in what was recalled"))


def format_estimate(figure: Estimate) -> str:
    """Format a figure with its interval, if it has one."""
    digits = 3 if figure.value < 10 else 1
    if math.isnan(figure.low):
        return f"{figure.value:.{digits}f}"
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def perplexity_json(rows: Sequence[Mapping[str, Foreseen]], model: str, window: int, tokens: int) -> dict[str, Any]:
    """Make the same for programs.

    Returns:
        The figures; each is its value and the bounds of its interval, null where one target alone
        gives none.
    """
    from crystalcli.memory.perplexity import results

    def estimate_json(figure: Estimate) -> list[float | None]:
        return [None if math.isnan(number) else number for number in figure]

    figures = results(rows)
    return {
        "model": model,
        "window": window,
        "tokens": tokens,
        "targets": len(rows),
        "repeated": figures.repeated,
        "arms": {
            arm: {
                "bits_per_byte": estimate_json(estimates.bits_per_byte),
                "perplexity": estimate_json(estimates.perplexity),
                "of_window": estimate_json(figures.ratios[arm]) if arm in figures.ratios else None,
            }
            for arm, estimates in figures.arms.items()
        },
    }
