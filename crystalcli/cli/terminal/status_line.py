"""One quiet line on stderr while there is nothing to read yet, gone without a trace when there is."""

from __future__ import annotations

import shutil
import sys

from crystalcli.cli.terminal.output import harmless, output

_DIM, _PLAIN, _CLEAR = "\x1b[2m", "\x1b[0m", "\r\x1b[2K"


class Waiting:
    """Says nothing where nobody watches."""

    def __init__(self) -> None:
        self._shown = False

    def say(self, line: str) -> None:
        """Show a line, in place of the one before."""
        if output.watched:
            room = max(10, shutil.get_terminal_size().columns - 1)
            sys.stderr.write(f"{_CLEAR}{_DIM}{' '.join(harmless(line).split())[:room]}{_PLAIN}")
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        """Take it away."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._shown = False
