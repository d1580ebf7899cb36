"""`crystal verify`: is the file whole?"""

from __future__ import annotations

from typing import Annotated

import typer

from crystalcli.cli.options.crystal_options import CrystalOption, JsonOption, crystal_path
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import DamagedCrystalError

app = command_app()


@app.command(
    "verify",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal verify  # Check every part of the file.
        crystal verify --quick  # Check all but the lexical index against the text.
        crystal verify -c backup.crystal && echo good  # Check a copy in a script.
    """,
)
def verify_command(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the comparison of the lexical index with the text.")
    ] = False,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the file: its pages, rows, digests, layers, postings and documents.

    Changes nothing and needs no weights. Each problem is listed with the documents it touches; the
    exit code is then 4.
    """
    from crystalcli.cli.render.check_view import print_verdict, verdict_json
    from crystalcli.cli.terminal.progress import share_bar
    from crystalcli.library import Crystal
    from crystalcli.maintenance import Problem, VerifyReport

    path = crystal_path(crystal)
    try:
        with Crystal.open(path, encoder=None) as opened, share_bar() as progress:
            verdict = opened.verify(quick=quick, progress=progress)
    except DamagedCrystalError as error:
        verdict = VerifyReport((Problem(error.what, ()),), (), {}, (), quick)
    if as_json:
        output.json("verify", {"path": str(path), **verdict_json(verdict)})
    else:
        print_verdict(verdict, str(path))
    if not verdict.sound:
        raise DamagedCrystalError(path, "`crystal repair` keeps what can be read")
