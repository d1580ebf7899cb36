"""Options that several commands share, the crystal they name, and its encoder's weights.

Knows: Typer's annotations, where crystals and weights are looked for. Does not know: any command.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crystalcli.cli.terminal.output import output
from crystalcli.cpu import import_numpy
from crystalcli.datatypes import HalfLife
from crystalcli.errors import ModelMissingError, UsageError
from crystalcli.paths import default_path, expanded

if TYPE_CHECKING:
    from crystalcli.library import Crystal

CrystalOption = Annotated[
    list[Path] | None,
    typer.Option(
        "-c",
        "--crystal",
        metavar="FILE",
        help="The crystal file. Default: $CRYSTAL_FILE, else the nearest memory.crystal in this folder or above it.",
    ),
]
CrystalsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "-c",
        "--crystal",
        metavar="FILE",
        help="The crystal file; or several to be read as one: a folder, 'shards/*.crystal', or -c again. "
        "Default: $CRYSTAL_FILE, else the nearest memory.crystal in this folder or above it.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
PassagesOption = Annotated[int, typer.Option("-k", metavar="N", help="Number of passages to recall.")]
DepthOption = Annotated[
    int,
    typer.Option("--depth", metavar="1|2|3", help="Layers to search: 1 atoms, 2 also clusters, 3 also units."),
]
HalfLifeOption = Annotated[
    str | None,
    typer.Option(
        "--half-life",
        metavar="DAYS|off",
        help="Prefer recent messages: a dated message loses half of its score in this many days. "
        "Default: 365, counted from the newest message that matches.",
    ),
]
PasswordOption = Annotated[
    str,
    typer.Option(
        "--password",
        metavar="WORD",
        envvar="CRYSTAL_PASSWORD",
        show_envvar=False,
        help="Password for encrypted files. Set $CRYSTAL_PASSWORD instead to keep it out of the shell's history.",
    ),
]
AllowRemoteOption = Annotated[
    bool,
    typer.Option(
        "--allow-remote",
        help="Allow a model server on another machine; the question and the recalled passages are sent to it.",
    ),
]
EncoderOption = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        metavar="NAME|DIR",
        help="The encoder: multilingual, or the folder of a model of the BERT family. Default: $CRYSTAL_ENCODER, "
        "else the encoder that the crystal was made with; for a new crystal all-MiniLM-L6-v2, which is for English.",
    ),
]
StrengthenOption = Annotated[
    bool,
    typer.Option(
        "--strengthen/--no-strengthen",
        help="Keep in the crystal which memories were recalled, so that they fade less, and which text still lacks "
        "layers, so that it gets them first. Default: kept.",
    ),
]
WAITING = "another program is fetching {name}: waiting for it"
ForceOption = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


def parse_half_life(text: str | None) -> HalfLife:
    """Parse the value of --half-life.

    Raises:
        UsageError: it is neither a number nor "off".
    """
    if text is None:
        return "auto"
    if text == "off":
        return "off"
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"invalid --half-life {text!r}: expected a number of days, or off") from None


def crystal_path(option: Sequence[Path] | None) -> Path:
    """Find the one crystal that a command works on.

    Args:
        option: values of --crystal.

    Raises:
        UsageError: there are several, or a glob.
    """
    paths = crystal_paths(option)
    if len(paths) > 1:
        raise UsageError("this command works on one crystal: give -c once (`crystal merge` makes one of several)")
    if not paths[0].exists() and _is_glob(paths[0]):
        raise UsageError(
            f"{paths[0]} may be several crystals: this command works on one (`crystal merge` makes one of several)"
        )
    return paths[0]


def _is_glob(path: Path) -> bool:
    """Tell whether a path that does not exist means others: a new file may have `?` in its name."""
    if "*" in path.name:
        return True
    if not any(letter in str(path) for letter in "?["):
        return False
    from crystalcli.maintenance import crystal_files

    return crystal_files(path) != [path]


def crystal_paths(option: Sequence[Path] | None) -> list[Path]:
    """Find the crystals that a command reads as one: files, folders and globs.

    Args:
        option: values of --crystal.
    """
    return [expanded(path) for path in option] if option else [default_path(Path.cwd(), os.environ.get("CRYSTAL_FILE"))]


def open_crystal(
    option: Sequence[Path] | None,
    *,
    encoder: bool = True,
    encoder_folder: Path | None = None,
    keeps: bool = False,
    strengthen: bool = False,
) -> Crystal:
    """Open the crystal for reading, with a notice when text is to be found by words alone.

    Several are opened as one.

    Args:
        option: values of --crystal.
        encoder: whether the command needs the encoder's weights.
        encoder_folder: value of --encoder; checked even if the command needs no weights.
        keeps: whether what a language model says of documents is kept in the file.
        strengthen: whether it is kept which memories, and which text without layers, were recalled.
    """
    import_numpy()
    from crystalcli.library import Crystal

    choice = encoder_folder if encoder_folder is not None else "auto" if encoder else None
    paths = crystal_paths(option)
    writes = (keeps or strengthen) and len(paths) == 1 and paths[0].exists()
    mode: Literal["auto", "read"] = "auto" if writes else "read"
    crystal = Crystal(paths, mode=mode, encoder=choice, fetch=fetch_default_weights, strengthen=strengthen)
    if not crystal.index_told() and mode == "read":
        for file in crystal.files:
            with Crystal(file, encoder=choice, fetch=fetch_default_weights) as teller:
                teller.index_told()
    if encoder and (notice := _layers_notice(crystal)):
        output.note(notice)
    return crystal


def preload_reranker(crystal: Crystal) -> None:
    """Begin to open a crystal's reranker beside other work, unless it is still to be fetched."""
    from crystalcli import models
    from crystalcli.recall import RERANKER

    if models.locate(RERANKER) is not None:
        crystal.preload_reranker()


