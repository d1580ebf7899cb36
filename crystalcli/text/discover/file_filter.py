"""Filters of a folder's files: patterns to include, patterns to exclude, and a limit on size.

Patterns are those of `.gitignore`, relative to the folder that was named.

Knows names and sizes. Does not know the disk: `walk` asks it about one file after another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crystalcli.errors import UsageError
from crystalcli.text.discover.ignore_files import Pattern, Scope, compiled_line, is_ignored

DEFAULT_MAX_FILE_SIZE = 100_000_000  # bytes


@dataclass(frozen=True)
class FileFilter:
    """The files of a folder that are to be read.

    A pattern that matches a folder means everything in it. A pattern that begins with `!` takes
    back what earlier patterns said of the same name.

    Attributes:
        include: patterns of which a file must match one; empty: every file.
        exclude: patterns of files to leave out; they win over `include`.
        max_file_size: bytes of a file at most; 0 for no limit.
        ocr: whether the letters in pictures of text are recognized; it leaves no file out.

    Raises:
        UsageError: A pattern is invalid, or the size is negative.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_file_size: int = DEFAULT_MAX_FILE_SIZE
    ocr: bool = False

    def __post_init__(self) -> None:
        for line in (*self.include, *self.exclude):
            if "\n" in line or "\0" in line or compiled_line(line) is None:
                raise UsageError(f"invalid pattern {line!r}: expected one as in .gitignore")
        if self.max_file_size < 0:
            raise UsageError(f"invalid largest size of a file: expected 0 or more bytes, got {self.max_file_size}")

    @cached_property
    def _scopes(self) -> tuple[tuple[Scope, ...], tuple[Scope, ...]]:
        return _scope(self.include), _scope(self.exclude)

    def excludes(self, relative: str, is_folder: bool) -> bool:
        """Tell whether `exclude` names this very file or folder.

        Asked on the way down, like an ignore file.
        """
        scopes = self._scopes[1]
        return bool(scopes) and is_ignored(relative, relative.rpartition("/")[2], is_folder, scopes)

    def includes(self, relative: str) -> bool:
        """Tell whether `include` names this file or a folder around it; False without it."""
        scopes = self._scopes[0]
        return bool(scopes) and _matches_path(relative, scopes)

    def leaves_out(self, relative: str) -> bool:
        """Tell whether the patterns leave out a file at this path."""
        include, exclude = self._scopes
        return bool(exclude and _matches_path(relative, exclude)) or bool(
            include and not _matches_path(relative, include)
        )

    def noted(self) -> dict[str, Any]:
        """The filter as JSON for the table `meta`: the fields that differ from the defaults."""
        fields: dict[str, Any] = {}
        if self.include:
            fields["include"] = list(self.include)
        if self.exclude:
            fields["exclude"] = list(self.exclude)
        if self.max_file_size != DEFAULT_MAX_FILE_SIZE:
            fields["max_file_size"] = self.max_file_size
        if self.ocr:
            fields["ocr"] = True
        return fields

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> FileFilter:
        """The filter that `noted` wrote.

        Raises:
            ValueError: `noted` does not write such fields.
        """
        lists = [fields.get(key, []) for key in ("include", "exclude")]
        max_file_size = fields.get("max_file_size", DEFAULT_MAX_FILE_SIZE)
        if type(max_file_size) is not int or not all(isinstance(lines, list) for lines in lists):
            raise ValueError("invalid file filter")
        if not all(isinstance(line, str) for lines in lists for line in lines):
            raise ValueError("invalid file filter")
        try:
            return cls(tuple(lists[0]), tuple(lists[1]), max_file_size, fields.get("ocr") is True)
        except UsageError as error:
            raise ValueError("invalid file filter") from error


DEFAULT_FILTER = FileFilter()


def format_limit(size: int) -> str:
    """A limit in bytes for people: "250,000 bytes", "1.5 MB"."""
    return f"{size / 1e6:g} MB" if size >= 1_000_000 else f"{size:,} bytes"


def _scope(lines: tuple[str, ...]) -> tuple[Scope, ...]:
    compiled = [compiled_line(line) for line in lines]
    patterns: tuple[Pattern, ...] = tuple(pattern for pattern in compiled if pattern is not None)[::-1]
    return (Scope(patterns, 0, ""),) if patterns else ()


def _matches_path(relative: str, scopes: tuple[Scope, ...]) -> bool:
    """Tell whether the patterns name a file or one of the folders that it is in."""
    parts = relative.split("/")
    return any(
        is_ignored("/".join(parts[: depth + 1]), name, depth + 1 < len(parts), scopes)
        for depth, name in enumerate(parts)
    )
