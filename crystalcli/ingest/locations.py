"""Paths as a crystal's ledger writes them, and the crystal's own files.

A location is a path relative to the crystal's folder where it lies below that, else an absolute
one, with `/` between its parts.

Knows: paths, the list of folders in `meta`. Does not know: rows of the ledger, contents of files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from crystalcli.storage import Store, real_path

# Suffixes of a crystal and of the files beside it while it is written or repaired.
_OWN_SUFFIXES = (
    "", "-wal", "-shm", "-journal", "-lock", "-tell-lock", "-layers", "-new",
    "-repair", "-repair-lock", "-repair-wal", "-repair-copy",
)  # fmt: skip

# Prefix of the locations of documents from standard input; no path in a ledger has two slashes.
PIPED = "stdin://"


def is_piped(location: str) -> bool:
    """Tell whether a document came through standard input: it has no file to change or go."""
    return location.startswith(PIPED)


def own_files(crystal: Path) -> set[Path]:
    """List a crystal and the files beside it, which are never read into it."""
    here = crystal.absolute()
    return {Path(f"{path}{suffix}") for path in (here, real_path(here)) for suffix in _OWN_SUFFIXES}


def home_of(crystal: Path) -> Path:
    """Return the folder that locations are relative to: that of the file, not of a link to it."""
    return real_path(crystal).absolute().parent


def location_of(path: Path, home: Path) -> str:
    """Write a path as a location.

    Args:
        path: An absolute path.
        home: The crystal's folder.

    Returns:
        The location; bytes of a name that are not UTF-8 are escaped.
    """
    # Strings are ten times as fast as paths, and each file's location is needed several times.
    location, prefix = path.as_posix(), home.as_posix().rstrip("/") + "/"
    if location.startswith(prefix):
        location = location[len(prefix) :] or "."
    elif location + "/" == prefix:
        location = "."
    return location if location.isascii() else os.fsencode(location).decode("utf-8", "backslashreplace")


def path_at_location(location: str, home: Path) -> Path:
    """Return the path of a location: the inverse of `location_of`, except for non-UTF-8 names."""
    return Path(os.path.normpath(home / location))


def folders_asked(store: Store) -> set[str]:
    """Read the locations of all folders that were ever ingested.

    Raises:
        DamagedCrystalError: The list in `meta` does not decode.
    """
    try:
        folders = json.loads(store.meta().get("folders", "[]"))
        json.dumps(folders, ensure_ascii=False).encode()  # half a surrogate pair is not text
    except (ValueError, RecursionError):
        folders = None
    if not isinstance(folders, list) or not all(isinstance(folder, str) and "\0" not in folder for folder in folders):
        raise store.damaged("its list of folders does not decode")
    return set(folders)


def folders_noted(folders: Iterable[str]) -> str:
    """Encode locations of folders for the key `folders` of `meta`; `folders_asked` reads them."""
    return json.dumps(sorted(folders), ensure_ascii=False)


def parent_locations(location: str) -> Iterator[str]:
    """Yield every folder above a location, nearest first; an archive is a folder to its members."""
    while (end := location.rfind("/")) > 0:
        location = location[:end]
        yield location
