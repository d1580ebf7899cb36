"""Standard input as a document to read."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from crystalcli.cli.terminal.output import output
from crystalcli.errors import SourceError, UsageError

if TYPE_CHECKING:
    from crystalcli.text.walk import Found


def piped(paths: tuple[str, ...], name: str | None, largest: int | None) -> AbstractContextManager[Found | None]:
    """What stands in standard input where the paths are `-` alone, kept while the block runs; else None.

    name: what it is called, None for the usual; largest: bytes it may have, None for the usual. Raises UsageError where these do
    not go together, and SourceError when there is nothing to read.
    """
    if "-" not in paths:
        if name is not None:
            raise UsageError("--name is what a document from standard input is called: give - as the path")
        return nullcontext()
    if len(paths) > 1:
        raise UsageError("- for standard input goes with no other path")
    if sys.stdin is None:
        raise SourceError("standard input is closed")
    from crystalcli.memory.piped import NAME, spooled
    from crystalcli.text.choice import LARGEST

    if sys.stdin.isatty():
        output.note("reading what is typed here, up to Ctrl-D")
    return spooled(sys.stdin.buffer, name if name is not None else NAME, LARGEST if largest is None else largest)
