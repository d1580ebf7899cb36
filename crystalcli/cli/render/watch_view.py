"""View of a batch of `crystal watch`: a line for people, a line of JSON for programs."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from crystalcli.cli.terminal.humanize import format_count, single_line
from crystalcli.cli.terminal.output import JSON_SCHEMA, output

if TYPE_CHECKING:
    from crystalcli.ingest import WatchBatch

_NAMED = 5  # files named for one batch


def print_batch(batch: WatchBatch) -> None:
    """Print what a batch changed; nothing where it changed nothing."""
    from crystalcli.errors import MACHINE_MADE

    report = batch.report
    parts = []
    for change in ("read", "gone"):
        names = [single_line(name) for name, kind in report.changed if kind == change]
        if names:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            parts.append(f"{change} {len(names):,}: {', '.join(names[:_NAMED])}{more}")
    failed = [] if batch.whole else [file for file in report.skipped if file.code not in MACHINE_MADE]
    parts += [f"not read: {single_line(file.path)} ({single_line(file.reason)})" for file in failed[:_NAMED]]
    if batch.whole and not parts:
        parts = [f"{format_count(report.unchanged, 'file')} as read before"]
    if parts:
        encoded = f", {report.encoded_tokens:,} tokens encoded" if report.encoded_tokens else ""
        output.write(f"{time.strftime('%H:%M:%S')}  {'; '.join(parts)}{encoded} ({report.seconds:.1f} s)\n")


def print_batch_json(batch: WatchBatch) -> None:
    """Print the same for programs: one object in one line for each batch."""
    report = batch.report
    data: dict[str, Any] = {
        "schema": JSON_SCHEMA,
        "command": "watch",
        "time": time.time(),
        "whole": batch.whole,
        "read": [name for name, kind in report.changed if kind == "read"],
        "gone": [name for name, kind in report.changed if kind == "gone"],
        "skipped": [file._asdict() for file in report.skipped],
        "unchanged": report.unchanged,
        "left_out": report.left_out,
        "tokens": report.tokens,
        "encoded_tokens": report.encoded_tokens,
        "seconds": report.seconds,
    }
    output.write(json.dumps(data, ensure_ascii=True) + "\n")
