"""The one owner of the terminal: results go to stdout, everything else to stderr; progress only where someone watches.

Text from documents is made harmless before it is printed: a file must not be able to write to the reader's terminal.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

JSON_SCHEMA = 1
_PIPED_WIDTH = 160  # columns for tables that go to a file or a pipe
# C0 and C1 controls, and the characters that reorder or hide text around them.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text with every control character, except newline and tab, replaced by a visible sign."""
    return _HARMFUL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


class Output:
    """Where a command writes. `quiet` silences what is not a result or an error."""

    def __init__(self) -> None:
        self.quiet = False
        self._failures_as_json = self._wrote = False

    def begin(self, arguments: Sequence[str]) -> None:
        """A command line begins. Where it asks for JSON, a failure is an object too, also one in the arguments themselves."""
        options = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
        forms = {f"{name} {form}" for name, form in itertools.pairwise(options)}
        self._failures_as_json = not {"--json", "--format=json"}.isdisjoint(options) or "--format json" in forms
        self._wrote = False

    @cached_property
    def console(self) -> Console:
        """stdout, for people; long lines are left whole when it is not a terminal."""
        from rich.console import Console

        watched = sys.stdout.isatty()
        width = None if watched or "COLUMNS" in os.environ else _PIPED_WIDTH
        return Console(highlight=False, soft_wrap=not watched, width=width, markup=False, emoji=False)

    @property
    def watched(self) -> bool:
        """Whether someone watches stderr, so that progress is worth drawing."""
        return sys.stderr.isatty() and not self.quiet and os.environ.get("TERM") != "dumb"

    @cached_property
    def talk(self) -> Console:
        """stderr, for people."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def note(self, line: str) -> None:
        """One line about what is going on, on stderr."""
        if not self.quiet:
            sys.stderr.write(f"crystal: {harmless(line)}\n")
            sys.stderr.flush()

    def error(self, line: str) -> None:
        """What went wrong, in one line, on stderr."""
        sys.stderr.write(f"crystal: {' '.join(harmless(line).split())}\n")
        sys.stderr.flush()

    def failure(self, line: str, code: int) -> int:
        """What ended the command: a line on stderr, and an object on stdout where JSON was to stand there and nothing does yet.

        Gives back the exit code.
        """
        self.error(line)
        if self._failures_as_json and not self._wrote:
            found = {"schema": JSON_SCHEMA, "error": {"code": code, "message": " ".join(line.split())}}
            try:
                self.write(json.dumps(found, ensure_ascii=True, indent=2) + "\n")
            except BrokenPipeError:
                self.drop()
        return code

    def drop(self) -> None:
        """Nobody reads stdout any more: what is written from now on, or waits to be written at exit, goes nowhere."""
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123

    def write(self, text: str) -> None:
        """A piece of a result, as it is."""
        self._wrote = True
        sys.stdout.write(text)
        sys.stdout.flush()

    def space(self) -> None:
        """An empty line between one result and the next, for those who watch."""
        if sys.stdout.isatty():
            self.write("\n")

    def json(self, command: str, data: Mapping[str, Any]) -> None:
        """A result as one JSON object with stable keys."""
        self.write(json.dumps({"schema": JSON_SCHEMA, "command": command, **data}, ensure_ascii=True, indent=2) + "\n")


output = Output()
