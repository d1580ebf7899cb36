"""The command that keeps a crystal current: watch."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crystalcli.cli.choosing import choosing, chosen
from crystalcli.cli.output import JSON_SCHEMA, output
from crystalcli.cli.shared import crystal_option, default_weights, encoder_option, password_option, path_of
from crystalcli.errors import StoppedError

if TYPE_CHECKING:
    from crystalcli.memory.watch import WatchBatch

_NAMED = 5  # files named for one batch


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@crystal_option
@encoder_option
@choosing
@password_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each batch instead of text.")
def watch(
    paths: tuple[str, ...],
    crystal: Path | None,
    encoder: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    max_file_size: int | None,
    as_usual: bool,
    password: str,
    as_json: bool,
) -> None:
    """Keep the crystal current while files change: ingest the paths, then whatever changes in them, until Ctrl-C.

    What changes within half a second is one batch. Files that are deleted are marked as gone. The crystal is held only while a
    batch is read, so that other commands come to it in between; where another program writes it, watch waits. What is left out
    is what `crystal ingest` leaves out.
    """
    from crystalcli.cli.stopping import stoppable
    from crystalcli.library import Crystal, paths_of

    chosen(include, exclude, max_file_size, as_usual)  # says what does not go together
    target, sources = path_of(crystal), paths_of(paths)
    weights = encoder if encoder is not None else "auto"
    try:
        with (
            stoppable(),
            Crystal(target, encoder=weights, fetch=default_weights, wait=float("inf"), on_wait=output.note) as opened,
        ):
            opened.watch(
                sources,
                on_batch=json_line if as_json else line,
                on_note=output.note,
                include=include or None,
                exclude=[] if as_usual else exclude or None,
                max_file_size=max_file_size,
                password=password,
            )
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; {target} holds what was read") from None


def line(batch: WatchBatch) -> None:
    """What a batch changed, for people; nothing where it changed nothing."""
    from crystalcli.cli.render import count, one_line
    from crystalcli.text.machine_made import REASONS

    report = batch.report
    parts = []
    for what in ("read", "gone"):
        names = [one_line(name) for name, how in report.changed if how == what]
        if names:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            parts.append(f"{what} {len(names):,}: {', '.join(names[:_NAMED])}{more}")
    failed = [] if batch.whole else [(name, why) for name, why in report.skipped if why not in REASONS]
    parts += [f"not read: {one_line(name)} ({one_line(why)})" for name, why in failed[:_NAMED]]
    if batch.whole and not parts:
        parts = [f"{count(report.unchanged, 'file')} as read before"]
    if parts:
        encoded = f", {report.encoded_tokens:,} tokens encoded" if report.encoded_tokens else ""
        output.write(f"{time.strftime('%H:%M:%S')}  {'; '.join(parts)}{encoded} ({report.seconds:.1f} s)\n")


def json_line(batch: WatchBatch) -> None:
    """The same for programs: one object in one line for each batch."""
    report = batch.report
    data: dict[str, Any] = {
        "schema": JSON_SCHEMA,
        "command": "watch",
        "time": time.time(),
        "whole": batch.whole,
        "read": [name for name, how in report.changed if how == "read"],
        "gone": [name for name, how in report.changed if how == "gone"],
        "skipped": [{"path": name, "reason": reason} for name, reason in report.skipped],
        "unchanged": report.unchanged,
        "left_out": report.left_out,
        "tokens": report.tokens,
        "encoded_tokens": report.encoded_tokens,
        "seconds": report.seconds,
    }
    output.write(json.dumps(data, ensure_ascii=True) + "\n")
