"""The prompt of `crystal ask`: questions typed one after the other, each of which stands alone."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
from collections import deque
from typing import Any, Protocol

from crystalcli.cli.commands.ask.question_history import History, place
from crystalcli.cli.terminal.output import output
from crystalcli.errors import CrystalError
from crystalcli.types import Answer

_PROMPT = "crystal> "
_PASTED = 0.03  # seconds in which the rest of what was pasted is there
_COMMAND = re.compile(r"(/[a-z]*)$|(/model)\s")
HELP = """\
Type a question; each is answered by itself, not by what was said before.
/sources     the passages that the last answer was made from, whole
/model       which language model answers; /model NAME takes another one
/quote       no language model: the best sentences are quoted
/help        this
/quit        leave; so does Ctrl-D
Ctrl-C stops an answer and stays here. The arrow keys bring back what was asked."""


class Asker(Protocol):
    """What the prompt asks."""

    @property
    def model(self) -> str:
        """The language model's name."""

    def take(self, model: str) -> None:
        """Answer with another model from now on. Raises CrystalError, and keeps the one it has, when that cannot be."""

    def quote(self) -> None:
        """Quote from now on, without a language model. Raises CrystalError when that cannot be."""

    def reply(self, question: str) -> Answer | None:
        """Answer, on the screen. Raises CrystalError."""

    def sources(self, answer: Answer) -> None:
        """Show what the answer was made from."""


def converse(asker: Asker) -> None:
    """Ask and answer until whoever asks has had enough."""
    ask = _Typed()
    last: Answer | None = None
    while True:
        try:
            typed = ask()
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            continue
        except EOFError:
            sys.stderr.write("\n")
            return
        if not typed:
            continue
        command = _command(typed)
        try:
            if not command:
                output.space()
                answer = asker.reply(typed)
                last = answer or last
                if answer is not None and answer.stopped:
                    output.error(str(answer.failure or "stopped"))
                output.space()
            elif command in ("/quit", "/exit"):
                return
            elif command == "/sources":
                if last is None:
                    output.error("nothing was answered yet")
                else:
                    asker.sources(last)
            elif command == "/model":
                if name := typed.removeprefix(command).strip():
                    asker.take(name)
                output.note(asker.model)
            elif command == "/quote":
                asker.quote()
                output.note(asker.model)
            elif command == "/help":
                sys.stderr.write(HELP + "\n")
            else:
                output.error(f"there is no {command}: /help says what there is")
        except KeyboardInterrupt:
            output.error("stopped")
        except CrystalError as error:
            output.error(str(error))
        except OSError as error:  # a path that the system will not even look for
            output.error(f"{error.strerror or error}")


def _command(line: str) -> str:
    """The command that a line is, or "" for a question, which may begin with a path."""
    found = _COMMAND.match(line)
    return (found[1] or found[2]) if found is not None else ""


class _Typed:
    """Reads what is typed, with history and arrow keys where there is readline."""

    def __init__(self) -> None:
        self._readline: Any = None
        self._ahead: deque[str] = deque()  # lines that came together with the last one
        self._ended = False
        self._editing = sys.stdout.isatty()  # else the prompt would stand among the results
        if self._editing:
            with contextlib.suppress(ImportError):
                import readline

                self._readline = readline
        self._history = History(place() if self._readline is not None else None)
        if self._readline is not None:
            self._readline.set_auto_history(False)
            self._readline.clear_history()
            for line in self._history.lines:
                self._readline.add_history(line)
            if os.environ.get("TERM") != "dumb":  # what is pasted stays one question until Enter is pressed
                self._readline.parse_and_bind("set enable-bracketed-paste on")

    def __call__(self) -> str:
        """The next question or command, in one line, "" for nothing. Raises EOFError and KeyboardInterrupt."""
        if not self._ahead:
            self._come()
        typed = self._ahead.popleft()
        while not _command(typed) and self._ahead and not _command(self._ahead[0]):
            typed = f"{typed} {self._ahead.popleft()}".strip()  # pasted lines are one question, not one for each line
        if not _command(typed) and self._history.add(typed) and self._readline is not None:
            self._readline.add_history(self._history.lines[-1])
        return typed

    def _come(self) -> None:
        """Wait for a line, and take those that are there with it."""
        if self._ended:
            raise EOFError
        lines = [self._line()]
        while _more():
            try:
                lines.append(self._line(""))
            except EOFError:
                self._ended = True
                break
        self._ahead.extend(" ".join(line.split()) for line in lines)

    def _line(self, prompt: str = _PROMPT) -> str:
        if self._editing:
            return input(prompt)
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line


def _more() -> bool:
    """Whether a further line is there at once."""
    try:
        return bool(select.select([sys.stdin], [], [], _PASTED)[0])
    except (OSError, ValueError):  # a system on which only sockets can be asked
        return False
