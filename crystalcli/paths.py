"""Paths on the command line: `~`, the default crystal, writability."""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """Replace `~` and `~user` at the beginning; an unknown user's is left, as shells do."""
    # Path.expanduser raises RuntimeError for an unknown user.
    return Path(os.path.expanduser(path))  # noqa: PTH111


DEFAULT_NAME = "memory.crystal"


def default_path(start: Path, variable: str | None) -> Path:
    """Choose the crystal for a command that names none.

    Args:
        start: The current folder.
        variable: The value of $CRYSTAL_FILE, if it is set.

    Returns:
        `variable`, else the nearest `memory.crystal` from `start` upward, else one in `start`.
    """
    if variable:
        return Path(variable)
    for folder in (start, *start.parents):
        if (folder / DEFAULT_NAME).is_file():
            return folder / DEFAULT_NAME
    return start / DEFAULT_NAME


def unwritable(path: Path) -> str:
    """Say why a file cannot be written; "" if it can.

    Meant for the moment before long work that ends in the file. No file is left behind.
    """
    if path.is_dir():
        return "it is a folder"
    try:
        existed = path.exists()
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        return str(error.strerror)
    return ""
