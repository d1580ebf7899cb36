"""What of a folder is to be read: patterns that keep, patterns that leave out, how large a file may be.

Patterns are those of `.gitignore`, relative to the folder that was asked for. Knows names and sizes only; `walk` asks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crystalcli.errors import UsageError
from crystalcli.text.discover.ignore_files import Pattern, Scope, compiled_line, is_ignored

LARGEST = 100_000_000  # bytes of a file, unless something else is said


@dataclass(frozen=True)
class FileFilter:
    """include: where there are any, only files that one of them matches; exclude: wins over include. A pattern that matches a
    folder means all that is in it; one with `!` takes back what those before it said of the same name. largest: bytes of a
    file at most, 0 for any. Raises UsageError for what is no pattern.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    largest: int = LARGEST

    def __post_init__(self) -> None:
        for line in (*self.include, *self.exclude):
            if "\n" in line or "\0" in line or compiled_line(line) is None:
                raise UsageError(f"{line!r} is no pattern as in .gitignore")
        if self.largest < 0:
            raise UsageError("a file's largest size is 0 or more bytes")

    @cached_property
    def _scopes(self) -> tuple[tuple[Scope, ...], tuple[Scope, ...]]:
        return _scope(self.include), _scope(self.exclude)

    def excludes(self, relative: str, is_folder: bool) -> bool:
        """Whether `exclude` names this very file or folder; asked on the way down, like an ignore file."""
        scopes = self._scopes[1]
        return bool(scopes) and is_ignored(relative, relative.rpartition("/")[2], is_folder, scopes)

    def includes(self, relative: str) -> bool:
        """Whether `include` names this file or a folder it is in; False where there is no `include`."""
        scopes = self._scopes[0]
        return bool(scopes) and _names(relative, scopes)

    def leaves_out(self, relative: str) -> bool:
        """Whether the patterns leave out a file that stands there."""
        include, exclude = self._scopes
        return bool(exclude and _names(relative, exclude)) or bool(include and not _names(relative, include))

    def noted(self) -> dict[str, Any]:
        """As it stands in `meta`, with what differs from the usual only."""
        said: dict[str, Any] = {}
        if self.include:
            said["include"] = list(self.include)
        if self.exclude:
            said["exclude"] = list(self.exclude)
        if self.largest != LARGEST:
            said["max_file_size"] = self.largest
        return said

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> FileFilter:
        """The reverse. Raises ValueError for what `noted` does not write."""
        lists = [said.get(key, []) for key in ("include", "exclude")]
        largest = said.get("max_file_size", LARGEST)
        if type(largest) is not int or not all(isinstance(each, list) for each in lists):
            raise ValueError("no choice")
        if not all(isinstance(line, str) for each in lists for line in each):
            raise ValueError("no choice")
        try:
            return cls(tuple(lists[0]), tuple(lists[1]), largest)
        except UsageError as error:
            raise ValueError("no choice") from error


USUAL = FileFilter()


def format_limit(size: int) -> str:
    """A limit for a reader: 250,000 bytes, 1.5 MB."""
    return f"{size / 1e6:g} MB" if size >= 1_000_000 else f"{size:,} bytes"


def _scope(lines: tuple[str, ...]) -> tuple[Scope, ...]:
    found = [compiled_line(line) for line in lines]
    patterns: tuple[Pattern, ...] = tuple(each for each in found if each is not None)[::-1]
    return (Scope(patterns, 0, ""),) if patterns else ()


def _names(relative: str, scopes: tuple[Scope, ...]) -> bool:
    """Whether patterns name a file or one of the folders it is in."""
    parts = relative.split("/")
    return any(
        is_ignored("/".join(parts[: depth + 1]), name, depth + 1 < len(parts), scopes)
        for depth, name in enumerate(parts)
    )
