"""How status, verify and repair look: for people as text, for programs as plain dictionaries. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from crystalcli.cli.output import harmless, output
from crystalcli.cli.render import count, one_line

if TYPE_CHECKING:
    from crystalcli.memory.repair import RepairReport
    from crystalcli.memory.status import SourceStatus, StatusReport
    from crystalcli.memory.verify import VerifyReport

_LISTED = 20  # lines of a list that can be long
_NAMED = 6  # documents named for one problem


# --- status -----------------------------------------------------------------------------------------------


def status(found: StatusReport, path: str, everything: bool) -> None:
    """A summary, then what needs attention, or with `everything` the whole ledger."""
    console = output.console
    known = [entry for entry in found.entries if entry.now != "new"]
    word = "complete" if found.complete else "not complete"
    console.print(Text.assemble(one_line(path), ": ", (word, "bold green" if found.complete else "bold yellow")))
    states = Counter(entry.state for entry in known)
    now = Counter(entry.now for entry in found.entries if entry.now != "same" and entry.state != "gone")
    parts = [
        f"{states[state]:,} {state}" for state in ("done", "partial", "failed", "skipped", "gone") if states[state]
    ]
    console.print(Text(f"ledger   {count(len(known), 'file')}{': ' if parts else ''}{', '.join(parts)}"))
    changes = [f"{now[each]:,} {each}" for each in ("new", "changed", "gone", "unreadable", "left out") if now[each]]
    console.print(Text(f"folders  {', '.join(changes) if changes else 'as they were read'}"))
    if found.missing_folders:
        console.print(Text(f"missing  {', '.join(map(one_line, found.missing_folders))}"))
    if found.segments_without_layers:
        lacking = f"{found.segments_without_layers:,} of {found.segments:,} segments have no layers yet"
        console.print(Text(f"layers   {lacking}"))
    shown = list(found.entries) if everything else [entry for entry in found.entries if not entry.complete]
    if shown:
        console.print()
        _entries(shown if everything else shown[:_LISTED])
        if not everything and len(shown) > _LISTED:
            console.print(Text(f"and {len(shown) - _LISTED:,} more: --all", style="dim"))
    if not found.complete:
        output.note("`crystal ingest` with the same folders brings it up to date")


def _entries(entries: Iterable[SourceStatus]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("file", overflow="fold", min_width=12)
    table.add_column("now", overflow="fold")
    table.add_column("chunks", justify="right", overflow="fold")
    table.add_column("ledger", overflow="fold")
    for entry in entries:
        expected = "?" if entry.chunks_expected is None else f"{entry.chunks_expected:,}"
        chunks = "" if entry.now == "new" else f"{entry.chunks_stored:,}/{expected}"
        said = f"{entry.state}: {entry.reason}" if entry.reason else entry.state
        if entry.without_layers:
            said += f"{', ' if said else ''}{entry.without_layers:,} without layers"
        table.add_row(Text(one_line(entry.path)), entry.now, chunks, Text(one_line(said)))
    output.console.print(table)


def status_json(found: StatusReport) -> dict[str, Any]:
    """The ledger for programs."""
    return {
        "complete": found.complete,
        "folders": list(found.folders),
        "missing_folders": list(found.missing_folders),
        "segments": found.segments,
        "segments_without_layers": found.segments_without_layers,
        "states": dict(sorted(Counter(entry.state for entry in found.entries if entry.state).items())),
        "now": dict(sorted(Counter(entry.now for entry in found.entries).items())),
        "sources": [{**asdict(entry), "complete": entry.complete} for entry in found.entries],
    }


# --- verify and repair ------------------------------------------------------------------------------------


def verdict(found: VerifyReport, path: str) -> None:
    """One line when it is sound, else what is wrong and whom it touches."""
    console = output.console
    counts = found.checked
    if found.sound:
        layers = ", ".join(f"{ratio:.2f}" for ratio in found.ratios)
        held = f"{count(counts['sources'], 'file')} in the ledger, {count(counts['chunks'], 'chunk')}"
        left_out = ", postings not compared with the text" if found.quick else ""
        console.print(Text(f"{one_line(path)} is sound: {held}, layers {layers} to 1{left_out}"))
        return
    for problem in found.problems[:_LISTED]:
        console.print(Text(one_line(problem.message)))
        if problem.documents:
            console.print(Text(f"    touches {_names(problem.documents)}", style="dim"))
    if len(found.problems) > _LISTED:
        console.print(Text(f"and {count(len(found.problems) - _LISTED, 'problem')} more: --json has all", style="dim"))
    if found.documents:
        console.print(Text(f"documents touched: {_names(found.documents)}", style="bold"))


def _names(documents: Sequence[str]) -> str:
    more = f" and {len(documents) - _NAMED:,} more" if len(documents) > _NAMED else ""
    return ", ".join(one_line(name) for name in documents[:_NAMED]) + more


def verdict_json(found: VerifyReport) -> dict[str, Any]:
    """The same for programs, whole."""
    return {"sound": found.sound, **asdict(found)}


def repaired(report: RepairReport, path: str) -> None:
    """What was wrong, what was made again and what was lost."""
    console = output.console
    if not report.changed:
        console.print(Text(f"{one_line(path)} is sound: nothing to repair"))
        return
    kept = f"; the damaged file is {one_line(report.backup)}" if report.backup else ""
    console.print(Text(f"{one_line(path)} is sound again{kept}"))
    for line in report.made_again:
        console.print(Text(f"made again  {one_line(line)}"))
    for line in report.lost[:_LISTED]:
        console.print(Text(f"lost        {one_line(line)}"))
    if len(report.lost) > _LISTED:
        console.print(Text(f"and {len(report.lost) - _LISTED:,} more: --json has all", style="dim"))
    if not report.lost:
        console.print(Text("lost        nothing"))
    if report.to_read_again:
        console.print(Text(f"`crystal ingest` reads again: {harmless(_names(report.to_read_again))}"))


def repair_json(report: RepairReport) -> dict[str, Any]:
    """The same for programs, whole."""
    return asdict(report)
