"""`crystal help`: the help of a command by its name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crystalcli.cli.options.completion import complete_commands
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output

app = command_app()


@app.command(
    "help",
    cls=Command,
    hidden=True,
    epilog="""
        crystal help  # Print the list of commands.
        crystal help ask  # Print the help of a command.
        crystal help models add  # Print the help of a command of a group.
    """,
)
def help_command(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", autocompletion=complete_commands)] = None,
) -> None:
    """Print the help of a command."""
    context: Any = ctx.find_root()
    words = list(names or ())
    while words:
        if not hasattr(context.command, "commands"):
            ctx.fail(f"{context.command_path} has no command {words[0]!r}.")
        name, command, words = context.command.resolve_command(context, words)
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
        # A second name may stand for options too.
        words = [word for word in words if not word.startswith("-")]
    output.write(context.get_help().rstrip("\n") + "\n")
