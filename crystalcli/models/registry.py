"""Language models of the user's own, by name: where each lies, and which one is asked when none is named.

One small JSON file in the models folder, `registry.json`. It holds names and places; the models themselves stay where they are,
and are never copied, changed or deleted from here. It does not know what a model is: whoever adds one has opened it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from crystalcli.errors import CrystalError, UsageError
from crystalcli.models import cache
from crystalcli.models.catalogue import CATALOGUE

FILE = "registry.json"
KINDS = ("gguf", "folder", "server")
_LAYOUT = 1
_LARGEST = 1 << 20  # bytes of the file; thousands of models
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:-]{0,99}")


@dataclass(frozen=True, slots=True)
class Registered:
    """One model. kind: "gguf", "folder" or "server". target: an absolute path, or a URL.

    size: bytes of its file, or of the files in its folder; mtime_ns: when they were last changed, in nanoseconds since 1970; both
    as they were when it was added, and 0 for a server.
    """

    name: str
    kind: str
    target: str
    size: int = 0
    mtime_ns: int = 0

    @property
    def state(self) -> str:
        """Whether it is there: "here", "changed" since it was added, "missing"; or "server", for one of these is not asked."""
        if self.kind == "server":
            return "server"
        try:
            now = measured(Path(self.target))
        except OSError:
            return "missing"
        return "here" if now == (self.size, self.mtime_ns) else "changed"


@dataclass(frozen=True, slots=True)
class Registry:
    """What the file says. default: a name, or "" where none was chosen."""

    models: dict[str, Registered]
    default: str = ""


def path() -> Path:
    """Where the registry is, whether there is one or not."""
    return cache.folder() / FILE


def read() -> Registry:
    """The registry, empty where there is none. Raises CrystalError when it cannot be read."""
    import json

    place = path()
    try:
        with place.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return Registry({})
    except OSError as error:
        raise CrystalError(f"the list of models cannot be read: {error.strerror or error} ({place})") from None
    try:
        return _checked(json.loads(data.decode("utf-8")) if len(data) <= _LARGEST else None)
    except (ValueError, RecursionError):
        raise CrystalError(
            f"the list of models is damaged: mend {place}, or delete it and add your models again"
        ) from None


def suggested(name: str) -> str:
    """A name for a model that is called so elsewhere: what comes behind its last slash, spaces as dashes."""
    return "-".join(re.split(r"[\\/]", name)[-1].split())


def add(model: Registered) -> None:
    """Remember a model, or where it is now. Raises UsageError for a name that is none or another's, CrystalError."""
    if not _NAME.fullmatch(model.name):
        raise UsageError(
            f"{model.name!r} is no name for a model: letters, digits and . _ + : - are; give one with --name"
        )
    if model.name in CATALOGUE:
        raise UsageError(f"{model.name} is one of crystal's own models: give another name with --name")
    with _writing() as before:
        other = before.models.get(model.name)
        if other is not None and other.target != model.target:
            raise UsageError(
                f"{model.name} is {other.target} already: give another name with --name, or `crystal models remove` it first"
            )
        _write([*(each for each in before.models.values() if each.name != model.name), model], before.default)


def remove(name: str) -> Registered | None:
    """Forget a model, and that it was the default; None when it was not known. Its files stay. Raises CrystalError."""
    if name not in read().models:  # nothing is written, or made, for a name that is not there
        return None
    with _writing() as before:
        _write(
            [each for each in before.models.values() if each.name != name],
            before.default if before.default != name else "",
        )
        return before.models.get(name)


def choose(name: str) -> None:
    """Make a model the default. Raises UsageError for a name that nobody knows, or an encoder's; CrystalError."""
    with _writing() as before:
        known(name, before)
        _write(before.models.values(), name)


def known(name: str, registry: Registry) -> None:
    """Raises UsageError unless `name` is a language model's, of the catalogue or of the registry."""
    if name in registry.models or (name in CATALOGUE and CATALOGUE[name].role == "language"):
        return
    if name in CATALOGUE:
        raise UsageError(f"{name} is an {CATALOGUE[name].role}, not a language model")
    names = ", ".join([*(each.name for each in CATALOGUE.values() if each.role == "language"), *registry.models])
    raise UsageError(
        f"no language model is called {name!r}: there are {names}; `crystal models add` makes others known"
    )


def measured(place: Path) -> tuple[int, int]:
    """Bytes and time of the last change, of a file or of the files in a folder. Raises OSError when there are none."""
    if not place.is_dir():
        found = place.stat()
        return found.st_size, found.st_mtime_ns
    files = [entry.stat() for entry in os.scandir(place) if entry.is_file() and not entry.name.startswith(".")]
    if not files:
        raise FileNotFoundError(place)
    return sum(each.st_size for each in files), max(each.st_mtime_ns for each in files)


@contextmanager
def _writing() -> Iterator[Registry]:
    """The registry while nobody else writes it. Turns what the disk refuses into CrystalError."""
    root = cache.folder()
    with cache.translated(root):
        root.mkdir(parents=True, exist_ok=True)
        with cache.held(FILE):
            yield read()


def _write(models: Iterable[Registered], default: str) -> None:
    rows = {each.name: {key: value for key, value in asdict(each).items() if key != "name"} for each in models}
    cache.write_json(path(), {"layout": _LAYOUT, "default": default, "models": rows})


def _checked(data: object) -> Registry:
    """What the file's JSON says. Raises ValueError when it is not what this program writes."""
    if not isinstance(data, dict) or data.get("layout") != _LAYOUT:
        raise ValueError("another layout")
    default, rows = data.get("default"), data.get("models")
    if not isinstance(default, str) or not isinstance(rows, dict):
        raise ValueError("no models")
    models = {}
    for name, row in rows.items():
        if not _NAME.fullmatch(name) or not isinstance(row, dict):
            raise ValueError("no name")
        kind, target, size, mtime = (row.get(key) for key in ("kind", "target", "size", "mtime_ns"))
        if kind not in KINDS or not isinstance(target, str) or not target or "\0" in target:
            raise ValueError("no place")
        if type(size) is not int or type(mtime) is not int:
            raise ValueError("no size")
        models[name] = Registered(name, kind, target, size, mtime)
    return Registry(models, default)
