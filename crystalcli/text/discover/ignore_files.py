"""Which paths the ignore files leave out: `.crystalignore`, `.gitignore` at every level, `.git/info/exclude`.

Knows the patterns of Git and which file's word counts for which folder. Does not walk: it is asked about one entry after
another, on the way down. It knows neither the user's global Git ignore file nor Git's index: a tracked file that a pattern
names is left out too.
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
    """One line of an ignore file. `by_name`: it has no slash and so looks at the last part of a path only."""

    matches: Callable[[str], re.Match[str] | None]
    ignores: bool
    folders_only: bool
    by_name: bool


class Scope(NamedTuple):
    """The patterns of one ignore file, last first, and how a path relative to the walk's root is seen from there."""

    patterns: tuple[Pattern, ...]
    cut: int  # characters to take from the front of the relative path
    prefix: str  # what to put there instead


def is_ignored(relative: str, name: str, is_folder: bool, scopes: tuple[Scope, ...]) -> bool:
    """The last pattern that matches decides, and a deeper ignore file before one above it.

    Asked on the way down, of every folder before what is in it: so a pattern is only ever held against the entry
    itself, as Git does it, and what stands below an ignored folder is never asked about.
    """
    for scope in scopes:
        path = scope.prefix + relative[scope.cut :]
        for matches, ignores, folders_only, by_name in scope.patterns:
            if folders_only and not is_folder:
                continue
            # pathspec's expressions match what is *under* a named folder as well; they mark that by a group.
            if (match := matches(name if by_name else path)) is not None and match.lastindex is None:
                return ignores
    return False


def scopes_below(entries: list[os.DirEntry[str]], prefix: str, above: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The ignore files that hold for what is in a folder: its own before those above it."""
    scopes = above
    own: tuple[Scope, ...] = ()
    for entry in entries:  # sorted: `.crystalignore` comes before `.git`, and `.git` before `.gitignore`
        if entry.name == ".crystalignore":  # what Git keeps and a crystal need not: before this folder's .gitignore
            patterns = _read_patterns(entry.path)
            own = (Scope(patterns, len(prefix) + 1 if prefix else 0, ""),) if patterns else ()
        elif entry.name == ".git":  # a repository inside: those around it say nothing about its files
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
    """The ignore files between the folder asked for and the root of the repository it is in, nearest first.

    None when it is in no repository, and none when they ignore that very folder: it was asked for all the same,
    and rules that mean to leave all of it out say nothing about what in it is worth reading.
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
        held = [(scope, len(below) - len(scope.prefix)) for scope in scopes]
        seen_from = tuple(Scope(scope.patterns, cut, "") for scope, cut in held if cut <= len(path))
        if is_ignored(path, name, True, seen_from):
            return ()
    return tuple(scopes)


def _exclude_file(git: str) -> str:
    """`info/exclude` of a repository. In a work tree or submodule `.git` is a file that says where the rest is."""
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
    """The patterns of an ignore file, last first; none where it cannot be read. Like Git, not through a link."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):  # a named pipe would never return
            return ()
        text = Path(path).read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError:
        return ()
    compiled = (compiled_line(line.removesuffix("\r")) for line in text.split("\n"))
    return tuple(pattern for pattern in compiled if pattern is not None)[::-1]


@lru_cache(maxsize=4096)  # a tree of packages repeats the same few lines, and translating one takes 30 µs
def compiled_line(line: str) -> Pattern | None:
    """pathspec translates the pattern; whether it is for folders only is taken off first and asked separately.

    Its expression for `build/` matches all that is below `build` and its expression for `build/**` matches `build/`
    itself; held against the entry without a slash, both mean what Git means. Broken patterns match nothing.
    """
    from pathspec import GitIgnoreSpec

    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    if not line or line.startswith("#"):
        return None
    folders_only = line.endswith("/")
    line = _BRACKETS.sub(_spell_out, line.removesuffix("/"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `re` has doubts about `[[`, which it then reads as Git does
            pattern = next(iter(GitIgnoreSpec.from_lines([line]).patterns))
    except (ValueError, re.error, StopIteration):
        return None
    regex = getattr(pattern, "regex", None)
    if pattern.include is None or not isinstance(regex, re.Pattern):
        return None
    matches = regex.match if regex.pattern.startswith("^") else regex.search
    return Pattern(matches, pattern.include, folders_only, "/" not in line)


# pathspec does not know the classes of POSIX (`[[:digit:]]`); Git does.
_BRACKETS = re.compile(r"\[[!^]?\]?(?:\[:\w+:\]|[^]])*\]")
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9a-fA-F",
}


def _spell_out(brackets: re.Match[str]) -> str:
    return re.sub(r"\[:(\w+):\]", lambda name: _CLASSES.get(name[1], name[0]), brackets[0])
