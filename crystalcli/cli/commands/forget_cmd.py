"""`crystal forget`: documents out of the crystal."""

from __future__ import annotations

from typing import Annotated

import typer

from crystalcli.cli.options.completion import complete_documents
from crystalcli.cli.options.crystal_options import CrystalOption, JsonOption, crystal_path
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.stop_signals import report_stop

app = command_app()


@app.command(
    "forget",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal forget letters/1989.txt  # Forget a document.
        crystal forget "drafts/**" --dry-run  # See which documents a glob would forget.
        crystal forget old-notes --compact  # Forget a folder and remove its text from the file.
    """,
)
def forget_command(
    names: Annotated[list[str], typer.Argument(metavar="DOCUMENT...", autocompletion=complete_documents)],
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
    """
    from crystalcli.cli.render.move_view import forget_json, print_forget
    from crystalcli.cli.terminal.progress import share_bar
    from crystalcli.library import Crystal

    target = crystal_path(crystal)
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
