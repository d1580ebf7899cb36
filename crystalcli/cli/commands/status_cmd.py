"""`crystal status`: the crystal beside the folders that it was made from."""

from __future__ import annotations

from typing import Annotated

import typer

from crystalcli.cli.options.crystal_options import CrystalsOption, JsonOption, crystal_paths
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import CrystalError

app = command_app()


@app.command(
    "status",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal status  # See whether the crystal is up to date with its folders.
        crystal status --all  # List every file with its state.
        crystal status --json || crystal ingest ~/notes  # Ingest only if something has changed.
    """,
)
def status_command(
    everything: Annotated[
        bool, typer.Option("--all", help="List every file of the ledger, not only those that need attention.")
    ] = False,
    crystal: CrystalsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the crystal with the folders it was made from.

    Lists files that are new, changed, gone, unread or without layers. The exit code is 0 if the
    crystal holds all that was asked for as it is now, and 1 if an ingest would change it. Files
    that cannot be read as text are listed with the reason and do not count.
    """
    from crystalcli.cli.render.check_view import print_status, status_json
    from crystalcli.library import Crystal

    with Crystal.open(crystal_paths(crystal), encoder=None) as opened:
        path, status = opened.path, opened.status()
    if as_json:
        output.json("status", {"path": str(path), **status_json(status)})
    else:
        print_status(status, str(path), everything)
    if not status.complete:
        raise typer.Exit(CrystalError.exit_code)
