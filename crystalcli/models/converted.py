"""Converted copies of language models' weights: where they are stored, and which there are.

A copy opens in a fraction of a second where converting takes several. The language model room
writes them, and bounds how many there are and their bytes.

    converted/NAME/DIGEST.safetensors   the weights, and
    converted/NAME/DIGEST.json          of what they were made

Knows: files and sizes. Does not know: what is in them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crystalcli.models.cache import disk_errors, models_folder


@dataclass(frozen=True, slots=True)
class ConvertedWeights:
    """The converted copy of a model.

    Attributes:
        name: Of the model: its file's, without the ending.
        bytes: On disk.
        path: Its file.
    """

    name: str
    bytes: int
    path: Path


def converted_folder() -> Path:
    """Return the folder of converted copies, whether it exists or not."""
    return models_folder() / "converted"


def list_converted() -> list[ConvertedWeights]:
    """List the converted copies, by name."""
    copies = []
    for path in sorted(converted_folder().glob("*/*.safetensors")):
        with suppress(OSError):  # removed meanwhile
            copies.append(ConvertedWeights(path.parent.name, path.stat().st_size, path))
    return copies


def delete_converted(name: str) -> int:
    """Delete the converted copies of a model.

    Args:
        name: As in ConvertedWeights.

    Returns:
        The bytes freed.

    Raises:
        CrystalError: A file cannot be deleted.
    """
    copies = [copy for copy in list_converted() if copy.name == name]
    for copy in copies:
        with disk_errors(copy.path):
            copy.path.with_suffix(".json").unlink(missing_ok=True)
            copy.path.unlink(missing_ok=True)
            if not any(copy.path.parent.iterdir()):
                copy.path.parent.rmdir()
    return sum(copy.bytes for copy in copies)
