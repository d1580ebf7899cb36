"""`crystal chat`: the prompt for many questions, as a command of its own."""

from __future__ import annotations

import inspect
import sys
from typing import Any, get_type_hints

from crystalcli.cli.commands.ask.ask_cmd import ask_command
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.errors import UsageError

app = command_app()


def chat_command(**options: Any) -> None:
    """Ask many questions at a prompt, each of which may lean on those before.

    "And before him?", "why?", "what about Ann?", "in the other book?": a question that leans on the
    last ones is filled in from them, and shown as it was understood, in a line that begins with
    "read as". /new begins a new topic. Follow-ups are understood in English; questions in other
    languages stand alone.

    Each question is kept in the crystal with its answer and what was cited, as a conversation.
    Other answers leave conversations out, unless the question means them: "what did I ask about the
    harbour last week", "as we said", --kind conversation. --no-store keeps nothing.

    "Remember that ..." keeps what follows, as `crystal remember` does; "forget that ..." shows the
    memory that it means, and asks. A language model is always given the pinned memories; /context
    shows what a turn is made of.

    The options are those of `crystal ask`. /help at the prompt lists its commands; exit, quit, :q
    and Ctrl-D leave it. Questions are kept in a file that only you can read; an empty
    $CRYSTAL_HISTORY keeps none.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("expected a terminal; `crystal ask` answers one question without")
    ask_command(words=None, **options)


# Typer reads a command's options from its signature.
_OPTIONS = [option for name, option in inspect.signature(ask_command).parameters.items() if name != "words"]
_HINTS = get_type_hints(ask_command, include_extras=True)
chat_command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [option.replace(annotation=_HINTS[option.name], kind=inspect.Parameter.KEYWORD_ONLY) for option in _OPTIONS]
)
chat_command.__annotations__ = {option.name: _HINTS[option.name] for option in _OPTIONS}
app.command(
    "chat",
    cls=Command,
    rich_help_panel="Ask",
    epilog="""
        crystal chat  # Ask at a prompt; exit leaves.
        crystal chat --in notes --since 2026-03  # Look only there and then, in all questions.
        crystal chat --quote  # Quote, without a language model.
    """,
)(chat_command)
