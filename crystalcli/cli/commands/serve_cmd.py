"""`crystal serve`: pages in the browser to ask the crystal, search it, and read what it holds."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from crystalcli.cli.options.crystal_options import AllowRemoteOption, CrystalOption, crystal_path
from crystalcli.cli.options.model_options import ModelOption, resolve_language_model
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.stop_signals import report_stop

app = command_app()


@app.command(
    "serve",
    cls=Command,
    rich_help_panel="Ask",
    epilog="""
        crystal serve  # Open the crystal of this folder in the browser.
        crystal serve -c ~/shelf.crystal --port 9000  # Another crystal, on a port that stays.
        crystal serve --mcp  # Serve assistants too, at /mcp of the same address.
    """,
)
def serve_command(
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8322,
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS", help="Address to listen on. Another one lets other machines in."),
    ] = "127.0.0.1",
    token: Annotated[
        bool,
        typer.Option(
            "--token/--no-token",
            help="Let requests in by a token alone: $CRYSTAL_TOKEN, else a new one at each start. "
            "Without it all users of this machine are let in.",
        ),
    ] = True,
    mcp: Annotated[bool, typer.Option("--mcp", help="Serve assistants too, at /mcp (see `crystal mcp`).")] = False,
    browser: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open the page in the browser. Default: at a terminal."),
    ] = None,
    model: ModelOption = None,
    allow_remote: AllowRemoteOption = False,
    editor: Annotated[
        str,
        typer.Option(
            "--editor",
            metavar="NAME",
            help="Editor that links open code in: code, codium, cursor, windsurf, zed, idea, pycharm, subl or mate. "
            "Default: $VISUAL or $EDITOR.",
        ),
    ] = "",
    crystal: CrystalOption = None,
) -> None:
    """Open the crystal in the browser: ask, search, and read documents at the passage.

    The page is served on this machine, loads nothing from others, and can only read the crystal,
    which may grow meanwhile. It needs `pip install 'crystalcli[serve]'`. Ctrl-C ends it.
    """
    from crystalcli.web_server import ServeOptions, program_address, serve_pages

    path = crystal_path(crystal)

    def tell(address: str, key: str | None) -> None:
        output.note(f"serving {path}; Ctrl-C ends it")
        output.write(f"{address}?token={key}\n" if key else f"{address}\n")
        if mcp:
            header = f', with the header "Authorization: Bearer {key}"' if key else ""
            output.note(f"assistants: {program_address(address)}{header}")
        sys.stdout.flush()

    opens = sys.stdout.isatty() if browser is None else browser
    options = ServeOptions(
        host=host,
        port=port,
        token=token,
        mcp=mcp,
        open_browser=opens,
        model=None if model is None else resolve_language_model(model, allow_remote),
        editor=editor,
    )
    with report_stop("the crystal is as it was"):
        serve_pages(path, options, on_ready=tell)
