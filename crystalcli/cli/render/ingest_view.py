"""View of an ingest: text for people, a dictionary for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.render.inspect_view import SMALL_TEXT, stats_json
from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import format_count, format_share, format_size, single_line
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.datatypes import DoubtfulFile, SkippedFile
from crystalcli.errors import MACHINE_MADE, Reason
from crystalcli.lexical import ENGLISH, LANGUAGES

if TYPE_CHECKING:
    from crystalcli.index import StatsReport
    from crystalcli.ingest import IngestReport, LayersReport

_NOTED_TOKENS = 200  # in other languages than English; a few lines are no reason for a notice
_LISTED = 12  # skipped files listed by name; `crystal inspect --documents` lists all


def print_ingest(report: IngestReport, stats: StatsReport, path: str) -> None:
    """Print the table at the end of an ingest.

    Args:
        report: what was read, gone and skipped.
        stats: the crystal afterwards.
        path: the crystal's file.
    """
    console = output.console
    if report.unchanged and not report.read and not report.encoded_tokens and not report.gone and not report.pruned:
        files = f"{format_count(report.unchanged, 'file')} as {'it is' if report.unchanged == 1 else 'they are'}"
        skipped = f", {format_count(len(report.skipped), 'file')} skipped as before" if report.skipped else ""
        left_out = f", {report.left_out:,} left out" if report.left_out else ""
        console.print(Text(f"nothing new: {path} holds {files}{skipped}{left_out} ({report.seconds:.1f} s)"))
        for line in skipped_lines([file for file in report.skipped if file.code == Reason.WRONG_PASSWORD]):
            console.print(Text(f"  {line}"))
        return
    table = plain_table()
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    tokens = f"{report.tokens:,} tokens{_pace(report.tokens, report.text_seconds)}"
    table.add_row("read", f"{report.read:,}", f"files, {format_size(report.bytes)}, {tokens}")
    if report.unchanged:
        table.add_row("unchanged", f"{report.unchanged:,}", "files, not read again")
    if report.gone:
        kept = "" if report.pruned else "; what was read of them stays until --prune"
        table.add_row("gone", f"{report.gone:,}", f"files are no longer there{kept}")
    if report.pruned:
        table.add_row("pruned", f"{report.pruned:,}", "documents whose files are gone")
    encoded = f"tokens{_pace(report.encoded_tokens, report.seconds - report.text_seconds)}"
    table.add_row("encoded", f"{report.encoded_tokens:,}", encoded)
    if report.layer_share < 1.0 and not report.lexical_only:
        table.add_row("layers", format_share(report.layer_share), _rest_of_layers(report.layers_by))
    if report.left_out:
        table.add_row(
            "left out", f"{report.left_out:,}", "files; what was read of them before stays until crystal forget"
        )
    table.add_row("skipped", f"{len(report.skipped):,}", "files")
    for line in skipped_lines(report.skipped):
        table.add_row("", "", Text(line, style="dim"))
    if report.doubtful:
        table.add_row("doubtful", f"{len({file.path for file in report.doubtful}):,}", "files, read with a doubt")
    for line in doubt_lines(report.doubtful):
        table.add_row("", "", Text(line, style="dim"))
    for folder, choice in report.chosen.items():
        table.add_row("chosen", "", Text(f"{single_line(folder)}: {filter_line(choice)}"))
    nodes = ", ".join(f"{layer.nodes:,} {layer.name}" for layer in stats.layers[1:])
    table.add_row("crystal", f"{stats.documents:,}", f"documents, {stats.tokens:,} tokens, {nodes}")
    share = f", {stats.file / stats.text_raw:.2f} of the text" if stats.text_raw >= SMALL_TEXT else ""
    table.add_row("file", "", f"{path}, {format_size(stats.file)}{share}")
    console.print(table)


def _pace(tokens: int, seconds: float) -> str:
    """Format the time that tokens took, and how many that is in a second; "" for no tokens."""
    return f" in {seconds:.1f} s, {tokens / seconds:,.0f} tokens/s" if tokens and seconds else ""


def _rest_of_layers(worker: int | None) -> str:
    if worker is not None:
        return f"process {worker} makes the rest; crystal status shows it, crystal ingest --stop stops it"
    return "crystal ingest --layers makes the rest; until then it is found by words alone"


def print_layers(report: LayersReport, path: str, stopped: int | None, was_stop: bool) -> None:
    """Print the outcome of `crystal ingest --layers` or `--stop`.

    Args:
        report: what was made.
        path: the crystal's file.
        stopped: the worker that was stopped; None without one.
        was_stop: whether a worker was to be stopped.
    """
    name, share = single_line(path), format_share(report.layer_share)
    if was_stop:
        done = f"stopped process {stopped}" if stopped is not None else "no worker makes layers"
        output.console.print(Text(f"{done}: {name} has layers of {share}"))
        return
    encoded = f": {report.encoded_tokens:,} tokens{_pace(report.encoded_tokens, report.seconds)}"
    rest = f"; {_rest_of_layers(report.layers_by)}" if report.layer_share < 1.0 else ""
    output.console.print(Text(f"{name} has layers of {share}{encoded if report.encoded_tokens else ''}{rest}"))


def layers_json(report: LayersReport, path: str, stopped: int | None) -> dict[str, Any]:
    """Make the same for programs."""
    return {"path": path, "stopped": stopped, **asdict(report)}


def language_notice(report: IngestReport) -> str:
    """Say that most of what was read is in a language that the program's own encoder does not know.

    Args:
        report: of an ingest with that encoder.

    Returns:
        One line; "" where most is English, code or numbers, or where little was read.
    """
    from crystalcli import models

    foreign = {code: tokens for code, tokens in report.languages.items() if code not in ("", ENGLISH)}
    half = sum(report.languages.values()) / 2
    if sum(foreign.values()) < max(_NOTED_TOKENS, half):
        return ""
    names = [LANGUAGES[code].name for code, tokens in foreign.items() if code in LANGUAGES and tokens >= half]
    entry = models.catalogue_entry("multilingual")
    return (
        f"most of this is {names[0] if names else 'not English'}, and the encoder is for English: "
        f"a new crystal with `crystal ingest --encoder {entry.alias}` finds more in it "
        f"({format_size(entry.download_size)}, once)"
    )


def filter_line(choice: Mapping[str, Any]) -> str:
    """Format the remembered filter of a folder."""
    parts = [f"{key} {sanitize(' '.join(choice[key]))}" for key in ("include", "exclude") if key in choice]
    if "max_file_size" in choice:
        limit = choice["max_file_size"]
        parts.append(f"up to {format_size(limit)} a file" if limit else "files of any size")
    if choice.get("ocr"):
        parts.append("letters in pictures are recognized")
    return "; ".join(parts)


def doubt_lines(doubtful: Sequence[DoubtfulFile]) -> list[str]:
    """Format what was read with a doubt, the first files by name.

    Args:
        doubtful: path, detail and code of each.
    """
    lines = [f"{single_line(file.path)}: {sanitize(file.detail)}" for file in doubtful[:_LISTED]]
    return [*lines, f"and {len(doubtful) - _LISTED:,} more: crystal status --all"] if len(doubtful) > _LISTED else lines


def skipped_lines(skipped: Sequence[SkippedFile]) -> list[str]:
    """Format skipped files: those of the usual kinds are counted, the first of the others named.

    Args:
        skipped: path, reason and code of each.
    """
    usual = Counter(file.reason for file in skipped if file.code in MACHINE_MADE)
    others = [file for file in skipped if file.code not in MACHINE_MADE]
    lines = [f"{single_line(file.path)}: {sanitize(file.reason)}" for file in others[:_LISTED]]
    if len(others) > _LISTED:
        lines.append(f"and {len(others) - _LISTED} more: crystal inspect --documents")
    if usual:
        lines.append(", ".join(f"{number:,} {reason}" for reason, number in usual.most_common()))
    return lines


def ingest_json(report: IngestReport, stats: StatsReport) -> dict[str, Any]:
    """Make the same for programs."""
    data = asdict(report)
    del data["changed"]  # `crystal watch` has it
    data["skipped"] = [file._asdict() for file in report.skipped]
    data["doubtful"] = [file._asdict() for file in report.doubtful]
    data["languages"] = {code or "unknown": tokens for code, tokens in report.languages.items()}
    return {**data, "crystal": stats_json(stats)}
