"""The registry of the user's own language models: name to path or URL, and the default model.

It also remembers what the user said when a model was offered. It is a small JSON file in the models
folder, `registry.json`. The models themselves stay where they are and are never copied, changed or
deleted.

Knows: names and places. Does not know: what a model is; the caller has opened it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from crystalcli.errors import CrystalError, UsageError
from crystalcli.models import cache
from crystalcli.models.catalogue import CATALOGUE, canonical_name

FILE = "registry.json"
KINDS = ("gguf", "folder", "server")
OFFER_ANSWERS = ("yes", "no", "never", "failed", "told")
_LAYOUT = 1
_MAX_SIZE = 1 << 20  # bytes of the file: thousands of models
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:-]{0,99}")


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model of the registry.

    Attributes:
        name: unique.
        kind: one of KINDS.
        target: an absolute path, or a URL.
        size: bytes of its file, or of the files in its folder, when it was added; 0 for a server.
        mtime_ns: time of the last change, in nanoseconds since 1970, when it was added; 0 for a
            server.
    """

    name: str
    kind: str
    target: str
    size: int = 0
    mtime_ns: int = 0

    @property
    def state(self) -> str:
        """State of its files: "here", "changed" since it was added, or "missing".

        "server" for a server, which is not asked.
        """
        if self.kind == "server":
            return "server"
        try:
            stamp = file_stamp(Path(self.target))
        except OSError:
            return "missing"
        return "here" if stamp == (self.size, self.mtime_ns) else "changed"


@dataclass(frozen=True, slots=True)
class Registry:
    """The content of the file.

    Attributes:
        models: by name.
        default: the name of the default model, or "".
        offer: what became of the offer to fetch a model, one of OFFER_ANSWERS: the user's answer,
            "failed" if there was no connection, "told" if nobody could answer; or "".
        offered: when that was, in seconds since 1970.
    """

    models: dict[str, RegisteredModel]
    default: str = ""
    offer: str = ""
    offered: int = 0


def registry_path() -> Path:
    """Return the path of the registry, whether it exists or not."""
    return cache.models_folder() / FILE


def read_registry() -> Registry:
    """Read the registry; an empty one if the file does not exist.

    Raises CrystalError if it cannot be read.
    """
    import json

    path = registry_path()
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SIZE + 1)
    except FileNotFoundError:
        return Registry({})
    except OSError as error:
        raise CrystalError(f"the list of models cannot be read: {error.strerror or error} ({path})") from None
    try:
        return _parse(json.loads(data.decode("utf-8")) if len(data) <= _MAX_SIZE else None)
    except (ValueError, RecursionError):
        raise CrystalError(
            f"the list of models is damaged: repair {path}, or delete it and add your models again"
        ) from None


def suggest_name(name: str) -> str:
    """Derive a valid name from a model's own: after the last slash, with dashes for spaces."""
    return "-".join(re.split(r"[\\/]", name)[-1].split())


def register_model(model: RegisteredModel) -> None:
    """Add a model to the registry, or update its entry.

    Raises:
        UsageError: The name is invalid, or belongs to another model.
        CrystalError: The registry cannot be read or written.
    """
    if not _NAME.fullmatch(model.name):
        raise UsageError(
            f"invalid name {model.name!r}: use letters, digits and . _ + : - only; set another with --name"
        )
    if canonical_name(model.name) in CATALOGUE:
        raise UsageError(f"the name {model.name} belongs to one of crystal's own models: set another with --name")
    with _locked_registry() as registry:
        other = registry.models.get(model.name)
        if other is not None and other.target != model.target:
            raise UsageError(
                f"the name {model.name} belongs to {other.target}: set another with --name, "
                f"or run `crystal models remove {model.name}` first"
            )
        rest = {name: entry for name, entry in registry.models.items() if name != model.name}
        _write(replace(registry, models={**rest, model.name: model}))


