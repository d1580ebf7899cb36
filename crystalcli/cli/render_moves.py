"""How the moves look: what was exported, merged, forgotten, given back, and what differs. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.output import harmless, output
from crystalcli.cli.render import count, one_line, size

if TYPE_CHECKING:
    from crystalcli.memory.compact import CompactReport
    from crystalcli.memory.diff import DiffPassage, DiffReport
    from crystalcli.memory.export import ExportReport
    from crystalcli.memory.forget import ForgetReport
    from crystalcli.memory.merge import MergeReport

_LISTED = 20  # names shown; --json has all
_LINE = 100  # characters of a passage's first line


def _say(line: str, style: str = "") -> None:
    output.console.print(Text(line, style=style))


def _list(lines: Sequence[str]) -> None:
    for line in lines[:_LISTED]:
        _say(f"  {line}")
    if len(lines) > _LISTED:
        _say(f"  and {len(lines) - _LISTED:,} more: --json lists all", "dim")


# --- export -----------------------------------------------------------------------------------------------


def exported(report: ExportReport, folder: str) -> None:
    """Where the files are, which of them are the sources byte for byte, and what was left out."""
    _say(f"{count(report.files, 'file')}, {size(report.bytes)}, under {one_line(folder)}")
    others = report.files - report.exact
    if others:
        _say(f"{others:,} of them {'is' if others == 1 else 'are'} the text in UTF-8 of another encoding, or of a PDF")
    if report.partial:
        _say(f"{count(len(report.partial), 'document')} not read to the end, and not written: run crystal ingest again")
        _list([one_line(path) for path in report.partial])
    if report.refused:
        _say("refused")
        _list([f"{one_line(path)}: {reason}" for path, reason in report.refused])


def exported_lines(passages: int, target: str) -> None:
    """How many passages were written."""
    _say(f"{count(passages, 'passage')} in {one_line(target)}")


def export_json(report: ExportReport) -> dict[str, Any]:
    """The same for programs."""
    refused = [{"path": path, "reason": reason} for path, reason in report.refused]
    return {**asdict(report), "refused": refused}


# --- merge, forget, compact -----------------------------------------------------------------------------------


def merged(report: MergeReport, path: str) -> None:
    """What the new crystal holds."""
    held = f"{count(report.documents, 'document')}, {report.size.tokens:,} tokens, {size(report.size.bytes)}"
    _say(f"{one_line(path)} holds {held}, of {report.crystals} crystals ({report.seconds:.1f} s)")
    if report.same:
        _say(f"{count(report.same, 'document')} in more than one of them with the same text: kept once")
    if report.renamed:
        _say(f"{count(len(report.renamed), 'document')} with a name that another document has")
        _list([f"{one_line(old)} of {one_line(crystal)} is {one_line(new)}" for crystal, old, new in report.renamed])


def forgotten(report: ForgetReport, path: str, dry_run: bool, after: CompactReport | None) -> None:
    """Which documents, how much, and where their text still is. after: what compacting gave back then, if it was asked for."""
    what = f"{count(len(report.documents), 'document')}, {report.tokens:,} tokens"
    _say(f"would forget {what}" if dry_run else f"forgot {what}")
    _list([one_line(document.path) for document in report.documents])
    if report.kept:
        _say(f"{report.kept:,} tokens of that stand in other documents too, and stay")
    if after is not None:
        compacted(after, path)
    elif not dry_run and report.tokens:
        _say(f"the text is still in the bytes of {one_line(path)}: crystal compact takes it out")


def forget_json(report: ForgetReport, after: CompactReport | None) -> dict[str, Any]:
    """The same for programs."""
    return {**asdict(report), "compact": asdict(after) if after is not None else None}


def compacted(report: CompactReport, path: str) -> None:
    """What was given back."""
    before, after = report.before, report.after
    freed = before.bytes - after.bytes
    dropped = f"{before.tokens - after.tokens:,} tokens in {count(before.chunks - after.chunks, 'chunk')} dropped"
    joined = f"{count(before.segments, 'segment')} became {after.segments:,}"
    given = f"{size(freed)} given back" if freed > 0 else "nothing to give back"
    _say(f"{one_line(path)}: {size(before.bytes)} before, {size(after.bytes)} now, {given} ({report.seconds:.1f} s)")
    _say(f"{dropped}, {joined}; {count(report.documents, 'document')}, {after.tokens:,} tokens stay")


# --- diff -----------------------------------------------------------------------------------------------------


def differences(found: DiffReport) -> None:
    """A line a document, marked as diff(1) marks lines, and under a changed one a line a passage."""
    for path in found.gone:
        _say(f"- {one_line(path)}", "red")
    for path in found.added:
        _say(f"+ {one_line(path)}", "green")
    for old, new in found.renamed:
        _say(f"> {one_line(old)} is now {one_line(new)}", "cyan")
    for change in found.changed:
        _say(f"! {one_line(change.path)}", "bold yellow")
        for mark, pieces, style in (("-", change.gone, "red"), ("+", change.added, "green")):
            for piece in pieces:
                _say(f"  {mark} {piece.place}: {_first_line(piece)}", style)
        if not (change.gone or change.added):
            _say("  the same passages in another order")
    if not found.any:
        output.note(f"the same: {count(found.same, 'document')}")


def _first_line(piece: DiffPassage) -> str:
    line = " ".join(harmless(piece.first_line).split())
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"


def diff_json(found: DiffReport) -> dict[str, Any]:
    """The same for programs."""
    data = asdict(found)
    data["documents_same"] = data.pop("same")
    data["renamed"] = [{"old": old, "new": new} for old, new in found.renamed]
    return data
