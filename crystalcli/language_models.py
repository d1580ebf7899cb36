"""Resolves which language model to use, by path, by URL, by name or by default, and opens it.

Ties the room that keeps models (`models`) to the one that runs them (`lm`). Does not know:
questions, crystals.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from crystalcli import models
from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.models import (
    RegisteredModel,
    Registry,
    file_stamp,
    read_registry,
    register_model,
    require_language_model,
    suggest_name,
)
from crystalcli.paths import expanded

if TYPE_CHECKING:
    from crystalcli.datatypes import ChatModel
    from crystalcli.lm import DecoderProcess, Preload

LANGUAGE_MODEL = "SmolLM2-135M-Instruct"


def resolve_model(model: str | Path | None = None) -> str | Path:
    """Resolve what the user said to a path, a URL, or the name of a built-in model.

    Args:
        model: A path, a URL or a name. A known name goes before a file of that name in the current
            folder; a `Path` is never a name. None: $CRYSTAL_MODEL, else `default_model`.

    Raises:
        UsageError: The name is an encoder's, or the URL has no scheme.
        ModelMissingError: The name is unknown and there is no file of that name, or the files of a
            known model have gone.
        CrystalError: The list of models cannot be read.
    """
    if model is None:
        model = os.environ.get("CRYSTAL_MODEL") or default_model()
    if isinstance(model, Path) or "://" in model:
        return model
    model = models.canonical_name(model)
    if model in models.CATALOGUE:
        require_language_model(model, Registry({}))
        return model
    path = expanded(model)
    if Path(model).name != model:
        _check_scheme(model, path)
        return path
    try:
        entry = read_registry().models.get(model)
    except CrystalError:
        if not path.exists():
            raise
        return path
    if entry is None and not path.exists():
        _check_scheme(model, path)
        raise ModelMissingError(
            f"no model file at {model}, and no folder or model of that name; `crystal models list` shows the known ones"
        )
    if entry is None:
        return path
    if entry.state == "missing":
        raise ModelMissingError(
            f"{model} is not at {entry.target} any more: `crystal models remove {model}`, then add it from where it is now"
        )
    return entry.target if entry.kind == "server" else Path(entry.target)


def _check_scheme(model: str, path: Path) -> None:
    """Raise UsageError for a server's URL without its scheme, unless a file has that name."""
    from crystalcli.lm import lacks_scheme

    if not path.exists() and lacks_scheme(model):
        raise UsageError(f"no model file at {model}; a server is named with its scheme: http://{model}")


def default_model(registry: Registry | None = None) -> str:
    """Name the model that is asked where no other is named.

    That is the choice of `crystal models default`, else the built-in model that answers by itself,
    else the smallest.

    Args:
        registry: The list of models; None: it is read.

    Raises:
        CrystalError: The list of models cannot be read.
    """
    return (registry or read_registry()).default or answering_model() or LANGUAGE_MODEL


def is_model_named(model: str | Path | ChatModel | None) -> bool:
    """Tell whether there is a model that answers without being told to.

    It was named here, in $CRYSTAL_MODEL or as the default, or it was fetched and answers well
    enough (`answering_model`). Raises as `resolve_model` does for the list of models.
    """
    if model is not None or os.environ.get("CRYSTAL_MODEL"):
        return True
    return bool(read_registry().default or answering_model())


def answering_model() -> str | None:
    """Name the built-in model that answers by itself, of those on this machine; None without one.

    Of several it is the best one that fits into the memory that is free.
    """
    here = [entry.name for entry in _answering_entries() if models.locate(entry.name) is not None]
    return _first_that_fits(here) if here else None


def recommended_model() -> str:
    """Name the built-in model to fetch: the best one that fits into the memory that is free."""
    return _first_that_fits([entry.name for entry in _answering_entries()])


def _answering_entries() -> list[models.CatalogueEntry]:
    """List the built-in models that answer by themselves, the best first."""
    entries = [entry for entry in models.CATALOGUE.values() if entry.free_memory is not None]
    return sorted(entries, key=lambda entry: entry.free_memory or 0, reverse=True)


