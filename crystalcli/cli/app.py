"""The commands: parse, call one function, render. No logic of their own.

Everything heavy is imported inside the command that needs it, so that `crystal --help` is instant.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from crystalcli.cli import checks, moves
from crystalcli.cli.asking import ask
from crystalcli.cli.choosing import choosing, chosen
from crystalcli.cli.model_commands import models
from crystalcli.cli.output import output
from crystalcli.cli.perplexity import perplexity
from crystalcli.cli.shared import (
    PATH,
    count_option,
    crystal_option,
    default_weights,
    depth_option,
    encoder_option,
    half_life_option,
    json_option,
    open_crystal,
    password_option,
    path_of,
)
from crystalcli.cli.watch import watch
from crystalcli.errors import StoppedError, UsageError
from crystalcli.types import HalfLife


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "--version", package_name="crystalcli", prog_name="crystal", message="%(prog)s %(version)s")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
def app(quiet: bool) -> None:
    """A memory without end for a small local transformer: read folders into one file, and ask it.

    Results are on stdout, everything else on stderr. With --json a failure is an object on stdout, too: {"error": {"code": the exit
    code, "message": …}}.
    """
    output.quiet = quiet


@app.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@crystal_option
@encoder_option
@click.option(
    "--codebooks-from",
    metavar="PATH",
    type=PATH,
    multiple=True,
    help="Learn an own encoder's codebooks from these files, and not from the first text. May be given again.",
)
@json_option
@choosing
@click.option("--name", metavar="NAME", help="With -: what the document is called. Default: stdin.")
@click.option("--dry-run", is_flag=True, help="Only say what would be read, and what it would take.")
@click.option("-v", "--verbose", is_flag=True, help="With --dry-run: name every file.")
@click.option("--prune", is_flag=True, help="Drop the documents whose files are gone.")
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    help="How long to wait for another program that is writing the crystal. Default: not at all.",
)
@password_option
def ingest(
    paths: tuple[str, ...],
    crystal: Path | None,
    encoder: Path | None,
    codebooks_from: tuple[Path, ...],
    as_json: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    max_file_size: int | None,
    as_usual: bool,
    name: str | None,
    dry_run: bool,
    verbose: bool,
    prune: bool,
    wait: float,
    password: str,
) -> None:
    """Read files and folders into the crystal: documents, books, code, mail, chats, archives. With - read standard input.

    What has not changed since the last time is not read again. Files that are gone keep what was read of them, marked as gone,
    until --prune. Press Ctrl-C at any time: what was read stays, and the same command goes on from there.

    Hidden files, and what .gitignore and .crystalignore name, are left out. So are lock files, minified and generated code,
    images, sound, video, fonts and programs, unless they are named here or --include has them. What --include, --exclude and
    --max-file-size say is remembered for the folders and holds until something else is said.

    With --encoder DIR a new crystal gets an encoder of its own: a BERT, DistilBERT, RoBERTa or XLM-RoBERTa model in Hugging Face's
    layout. Its codebooks are learnt once, from the first text or from --codebooks-from, and stay as they are.
    """
    from crystalcli.cli import render
    from crystalcli.cli.piping import piped
    from crystalcli.cli.progress import ingesting
    from crystalcli.cli.stopping import stoppable
    from crystalcli.library import Crystal, paths_of

    choice = chosen(include, exclude, max_file_size, as_usual)
    stdin = piped(paths, name, max_file_size)
    target, sources = path_of(crystal), paths_of(() if "-" in paths else paths)
    if dry_run and sources:
        from crystalcli.cli import forecasting

        filters: dict[str, Any] = {
            "include": include or None,
            "exclude": [] if as_usual else exclude or None,
            "max_file_size": max_file_size,
        }
        forecasting.dry_run(target, sources, encoder, filters, as_json, verbose, password)
        return
    if dry_run or verbose:
        raise UsageError("--dry-run is for files and folders, and --verbose for --dry-run")
    fresh = not target.exists()
    samples = paths_of([str(path) for path in codebooks_from])
    if samples and fresh and encoder is None and not os.environ.get("CRYSTAL_ENCODER"):
        raise UsageError("--codebooks-from is for an encoder of your own: name its folder with --encoder")
    weights = encoder if encoder is not None else "auto"
    with (
        stoppable(),
        stdin as document,  # read to its end before the crystal is held
        Crystal(target, mode="write", encoder=weights, fetch=default_weights, wait=wait, on_wait=output.note) as opened,
    ):
        if samples and opened.own_encoder and not opened.lacks_codebooks:
            output.note("this crystal has its codebooks already: --codebooks-from is not read")
        try:
            with ingesting() as progress:
                report = opened.bring_in(
                    sources,
                    progress=progress,
                    prune=prune,
                    codebooks_from=samples,
                    choice=choice,
                    piped=document,
                    password=password,
                )
        except KeyboardInterrupt:
            kept = opened.stats()
            held = f"{target} holds {render.count(kept.documents, 'document')}, {kept.tokens:,} tokens"
            raise StoppedError(
                f"stopped; {held}; what was read stays, and the same command goes on from there"
            ) from None
        stats = opened.stats()
        if fresh and not stats.documents:  # while it is still ours: another program may be waiting to write it
            target.resolve().unlink(missing_ok=True)
    if report.lexical_only:
        output.note(
            "no encoder weights: this crystal has its lexical index only; `crystal models pull`, then ingest again"
        )
    if as_json:
        output.json("ingest", render.ingest_json(report, stats))
    else:
        render.ingest(report, stats, str(target))
    if not stats.documents or (document is not None and report.skipped):
        from crystalcli.errors import SourceError

        raise SourceError(
            "nothing to read there: " + (report.skipped[0][1] if len(report.skipped) == 1 else "no file holds text")
        )


@app.command()
@click.argument("question", required=False)
@count_option
@depth_option
@click.option(
    "--questions",
    metavar="FILE",
    type=PATH,
    help="Many questions, - for stdin: JSON lines with qid and question; prints JSON lines.",
)
@click.option(
    "--reencode",
    metavar="N",
    default=0,
    show_default=True,
    help="Encode the N best candidates again from their text; exacter, and a second or two slower.",
)
@half_life_option
@click.option("--explain", is_flag=True, help="Say what each layer and BM25 gave to each passage's score.")
@crystal_option
@encoder_option
@json_option
def recall(
    question: str | None,
    k: int,
    depth: int,
    questions: Path | None,
    reencode: int,
    half_life: HalfLife,
    explain: bool,
    crystal: Path | None,
    encoder: Path | None,
    as_json: bool,
) -> None:
    """Show the passages that answer a question best, each with its place."""
    if (question is None) == (questions is None):
        raise UsageError("give one question, or --questions FILE")
    if explain and questions is not None:
        raise UsageError("--explain is for one question; --questions prints every passage's shares as it is")
    with open_crystal(crystal, own=encoder) as opened:
        if questions is not None:
            from crystalcli.cli.batch import answer_all

            answer_all(opened, questions, k, depth, reencode, half_life)
            return
        from crystalcli.cli import render
        from crystalcli.errors import NotFoundError

        assert question is not None
        results = opened.recall(question, k, depth=depth, reencode=reencode, half_life=half_life)
        if as_json:
            rows = [render.passage_json(passage) for passage in results]
            if explain:
                from crystalcli.cli.explain import explanation_json

                for row, passage in zip(rows, results, strict=True):
                    row["explanation"] = explanation_json(passage)
            output.json("recall", {"question": question, "depth": depth, "passages": rows})
        elif results:
            render.passages(results, explain)
        if not results:
            raise NotFoundError("nothing in this crystal answers to that question")


@app.command()
@click.argument("document", required=False)
@click.option("--documents", is_flag=True, help="List every file of the ledger, read or not.")
@click.option("--chunks", metavar="N", default=3, show_default=True, help="How many chunks of a document to show.")
@click.option("--memory", is_flag=True, help="What recall keeps in memory: open the crystal as it does, and count.")
@crystal_option
@encoder_option
@json_option
def inspect(
    document: str | None,
    documents: bool,
    chunks: int,
    memory: bool,
    crystal: Path | None,
    encoder: Path | None,
    as_json: bool,
) -> None:
    """Show the layers and what they take, or the way from one document's atoms down to its text."""
    from crystalcli.cli import render

    if sum((document is not None, documents, memory)) > 1:
        raise UsageError("give one of DOCUMENT, --documents and --memory")
    with open_crystal(crystal, encoder=memory, own=encoder) as opened:
        if memory:
            from crystalcli.cli import render_memory

            if as_json:
                output.json("inspect", render_memory.memory_json(opened.memory_use(), str(opened.path)))
            else:
                render_memory.memory(opened.memory_use(), str(opened.path))
        elif document is not None:
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