def _layers_notice(crystal: Crystal) -> str:
    """Say which text is found by words alone; "" where all is found by vectors, too."""
    from crystalcli.cli.terminal.humanize import format_share

    share = crystal.layer_share
    if not crystal.has_weights:
        reason = crystal.encoder_missing or "no encoder weights here"
        return f"no vectors to go by ({reason}): by BM25 alone" if crystal.stats().tokens else ""
    if share == 1.0:
        return ""
    found = "all is" if share == 0.0 else "the rest is"
    rest = "they are being made" if crystal.layer_worker is not None else "`crystal ingest --layers` makes them"
    return f"layers of {format_share(share)}: {found} found by words alone; {rest}"


def open_memories(option: Sequence[Path] | None, *, makes: bool = False) -> Crystal:
    """Open the crystal for what is told; no weights are fetched for that.

    Args:
        option: value of --crystal.
        makes: whether a crystal is made where there is none.

    Raises:
        MissingFileError: there is no crystal.
    """
    import_numpy()
    from crystalcli import models
    from crystalcli.errors import MissingFileError
    from crystalcli.library import Crystal

    path = crystal_path(option)
    if not makes and not path.exists():
        raise MissingFileError(f"{path} does not exist; `crystal remember TEXT` makes a crystal")
    return Crystal(path, fetch=models.locate, reranker=None)


def fetch_default_weights(name: str) -> Path | None:
    """Find a model's weights, fetched if need be; None, with a notice, if that fails."""
    try:
        return fetch_weights(name)
    except ModelMissingError as error:
        output.note(f"{error}")
        return None


def fetch_weights(name: str) -> Path:
    """Find the folder of a model's weights; fetch them, with a progress bar, if need be.

    Raises:
        ModelMissingError: they cannot be fetched.
    """
    from crystalcli import models

    folder = models.locate(name)
    if folder is None:
        from crystalcli.cli.terminal.humanize import format_size
        from crystalcli.cli.terminal.progress import download_bar

        name = models.catalogue_entry(name).name
        if os.environ.get("CRYSTAL_OFFLINE", "0") in ("", "0"):
            output.note(
                f"fetching {name} ({format_size(models.catalogue_entry(name).download_size)}, once) into {models.models_folder()}"
            )
        with download_bar(name) as progress:
            folder = models.pull(name, progress, lambda: output.note(WAITING.format(name=name)))
    return folder
