"""View of the figures of `crystal perplexity`: text for people, a dictionary for programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import format_count, single_line
from crystalcli.cli.terminal.output import output

if TYPE_CHECKING:
    from crystalcli.retrieval_lm import Estimate, PerplexityReport

_ARMS = {
    "window": "the last tokens alone",
    "window and copying": "  copying from them",
    "window and echoes": "  copying from what is recalled",
    "memory": "half as many, and as many recalled",
    "memory and copying": "  copying from the last tokens",
    "memory and echoes": "  copying from what is recalled",
}


def print_perplexity(report: PerplexityReport) -> None:
    """Print the figures."""
    targets = f"{format_count(report.targets, 'target')} among {report.tokens:,} tokens"
    output.console.print(Text(f"{single_line(report.model)}, {targets}, {report.window:,} tokens before each"))
    titles = ("before each target", "bits per byte", "perplexity", "of the first")
    table = plain_table(*titles, numbers=titles[1:])
    for arm, label in _ARMS.items():
        estimates, ratio = report.arms[arm], report.ratios.get(arm)
        bits, perplexity = format_estimate(estimates.bits_per_byte), format_estimate(estimates.perplexity)
        table.add_row(label, bits, perplexity, format_estimate(ratio) if ratio else "")
    output.console.print(table)
    if report.repeated:
        repeated = format_count(report.repeated, "target")
        output.console.print(Text(f"of {repeated}, 13 tokens in a row stand in what was recalled"))


def format_estimate(figure: Estimate) -> str:
    """Format a figure with its interval, if it has one."""
    digits = 3 if figure.value < 10 else 1
    if math.isnan(figure.low):
        return f"{figure.value:.{digits}f}"
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def perplexity_json(report: PerplexityReport) -> dict[str, Any]:
    """Make the same for programs.

    Returns:
        The figures; each is its value and the bounds of its interval, null where one target alone
        gives none.
    """

    def estimate_json(figure: Estimate) -> list[float | None]:
        return [None if math.isnan(number) else number for number in figure]

    return {
        "model": report.model,
        "window": report.window,
        "tokens": report.tokens,
        "targets": report.targets,
        "repeated": report.repeated,
        "arms": {
            arm: {
                "bits_per_byte": estimate_json(estimates.bits_per_byte),
                "perplexity": estimate_json(estimates.perplexity),
                "of_window": estimate_json(report.ratios[arm]) if arm in report.ratios else None,
            }
            for arm, estimates in report.arms.items()
        },
    }
