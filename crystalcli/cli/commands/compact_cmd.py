"""`crystal compact`: the space of forgotten text given back."""

from __future__ import annotations

from dataclasses import asdict

from crystalcli.cli.options.crystal_options import CrystalOption, JsonOption, crystal_path
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.stop_signals import report_stop

app = command_app()


@app.command(
    "compact",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal compact  # Compact the crystal of this folder.
        crystal compact -c shelf.crystal  # Compact another crystal.
        crystal compact --json  # Print sizes before and after as JSON.
    """,
)
def compact_command(crystal: CrystalOption = None, as_json: JsonOption = False) -> None:
    """Give back the space of forgotten, pruned and changed text, and join small segments.

    The crystal is written anew beside its place and replaces the old file in one step; until then,
    and after Ctrl-C, the old file is whole. Nothing is encoded again: documents, texts and layers
    stay the same. The new file needs free space on the disk.
    """
    from crystalcli.cli.render.move_view import print_compact
    from crystalcli.cli.terminal.progress import share_bar
    from crystalcli.library import Crystal

    target = crystal_path(crystal)
    with (
        report_stop(f"{target} is as it was"),
        share_bar() as progress,
        Crystal.open(target, writable=True, encoder=None) as opened,
    ):
        report = opened.compact(progress=progress)
    if as_json:
        output.json("compact", {"path": str(target), **asdict(report)})
    else:
        print_compact(report, str(target))