for _command in (
    *(moves.export, moves.merge, moves.forget, moves.compact, moves.diff),
    *(checks.status, checks.verify, checks.repair),
    *(ask, watch, models, perplexity),
):
    app.add_command(_command)


_STOPPED = "stopped; what was committed stays, and the same command goes on from there"


# What the system's allocator, torch's and the loader of libraries say when there is no more; torch's is a plain RuntimeError.
_NO_MEMORY = ("Cannot allocate memory", "can't allocate memory", "failed to map segment")


def run(arguments: list[str] | None = None, command: click.Command = app, name: str = "crystal") -> int:
    """The whole program: the exit code of one command line. Errors are one line on stderr, with --json an object on stdout, too.

    command, name: another program than `crystal` that behaves as it does.
    """
    from crystalcli.errors import CrystalError

    output.begin(sys.argv[1:] if arguments is None else arguments)
    debug = os.environ.get("CRYSTAL_DEBUG") == "1"
    try:
        result = command.main(args=arguments, prog_name=name, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        output.write(f"{error.format_message()}\n")
        return 0
    except click.ClickException as error:
        return output.failure(f"{error.format_message()} See `{name} --help`.", error.exit_code)
    except CrystalError as error:
        if debug:
            raise
        return output.failure(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return output.failure(_STOPPED, 130)
    except SystemExit:  # click's way to say that the reader of our output has gone, as `| head` does
        return 0
    except BrokenPipeError:
        output.drop()
        return 0
    except MemoryError:
        return output.failure("out of memory", 1)
    except OSError as error:
        if debug:
            raise
        return output.failure(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    except Exception as error:
        if debug:
            raise
        if any(words in str(error) for words in _NO_MEMORY):
            return output.failure("out of memory", 1)
        return output.failure(f"unexpected {type(error).__name__}: {error} (CRYSTAL_DEBUG=1 shows where)", 1)
