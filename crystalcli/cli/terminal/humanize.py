"""Figures and names for people: bytes, counts, seconds, names in one line."""

from __future__ import annotations

from crystalcli.cli.terminal.output import sanitize

_LONGEST_IN_SECONDS = 90  # a longer time is given in minutes, and 90 minutes and more in hours


def format_size(count: float) -> str:
    """Format bytes: 900 B, 12.3 kB, 4.5 MB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def format_count(number: int, noun: str) -> str:
    """Format a number of things: 1 file, 2 files, 1,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_duration(seconds: float) -> str:
    """Format a time: 40 s, 12 min, 3.5 h."""
    if seconds < _LONGEST_IN_SECONDS:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 60 * _LONGEST_IN_SECONDS else f"{seconds / 3600:.1f} h"


def format_share(share: float) -> str:
    """Format a share of the whole: 38 %; 100 % for the whole alone."""
    return f"{int(100 * share)} %"


def round_to_two_figures(number: int) -> int:
    """Round a prediction, which knows no more than two figures."""
    return round(number, min(0, 2 - len(str(number))))


def single_line(name: str) -> str:
    """Make a name harmless, newlines included."""
    return sanitize(name).replace("\n", "\N{REPLACEMENT CHARACTER}")
