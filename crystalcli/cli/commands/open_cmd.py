"""`crystal open`: a source of the last answer in an editor, or in the system's viewer."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from crystalcli.cli.options.user_files import LastSource, last_source
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import CrystalError, NotFoundError, SourceError

app = command_app()

# How editors are told a line; any other one is given the file alone.
_PLUS_LINE = frozenset(
    (
        "vi",
        "vim",
        "nvim",
        "view",
        "gvim",
        "nano",
        "pico",
        "emacs",
        "emacsclient",
        "kak",
        "micro",
        "joe",
        "ne",
        "mg",
        "gedit",
    )
)
_GOTO = frozenset(("code", "code-insiders", "codium", "cursor", "windsurf"))
_COLON_LINE = frozenset(("hx", "helix", "subl", "zed"))


@app.command(
    "open",
    cls=Command,
    rich_help_panel="Ask",
    epilog="""
        crystal open  # Open the first source of the last answer.
        crystal open 3  # Open the third, at its line.
        EDITOR="code -w" crystal open 2  # Open the second in another editor.
    """,
)
def open_command(
    number: Annotated[int, typer.Argument(metavar="[N]", help="The number of the source. Default: 1.")] = 1,
) -> None:
    """Open a source of the last `crystal ask` or `crystal recall`.

    Text and code open in $VISUAL or $EDITOR at their line, anything else, and everything without
    these, in the system's viewer. The sources are kept in a file that only you can read; an empty
    $CRYSTAL_HISTORY keeps none.
    """
    source = last_source(number)
    if source.file is None:
        raise NotFoundError(f"{source.name} is no file of its own; `crystal export` writes it as one")
    if not Path(source.file).is_file():
        raise SourceError(f"{source.file} does not exist any more")
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    command = editor_command(editor, source.file, source.line) if editor and source.line is not None else None
    if command is None and source.place:
        output.note(f"opening {source.name}, {source.place}")
    _run(viewer_command(source) if command is None else command)


def editor_command(editor: str, file: str, line: int) -> list[str]:
    """Make the command that opens a file at a line.

    Args:
        editor: the value of $EDITOR, with options if it has any.
        file: the path of the file.
        line: the line, from 1.
    """
    words = shlex.split(editor)
    name = Path(words[0]).name.removesuffix(".exe") if words else ""
    if name in _PLUS_LINE:
        return [*words, f"+{line}", file]
    if name in _GOTO:
        return [*words, "--goto", f"{file}:{line}"]
    if name in _COLON_LINE:
        return [*words, f"{file}:{line}"]
    return [*words, file]


def viewer_command(source: LastSource) -> list[str]:
    """Make the command that opens a file as the system does."""
    assert source.file is not None
    if sys.platform == "win32":
        return ["cmd", "/c", "start", "", source.file]
    return ["open" if sys.platform == "darwin" else "xdg-open", source.file]


def _run(command: Sequence[str]) -> None:
    try:
        code = subprocess.run(command).returncode
    except OSError as error:
        reason = "is not here" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
        raise CrystalError(f"{command[0]} {reason}: set $EDITOR to a program that opens {command[-1]}") from None
    if code:
        raise CrystalError(f"{command[0]} ended with exit code {code}")
