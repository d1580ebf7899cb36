"""Which class runs a language model, by what the user named it by. Light to import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import ModelMissingError

if TYPE_CHECKING:
    from crystalcli.types import Speaker


def find_speaker(model: str | Path) -> Path:
    """Where `model` is. Opens nothing. Raises ModelMissingError when it is not there."""
    path = Path(model).expanduser()
    if not path.is_file():
        raise ModelMissingError(f"no model file at {path}; `crystal models list` shows the ones known by name")
    return path


def open_speaker(model: str | Path) -> Speaker:
    """The language model at `model`, a GGUF file. Weights are loaded with its first word.

    Raises ModelMissingError when there is none, CrystalError when it cannot be run.
    """
    path = find_speaker(model)
    from crystalcli.lm.model import LanguageModel

    return LanguageModel.open(path)
