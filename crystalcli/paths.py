"""Paths as people write them, the crystal that is meant where none is named, and whether a file can be written."""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with `~` and `~user` at its beginning as the folders they mean; as it is where there is no such user, as shells do."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises RuntimeError there


DEFAULT_NAME = "memory.crystal"


def default_path(start: Path, given: str | None) -> Path:
    """Give the crystal to use where none is named.

    Args:
        start: The current folder.
        given: What $CRYSTAL_FILE says.

    Returns:
        `given`, else the nearest `memory.crystal` from `start` upward, else one in `start`.
    """
    if given:
        return Path(given)
    for folder in (start, *start.parents):
        if (folder / DEFAULT_NAME).is_file():
            return folder / DEFAULT_NAME
    return start / DEFAULT_NAME


def unwritable(path: Path) -> str:
    """Why there can be no file of that name, or ""; to be asked before the work that would fill it. Leaves nothing there."""
    if path.is_dir():
        return "it is a folder"
    try:
        there = path.exists()
        with path.open("ab"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        return str(error.strerror)
    return ""