def _first_that_fits(names: list[str]) -> str:
    """Return the first of some models that fits into the memory that is free, else the last."""
    if len(names) > 1:
        from crystalcli.lm import available_memory

        free = available_memory()
        for name in names:
            if free is None or free >= (models.catalogue_entry(name).free_memory or 0):
                return name
    return names[-1]


def is_builtin(model: str | Path) -> TypeGuard[str]:
    """Tell whether a resolved model is one of the program's own, which may have to be fetched."""
    return isinstance(model, str) and model in models.CATALOGUE


def open_model(model: str | Path | None = None, *, allow_remote: bool = False) -> ChatModel:
    """Open a language model; a built-in one is fetched on first use.

    Its weights load with its first word.

    Args:
        model: As in `resolve_model`.
        allow_remote: Whether a server may be another machine.

    Raises:
        ModelMissingError: The model is not there and cannot be fetched.
        UsageError: The server is another machine and `allow_remote` is false.
        CrystalError: The model cannot be run.
    """
    from crystalcli.lm import open_model_at

    resolved = resolve_model(model)
    if is_builtin(resolved):
        folder = models.locate(resolved) or models.pull(resolved)
        return open_model_at(folder / models.catalogue_entry(resolved).main, cache=models.converted_folder())
    return open_model_at(resolved, allow_remote=allow_remote, cache=models.converted_folder())


class ModelStart:
    """The start of a language model for one answer, beside the search for its passages.

    Args:
        model: As in `resolve_model`, or an open model.
        allow_remote: Whether a server may be another machine.

    Raises as `open_model` does, of models that are not the program's own; these open when they are
    needed.
    """

    def __init__(self, model: str | Path | ChatModel | None = None, *, allow_remote: bool = False) -> None:
        from crystalcli.lm import Preload

        self._file: Path | None = None  # of weights that may load in a process of their own
        self._process: DecoderProcess | None = None
        self._preload: Preload = Preload(self._opener(model, allow_remote))

    def begin(self) -> None:
        """Begin to load before the search, if that does not slow it: in another process."""
        from crystalcli.lm import DecoderProcess, starts_in_process

        if self._file is None or self._process is not None:
            return
        cache = models.converted_folder()
        if starts_in_process(self._file, cache):
            self._process = DecoderProcess(self._file, cache)

    def go_on(self) -> None:
        """Load in a thread after the search, unless a process does so."""
        if self._process is None:
            self._preload.start()

    def __call__(self) -> ChatModel:
        """Give the open model; its weights may still be loading. Raises as `open_model` does."""
        if self._file is not None and self._process is not None:
            from crystalcli.lm import LanguageModel

            return LanguageModel.open(self._file, process=self._process)
        return self._preload()

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.close()

    def _opener(self, model: str | Path | ChatModel | None, allow_remote: bool) -> Callable[[], ChatModel]:
        if model is None or isinstance(model, str | Path):
            resolved = resolve_model(model)
            if is_builtin(resolved):
                if (folder := models.locate(resolved)) is not None:
                    self._file = folder / models.catalogue_entry(resolved).main
                return lambda: open_model(resolved)
            model = open_model(resolved, allow_remote=allow_remote)
        opened = model
        return lambda: opened


def add_model(target: str, name: str = "", *, allow_remote: bool = False) -> RegisteredModel:
    """Open the model at a path or URL, and register it under a name.

    Of files the header and the vocabulary are read; a server is asked which models it has.

    Args:
        target: The path or URL.
        name: The name; "" for the model's own.
        allow_remote: Whether a server may be another machine.

    Raises:
        UsageError: The name is invalid or taken.
        ModelMissingError: As `open_model` raises it.
        CrystalError: As `open_model` raises it.
    """
    from crystalcli.lm import model_kind, open_model_at

    if "://" not in target and not expanded(target).exists():
        raise ModelMissingError(f"no file or folder at {target}")
    place = target if "://" in target else expanded(target).absolute()
    kind = model_kind(place)
    opened = open_model_at(place, allow_remote=allow_remote)
    size, mtime = (0, 0) if isinstance(place, str) else file_stamp(place)
    entry = RegisteredModel(name or suggest_name(opened.name), kind, str(place), size, mtime)
    register_model(entry)
    return entry
