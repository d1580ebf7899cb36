"""The options that say what of a folder is read, as `ingest` and `watch` take them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from crystalcli.cli.options.crystal_options import Decorator

if TYPE_CHECKING:
    from crystalcli.text.choice import Choice


def _bytes(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Bytes, written as 250000, 10M, 1.5GB or 64KiB. Raises click's error for what is no size."""
    if value is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]?)(i?)b?\s*", value.lower())
    if found is None or (found[3] and not found[2]):
        raise click.BadParameter(f"{value!r} is no size: write it like 500k, 10M or 1.5GB.", context, parameter)
    power = "kmgt".index(found[2]) + 1 if found[2] else 0
    return round(float(found[1]) * float((1024 if found[3] else 1000) ** power))


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """--include, --exclude, --max-file-size and --as-usual."""
    options: tuple[Decorator, ...] = (
        click.option(
            "--include",
            metavar="GLOB",
            multiple=True,
            help="Read only files that match, as in .gitignore, from the folder asked for. May be given again.",
        ),
        click.option(
            "--exclude",
            metavar="GLOB",
            multiple=True,
            help="Leave out files and folders that match, also where --include has them. May be given again.",
        ),
        click.option(
            "--max-file-size",
            metavar="SIZE",
            callback=_bytes,
            help="Leave out larger files: 500k, 10M, 1.5GB; 0 for none. Default: 100 MB.",
        ),
        click.option(
            "--as-usual",
            is_flag=True,
            help="Forget what --include, --exclude and --max-file-size said of these folders before.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def chosen(
    include: tuple[str, ...], exclude: tuple[str, ...], max_file_size: int | None, as_usual: bool
) -> Choice | None:
    """What these options say; None where nothing is said, and what was chosen before holds. Raises UsageError."""
    from crystalcli.errors import UsageError
    from crystalcli.library import choice_of

    given = choice_of(include or None, exclude or None, max_file_size)
    if as_usual and given is not None:
        raise UsageError("--as-usual goes with none of --include, --exclude and --max-file-size")
    return choice_of(exclude=()) if as_usual else given
