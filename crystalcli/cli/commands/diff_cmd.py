"""`crystal diff`: the difference between two crystals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crystalcli.cli.options.crystal_options import JsonOption
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import CrystalError, UsageError
from crystalcli.paths import expanded

app = command_app()


@app.command(
    "diff",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal diff monday.crystal today.crystal  # List what was added, removed and changed.
        crystal diff a.crystal b.crystal --json | jq .added  # Print the added documents.
        crystal diff a.crystal b.crystal && echo same  # Compare two crystals in a script.
    """,
)
def diff_command(
    one: Annotated[Path, typer.Argument(metavar="A")],
    other: Annotated[Path, typer.Argument(metavar="B")],
    as_json: JsonOption = False,
) -> int:
    """List the differences between two crystals.

    Lists documents added, gone and renamed, and the passages of those that changed, from A to B.
    Texts are compared. The exit code is 0 if they are the same and 1 if they differ, as with
    diff(1); failures have other codes, 2 where other commands have 1.
    """
    from crystalcli.cli.render.move_view import diff_json, print_difference
    from crystalcli.library import Crystal

    try:
        with Crystal.open(expanded(one), encoder=None) as opened:
            difference = opened.diff(other)
    except CrystalError as error:
        if error.exit_code == 1:
            raise UsageError(str(error)) from error
        raise
    if as_json:
        same = not difference.any
        output.json("diff", {"a": str(one), "b": str(other), "same": same, **diff_json(difference)})
    else:
        print_difference(difference)
    return int(difference.any)
