"""`crystal export`: documents back into files, or passages as JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from crystalcli.cli.options.completion import complete_exported_documents
from crystalcli.cli.options.crystal_options import CrystalsOption, ForceOption, JsonOption, open_crystal
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.stop_signals import report_stop
from crystalcli.errors import CrystalError, UsageError
from crystalcli.paths import expanded

app = command_app()


@app.command(
    "export",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal export restored  # Write all documents into a folder.
        crystal export restored "letters/*.txt"  # Write the documents that a glob matches.
        crystal export --jsonl - notes.md | jq .text  # Print the passages of a document as JSON lines.
    """,
)
def export_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[OUT] [DOCUMENT]...", autocompletion=complete_exported_documents),
    ] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option("--jsonl", metavar="FILE", help="Write passages as JSON lines, - for stdout, and no folder OUT."),
    ] = None,
    force: ForceOption = False,
    crystal: CrystalsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write documents back as files under the folder OUT, or their passages as JSON lines.

    Exports all documents or those named: as cited, a folder of them, a path, or a glob in quotes. A
    file holds the document's exact text in UTF-8; if the source was UTF-8 without a byte-order mark
    it is the source, byte for byte. A PDF or mail becomes a .txt of its text. Names that lead out
    of OUT are refused (exit code 1, after the others have been written), links in OUT are not
    followed, and files that exist are left alone without --force.

    With --jsonl each line is a passage (a chunk; joined, their texts are the document) with path,
    kind, title, start and end in characters, lines, pages, heading, tokens and text. All names are
    documents then.
    """
    from crystalcli.cli.render.move_view import export_json, print_export, print_exported_lines

    names = names or []
    if jsonl is not None:
        if as_json and str(jsonl) == "-":
            raise UsageError("stdout can take the passages or --json, not both")
        with open_crystal(crystal, encoder=False) as opened:
            lines = (json.dumps(row, ensure_ascii=True) + "\n" for row in opened.passages(names))
            written = _write_lines(jsonl, lines, force)
        if as_json:
            output.json("export", {"out": str(jsonl), "passages": written})
        elif str(jsonl) != "-":
            print_exported_lines(written, str(jsonl))
        return
    if not names:
        raise UsageError("give a folder to write to, or --jsonl FILE")
    folder = expanded(names[0])
    with (
        open_crystal(crystal, encoder=False) as opened,
        report_stop("the files written so far are whole; --force goes over them again"),
    ):
        report = opened.export(folder, names[1:], force=force)
    if as_json:
        output.json("export", {"out": str(folder), **export_json(report)})
    else:
        print_export(report, str(folder))
    if report.refused:
        raise CrystalError(f"{len(report.refused):,} not written: their names may not be those of files there")


def _write_lines(target: Path, lines: Iterator[str], force: bool) -> int:
    """Write lines to stdout, or to a file that gets its name when it is whole.

    Returns:
        The number of lines.

    Raises:
        CrystalError: the file exists, or cannot be written.
    """
    written = 0
    if str(target) == "-":
        with report_stop("not all passages are written"):
            for line in lines:
                output.write(line)
                written += 1
        return written
    target = expanded(target)
    if os.path.lexists(target) and not force:
        raise CrystalError(f"{target} exists already; --force replaces it")
    part = target.with_name(f".crystal-export-{os.getpid()}")
    try:
        with report_stop(f"{target} was not written"), part.open("x", encoding="utf-8", newline="\n") as file:
            for line in lines:
                file.write(line)
                written += 1
        part.replace(target)
    except OSError as error:
        raise CrystalError(f"cannot write {target}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return written
