"""`crystal ingest`: files and folders into the crystal, or a dry run of it."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    OcrOption,
    file_filter,
    filter_arguments,
    parse_size,
)
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import SourceError, UsageError

if TYPE_CHECKING:
    from crystalcli.text import ReadOptions

app = command_app()


class WaitFor(StrEnum):
    """The part of the crystal that the command waits for."""

    LAYERS = "layers"
    TEXT = "text"


@app.command(
    "ingest",
    cls=Command,
    rich_help_panel="Read",
    epilog="""
        crystal ingest ~/papers notes.md https://example.org  # Read a folder, a file and a web page.
        crystal ingest ~/books --background  # Ask as soon as the text is read; a worker makes the layers.
        crystal ingest ~/mail --exclude "spam/**" --dry-run  # See what would be read, and how long it would take.
    """,
)
def ingest_command(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH...")] = None,
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
    reread: Annotated[
        bool, typer.Option("--reread", help="Read files that have not changed again too; known text is kept.")
    ] = False,
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
    ocr: OcrOption = None,
    wait_for: Annotated[
        WaitFor | None,
        typer.Option(
            "--wait-for",
            metavar="layers|text",
            help="Return when layers are made, or when the text is read; layers are then left to a later ingest. "
            "Default: layers.",
        ),
    ] = None,
    background: Annotated[
        bool,
        typer.Option(
            "--background", help="Return when the text is read, and leave a worker at low priority that makes layers."
        ),
    ] = False,
    layers: Annotated[
        bool, typer.Option("--layers", help="Read nothing: make the layers that earlier runs have left.")
    ] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="Stop the worker in the background; what it has made stays.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Make layers by N processes of one thread, and parse N files at a time; each process takes 450 MB. "
            "Default: one process with all threads on one or two processors, else one for each.",
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="Read by the processes of a Ray cluster: its address, auto, or local to start one on this machine; "
            "--jobs is then the most processes.",
        ),
    ] = None,
    shards: Annotated[
        bool,
        typer.Option("--shards", help="With --ray, leave a folder of crystals, FILE, to be read as one: no merge."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read files and folders into the crystal.

    Reads documents, books, code, mail, chats and archives; with - standard input. Files that have
    not changed since the last time are not read again, unless this version reads them better.
    Documents whose files are gone stay, marked as gone, until --prune. Ctrl-C keeps what was read,
    and the same command goes on from there.

    A web address is fetched once, and no link in it is followed; it is fetched anew only when it is
    named again.

    The text is stored first, with an index of its words: from then on other commands answer from
    it. Layers follow, first for text that questions have found, then for the newest, and make
    answers better.

    With --ray the files are cut into shards, each of which becomes a crystal, and these are merged.
    A run that is broken off goes on where it was. All machines must see the files and the folder of
    the crystal under the same paths. It needs `pip install 'crystalcli[ray]'`.

    Hidden files and files named in .gitignore or .crystalignore are left out. So are lock files,
    minified and generated code, images, sound, video, fonts and programs, unless they are named on
    the command line or match --include. The crystal remembers --include, --exclude and
    --max-file-size for each folder until new ones are given.

    With --ocr pages of PDFs that are scans, or whose letters mean nothing, are read, and so are
    pictures that are named or match --include. It takes seconds a page, and needs
    `pip install 'crystalcli[ocr]'`. The crystal remembers it for these files and folders.

    With --encoder a new crystal gets another encoder: multilingual, for texts in other languages
    than English, or the folder of a BERT, DistilBERT, RoBERTa or XLM-RoBERTa model in Hugging
    Face's layout. Its codebooks are learnt once, from the first text or from --codebooks-from.
    """
    from crystalcli.ingest import fetch_documents, is_address
    from crystalcli.library import Crystal, expand_paths
    from crystalcli.text import ReadOptions, check_ocr_installed

    if layers or stop:
        if paths or (layers and stop) or wait_for or (stop and (background or jobs)):
            raise UsageError("--layers goes with --background and --jobs, and --stop with nothing: both read no PATH")
        _layers_or_stop(crystal_path(crystal), encoder, stop, background, jobs, as_json)
        return
    if not paths:
        raise UsageError("give a PATH to read; --layers makes the layers of what is read already")
    if background and wait_for is WaitFor.LAYERS:
        raise UsageError("--background waits for the text alone: it goes without --wait-for layers")
    if ocr:
        check_ocr_installed()  # before a crystal is made
    max_bytes = parse_size(max_file_size)
    choice = file_filter(include, exclude, max_bytes, as_usual)
    stdin = piped_document(paths, name, max_bytes, bool(ocr))
    addresses = [path for path in paths if is_address(path)]
    sources = expand_paths([path for path in paths if path != "-" and path not in addresses])
    target = crystal_path(crystal)
    if dry_run and addresses:
        raise UsageError("--dry-run fetches nothing: it goes without web addresses")
    if dry_run and (background or wait_for):
        raise UsageError("--dry-run makes nothing: it goes without --background and --wait-for")
    if dry_run and sources:
        filters = filter_arguments(include, exclude, max_bytes, as_usual)
        reading = ReadOptions(password=password, reread=reread)
        _dry_run(target, sources, encoder, filters, as_json, verbose, reading, ocr)
        return
    if dry_run or verbose:
        raise UsageError("--dry-run is for files and folders, and --verbose for --dry-run")
    if shards and ray is None:
        raise UsageError("--shards is for --ray: an ingest without it makes one crystal")
    samples = expand_paths([str(path) for path in codebooks_from or ()])
    if ray is not None:
        if prune or background or name is not None or not sources or as_usual:
            raise UsageError(
                "--ray reads files and folders into a new crystal: it goes without -, --prune and --background"
            )
        from crystalcli.cli.commands.ray_run import RayArguments, ingest_over_ray

        ingest_over_ray(
            RayArguments(
                target, sources, ray, shards, encoder, samples, choice, password, wait_for is not WaitFor.TEXT, jobs
            ),
            as_json,
        )
        return
    is_new = not target.exists()
    if samples and is_new and encoder is None and not os.environ.get("CRYSTAL_ENCODER"):
        raise UsageError("--codebooks-from is for an encoder of your own: name its folder with --encoder")

    from crystalcli.cli.commands.layers_run import add_layers, start_worker, stopped_error
    from crystalcli.cli.render.ingest_view import ingest_json, language_notice, print_ingest
    from crystalcli.cli.terminal.progress import ingest_bar
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.ingest import IngestOptions

    weights = encoder if encoder is not None else "auto"
    try:
        with stop_on_signals():
            with (
                stdin as document,  # read to its end before the crystal is locked
                fetch_documents(addresses, max_bytes, ocr=bool(ocr)) as fetched,
                Crystal(
                    target, mode="write", encoder=weights, fetch=fetch_default_weights, wait=wait, on_wait=output.note
                ) as opened,
            ):
                options = IngestOptions(
                    prune=prune,
                    file_filter=choice,
                    ocr=ocr,
                    piped=document,
                    fetched=fetched,
                    codebooks_from=samples,
                    read_options=ReadOptions(password=password, reread=reread),
                    layers=False,
                    jobs=jobs,
                    layers_follow=not background and wait_for is not WaitFor.TEXT,
                )
                if samples and opened.own_encoder and not opened.lacks_codebooks:
                    output.note("this crystal has its codebooks already: --codebooks-from is not read")
                with ingest_bar() as progress:
                    report = opened.ingest_with_options(sources, options, progress=progress)
                stats = opened.stats()
                # Inside the lock: another program may be waiting to write it.
                if is_new and not stats.documents:
                    target.resolve().unlink(missing_ok=True)
            if stats.documents and not report.lexical_only and report.layer_share < 1.0:
                if background:
                    report = replace(report, layers_by=start_worker(target, encoder, jobs))
                elif wait_for is not WaitFor.TEXT:
                    report, stats = add_layers(report, target, weights, jobs)
    except KeyboardInterrupt:
        raise stopped_error(target) from None
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
    if not stats.documents or ((document is not None or fetched) and not sources and report.skipped):
        reason = report.skipped[0].reason if len(report.skipped) == 1 else "no file holds text"
        raise SourceError(f"nothing to read there: {reason}")


