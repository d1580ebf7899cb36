"""View of a dry run of an ingest: text for people, a dictionary for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.render.ingest_view import skipped_lines
from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import (
    format_count,
    format_duration,
    format_size,
    round_to_two_figures,
    single_line,
)
from crystalcli.cli.terminal.output import output

if TYPE_CHECKING:
    from crystalcli.ingest import ForecastReport


def forecast_json(forecast: ForecastReport) -> dict[str, Any]:
    """Make the forecast for programs."""
    return {
        **asdict(forecast),
        "files": [{"path": path, "kind": kind, "size": size} for path, kind, size in forecast.files],
        "skipped": [file._asdict() for file in forecast.skipped],
    }


def print_forecast(forecast: ForecastReport, verbose: bool) -> None:
    """Print the forecast.

    Args:
        forecast: what an ingest would do.
        verbose: whether every file is named.
    """
    console = output.console
    if verbose:
        for path, kind, size in forecast.files:
            console.print(Text(f"{single_line(path)}  ({kind}, {format_size(size)})"))
        for file in forecast.skipped:
            console.print(Text(f"{single_line(file.path)}  (not: {single_line(file.reason)})", style="dim"))
    table = plain_table()
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    size_of_all = format_size(sum(size for _, _, size in forecast.files))
    table.add_row("would read", f"{len(forecast.files):,}", f"files, {size_of_all}")
    for name, share in sorted(forecast.kinds.items(), key=lambda pair: -pair[1].bytes):
        tokens = f"{round_to_two_figures(share.tokens):,}"
        table.add_row("", f"{share.files:,}", f"{name}, {format_size(share.bytes)}, about {tokens} tokens")
    if forecast.unchanged:
        table.add_row("unchanged", f"{forecast.unchanged:,}", "files, not to be read again")
    if forecast.gone:
        table.add_row("gone", f"{forecast.gone:,}", "files that were read before are no longer there")
    if forecast.left_out:
        table.add_row("left out", f"{forecast.left_out:,}", "files that were read before")
    table.add_row("would skip", f"{len(forecast.skipped):,}", "files")
    for line in skipped_lines(forecast.skipped):
        table.add_row("", "", Text(line, style="dim"))
    if forecast.files:
        growth = f"the crystal larger by {format_size(round_to_two_figures(forecast.bytes))}"
        layers = "" if forecast.layers else "; without layers, as there are no encoder weights here"
        tokens = f"about {round_to_two_figures(forecast.tokens):,} tokens"
        text = f"text in {format_duration(forecast.text_seconds)}, layers in " if forecast.layers else ""
        table.add_row("predicted", "", f"{tokens}, {text}{format_duration(forecast.seconds)}, {growth}{layers}")
        sample = f"{format_count(forecast.sampled_files, 'file')} read and stored now"
        encoded = f", {forecast.encoded_tokens:,} of them encoded" if forecast.encoded_tokens else ""
        basis = f"{sample}, {forecast.sampled_tokens:,} tokens{encoded}; nothing was kept"
        table.add_row("from", "", basis)
    console.print(table)
