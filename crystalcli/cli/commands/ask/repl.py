"""The prompt of `crystal ask` and `crystal chat`: questions typed one after the other.

Knows: lines typed or pasted, the commands of the prompt. Does not know: how a question is answered.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from crystalcli.cli.commands.ask.question_history import QuestionHistory
from crystalcli.cli.options.user_files import history_path
from crystalcli.cli.terminal.output import output
from crystalcli.datatypes import Answer
from crystalcli.errors import CrystalError

if TYPE_CHECKING:
    from crystalcli.memories import Memory

_PROMPT = "crystal> "
_PASTE_DELAY = 0.03  # seconds in which the rest of a pasted text arrives
_COMMAND = re.compile(r"(/[a-z]*)$|(/model)\s")
_LEAVING = re.compile(r"(?:exit|quit)(?:\(\))?|:q!?|/(?:exit|quit)")
# A question about memory ends with its mark: "remember when we left?"
_REMEMBER = re.compile(r"(?:please )?remember(?: that\b|:|,)?\s+(?P<what>.*[^?\s])", re.IGNORECASE | re.DOTALL)
_FORGET = re.compile(r"(?:please )?forget(?: that\b| about\b|:|,)?\s+(?P<what>.*[^?\s])", re.IGNORECASE | re.DOTALL)
HELP = """\
Type a question. One that leans on those before it ("and before him?", "why?") is filled in, and
shown as it was understood.
/new         a new topic: the next question stands alone
/sources     the passages that the last answer was made from, whole
/context     what a turn is made of: last turns, pinned memories, what was recalled
/model       which language model answers; /model NAME takes another one
/quote       no language model: the best sentences are quoted
/help        this text
/quit        leave; so do exit, quit, :q and Ctrl-D
"remember that ..." keeps what follows, "forget that ..." shows the memory that it means and asks.
Ctrl-C stops an answer and stays here. The arrow keys bring back earlier questions."""


class Session(Protocol):
    """Answers the questions of the prompt; `AskSession` is one."""

    @property
    def model(self) -> str:
        """Name of the language model."""

    def use_model(self, model: str) -> None:
        """Answer with another model from now on, or raise CrystalError and keep the old one."""

    def use_quotations(self) -> None:
        """Quote from now on, or raise CrystalError."""

    def answer(self, question: str) -> Answer | None:
        """Answer on the screen, or raise CrystalError."""

    def begin_topic(self) -> None:
        """Forget the questions before."""

    def show_sources(self, answer: Answer) -> None:
        """Print the passages that an answer was made from."""

    def show_context(self, answer: Answer | None) -> None:
        """Print what the context of the last turn was made of."""

    def tell(self, text: str) -> None:
        """Keep a memory and say so, or raise CrystalError."""

    def find_told(self, words: str) -> Memory | None:
        """Find the memory that some words mean best, or raise CrystalError."""

    def forget_told(self, memory: Memory) -> None:
        """Forget a memory, or raise CrystalError."""


def run_prompt(session: Session) -> None:
    """Read questions and commands, and answer them, until the user leaves."""
    read_line = _LineReader()
    last: Answer | None = None
    while True:
        try:
            line = read_line()
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            continue
        except EOFError:
            sys.stderr.write("\n")
            return
        if not line:
            continue
        if _LEAVING.fullmatch(line.lower()):
            return
        command = _parse_command(line)
        try:
            if not command and (told := _REMEMBER.fullmatch(line)):
                session.tell(told["what"])
            elif not command and (told := _FORGET.fullmatch(line)):
                _forget(session, told["what"])
            elif not command:
                output.space()
                answer = session.answer(line)
                last = answer or last
                if answer is not None and answer.stopped:
                    output.error(str(answer.failure or "stopped"))
                output.space()
            elif command == "/new":
                session.begin_topic()
                output.note("a new topic")
            elif command == "/sources":
                if last is None:
                    output.error("no question was answered yet")
                else:
                    session.show_sources(last)
            elif command == "/context":
                session.show_context(last)
            elif command == "/model":
                if name := line.removeprefix(command).strip():
                    session.use_model(name)
                output.note(session.model)
            elif command == "/quote":
                session.use_quotations()
                output.note(session.model)
            elif command == "/help":
                sys.stderr.write(HELP + "\n")
            else:
                output.error(f"{command} is not a command here: /help lists them")
        except KeyboardInterrupt:
            output.error("stopped")
        except CrystalError as error:
            output.error(str(error))
        except OSError as error:  # a path that the system will not even look for
            output.error(f"{error.strerror or error}")


def _forget(session: Session, words: str) -> None:
    """Show the memory that some words mean, and forget it if the user says so."""
    memory = session.find_told(words)
    if memory is None:
        output.note("nothing was told that is like that; /help")
        return
    from crystalcli.cli.render.memory_view import memory_line

    sys.stderr.write(f"forget {memory.id}, {memory_line(memory)}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        session.forget_told(memory)
        output.note(f"forgotten: {memory_line(memory)}")
    else:
        output.note("it is kept")


def _parse_command(line: str) -> str:
    """Return the command of a line, or "" for a question, which may begin with a path."""
    match = _COMMAND.match(line)
    return (match[1] or match[2]) if match is not None else ""


def _is_command(line: str) -> bool:
    """Tell whether a line is no question, but for the prompt itself."""
    is_told = (_REMEMBER.fullmatch(line) or _FORGET.fullmatch(line)) is not None
    return bool(_parse_command(line)) or is_told or _LEAVING.fullmatch(line.lower()) is not None


class _LineReader:
    """Reads lines, with history and arrow keys where readline is there."""

    def __init__(self) -> None:
        self._readline: Any = None
        self._pending: deque[str] = deque()  # lines that came together with the last one
        self._ended = False
        self._editing = sys.stdout.isatty()  # else the prompt would stand among the results
        if self._editing:
            with contextlib.suppress(ImportError):
                import readline

                self._readline = readline
        self._history = QuestionHistory(history_path() if self._readline is not None else None)
        if self._readline is not None:
            self._readline.set_auto_history(False)
            self._readline.clear_history()
            for line in self._history.lines:
                self._readline.add_history(line)
            # A pasted text stays one question until Enter is pressed.
            if os.environ.get("TERM") != "dumb":
                self._readline.parse_and_bind("set enable-bracketed-paste on")

    def __call__(self) -> str:
        """Return the next question or command, or raise EOFError or KeyboardInterrupt."""
        if not self._pending:
            self._read_lines()
        line = self._pending.popleft()
        # Pasted lines are one question, not one for each line.
        while not _is_command(line) and self._pending and not _is_command(self._pending[0]):
            line = f"{line} {self._pending.popleft()}".strip()
        if not _is_command(line) and self._history.add(line) and self._readline is not None:
            self._readline.add_history(self._history.lines[-1])
        return line

    def _read_lines(self) -> None:
        """Wait for a line, and take those that arrive with it."""
        if self._ended:
            raise EOFError
        lines = [self._read_line()]
        while _has_input():
            try:
                lines.append(self._read_line(""))
            except EOFError:
                self._ended = True
                break
        self._pending.extend(" ".join(line.split()) for line in lines)

    def _read_line(self, prompt: str = _PROMPT) -> str:
        if self._editing:
            return input(prompt)
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line


def _has_input() -> bool:
    """Tell whether another line is there at once."""
    try:
        return bool(select.select([sys.stdin], [], [], _PASTE_DELAY)[0])
    except (OSError, ValueError):  # a system that can wait for sockets only
        return False
