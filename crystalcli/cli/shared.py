"""What the commands share: their options, and how each finds the crystal and the weights."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crystalcli.cli.output import output
from crystalcli.errors import ModelMissingError, UsageError
from crystalcli.paths import expanded
from crystalcli.types import Decay

if TYPE_CHECKING:
    from crystalcli.library import Crystal

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _decay(context: click.Context, parameter: click.Parameter, value: str | None) -> Decay:
    """What --half-life says."""
    if value is None:
        return "auto"
    if value == "off":
        return "off"
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"--half-life is a number of days, or off, not {value!r}") from None


PATH = click.Path(path_type=Path)
crystal_option: Decorator = click.option(
    "-c",
    "--crystal",
    metavar="FILE",
    type=PATH,
    help="The crystal file. Default: $CRYSTAL_FILE, else the nearest memory.crystal upward from here.",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
count_option: Decorator = click.option(
    "-k", metavar="N", default=5, show_default=True, help="How many passages to recall."
)
depth_option: Decorator = click.option(
    "--depth",
    metavar="1|2|3",
    default=3,
    show_default=True,
    help="Layers to use: 1 atoms, 2 and clusters, 3 and units.",
)
decay_option: Decorator = click.option(
    "--half-life",
    "decay",
    metavar="DAYS|off",
    callback=_decay,
    help="Prefer what was said lately: half is left of a dated message after so many days. Default: 365, before the newest that "
    "could answer.",
)
password_option: Decorator = click.option(
    "--password",
    metavar="WORD",
    envvar="CRYSTAL_PASSWORD",
    default="",
    help="Opens files that are encrypted. $CRYSTAL_PASSWORD keeps it out of the shell's history.",
)
allow_remote_option: Decorator = click.option(
    "--allow-remote",
    is_flag=True,
    help="The server may be another machine: the question and the passages recalled are sent there.",
)
encoder_option: Decorator = click.option(
    "--encoder",
    metavar="DIR",
    type=PATH,
    help="The encoder: a folder with a model of the BERT family. Default: $CRYSTAL_ENCODER, else the one that the crystal "
    "was made with, where it was; for a new crystal all-MiniLM-L6-v2.",
)


def path_of(given: Path | None) -> Path:
    """The crystal that a command is about."""
    from crystalcli.memory.crystal import default_path

    return expanded(given) if given is not None else default_path(Path.cwd(), os.environ.get("CRYSTAL_FILE"))


def open_crystal(given: Path | None, *, encoder: bool = True, own: Path | None = None) -> Crystal:
    """The crystal, open for reading; with a notice when it will be searched by BM25 alone.

    encoder: whether weights are wanted at all; own: what --encoder says, which is looked at in any case.
    """
    from crystalcli.library import Crystal

    wanted = own if own is not None else "auto" if encoder else None
    opened = Crystal.open(path_of(given), encoder=wanted, fetch=default_weights)
    if encoder and opened.lexical_only and opened.stats().documents:
        reason = opened.encoder_missing or "no encoder weights here, or none when the crystal was made"
        output.note(f"no vectors to go by ({reason}): by BM25 alone")
    return opened


def default_weights(name: str) -> Path | None:
    """A model's weights, fetched if need be; None, with a notice, when they are not to be had."""
    try:
        return fetch(name)
    except ModelMissingError as error:
        output.note(f"{error}")
        return None


def fetch(name: str) -> Path:
    """The folder of a model's weights, fetched with a notice and a progress bar when it is not here yet."""
    from crystalcli import models

    found = models.locate(name)
    if found is None:
        from crystalcli.cli.progress import pulling
        from crystalcli.cli.render import size

        if os.environ.get("CRYSTAL_OFFLINE", "0") in ("", "0"):
            output.note(
                f"fetching {name} ({size(models.catalogue_entry(name).size)}, once) into {models.models_folder()}"
            )
        with pulling(name) as progress:
            found = models.pull(name, progress)
    return found
