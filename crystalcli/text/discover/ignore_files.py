"""Ignore files and the paths that they leave out.

Read are `.crystalignore` and `.gitignore` at every level, and `.git/info/exclude`.

Knows the patterns of Git, and which file decides for which folder. Does not walk: it is asked about
one entry after another, on the way down. Does not know the user's global Git ignore file, nor Git's
index: a tracked file that a pattern names is left out too.
"""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class Pattern(NamedTuple):
    """One line of an ignore file.

    Attributes:
        matches: its regular expression.
        ignores: False for a line with `!`, which takes back what earlier lines ignore.
        folders_only: it ends with a slash.
        by_name: it has no slash inside, so it is compared with the last part of a path only.
    """

    matches: Callable[[str], re.Match[str] | None]
    ignores: bool
    folders_only: bool
    by_name: bool


class Scope(NamedTuple):
    """The patterns of one ignore file, and how to make a path relative to that file's folder.

    Attributes:
        patterns: last first.
        cut: characters to take from the front of a path relative to the walk's root.
        prefix: text to put there instead.
    """

    patterns: tuple[Pattern, ...]
    cut: int
    prefix: str


def is_ignored(relative: str, name: str, is_folder: bool, scopes: tuple[Scope, ...]) -> bool:
    """Tell whether the ignore files leave out an entry.

    The last pattern that matches decides, and a deeper ignore file goes before one above it. Asked
    on the way down, about every folder before its entries: so a pattern is compared with the entry
    itself only, as in Git, and entries below an ignored folder are never asked about.

    Args:
        relative: the entry's path from the walk's root.
        name: its last part.
        is_folder: whether it is a folder.
        scopes: the ignore files that hold there, deepest first.
    """
    for scope in scopes:
        path = scope.prefix + relative[scope.cut :]
        for matches, ignores, folders_only, by_name in scope.patterns:
            if folders_only and not is_folder:
                continue
            # pathspec's expressions also match paths *under* a named folder; a group marks that
            # case.
            if (match := matches(name if by_name else path)) is not None and match.lastindex is None:
                return ignores
    return False


def scopes_below(entries: list[os.DirEntry[str]], prefix: str, above: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The ignore files that hold for the entries of a folder, the folder's own first.

    Args:
        entries: the folder's entries, sorted by name.
        prefix: the folder's path from the walk's root; "" for the root itself.
        above: the ignore files that hold for the folder.
    """
    scopes = above
    own: tuple[Scope, ...] = ()
    for entry in entries:  # `.crystalignore` comes before `.git`, and `.git` before `.gitignore`
        # `.crystalignore` goes before this folder's .gitignore: Git may keep files that a crystal
        # need not.
        if entry.name == ".crystalignore":
            patterns = _read_patterns(entry.path)
            own = (Scope(patterns, len(prefix) + 1 if prefix else 0, ""),) if patterns else ()
        elif entry.name == ".git":  # an inner repository: ignore files outside of it do not hold
            exclude = _read_patterns(_exclude_file(entry.path))
            scopes = (Scope(exclude, len(prefix) + 1 if prefix else 0, ""),) if exclude else ()
        elif entry.name == ".gitignore":
            if patterns := _read_patterns(entry.path):
                scopes = (Scope(patterns, len(prefix) + 1 if prefix else 0, ""), *scopes)
            break
        elif entry.name > ".gitignore":
            break
    return (*own, *scopes)


def scopes_above(real_root: str) -> tuple[Scope, ...]:
    """The ignore files between a folder and the root of its repository, nearest first.

    Empty when the folder is not in a repository, and when they ignore the folder itself: the user
    named it all the same, and rules that leave all of it out do not tell which of its files to
    read.

    Args:
        real_root: the folder, as an absolute path without links.
    """
    if os.path.lexists(f"{real_root}/.git"):
        return ()
    scopes: list[Scope] = []
    below = ""
    folder = Path(real_root)
    for parent in folder.parents:
        below = f"{folder.name}/{below}"
        folder = parent
        is_top = os.path.lexists(folder / ".git")
        for file in (str(folder / ".gitignore"), _exclude_file(str(folder / ".git")))[: 1 + is_top]:
            if patterns := _read_patterns(file):
                scopes.append(Scope(patterns, 0, below))
        if is_top:
            break
    else:
        return ()
    parts = below.rstrip("/").split("/")
    for depth, name in enumerate(parts):
        path = "/".join(parts[: depth + 1])
        cuts = [(scope, len(below) - len(scope.prefix)) for scope in scopes]
        scopes_there = tuple(Scope(scope.patterns, cut, "") for scope, cut in cuts if cut <= len(path))
        if is_ignored(path, name, True, scopes_there):
            return ()
    return tuple(scopes)


def _exclude_file(git: str) -> str:
    """The path of a repository's `info/exclude`.

    In a work tree or a submodule, `git` is a file that holds the path of the real folder.
    """
    folder = Path(git)
    try:
        if folder.is_file():
            folder = folder.parent / folder.read_text("utf-8").removeprefix("gitdir:").strip()
            if (common := folder / "commondir").is_file():
                folder = folder / common.read_text("utf-8").strip()
    except (OSError, ValueError):
        pass
    return str(folder / "info" / "exclude")


def _read_patterns(path: str) -> tuple[Pattern, ...]:
    """The patterns of an ignore file, last first; empty for a link, as in Git, or on failure."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):  # a named pipe would never return
            return ()
        text = Path(path).read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError:
        return ()
    compiled = (compiled_line(line.removesuffix("\r")) for line in text.split("\n"))
    return tuple(pattern for pattern in compiled if pattern is not None)[::-1]


# Cached: a tree of packages repeats the same few lines, and translating one takes 30 µs.
@lru_cache(maxsize=4096)
def compiled_line(line: str) -> Pattern | None:
    """Compile one line of an ignore file; None for a comment, a blank line and an invalid pattern.

    pathspec translates the pattern; a slash at its end is taken off first and kept as
    `folders_only`. pathspec's expression for `build/` matches everything below `build`, and that
    for `build/**` matches `build/` itself; compared with the entry without a slash, both mean what
    Git means.
    """
    from pathspec import GitIgnoreSpec

    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    if not line or line.startswith("#"):
        return None
    folders_only = line.endswith("/")
    line = _BRACKETS.sub(_expand_classes, line.removesuffix("/"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `re` warns about `[[`, which it reads as Git does
            pattern = next(iter(GitIgnoreSpec.from_lines([line]).patterns))
    except (ValueError, re.error, StopIteration):
        return None
    regex = getattr(pattern, "regex", None)
    if pattern.include is None or not isinstance(regex, re.Pattern):
        return None
    matches = regex.match if regex.pattern.startswith("^") else regex.search
    return Pattern(matches, pattern.include, folders_only, "/" not in line)


# Git knows the character classes of POSIX (`[[:digit:]]`); pathspec does not.
_BRACKETS = re.compile(r"\[[!^]?\]?(?:\[:\w+:\]|[^]])*\]")
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9a-fA-F",
}


def _expand_classes(brackets: re.Match[str]) -> str:
    return re.sub(r"\[:(\w+):\]", lambda name: _CLASSES.get(name[1], name[0]), brackets[0])
