"""Views of status, verify and repair: text for people, dictionaries for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import format_count, format_share, single_line
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.datatypes import FileState

if TYPE_CHECKING:
    from crystalcli.ingest import SourceStatus, StatusReport
    from crystalcli.maintenance import RepairReport, VerifyReport

_LISTED = 20  # lines of a list that can be long
_NAMED = 6  # documents named for one problem
_CHANGES = (FileState.NEW, FileState.CHANGED, FileState.GONE, FileState.UNREADABLE, FileState.LEFT_OUT)


# --- status ---------------------------------------------------------------------------------------


def print_status(status: StatusReport, path: str, everything: bool) -> None:
    """Print a summary, then the files that need attention.

    Args:
        status: the ledger beside the folders.
        path: the crystal's file.
        everything: whether all files of the ledger are listed.
    """
    console = output.console
    known = [entry for entry in status.entries if entry.now != "new"]
    word = "complete" if status.complete else "not complete"
    console.print(Text.assemble(single_line(path), ": ", (word, "bold green" if status.complete else "bold yellow")))
    states = Counter(entry.state for entry in known)
    now = Counter(entry.now for entry in status.entries if entry.now != "same" and entry.state != "gone")
    parts = [
        f"{states[state]:,} {state}" for state in ("done", "partial", "failed", "skipped", "gone") if states[state]
    ]
    console.print(Text(f"ledger   {format_count(len(known), 'file')}{': ' if parts else ''}{', '.join(parts)}"))
    changes = [f"{now[state]:,} {state.replace('_', ' ')}" for state in _CHANGES if now[state]]
    console.print(Text(f"folders  {', '.join(changes) if changes else 'as they were read'}"))
    if status.missing_folders:
        console.print(Text(f"missing  {', '.join(map(single_line, status.missing_folders))}"))
    if status.segments_without_layers:
        console.print(Text(f"layers   {format_share(status.layer_share)}; {_rest_of_layers(status)}"))
    if not status.is_index_current:
        console.print(Text("index    of an earlier version: `crystal compact` makes it anew"))
    if status.older_readers:
        count = format_count(status.older_readers, "file")
        console.print(Text(f"readers  better now for {count}: `crystal ingest` reads them again"))
    doubtful = [entry for entry in status.entries if entry.doubts]
    for entry in doubtful if everything else doubtful[:_NAMED]:
        details = "; ".join(doubt.detail for doubt in entry.doubts)
        console.print(Text(f"doubt    {single_line(entry.path)}: {single_line(details)}"))
    if len(doubtful) > _NAMED and not everything:
        console.print(Text(f"doubt    in {len(doubtful) - _NAMED:,} more files: --all", style="dim"))
    shown = list(status.entries) if everything else [entry for entry in status.entries if not entry.complete]
    if shown:
        console.print()
        _print_entries(shown if everything else shown[:_LISTED])
        if not everything and len(shown) > _LISTED:
            console.print(Text(f"and {len(shown) - _LISTED:,} more: --all", style="dim"))
    if not status.complete:
        output.note("`crystal ingest` with the same folders brings it up to date")


def _rest_of_layers(status: StatusReport) -> str:
    worker = status.layer_worker
    if worker is None:
        return "`crystal ingest --layers` makes the rest"
    return f"process {worker.process} makes the rest{' in the background' if worker.in_background else ''}"


def _print_entries(entries: Iterable[SourceStatus]) -> None:
    table = plain_table()
    table.show_header = True
    table.add_column("file", overflow="fold", min_width=12)
    table.add_column("now", overflow="fold")
    table.add_column("chunks", justify="right", overflow="fold")
    table.add_column("ledger", overflow="fold")
    for entry in entries:
        expected = "?" if entry.chunks_expected is None else f"{entry.chunks_expected:,}"
        chunks = "" if entry.now == "new" else f"{entry.chunks_stored:,}/{expected}"
        ledger = f"{entry.state}: {entry.reason}" if entry.reason else entry.state
        if entry.without_layers:
            ledger += f"{', ' if ledger else ''}{entry.without_layers:,} without layers"
        table.add_row(Text(single_line(entry.path)), entry.now.replace("_", " "), chunks, Text(single_line(ledger)))
    output.console.print(table)


def status_json(status: StatusReport) -> dict[str, Any]:
    """Make the ledger for programs."""
    return {
        "complete": status.complete,
        "folders": list(status.folders),
        "missing_folders": list(status.missing_folders),
        "segments": status.segments,
        "segments_without_layers": status.segments_without_layers,
        "layer_share": status.layer_share,
        "layer_worker": None if status.layer_worker is None else asdict(status.layer_worker),
        "index_current": status.is_index_current,
        "older_readers": status.older_readers,
        "states": dict(sorted(Counter(entry.state for entry in status.entries if entry.state).items())),
        "now": dict(sorted(Counter(entry.now for entry in status.entries).items())),
        "sources": [{**asdict(entry), "complete": entry.complete} for entry in status.entries],
    }


# --- verify and repair ----------------------------------------------------------------------------


def print_verdict(verdict: VerifyReport, path: str) -> None:
    """Print one line for a sound crystal, else each problem with the documents it touches."""
    console = output.console
    counts = verdict.checked
    if verdict.sound:
        layers = ", ".join(f"{ratio:.2f}" for ratio in verdict.ratios)
        contents = f"{format_count(counts['sources'], 'file')} in the ledger, {format_count(counts['chunks'], 'chunk')}"
        left_out = ", postings not compared with the text" if verdict.quick else ""
        console.print(Text(f"{single_line(path)} is sound: {contents}, layers {layers} to 1{left_out}"))
        return
    for problem in verdict.problems[:_LISTED]:
        console.print(Text(single_line(problem.message)))
        if problem.documents:
            console.print(Text(f"    touches {_names(problem.documents)}", style="dim"))
    if len(verdict.problems) > _LISTED:
        console.print(
            Text(f"and {format_count(len(verdict.problems) - _LISTED, 'problem')} more: --json has all", style="dim")
        )
    if verdict.documents:
        console.print(Text(f"documents touched: {_names(verdict.documents)}", style="bold"))


def _names(documents: Sequence[str]) -> str:
    more = f" and {len(documents) - _NAMED:,} more" if len(documents) > _NAMED else ""
    return ", ".join(single_line(name) for name in documents[:_NAMED]) + more


def verdict_json(verdict: VerifyReport) -> dict[str, Any]:
    """Make the same for programs, whole."""
    return {"sound": verdict.sound, **asdict(verdict)}


def print_repair(report: RepairReport, path: str) -> None:
    """Print what was made again and what was lost."""
    console = output.console
    if not report.changed:
        console.print(Text(f"{single_line(path)} is sound: nothing to repair"))
        return
    kept = f"; the damaged file is {single_line(report.backup)}" if report.backup else ""
    console.print(Text(f"{single_line(path)} is sound again{kept}"))
    for line in report.made_again:
        console.print(Text(f"made again  {single_line(line)}"))
    for line in report.lost[:_LISTED]:
        console.print(Text(f"lost        {single_line(line)}"))
    if len(report.lost) > _LISTED:
        console.print(Text(f"and {len(report.lost) - _LISTED:,} more: --json has all", style="dim"))
    if not report.lost:
        console.print(Text("lost        nothing"))
    if report.to_read_again:
        console.print(Text(f"`crystal ingest` reads again: {sanitize(_names(report.to_read_again))}"))


def repair_json(report: RepairReport) -> dict[str, Any]:
    """Make the same for programs, whole."""
    return asdict(report)
