"""Description of one command: usage, text, options, examples. Help, man pages and docs show it.

Knows: the attributes that Typer's commands and parameters have in every version. Does not know: how
a page looks.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PANELS = ("Read", "Ask", "Remember", "Look after", "Models", "Research")
_OTHER = "Commands"  # the panel of commands that name none


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a command.

    Attributes:
        line: the command line.
        purpose: one sentence on what it does.
    """

    line: str
    purpose: str


@dataclass(frozen=True, slots=True)
class CommandPage:
    """A command as its help, its man page and docs/COMMANDS.md show it.

    Attributes:
        path: the full name, as `crystal models add`.
        usage: what comes after the name on a command line.
        paragraphs: the description; the first paragraph's first sentence is the summary.
        arguments: declaration and help of each argument that has a help.
        options: declaration and help of each option.
        panels: title and commands (name, summary) of each panel of a group.
        examples: examples, in the order to be shown.
    """

    path: str
    usage: str
    paragraphs: tuple[str, ...]
    arguments: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    panels: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    examples: tuple[Example, ...]

    @property
    def summary(self) -> str:
        """The first sentence."""
        return _first_sentence(self.paragraphs)


def describe_command(command: Any, context: Any) -> CommandPage:
    """Describe a command.

    Args:
        command: a Typer command or group.
        context: its context.
    """
    parameters = [parameter for parameter in command.get_params(context) if not getattr(parameter, "hidden", False)]
    options = [parameter for parameter in parameters if parameter.param_type_name == "option"]
    arguments = [parameter for parameter in parameters if parameter.param_type_name == "argument"]
    pieces = ["[OPTIONS]", *(_metavar(argument) for argument in arguments)]
    if commands_of(command):
        pieces.append("COMMAND [ARGS]...")
    return CommandPage(
        path=context.command_path,
        usage=" ".join(pieces),
        paragraphs=_paragraphs(command.help),
        arguments=tuple((_metavar(argument), argument.help) for argument in arguments if argument.help),
        options=tuple((_declaration(option), _option_help(option)) for option in options),
        panels=_panels(command),
        examples=tuple(_examples(command.epilog)),
    )


def summary_of(command: Any) -> str:
    """Return the first sentence of a command's help."""
    return _first_sentence(_paragraphs(command.help))


def walk_commands(command: Any, name: str) -> Iterator[CommandPage]:
    """Yield the page of a command, then those of all commands below it, hidden ones left out."""
    context = command.make_context(name, [], resilient_parsing=True)
    yield from _walk(command, context)


def commands_of(command: Any) -> dict[str, Any]:
    """Return the commands of a group that are not hidden; empty for a command."""
    commands = getattr(command, "commands", {})
    return {name: commands[name] for name in commands if not commands[name].hidden}


def _walk(command: Any, context: Any) -> Iterator[CommandPage]:
    yield describe_command(command, context)
    for name, child in commands_of(command).items():
        yield from _walk(child, child.make_context(name, [], parent=context, resilient_parsing=True))


def _panels(command: Any) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    rows: dict[str, list[tuple[str, str]]] = {panel: [] for panel in PANELS}
    for name, child in commands_of(command).items():
        panel = child.rich_help_panel if isinstance(child.rich_help_panel, str) else _OTHER
        rows.setdefault(panel, []).append((name, summary_of(child)))
    return tuple((panel, tuple(commands)) for panel, commands in rows.items() if commands)


def _paragraphs(text: str | None) -> tuple[str, ...]:
    blocks = inspect.cleandoc(text or "").split("\n\n")
    return tuple(" ".join(block.split()) for block in blocks if block.strip())


def _first_sentence(paragraphs: tuple[str, ...]) -> str:
    head, dot, _ = (paragraphs[0] if paragraphs else "").partition(". ")
    return head + "." if dot else head


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _declaration(option: Any) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    if option.secondary_opts:
        names += " / " + ", ".join(sorted(option.secondary_opts, key=len))
    return names if option.is_flag or option.count else f"{names} {_metavar(option)}"


def _option_help(option: Any) -> str:
    text = " ".join((option.help or "").split())
    if text and not text.endswith((".", "?")):
        text += "."
    default = option.default
    if (
        option.show_default
        and "Default:" not in text
        and default not in (None, "", False, ())
        and not callable(default)
    ):
        text += f" Default: {getattr(default, 'value', default)}."
    return text


def _examples(text: str | None) -> Iterator[Example]:
    """Read lines of the form `command line  # purpose`."""
    for row in inspect.cleandoc(text or "").splitlines():
        line, _, purpose = row.rpartition("  # ")
        if line.strip():
            yield Example(line.strip(), purpose.strip())
