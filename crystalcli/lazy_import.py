"""Lazy imports of a room's names (PEP 562), so that importing the room costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(room: str, files: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a room.

    Args:
        room: the room's `__name__`.
        files: the public names of each file, by the file's name without `.py`; a file without names
            is public itself, as a module.
    """
    homes = {name: file for file, names in files.items() for name in names}

    def get_name(name: str) -> Any:
        if name in homes:
            member = getattr(import_module(f"{room}.{homes[name]}"), name)
            setattr(sys.modules[room], name, member)
            return member
        if name in files:
            return import_module(f"{room}.{name}")
        raise AttributeError(f"module {room!r} has no attribute {name!r}")

    return get_name
