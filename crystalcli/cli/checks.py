"""The commands that ask whether a crystal is whole: status, verify, repair."""

from __future__ import annotations

from pathlib import Path

import click

from crystalcli.cli.output import output
from crystalcli.cli.shared import crystal_option, json_option, path_of
from crystalcli.errors import CrystalError, DamagedCrystalError


@click.command()
@click.option("--all", "everything", is_flag=True, help="List every file of the ledger, not only what needs attention.")
@crystal_option
@json_option
def status(everything: bool, crystal: Path | None, as_json: bool) -> None:
    """Compare the crystal with the folders it was made from: what is new, changed, gone, unread or without layers.

    The exit code is 0 when the crystal holds all that was asked for as it is now, and 1 when an ingest would change it.
    Files that cannot be read as text are listed with the reason and do not count.
    """
    from crystalcli.cli import render_checks
    from crystalcli.library import Crystal

    path = path_of(crystal)
    with Crystal.open(path, encoder=None) as opened:
        found = opened.status()
    if as_json:
        output.json("status", {"path": str(path), **render_checks.status_json(found)})
    else:
        render_checks.status(found, str(path), everything)
    if not found.complete:
        raise click.exceptions.Exit(CrystalError.exit_code)


@click.command()
@click.option("--quick", is_flag=True, help="Leave out the comparison of the lexical index with the text.")
@crystal_option
@json_option
def verify(quick: bool, crystal: Path | None, as_json: bool) -> None:
    """Check the file: its pages, rows, digests, layers, postings and documents.

    Changes nothing and needs no weights. What does not hold is listed with the documents it touches; the exit code is then 4.
    """
    from crystalcli.cli import render_checks
    from crystalcli.cli.progress import portion
    from crystalcli.library import Crystal
    from crystalcli.memory.verify import Problem, VerifyReport

    path = path_of(crystal)
    try:
        with Crystal.open(path, encoder=None) as opened, portion() as progress:
            verdict = opened.verify(quick=quick, progress=progress)
    except DamagedCrystalError as error:
        reason = str(error).removeprefix(f"{path} is damaged: ")
        verdict = VerifyReport((Problem(reason, ()),), (), {}, (), quick)
    if as_json:
        output.json("verify", {"path": str(path), **render_checks.verdict_json(verdict)})
    else:
        render_checks.verdict(verdict, str(path))
    if not verdict.sound:
        raise DamagedCrystalError(f"{path} is damaged; `crystal repair` keeps what can be read")


@click.command()
@click.option("--no-backup", is_flag=True, help="Do not keep the damaged file as NAME.crystal.damaged.")
@crystal_option
@json_option
def repair(no_backup: bool, crystal: Path | None, as_json: bool) -> None:
    """Make a damaged crystal whole again from what can be read of it, and say what was lost.

    Layers and postings are made again from the text. Documents that have lost text are marked, and the next ingest reads
    their files again. The damaged file is kept as NAME.crystal.damaged.
    """
    from crystalcli.cli import render_checks
    from crystalcli.cli.shared import default_weights
    from crystalcli.library import Crystal

    path = path_of(crystal)
    report = Crystal.repair(path, fetch=default_weights, backup=not no_backup)
    if as_json:
        output.json("repair", {"path": str(path), **render_checks.repair_json(report)})
    else:
        render_checks.repaired(report, str(path))