def unregister_model(name: str) -> RegisteredModel | None:
    """Remove a model from the registry, also as the default; its files stay.

    Returns:
        The removed model, or None for an unknown name.

    Raises:
        CrystalError: The registry cannot be read or written.
    """
    if name not in read_registry().models:  # do not create files for an unknown name
        return None
    with _locked_registry() as registry:
        rest = {other: entry for other, entry in registry.models.items() if other != name}
        _write(replace(registry, models=rest, default=registry.default if registry.default != name else ""))
        return registry.models.get(name)


def set_default_model(name: str) -> None:
    """Set the default language model.

    Raises:
        UsageError: The name is unknown, or an encoder's.
        CrystalError: The registry cannot be read or written.
    """
    with _locked_registry() as registry:
        name = canonical_name(name)
        require_language_model(name, registry)
        _write(replace(registry, default=name))


def remember_offer(answer: str) -> None:
    """Remember what became of the offer to fetch a model.

    Args:
        answer: one of OFFER_ANSWERS, or "" to forget it.

    Raises:
        CrystalError: The registry cannot be read or written.
    """
    import time

    assert answer in ("", *OFFER_ANSWERS)
    with _locked_registry() as registry:
        _write(replace(registry, offer=answer, offered=int(time.time()) if answer else 0))


def require_language_model(name: str, registry: Registry) -> None:
    """Raise UsageError unless the catalogue or the registry has a language model of that name."""
    if name in registry.models or (name in CATALOGUE and CATALOGUE[name].role == "language"):
        return
    if name in CATALOGUE:
        raise UsageError(f"{name} is an {CATALOGUE[name].role}, not a language model")
    names = ", ".join([*(entry.name for entry in CATALOGUE.values() if entry.role == "language"), *registry.models])
    raise UsageError(f"unknown language model {name!r}: expected one of {names}; `crystal models add` adds others")


def file_stamp(path: Path) -> tuple[int, int]:
    """Return the bytes and the time of the last change of a file, or of the files in a folder.

    Raises:
        OSError: The file does not exist, or the folder holds no files.
    """
    if not path.is_dir():
        stat = path.stat()
        return stat.st_size, stat.st_mtime_ns
    files = [entry.stat() for entry in os.scandir(path) if entry.is_file() and not entry.name.startswith(".")]
    if not files:
        raise FileNotFoundError(path)
    return sum(stat.st_size for stat in files), max(stat.st_mtime_ns for stat in files)


@contextmanager
def _locked_registry() -> Iterator[Registry]:
    """Read the registry and lock it until the end of the block.

    Raises CrystalError for errors of the disk.
    """
    root = cache.models_folder()
    with cache.disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with cache.locked(FILE):
            yield read_registry()


def _write(registry: Registry) -> None:
    """Write the registry."""
    rows = {
        model.name: {key: value for key, value in asdict(model).items() if key != "name"}
        for model in registry.models.values()
    }
    data: dict[str, object] = {"layout": _LAYOUT, "default": registry.default, "models": rows}
    if registry.offer:
        data["offer"], data["offered"] = registry.offer, registry.offered
    cache.write_json(registry_path(), data)


def _parse(data: object) -> Registry:
    """Read the registry from the file's JSON. Raises ValueError for an unexpected layout."""
    if not isinstance(data, dict) or data.get("layout") != _LAYOUT:
        raise ValueError("unknown layout")
    default, rows = data.get("default"), data.get("models")
    if not isinstance(default, str) or not isinstance(rows, dict):
        raise ValueError("models expected")
    models = {}
    for name, row in rows.items():
        if not _NAME.fullmatch(name) or not isinstance(row, dict):
            raise ValueError("invalid name")
        kind, target, size, mtime = (row.get(key) for key in ("kind", "target", "size", "mtime_ns"))
        if kind not in KINDS or not isinstance(target, str) or not target or "\0" in target:
            raise ValueError("invalid target")
        if type(size) is not int or type(mtime) is not int:
            raise ValueError("invalid size")
        models[name] = RegisteredModel(name, kind, target, size, mtime)
    offer, offered = data.get("offer", ""), data.get("offered", 0)
    if offer not in ("", *OFFER_ANSWERS) or type(offered) is not int:
        raise ValueError("invalid offer")
    return Registry(models, default, offer, offered)
