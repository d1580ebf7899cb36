"""`crystal mcp`: the crystal as tools of assistants, by the Model Context Protocol."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crystalcli.cli.options.crystal_options import CrystalOption, crystal_path
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.stop_signals import exit_on_interrupt
from crystalcli.errors import UsageError

app = command_app()
_PORT = 8321


class McpCommand(Command):
    """A command whose option --http may stand without its value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give --http its default where no number follows."""
        words = []
        for index, word in enumerate(args):
            words.append(word)
            if word == "--http" and not "".join(args[index + 1 : index + 2]).isdecimal():
                words.append(str(_PORT))
        rest: list[str] = super().parse_args(ctx, words)
        return rest


@app.command(
    "mcp",
    cls=McpCommand,
    rich_help_panel="Ask",
    epilog="""
        crystal mcp --config claude-code -c ~/notes.crystal  # Print how to add it to an assistant.
        crystal mcp --http  # Serve assistants of this machine at http://127.0.0.1:8321/mcp.
        crystal mcp --skill  # Print the file that tells agents when to search.
    """,
)
def mcp_command(
    http: Annotated[
        int | None,
        typer.Option(
            "--http",
            metavar="[PORT]",
            min=0,
            max=65535,
            help=f"Serve by HTTP on 127.0.0.1, port {_PORT} or another, instead of standard input and output.",
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Offer the tool `remember` too, which adds notes to the crystal.")
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="CLIENT",
            help="Print what to paste into claude-code, claude-desktop, cursor, vscode, codex or gemini, and exit.",
        ),
    ] = None,
    skill: Annotated[
        bool, typer.Option("--skill", help="Print a skill file that tells agents when to search, and exit.")
    ] = False,
    crystal: CrystalOption = None,
) -> None:
    """Offer the crystal to assistants as tools: search, read, outline, list, mentions.

    A client such as Claude or an editor starts the command by itself, with the lines that --config
    prints. It needs `pip install 'crystalcli[serve]'`. The crystal may grow or be replaced while it
    is served; it is opened at the first call. docs/MCP.md has a section for each client.
    """
    from crystalcli.mcp_server import make_client_setup, serve_http, serve_stdio, skill_text

    if sum((http is not None, config is not None, skill)) > 1:
        raise UsageError("--http, --config and --skill exclude one another")
    path = crystal_path(crystal)
    if skill:
        output.write(skill_text())
    elif config is not None:
        setup = make_client_setup(config, path, write=write)
        output.note(setup.place)
        output.write(setup.text + "\n")
    elif http is not None:
        serve_http(path, http, on_ready=lambda address: output.note(f"serving {path} at {address}"), write=write)
    else:
        with exit_on_interrupt("the crystal is as it was last committed"):
            serve_stdio(path, write=write)
