"""`crystal ingest`: files and folders into the crystal, or a dry run of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from crystalcli.cli.options.command_input import piped_document
from crystalcli.cli.options.crystal_options import (
    CrystalOption,
    EncoderOption,
    JsonOption,
    PasswordOption,
    crystal_path,
    fetch_default_weights,
)
from crystalcli.cli.options.filter_options import (
    AsUsualOption,
    ExcludeOption,
    FilterArguments,
    IncludeOption,
    MaxFileSizeOption,
    file_filter,
    filter_arguments,
    parse_size,
)
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import SourceError, StoppedError, UsageError

app = command_app()


@app.command(
    "ingest",
    cls=Command,
    rich_help_panel="Read",
    epilog="""
        crystal ingest ~/papers notes.md  # Read a folder and a file.
        crystal ingest ~/mail --exclude "spam/**" --dry-run  # See what would be read, and how long it would take.
        man bash | crystal ingest - --name bash.txt  # Read what another program prints.
    """,
)
def ingest_command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...")],
    crystal: CrystalOption = None,
    encoder: EncoderOption = None,
    codebooks_from: Annotated[
        list[Path] | None,
        typer.Option(
            "--codebooks-from",
            metavar="PATH",
            help="Learn the codebooks of an encoder of your own from these files instead of the first text. "
            "Can be repeated.",
        ),
    ] = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    max_file_size: MaxFileSizeOption = None,
    as_usual: AsUsualOption = False,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the document from standard input. Default: stdin."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be read, and the time and space it would take.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="With --dry-run, list every file.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove documents whose files no longer exist.")] = False,
    wait: Annotated[
        float,
        typer.Option(
            "--wait",
            metavar="SECONDS",
            min=0,
            help="Wait this long for another program that writes the crystal. Default: not at all.",
        ),
    ] = 0.0,
    password: PasswordOption = "",
    as_json: JsonOption = False,
) -> None:
    """Read files and folders into the crystal.

    Reads documents, books, code, mail, chats and archives; with - standard input. Files that have
    not changed since the last time are not read again. Documents whose files are gone stay, marked
    as gone, until --prune. Ctrl-C keeps what was read, and the same command goes on from there.

    Hidden files and files named in .gitignore or .crystalignore are left out. So are lock files,
    minified and generated code, images, sound, video, fonts and programs, unless they are named on
    the command line or match --include. The crystal remembers --include, --exclude and
    --max-file-size for each folder until new ones are given.

    With --encoder a new crystal gets another encoder: multilingual, for texts in other languages
    than English, or the folder of a BERT, DistilBERT, RoBERTa or XLM-RoBERTa model in Hugging
    Face's layout. Its codebooks are learnt once, from the first text or from --codebooks-from.
    """
    from crystalcli.library import Crystal, expand_paths

    max_bytes = parse_size(max_file_size)
    choice = file_filter(include, exclude, max_bytes, as_usual)
    stdin = piped_document(paths, name, max_bytes)
    target, sources = crystal_path(crystal), expand_paths(() if "-" in paths else paths)
    if dry_run and sources:
        filters = filter_arguments(include, exclude, max_bytes, as_usual)
        _dry_run(target, sources, encoder, filters, as_json, verbose, password)
        return
    if dry_run or verbose:
        raise UsageError("--dry-run is for files and folders, and --verbose for --dry-run")
    is_new = not target.exists()
    samples = expand_paths([str(path) for path in codebooks_from or ()])
    if samples and is_new and encoder is None and not os.environ.get("CRYSTAL_ENCODER"):
        raise UsageError("--codebooks-from is for an encoder of your own: name its folder with --encoder")

    from crystalcli.cli.render.ingest_view import ingest_json, language_notice, print_ingest
    from crystalcli.cli.terminal.humanize import format_count
    from crystalcli.cli.terminal.progress import ingest_bar
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.ingest import IngestOptions
    from crystalcli.text import ReadOptions

    weights = encoder if encoder is not None else "auto"
    with (
        stop_on_signals(),
        stdin as document,  # read to its end before the crystal is locked
        Crystal(
            target, mode="write", encoder=weights, fetch=fetch_default_weights, wait=wait, on_wait=output.note
        ) as opened,
    ):
        options = IngestOptions(
            prune=prune,
            file_filter=choice,
            piped=document,
            codebooks_from=samples,
            read_options=ReadOptions(password=password),
        )
        if samples and opened.own_encoder and not opened.lacks_codebooks:
            output.note("this crystal has its codebooks already: --codebooks-from is not read")
        try:
            with ingest_bar() as progress:
                report = opened.ingest_with_options(sources, options, progress=progress)
        except KeyboardInterrupt:
            stats = opened.stats()
            contents = f"{target} holds {format_count(stats.documents, 'document')}, {stats.tokens:,} tokens"
            raise StoppedError(
                f"stopped; {contents}; what was read stays, and the same command goes on from there"
            ) from None
        stats = opened.stats()
        # Inside the lock: another program may be waiting to write it.
        if is_new and not stats.documents:
            target.resolve().unlink(missing_ok=True)
    if report.lexical_only:
        output.note(
            "no encoder weights: this crystal has its lexical index only; `crystal models pull minilm`, then ingest again"
        )
    if not stats.own_encoder and (notice := language_notice(report)):
        output.note(notice)
    if as_json:
        output.json("ingest", ingest_json(report, stats))
    else:
        print_ingest(report, stats, str(target))
    if not stats.documents or (document is not None and report.skipped):
        reason = report.skipped[0].reason if len(report.skipped) == 1 else "no file holds text"
        raise SourceError(f"nothing to read there: {reason}")


def _dry_run(
    crystal: Path,
    sources: list[Path],
    encoder: Path | None,
    filters: FilterArguments,
    as_json: bool,
    verbose: bool,
    password: str,
) -> None:
    """Print what an ingest would do. Makes and changes no crystal, and fetches no weights."""
    from crystalcli.cli.render.dry_run_view import forecast_json, print_forecast
    from crystalcli.library import Crystal

    weights = encoder if encoder is not None else "auto"
    forecast = Crystal.forecast(crystal, sources, encoder=weights, password=password, **filters)
    if as_json:
        output.json("ingest", {"dry_run": True, "crystal": str(crystal), **forecast_json(forecast)})
    else:
        print_forecast(forecast, verbose)
