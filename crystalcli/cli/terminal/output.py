"""The one owner of the terminal: results on stdout, everything else on stderr.

Text from documents is made harmless before it is printed: a file must not be able to write to the
reader's terminal.

Knows: streams, JSON envelopes, control characters. Does not know: what a result is.
"""

from __future__ import annotations

import codecs
import io
import itertools
import json
import os
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

JSON_SCHEMA = 1
_ERRORS = "crystal"  # the handler of characters that the terminal's encoding lacks
_PIPED_WIDTH = 160  # columns for tables that go to a file or a pipe
# C0 and C1 controls, and the characters that reorder or hide text around them.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


# Signs that this program writes itself, and their like in ASCII.
_IN_ASCII = str.maketrans({
    "»": ">>", "«": "<<", "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "·": "*", "•": "*", "×": "x",
    "›": ">", "‹": "<", "→": "->", "€": "EUR", "\N{REPLACEMENT CHARACTER}": "?", "\xa0": " ", "\u202f": " ",
})  # fmt: skip


def _write_otherwise(error: UnicodeError) -> tuple[str, int]:
    """Write characters that an encoding lacks as their like in ASCII, or else as escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = error.object[error.start : error.end].translate(_IN_ASCII)
    plain = unicodedata.normalize("NFKD", shown)
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return (bare if bare.isascii() else shown).encode("ascii", "backslashreplace").decode(), error.end


codecs.register_error(_ERRORS, _write_otherwise)


def sanitize(text: str) -> str:
    """Replace every control character, except newline and tab, by a visible sign."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


class Output:
    """The output of a command.

    Attributes:
        quiet: whether everything but results and errors is left out.
    """

    def __init__(self) -> None:
        self.quiet = False
        self._failures_as_json = self._wrote = False

    def begin(self, arguments: Sequence[str]) -> None:
        """Begin a command line.

        If it asks for JSON, failures are objects too, even those of parsing.

        Args:
            arguments: the words after the program's name.
        """
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # on Windows and in old locales it is not UTF-8
                stream.reconfigure(errors=_ERRORS)
        options = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
        forms = {f"{name} {form}" for name, form in itertools.pairwise(options)}
        self._failures_as_json = not {"--json", "--format=json"}.isdisjoint(options) or "--format json" in forms
        self._wrote = False

    @cached_property
    def console(self) -> Console:
        """Stdout, for people; long lines stay whole when it is not a terminal."""
        from rich.console import Console

        terminal = sys.stdout.isatty()
        width = None if terminal or "COLUMNS" in os.environ else _PIPED_WIDTH
        return Console(highlight=False, soft_wrap=not terminal, width=width, markup=False, emoji=False)

    @property
    def shows_progress(self) -> bool:
        """True if stderr is a terminal that progress can be drawn on."""
        return sys.stderr.isatty() and not self.quiet and os.environ.get("TERM") != "dumb"

    @cached_property
    def stderr_console(self) -> Console:
        """Stderr, for people."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def note(self, line: str) -> None:
        """Write one line about what is going on to stderr."""
        if not self.quiet:
            sys.stderr.write(f"crystal: {sanitize(line)}\n")
            sys.stderr.flush()

    def error(self, line: str) -> None:
        """Write what went wrong to stderr, in one line."""
        sys.stderr.write(f"crystal: {' '.join(sanitize(line).split())}\n")
        sys.stderr.flush()

    def failure(self, line: str, code: int) -> int:
        """Write the failure that ended the command: a line, and an object where JSON is due.

        Args:
            line: the message.
            code: the exit code.

        Returns:
            The exit code.
        """
        self.error(line)
        if self._failures_as_json and not self._wrote:
            data = {"schema": JSON_SCHEMA, "error": {"code": code, "message": " ".join(line.split())}}
            try:
                self.write(json.dumps(data, ensure_ascii=True, indent=2) + "\n")
            except BrokenPipeError:
                self.drop()
        return code

    def drop(self) -> None:
        """Send stdout to nowhere, buffered text included, since its reader has gone."""
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123

    def write(self, text: str) -> None:
        """Write a piece of a result as it is."""
        self._wrote = True
        sys.stdout.write(text)
        sys.stdout.flush()

    def space(self) -> None:
        """Write an empty line between two results, on a terminal."""
        if sys.stdout.isatty():
            self.write("\n")

    def json(self, command: str, data: Mapping[str, Any]) -> None:
        """Write a result as one JSON object with stable keys.

        Args:
            command: value of the key `command`.
            data: the other keys; `docs/JSON.md` lists them.
        """
        self.write(json.dumps({"schema": JSON_SCHEMA, "command": command, **data}, ensure_ascii=True, indent=2) + "\n")


output = Output()
