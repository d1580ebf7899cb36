"""Which language model is meant, and where it lies: by path, by URL, by name, or none named at all.

Ties the room that keeps models (`models`) to the one that runs them (`lm`). Does not know: questions, crystals.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from crystalcli import models
from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.models import registry
from crystalcli.paths import expanded

if TYPE_CHECKING:
    from crystalcli.models.registry import Registered
    from crystalcli.types import Speaker

LANGUAGE_MODEL = "SmolLM2-135M-Instruct"


def meant(given: str | Path | None = None) -> str | Path:
    """A path, a URL, or the name of one of the program's own models, for what the user said.

    given: a path, a URL or a name; None: what $CRYSTAL_MODEL says, else the default of `crystal models default`, else the
    program's own. A name that is known goes before a file of that name in the current folder; a `Path` is never a name.
    Raises UsageError for an encoder's name and for a URL without its scheme, ModelMissingError for a known model that is not where
    it was, CrystalError when the list of models cannot be read.
    """
    if given is None:
        given = os.environ.get("CRYSTAL_MODEL") or registry.read().default or LANGUAGE_MODEL
    if isinstance(given, Path) or "://" in given:
        return given
    if given in models.CATALOGUE:
        registry.known(given, registry.Registry({}))
        return given
    path = expanded(given)
    if Path(given).name != given:
        _no_address(given, path)
        return path
    try:
        found = registry.read().models.get(given)
    except CrystalError:
        if not path.exists():
            raise
        return path
    if found is None and not path.exists():
        _no_address(given, path)
        raise ModelMissingError(
            f"no model file at {given}, and no folder or model of that name; `crystal models list` shows the known ones"
        )
    if found is None:
        return path
    if found.state == "missing":
        raise ModelMissingError(
            f"{given} is not at {found.target} any more: `crystal models remove {given}`, then add it from where it is now"
        )
    return found.target if found.kind == "server" else Path(found.target)


def _no_address(given: str, path: Path) -> None:
    """Raises UsageError for a server's address without its scheme, where there is no such file."""
    from crystalcli.lm.server.url import looks_like

    if not path.exists() and looks_like(given):
        raise UsageError(f"no model file at {given}; a server is named with its scheme: http://{given}")


def is_named(given: str | Path | Speaker | None) -> bool:
    """Whether somebody named a language model: now, in $CRYSTAL_MODEL, or as the default. Raises as `meant` does for the list."""
    return given is not None or bool(os.environ.get("CRYSTAL_MODEL") or registry.read().default)


def own(what: str | Path) -> TypeGuard[str]:
    """Whether `what`, as `meant` gives it, is one of the program's own models, which may have to be fetched."""
    return isinstance(what, str) and what in models.CATALOGUE


def speaker(given: str | Path | None = None, *, allow_remote: bool = False) -> Speaker:
    """The language model that is meant, open; the program's own is fetched on first use. Weights come with its first word.

    given: as in `meant`. allow_remote: a server may be another machine.
    Raises ModelMissingError when there is none, UsageError for a server elsewhere, CrystalError when it cannot be run.
    """
    from crystalcli.lm.open_model import open_speaker

    what = meant(given)
    if own(what):
        folder = models.locate(what) or models.pull(what)
        return open_speaker(folder / models.weights(what).main)
    return open_speaker(what, allow_remote=allow_remote)


def add(target: str, name: str = "", *, allow_remote: bool = False) -> Registered:
    """Open the model at a path or URL, and remember it under `name`; "": what it is called itself.

    Of files the header and the vocabulary are read; a server is asked which models it has.
    Raises what `speaker` raises, and UsageError for a name that is none or another model's.
    """
    from crystalcli.lm.open_model import kind_of, open_speaker

    if "://" not in target and not expanded(target).exists():
        raise ModelMissingError(f"no file or folder at {target}")
    what = target if "://" in target else expanded(target).absolute()
    kind = kind_of(what)
    opened = open_speaker(what, allow_remote=allow_remote)
    size, mtime = (0, 0) if isinstance(what, str) else registry.measured(what)
    found = registry.Registered(name or registry.suggested(opened.name), kind, str(what), size, mtime)
    registry.add(found)
    return found


def choose(name: str) -> None:
    """Make a known model the one that is asked when none is named. Raises UsageError for a name that is not known."""
    if "/" in name or "\\" in name:
        raise UsageError(f"{name} is a place, not a name: `crystal models add` gives it one")
    registry.choose(name)
