"""The commands: parse, call one function, render. No logic of their own.

Everything heavy is imported inside the command that needs it, so that `crystal --help` is instant.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from crystalcli.cli.output import output
from crystalcli.errors import ModelMissingError, UsageError

if TYPE_CHECKING:
    from crystalcli.library import Crystal

app = typer.Typer(
    name="crystal",
    help="A memory without end for a small local transformer: read folders into one file, and ask it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="The weights on this machine: list, fetch, remove.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(models_app, name="models")

CrystalOption = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads this at run time
    typer.Option(
        "--crystal",
        "-c",
        metavar="FILE",
        help="The crystal file. Default: $CRYSTAL_FILE, else the nearest memory.crystal upward from here.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
CountOption = Annotated[int, typer.Option("-k", metavar="N", help="How many passages to recall.")]
DepthOption = Annotated[int, typer.Option("--depth", metavar="1|2|3", help="Layers to use: 1 atoms, 2 and clusters, 3 and units.")]


def _version(shown: bool) -> None:
    if shown:
        from crystalcli import __version__

        output.write(f"crystal {__version__}\n")
        raise typer.Exit


@app.callback()
def crystal(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")] = False,
) -> None:
    """A memory without end for a small local transformer: read folders into one file, and ask it."""
    output.quiet = quiet


@app.command()
def ingest(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files and folders to read.")],
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read files and folders into the crystal: text, Markdown, source code, PDF.

    What has not changed since the last time is not read again. Press Ctrl-C at any time: what was committed stays, and the
    same command goes on from there.
    """
    from crystalcli.cli import render
    from crystalcli.cli.progress import ingesting
    from crystalcli.library import paths_of, read_into

    target, sources = _path(crystal), paths_of(paths)
    with read_into(target, _encoder()) as opened:
        with ingesting() as progress:
            report = opened.ingest(sources, progress)
        stats = opened.stats()
    if report.lexical_only:
        output.note("no encoder weights: this crystal has its lexical index only; `crystal models pull`, then ingest again")
    if as_json:
        output.json("ingest", render.ingest_json(report, stats))
    else:
        render.ingest(report, stats, str(target))
    if not stats.documents:
        from crystalcli.errors import SourceError

        raise SourceError("nothing to read there: " + (report.skipped[0][1] if len(report.skipped) == 1 else "no file holds text"))


@app.command()
def recall(
    question: Annotated[Optional[str], typer.Argument(help="What to look for.", show_default=False)] = None,  # noqa: UP045
    k: CountOption = 5,
    depth: DepthOption = 3,
    questions: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Many questions: JSON lines with qid and question; prints JSON lines.", show_default=False),
    ] = None,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the passages that answer a question best, each with its place."""
    if (question is None) == (questions is None):
        raise UsageError("give one question, or --questions FILE")
    with _open(crystal) as opened:
        if questions is not None:
            from crystalcli.cli.batch import answer_all

            answer_all(opened, questions, k, depth)
            return
        from crystalcli.errors import NotFoundError

        assert question is not None
        found = opened.recall(question, k, depth)
        if as_json:
            from crystalcli.cli import render

            output.json("recall", {"question": question, "depth": depth, "passages": [render.passage_json(each) for each in found]})
        elif found:
            from crystalcli.cli import render

            render.passages(found)
        if not found:
            raise NotFoundError("nothing in this crystal answers to that question")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="FILE", help="A language model (GGUF). Default: SmolLM2-135M-Instruct.", show_default=False),
    ] = None,
    k: CountOption = 5,
    depth: DepthOption = 3,
    max_tokens: Annotated[int, typer.Option("--max-tokens", metavar="N", help="The answer's longest length, in tokens.")] = 128,
    seed: Annotated[int, typer.Option(metavar="N", help="For sampling; the default is deterministic with any seed.")] = 0,
    extractive: Annotated[bool, typer.Option("--extractive", help="No language model: quote the best sentences.")] = False,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the crystal, with numbered sources."""
    from crystalcli.library import LANGUAGE_MODEL

    if not extractive and model in (None, LANGUAGE_MODEL):
        _fetch(LANGUAGE_MODEL)
    with _open(crystal) as opened:
        answer = opened.ask(
            question,
            k=k,
            depth=depth,
            model=model,
            max_tokens=max_tokens,
            seed=seed,
            extractive=extractive,
            on_text=None if as_json else _stream,
        )
    from crystalcli.cli import render

    if as_json:
        output.json("ask", render.answer_json(answer))
    else:
        output.write("\n\n")
        render.sources(answer.citations)


def _stream(piece: str) -> None:
    from crystalcli.cli.output import harmless

    output.write(harmless(piece))


