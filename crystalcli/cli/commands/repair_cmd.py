"""`crystal repair`: a sound file from a damaged one."""

from __future__ import annotations

from typing import Annotated

import typer

from crystalcli.cli.options.crystal_options import CrystalOption, JsonOption, crystal_path, fetch_default_weights
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output

app = command_app()


@app.command(
    "repair",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal repair  # Mend the crystal of this folder, and keep the damaged file.
        crystal repair -c shelf.crystal --no-backup  # Mend a crystal and keep no copy of the damaged file.
        crystal repair && crystal ingest ~/papers  # Mend it, then read lost documents again.
    """,
)
def repair_command(
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Do not keep the damaged file as NAME.crystal.damaged.")
    ] = False,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mend a damaged crystal with all that can still be read of it.

    Says what was lost. Layers and postings are made again from the text. Documents that have lost
    text are marked, and the next ingest reads their files again. The damaged file is kept as
    NAME.crystal.damaged.
    """
    from crystalcli.cli.render.check_view import print_repair, repair_json
    from crystalcli.library import Crystal

    path = crystal_path(crystal)
    report = Crystal.repair(path, fetch=fetch_default_weights, backup=not no_backup)
    if as_json:
        output.json("repair", {"path": str(path), **repair_json(report)})
    else:
        print_repair(report, str(path))