def _dry_run(
    crystal: Path,
    sources: list[Path],
    encoder: Path | None,
    filters: FilterArguments,
    as_json: bool,
    verbose: bool,
    options: ReadOptions,
    ocr: bool | None,
) -> None:
    """Print what an ingest would do. Makes and changes no crystal, and fetches no weights."""
    from crystalcli.cli.render.dry_run_view import forecast_json, print_forecast
    from crystalcli.library import Crystal

    weights = encoder if encoder is not None else "auto"
    forecast = Crystal.forecast(
        crystal, sources, encoder=weights, password=options.password, ocr=ocr, reread=options.reread, **filters
    )
    if as_json:
        output.json("ingest", {"dry_run": True, "crystal": str(crystal), **forecast_json(forecast)})
    else:
        print_forecast(forecast, verbose)


def _layers_or_stop(
    crystal: Path, encoder: Path | None, stop: bool, background: bool, jobs: int | None, as_json: bool
) -> None:
    """Make layers of what is read already, here or by a worker; or stop the worker."""
    from crystalcli.cli.commands.layers_run import make_layers_here, start_worker, stopped_error
    from crystalcli.cli.render.ingest_view import layers_json, print_layers
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.ingest import LayersReport, stop_layer_worker
    from crystalcli.library import Crystal

    stopped = stop_layer_worker(crystal) if stop else None
    with Crystal.open(crystal, encoder=None) as opened:
        share = opened.layer_share
    if stop or background or share == 1.0:
        worker = start_worker(crystal, encoder, jobs) if background and share < 1.0 else None
        report = LayersReport(0, 0.0, share, worker)
    else:
        try:
            with stop_on_signals():
                report = make_layers_here(crystal, encoder if encoder is not None else "auto", jobs)
        except KeyboardInterrupt:
            raise stopped_error(crystal) from None
    if as_json:
        output.json("ingest", layers_json(report, str(crystal), stopped))
    else:
        print_layers(report, str(crystal), stopped, stop)
