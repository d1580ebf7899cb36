"""`crystal ingest --dry-run`: what an ingest would do, and how that looks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.cli.output import output

if TYPE_CHECKING:
    from crystalcli.memory.forecast import ForecastReport

_SHORT = 90  # seconds that are said as seconds


def dry_run(
    crystal: Path,
    sources: list[Path],
    encoder: Path | None,
    filters: dict[str, Any],
    as_json: bool,
    verbose: bool,
    password: str,
) -> None:
    """Say what an ingest of `sources` would do. Makes and changes no crystal, and fetches no weights."""
    from crystalcli.library import Crystal

    weights = encoder if encoder is not None else "auto"
    found = Crystal.forecast(crystal, sources, encoder=weights, password=password, **filters)
    if as_json:
        output.json("ingest", {"dry_run": True, "crystal": str(crystal), **forecast_json(found)})
    else:
        render(found, verbose)


def forecast_json(found: ForecastReport) -> dict[str, Any]:
    """The forecast for programs."""
    return {
        **asdict(found),
        "files": [{"path": path, "kind": kind, "size": size} for path, kind, size in found.files],
        "skipped": [{"path": path, "reason": reason} for path, reason in found.skipped],
    }


def render(found: ForecastReport, verbose: bool) -> None:
    """The forecast for people; verbose: with every file."""
    from rich.table import Table
    from rich.text import Text

    from crystalcli.cli.render import count, one_line, size, skipped_lines

    console = output.console
    if verbose:
        for path, name, length in found.files:
            console.print(Text(f"{one_line(path)}  ({name}, {size(length)})"))
        for path, reason in found.skipped:
            console.print(Text(f"{one_line(path)}  (not: {one_line(reason)})", style="dim"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    table.add_row("would read", f"{len(found.files):,}", f"files, {size(sum(each[2] for each in found.files))}")
    for name, kind in sorted(found.kinds.items(), key=lambda pair: -pair[1].bytes):
        table.add_row("", f"{kind.files:,}", f"{name}, {size(kind.bytes)}, about {rounded(kind.tokens):,} tokens")
    if found.unchanged:
        table.add_row("unchanged", f"{found.unchanged:,}", "files, not to be read again")
    if found.gone:
        table.add_row("gone", f"{found.gone:,}", "files that were read before are no longer there")
    if found.left_out:
        table.add_row("left out", f"{found.left_out:,}", "files that were read before")
    table.add_row("would skip", f"{len(found.skipped):,}", "files")
    for said in skipped_lines(found.skipped):
        table.add_row("", "", Text(said, style="dim"))
    if found.files:
        growth = f"the crystal larger by {size(rounded(found.bytes))}"
        layers = "" if found.layers else "; without layers, as there are no encoder weights here"
        told = f"about {rounded(found.tokens):,} tokens, {duration(found.seconds)}, {growth}{layers}"
        table.add_row("predicted", "", told)
        basis = f"{count(found.sampled_files, 'file')} read and stored now, {found.sampled_tokens:,} tokens"
        encoded = f", {found.encoded_tokens:,} of them encoded" if found.encoded_tokens else ""
        table.add_row("from", "", f"{basis}{encoded}; nothing was kept")
    console.print(table)


def rounded(number: int) -> int:
    """To two figures: a prediction knows no more."""
    return round(number, min(0, 2 - len(str(number))))


def duration(seconds: float) -> str:
    """40 s, 12 min, 3.5 h."""
    if seconds < _SHORT:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 60 * _SHORT else f"{seconds / 3600:.1f} h"
