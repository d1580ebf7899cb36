"""Which class runs a language model, by what the user named it by. Light to import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.paths import expanded

if TYPE_CHECKING:
    from crystalcli.types import Speaker


def kind_of(model: str | Path) -> str:
    """How it is run: "server" for a URL, "folder" for a folder in Hugging Face's layout, "gguf" for a file.

    Raises ModelMissingError when nothing is there, CrystalError for a file of another kind, by its first bytes.
    """
    if isinstance(model, str) and "://" in model:
        return "server"
    path = expanded(model)
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise ModelMissingError(
            f"no model file or folder at {path}; `crystal models list` shows the ones known by name"
        )
    try:
        with path.open("rb") as file:
            first = file.read(16)
    except OSError as error:
        raise CrystalError(f"cannot open the language model {path}: {error.strerror or error}") from None
    if first.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x04")):
        raise CrystalError(
            f"{path} is a pickle or an archive, which is never read: name a GGUF file or a folder of safetensors"
        )
    if first[8:9] == b"{" or path.name in ("config.json", "tokenizer.json"):
        raise CrystalError(f"{path} is one file of a model: name the folder it lies in")
    return "gguf"  # or damaged, which its reader says best


def open_speaker(model: str | Path, *, allow_remote: bool = False) -> Speaker:
    """The language model at a path or URL. Weights are loaded with its first word.

    allow_remote: a server may be another machine. Raises ModelMissingError when there is none, UsageError for a server elsewhere,
    CrystalError when it cannot be run.
    """
    kind = kind_of(model)
    if kind == "server":
        from crystalcli.lm.server.server_model import ServerModel

        return ServerModel.open(str(model), allow_remote=allow_remote)
    path = expanded(model)
    if kind == "folder":
        from crystalcli.lm.open_folder import open_folder

        return open_folder(path)
    from crystalcli.lm.local_model import LanguageModel

    return LanguageModel.open(path)
