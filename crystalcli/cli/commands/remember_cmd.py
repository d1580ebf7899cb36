"""`crystal remember`: a sentence or a note into the crystal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from crystalcli.cli.options.command_input import read_told_text
from crystalcli.cli.options.crystal_options import CrystalOption, JsonOption, open_memories
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import UsageError

app = command_app()


@app.command(
    "remember",
    cls=Command,
    rich_help_panel="Remember",
    epilog="""
        crystal remember The harbour office is at 7 Ropewalk now  # Keep a sentence.
        crystal remember "I moved to Oldhaven" --by Ann --at 2026-09-20 --tag home  # By whom, when, what about.
        crystal remember - --pin < rules.md  # Keep a note from standard input, and pin it.
    """,
)
def remember_command(
    words: Annotated[list[str] | None, typer.Argument(metavar="TEXT...|-")] = None,
    by: Annotated[str, typer.Option("--by", metavar="PERSON", help="Who says it.")] = "",
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="DATE",
            help="The day that it speaks of: 2026-09-20, '2026-09-20 14:30', yesterday, '2 weeks ago'. Default: now.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag, such as home. Can be repeated.")
    ] = None,
    pin: Annotated[bool, typer.Option("--pin", help="Pin it: `crystal chat` then has it always in mind.")] = False,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a sentence or a note, with its date, as a document of its own.

    It is found from then on as any document is, needs no model, and never replaces another: what
    has changed stays beside what was. It is on the disk when the command ends, also while another
    program ingests, which indexes it at its next commit. Without a crystal one is made.

    `crystal memories` lists what was told; edit, pin, unpin and forget are its commands.
    """
    from crystalcli.cli.render.memory_view import print_told, told_json

    text = read_told_text(words)
    if not words and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError("give a sentence, or - to read a note from standard input")
    with open_memories(crystal, makes=True) as opened:
        memory = opened.remember(text, by=by, at=at, tags=tag or (), pin=pin)
    if as_json:
        output.json("remember", {"memory": told_json(memory)})
    else:
        print_told(memory)
