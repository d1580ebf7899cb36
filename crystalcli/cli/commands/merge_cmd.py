"""`crystal merge`: one crystal of several."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from crystalcli.cli.options.crystal_options import ForceOption, JsonOption
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.stop_signals import report_stop
from crystalcli.paths import expanded

app = command_app()


@app.command(
    "merge",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal merge work.crystal home.crystal -o all.crystal  # Make one crystal of two.
        crystal merge *.crystal -o all.crystal --force  # Merge all crystals here and replace the last result.
        crystal merge a.crystal b.crystal -o ab.crystal --json  # Print the result as JSON.
    """,
)
def merge_command(
    crystals: Annotated[list[Path], typer.Argument(metavar="CRYSTAL CRYSTAL...")],
    target: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The crystal to make.")],
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make one crystal of several, without reading or encoding anything again.

    Text that they share is stored once. A document that several hold under one name with the same
    text is there once. If the texts differ both stay, the later one's name prefixed with the name
    of its crystal. The new crystal is whole or not there; --force replaces a crystal.
    """
    from crystalcli.cli.render.move_view import print_merge
    from crystalcli.cli.terminal.progress import share_bar
    from crystalcli.library import Crystal

    target = expanded(target)
    with report_stop(f"{target} was not made"), share_bar() as progress:
        report = Crystal.merge(crystals, target, force=force, progress=progress)
    if as_json:
        output.json("merge", {"path": str(target), **asdict(report)})
    else:
        print_merge(report, str(target))
