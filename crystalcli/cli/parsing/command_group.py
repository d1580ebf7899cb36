"""Typer's command and group with this program's help, late loading and advice.

Knows: Typer's public names. Does not know: any command, Click (each Typer carries its own).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from crystalcli.cli.parsing.command_page import describe_command, summary_of
from crystalcli.cli.parsing.help_text import render_help
from crystalcli.cli.terminal.output import output
from crystalcli.errors import UsageError

_SIMILAR = 0.6  # difflib's ratio above which a command is suggested


def command_app(**settings: Any) -> typer.Typer:
    """Make the Typer app that a command's file holds.

    Without completion options, which the program has once, and without Typer's Rich output, which
    is slow to import.

    Args:
        settings: further arguments of `typer.Typer`.
    """
    return typer.Typer(
        **{
            "add_completion": False,
            "rich_markup_mode": None,
            "pretty_exceptions_enable": False,
            "context_settings": {"help_option_names": ["-h", "--help"]},
            **settings,
        }
    )


def program_app(commands: type[CommandGroup]) -> typer.Typer:
    """Make the Typer app of a program with several commands and shell completion."""
    return command_app(cls=commands, add_completion=True)


class Command(TyperCommand):
    """A command that prints this program's help and reports wrong usage with its own name."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help into the formatter."""
        formatter.write(render_help(describe_command(self, ctx)))

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the summary, which shells show beside a completed name. It is not cut."""
        return summary_of(self)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a UsageError becomes Typer's own, which knows the command."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            if type(error) is not UsageError:  # another encoder, say: no help text mends that
                raise
            ctx.fail(str(error))


class LazyCommands(MutableMapping[str, Any]):
    """Commands by name, each imported when it is looked up.

    Args:
        modules: name of a command to the module whose `app` is its Typer app.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = dict(modules)
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            command = typer.main.get_command(importlib.import_module(self._modules[name]).app)
            command.name = name
            self._loaded[name] = command
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._modules.setdefault(name, "")
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._modules[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


class CommandGroup(TyperGroup):
    """A group with help in panels.

    Attributes:
        modules: name of a command to the module that holds it; empty where the group's commands are
            registered as usual.
        second_names: another name of a command to the words that it stands for.
        default: the command that runs where none is named; "" for the group's help.
    """

    modules: ClassVar[Mapping[str, str]] = {}
    second_names: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    default: ClassVar[str] = ""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if self.modules:
            self.commands = LazyCommands(self.modules)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help into the formatter."""
        formatter.write(render_help(describe_command(self, ctx)))

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the summary, which shells show beside a completed name. It is not cut."""
        return summary_of(self)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the group's own options; without a command use the default, or print the help."""
        if self.default and (not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)):
            args = [self.default, *args]
        if not args and not ctx.resilient_parsing:
            output.write(ctx.get_help().rstrip("\n") + "\n")
            ctx.exit()
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that the arguments begin with.

        Args:
            ctx: the group's context.
            args: the arguments, the command's name first.

        Returns:
            The name, the command and the arguments after the name; no name and no command while
            completing.

        Raises:
            UsageError: Typer's, for an unknown command; it names the nearest.
        """
        if args and args[0] in self.second_names:
            args = [*self.second_names[args[0]], *args[1:]]
        name = args[0]
        command = self.commands.get(name)
        if command is None and not ctx.resilient_parsing:
            self._fail(ctx, name)
        return (name if command is not None else None), command, args[1:]

    def _fail(self, ctx: Any, name: str) -> None:
        from difflib import get_close_matches

        if len(name.split()) > 1 and "ask" in self.commands:
            ctx.fail(f"{name!r} is not a command; to ask it: {ctx.command_path} ask {name!r}.")
        names = [*(known for known in self.commands if not self.commands[known].hidden), *self.second_names]
        near = get_close_matches(name, names, n=1, cutoff=_SIMILAR)
        ctx.fail(f"{name!r} is not a command{f'; did you mean {near[0]!r}?' if near else '.'}")


def is_usage_error(error: BaseException) -> bool:
    """Tell whether an error is Typer's own for a wrong command line."""
    return isinstance(error, _TYPER_ERROR)


_TYPER_ERROR: type[BaseException] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)
