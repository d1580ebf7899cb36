"""Views of export, merge, forget, compact and diff: text for people, dictionaries for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.terminal.humanize import format_count, format_size, single_line
from crystalcli.cli.terminal.output import output, sanitize

if TYPE_CHECKING:
    from crystalcli.maintenance import CompactReport, DiffPassage, DiffReport, ExportReport, ForgetReport, MergeReport

_LISTED = 20  # names shown; --json has all
_LINE = 100  # characters of a passage's first line


def _print(line: str, style: str = "") -> None:
    output.console.print(Text(line, style=style))


def _print_list(lines: Sequence[str]) -> None:
    for line in lines[:_LISTED]:
        _print(f"  {line}")
    if len(lines) > _LISTED:
        _print(f"  and {len(lines) - _LISTED:,} more: --json lists all", "dim")


# --- export ---------------------------------------------------------------------------------------


def print_export(report: ExportReport, folder: str) -> None:
    """Print where the files are, how many are the sources byte for byte, and what was left out."""
    _print(f"{format_count(report.files, 'file')}, {format_size(report.bytes)}, under {single_line(folder)}")
    others = report.files - report.exact
    if others:
        _print(
            f"{others:,} of them {'is' if others == 1 else 'are'} the text in UTF-8 of another encoding, or of a PDF"
        )
    if report.partial:
        _print(
            f"{format_count(len(report.partial), 'document')} not read to the end, and not written: run crystal ingest again"
        )
        _print_list([single_line(path) for path in report.partial])
    if report.refused:
        _print("refused")
        _print_list([f"{single_line(path)}: {reason}" for path, reason in report.refused])


def print_exported_lines(passages: int, target: str) -> None:
    """Print how many passages were written."""
    _print(f"{format_count(passages, 'passage')} in {single_line(target)}")


def export_json(report: ExportReport) -> dict[str, Any]:
    """Make the same for programs."""
    refused = [{"path": path, "reason": reason} for path, reason in report.refused]
    return {**asdict(report), "refused": refused}


# --- merge, forget, compact -----------------------------------------------------------------------


def print_merge(report: MergeReport, path: str) -> None:
    """Print what the new crystal holds."""
    contents = (
        f"{format_count(report.documents, 'document')}, {report.size.tokens:,} tokens, {format_size(report.size.bytes)}"
    )
    _print(f"{single_line(path)} holds {contents}, of {report.crystals} crystals ({report.seconds:.1f} s)")
    if report.same:
        _print(f"{format_count(report.same, 'document')} in more than one of them with the same text: kept once")
    if report.renamed:
        _print(f"{format_count(len(report.renamed), 'document')} with a name that another document has")
        _print_list(
            [
                f"{single_line(old)} of {single_line(crystal)} is {single_line(new)}"
                for crystal, old, new in report.renamed
            ]
        )


def print_forget(report: ForgetReport, path: str, dry_run: bool, compact: CompactReport | None) -> None:
    """Print which documents were forgotten, how much that is, and where their text still is.

    Args:
        report: the documents.
        path: the crystal's file.
        dry_run: whether nothing was forgotten yet.
        compact: report of the compaction that followed; None without one.
    """
    what = f"{format_count(len(report.documents), 'document')}, {report.tokens:,} tokens"
    _print(f"would forget {what}" if dry_run else f"forgot {what}")
    _print_list([single_line(document.path) for document in report.documents])
    if report.kept:
        _print(f"{report.kept:,} tokens of that stand in other documents too, and stay")
    if compact is not None:
        print_compact(compact, path)
    elif not dry_run and report.tokens:
        _print(f"the text is still in the bytes of {single_line(path)}: crystal compact takes it out")


def forget_json(report: ForgetReport, compact: CompactReport | None) -> dict[str, Any]:
    """Make the same for programs."""
    return {**asdict(report), "compact": asdict(compact) if compact is not None else None}


def print_compact(report: CompactReport, path: str) -> None:
    """Print the space that was given back."""
    before, after = report.before, report.after
    freed = before.bytes - after.bytes
    dropped = (
        f"{before.tokens - after.tokens:,} tokens in {format_count(before.chunks - after.chunks, 'chunk')} dropped"
    )
    joined = f"{format_count(before.segments, 'segment')} became {after.segments:,}"
    gain = f"{format_size(freed)} given back" if freed > 0 else "nothing to give back"
    _print(
        f"{single_line(path)}: {format_size(before.bytes)} before, {format_size(after.bytes)} now, {gain} ({report.seconds:.1f} s)"
    )
    _print(f"{dropped}, {joined}; {format_count(report.documents, 'document')}, {after.tokens:,} tokens stay")


# --- diff -----------------------------------------------------------------------------------------


def print_difference(difference: DiffReport) -> None:
    """Print a line a document, marked as by diff(1), and under a changed one a line a passage."""
    for path in difference.gone:
        _print(f"- {single_line(path)}", "red")
    for path in difference.added:
        _print(f"+ {single_line(path)}", "green")
    for old, new in difference.renamed:
        _print(f"> {single_line(old)} is now {single_line(new)}", "cyan")
    for change in difference.changed:
        _print(f"! {single_line(change.path)}", "bold yellow")
        for mark, pieces, style in (("-", change.gone, "red"), ("+", change.added, "green")):
            for piece in pieces:
                _print(f"  {mark} {piece.place}: {_first_line(piece)}", style)
        if not (change.gone or change.added):
            _print("  the same passages in another order")
    if not difference.any:
        output.note(f"the same: {format_count(difference.same, 'document')}")


def _first_line(piece: DiffPassage) -> str:
    line = " ".join(sanitize(piece.first_line).split())
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"


def diff_json(difference: DiffReport) -> dict[str, Any]:
    """Make the same for programs."""
    data = asdict(difference)
    data["documents_same"] = data.pop("same")
    data["renamed"] = [{"old": old, "new": new} for old, new in difference.renamed]
    return data