@app.command()
def inspect(
    document: Annotated[Optional[str], typer.Argument(help="A document to zoom into.", show_default=False)] = None,  # noqa: UP045
    documents: Annotated[bool, typer.Option("--documents", help="List every file of the ledger, read or not.")] = False,
    chunks: Annotated[int, typer.Option(metavar="N", help="How many chunks of a document to show.")] = 3,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the layers and what they take, or the way from one document's atoms down to its text."""
    from crystalcli.cli import render

    with _open(crystal, encoder=False) as opened:
        if document is not None:
            found, views = opened.zoom(document)
            if as_json:
                output.json("inspect", render.zoom_json(found, views))
            else:
                render.zoom(found, views, chunks)
        elif documents:
            ledger = opened.documents()
            if as_json:
                from dataclasses import asdict

                output.json("inspect", {"documents": [asdict(each) for each in ledger]})
            else:
                render.documents(ledger)
        elif as_json:
            output.json("inspect", {"path": str(opened.path), **render.stats_json(opened.stats())})
        else:
            render.stats(opened.stats(), str(opened.path))


@models_app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """List the weights that crystal knows by name, and which are here."""
    from crystalcli import models
    from crystalcli.cli import render

    found = models.listing()
    if as_json:
        from dataclasses import asdict

        output.json("models list", {"models": [{**asdict(each), "path": str(each.path)} for each in found]})
    else:
        render.models(found)


@models_app.command("pull")
def models_pull(
    names: Annotated[Optional[list[str]], typer.Argument(metavar="NAME", help="Which; all when none is named.")] = None,  # noqa: UP045
) -> None:
    """Fetch weights once, check them, and keep them. An interrupted pull goes on where it stopped."""
    from crystalcli import models

    for name in names or list(models.CATALOGUE):
        models.weights(name)
    for name in names or list(models.CATALOGUE):
        if models.locate(name) is None:
            _fetch(name)
        output.note(f"{name} is in {models.locate(name)}")


@models_app.command("remove")
def models_remove(names: Annotated[list[str], typer.Argument(metavar="NAME", help="Which weights to delete.")]) -> None:
    """Delete weights from this machine."""
    from crystalcli import models
    from crystalcli.cli.render import size

    for name in names:
        output.note(f"{name}: {size(models.remove(name))} given back")


# --- shared by the commands ------------------------------------------------------------------------------------


def _path(given: Path | None) -> Path:
    from crystalcli.memory.crystal import default_path

    return given.expanduser() if given is not None else default_path(Path.cwd(), os.environ.get("CRYSTAL_FILE"))


def _open(given: Path | None, *, encoder: bool = True) -> Crystal:
    from crystalcli.library import Crystal

    opened = Crystal.open(_path(given), encoder=_encoder() if encoder else None)
    if encoder and opened.lexical_only and opened.stats().documents:
        output.note("no vectors to go by (no encoder weights here, or none when the crystal was made): by BM25 alone")
    return opened


def _encoder() -> Path | None:
    from crystalcli.memory.crystal import ENCODER

    try:
        return _fetch(ENCODER)
    except ModelMissingError as error:
        output.note(f"{error}")
        return None


def _fetch(name: str) -> Path:
    """The folder of a model's weights, fetched with a notice and a progress bar when it is not here yet."""
    from crystalcli import models

    found = models.locate(name)
    if found is None:
        from crystalcli.cli.progress import pulling
        from crystalcli.cli.render import size

        output.note(f"fetching {name} ({size(models.weights(name).size)}, once) into {models.folder()}")
        with pulling(name) as progress:
            found = models.pull(name, progress)
    return found


_STOPPED = "stopped; what was committed stays, and the same command goes on from there"


def run(arguments: list[str] | None = None) -> int:
    """The whole program: the exit code of one command line. Errors are one line on stderr."""
    from crystalcli.errors import CrystalError

    debug = os.environ.get("CRYSTAL_DEBUG") == "1"
    try:
        command = typer.main.get_command(app)
        result = command.main(args=arguments, prog_name="crystal", standalone_mode=False)
        if result == 130:  # Typer has caught Ctrl-C itself
            output.error(_STOPPED)
        return result if isinstance(result, int) else 0
    except CrystalError as error:
        if debug:
            raise
        output.error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        output.error(_STOPPED)
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - so that closing it at exit does not fail again
        return 0
    except MemoryError:
        output.error("out of memory")
        return 1
    except OSError as error:
        if debug:
            raise
        output.error(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 1
    except Exception as error:
        # Typer carries its own Click and shares no base class with it: a usage error is known by its shape.
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            message = str(error.format_message())
            if message:
                output.error(f"{message} See `crystal --help`.")
            return int(error.exit_code)
        if debug:
            raise
        output.error(f"unexpected {type(error).__name__}: {error} (CRYSTAL_DEBUG=1 shows where)")
        return 1
