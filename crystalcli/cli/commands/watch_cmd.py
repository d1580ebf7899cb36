"""`crystal watch`: a crystal that follows its folders."""

from __future__ import annotations

from typing import Annotated

import typer

from crystalcli.cli.options.crystal_options import (
    CrystalOption,
    EncoderOption,
    PasswordOption,
    crystal_path,
    fetch_default_weights,
)
from crystalcli.cli.options.filter_options import (
    AsUsualOption,
    ExcludeOption,
    IncludeOption,
    MaxFileSizeOption,
    OcrOption,
    file_filter,
    filter_arguments,
    parse_size,
)
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import StoppedError

app = command_app()


@app.command(
    "watch",
    cls=Command,
    rich_help_panel="Read",
    epilog="""
        crystal watch ~/notes  # Keep the crystal up to date with a folder.
        crystal watch ~/project --exclude "build/**"  # Watch a folder, but not what a build makes.
        crystal watch ~/notes --json >> changes.jsonl  # Write a line of JSON for each batch.
    """,
)
def watch_command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...")],
    crystal: CrystalOption = None,
    encoder: EncoderOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    max_file_size: MaxFileSizeOption = None,
    as_usual: AsUsualOption = False,
    password: PasswordOption = "",
    ocr: OcrOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each batch.")] = False,
) -> None:
    """Keep the crystal up to date while files change.

    Ingests the paths, then each change in them, until Ctrl-C. Changes within half a second are one
    batch. Documents whose files are deleted are marked as gone. The crystal is locked only while a
    batch is read, so that other commands can use it in between; while another program writes it,
    watch waits. The same files are left out as by `crystal ingest`.
    """
    from crystalcli.cli.render.watch_view import print_batch, print_batch_json
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.library import Crystal, expand_paths

    max_bytes = parse_size(max_file_size)
    file_filter(include, exclude, max_bytes, as_usual)  # reports options that exclude one another
    filters = filter_arguments(include, exclude, max_bytes, as_usual)
    target, sources = crystal_path(crystal), expand_paths(paths)
    weights = encoder if encoder is not None else "auto"
    report = print_batch_json if as_json else print_batch
    try:
        with (
            stop_on_signals(),
            Crystal(
                target, encoder=weights, fetch=fetch_default_weights, wait=float("inf"), on_wait=output.note
            ) as opened,
        ):
            opened.watch(sources, on_batch=report, on_note=output.note, password=password, ocr=ocr, **filters)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; {target} holds what was read") from None
