"""How a crystal writes down where things are: its own files, the folder it is in, the places and folders of its ledger."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from crystalcli.storage import Store, crystal_path

# A crystal and what stands beside it, while it is written or repaired.
_BESIDE = ("", "-wal", "-shm", "-journal", "-lock", "-new", "-repair", "-repair-lock", "-repair-wal", "-repair-copy")


PIPED = "stdin://"  # how the place begins of what came through standard input; no path in a ledger has two slashes


def is_piped(location: str) -> bool:
    """Whether a document of the ledger is no file: it came through standard input, and cannot change or go."""
    return location.startswith(PIPED)


def own_files(crystal: Path) -> set[Path]:
    """A crystal and what lies beside it: files that are never read into it."""
    here = crystal.absolute()
    return {Path(f"{path}{suffix}") for path in (here, crystal_path(here)) for suffix in _BESIDE}


def home_of(crystal: Path) -> Path:
    """The folder that a crystal's places are counted from: that of the file itself, not of a link to it."""
    return crystal_path(crystal).absolute().parent


def location_of(path: Path, home: Path) -> str:
    """How a place is written in the ledger of a crystal in the folder `home`: relative to it where it lies below, else absolute."""
    place, above = path.as_posix(), home.as_posix().rstrip("/") + "/"
    if place.startswith(above):  # text is ten times as fast as paths are, and this is asked of every file several times
        place = place[len(above) :] or "."
    elif place + "/" == above:
        place = "."
    return (
        place if place.isascii() else os.fsencode(place).decode("utf-8", "backslashreplace")
    )  # names need not be UTF-8


def path_at_location(location: str, home: Path) -> Path:
    """The place that a ledger means by `location`: the inverse of `location_of`, but for names that are not UTF-8."""
    return Path(os.path.normpath(home / location))


def folders_asked(store: Store) -> set[str]:
    """The folders that were ever asked for, as the ledger writes places. Raises DamagedCrystalError."""
    try:
        found = json.loads(store.meta().get("folders", "[]"))
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) and "\0" not in each for each in found):
        raise store.damaged("its list of folders does not decode")
    return set(found)


def folders_noted(folders: Iterable[str]) -> str:
    """The same as it stands in `meta`, under `folders`."""
    return json.dumps(sorted(folders), ensure_ascii=False)


def parent_locations(location: str) -> Iterator[str]:
    """Every folder above a place of the ledger, the nearest first. An archive is one to what it holds."""
    while (end := location.rfind("/")) > 0:
        location = location[:end]
        yield location
