"""`crystal forget`: documents out of the crystal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from crystalcli.cli.options.completion import complete_documents
from crystalcli.cli.options.crystal_options import CrystalOption, JsonOption, crystal_path, open_memories
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.stop_signals import report_stop
from crystalcli.errors import UsageError

app = command_app()


@app.command(
    "forget",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal forget "drafts/**" --dry-run  # See which documents a glob would forget.
        crystal forget old-notes --compact  # Forget a folder and remove its text from the file.
        crystal forget --faded --dry-run  # See which memories have faded.
    """,
)
def forget_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[DOCUMENT]...", autocompletion=complete_documents)
    ] = None,
    faded: Annotated[
        bool,
        typer.Option("--faded", help="Forget the memories of which less than a half is left, instead of documents."),
    ] = False,
    half_life: Annotated[
        float,
        typer.Option(
            "--half-life",
            metavar="DAYS",
            help="With --faded: the days after which a half is left of what was never recalled.",
        ),
    ] = 365.0,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="With --faded: do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Print what would be forgotten, and forget nothing.")
    ] = False,
    then_compact: Annotated[
        bool, typer.Option("--compact", help="Compact the crystal afterwards, so that the text leaves the file.")
    ] = False,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget documents: as cited, a folder of them, a path, or a glob in quotes.

    In a glob, * stops at / and ** does not; a glob without / is compared with the last part of a
    path. All documents are forgotten in one step, or none if a name does not match (exit code 7).
    They are not recalled any more, but their text stays in the bytes of the file until `crystal
    compact`, or --compact here. The next `crystal ingest` of a folder reads a file that is still in
    it: name the file in .crystalignore to leave it out.

    --faded is about memories: what was told longer than --half-life ago, and not recalled since.
    Each recall makes a memory fade less; so does telling it again. Pinned ones never fade, and
    superseded ones fade twice as fast. Nothing goes by itself: the memories are listed, and
    forgotten with --yes or after a question.
    """
    from crystalcli.cli.render.move_view import forget_json, print_forget
    from crystalcli.cli.terminal.progress import share_bar
    from crystalcli.library import Crystal

    target = crystal_path(crystal)
    if names and faded:
        raise UsageError("DOCUMENT and --faded are not for one command")
    if not names and not faded:
        raise UsageError("missing argument DOCUMENT: name documents to forget, or give --faded")
    if faded:
        _forget_faded(crystal, half_life, dry_run=dry_run, then_compact=then_compact, yes=yes, as_json=as_json)
        return
    assert names
    with Crystal.open(target, writable=not dry_run, encoder=None) as opened:
        report = opened.forget(names, dry_run=dry_run)
    compact = None
    if then_compact and not dry_run:
        with (
            report_stop(f"the documents are forgotten, and {target} is not compacted"),
            share_bar() as progress,
            Crystal.open(target, writable=True, encoder=None) as opened,
        ):
            compact = opened.compact(progress=progress)
    if as_json:
        output.json("forget", {"path": str(target), "dry_run": dry_run, **forget_json(report, compact)})
    else:
        print_forget(report, str(target), dry_run, compact)


def _forget_faded(
    option: Sequence[Path] | None, half_life: float, *, dry_run: bool, then_compact: bool, yes: bool, as_json: bool
) -> None:
    """List the memories that have faded, and forget them if that is wanted."""
    from crystalcli.cli.render.memory_view import faded_json, print_faded

    if then_compact:
        raise UsageError("--compact is for documents: `crystal compact` removes the text of forgotten memories")
    with open_memories(option) as opened:
        memories = opened.faded_memories(half_life)
        if not as_json:
            print_faded(memories, half_life)
        forgets = bool(memories) and not dry_run and (yes or _agrees(len(memories)))
        if forgets:
            opened.forget_memories([each.memory.id for each in memories])
        target = opened.path
    if as_json:
        rows = [faded_json(each) for each in memories]
        output.json("forget", {"path": str(target), "dry_run": dry_run, "forgotten": forgets, "memories": rows})
    elif forgets:
        output.note(f"forgotten: {len(memories)}; their text stays in the file until `crystal compact`")
    elif memories:
        output.note("nothing is forgotten" + ("" if dry_run else "; --yes forgets them"))


def _agrees(count: int) -> bool:
    """Ask at a terminal; elsewhere the answer is no."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    sys.stderr.write(f"forget {count} memories? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
