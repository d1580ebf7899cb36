"""Which files stand under the folders that were asked for, in an order that never varies.

Knows folders, symbolic links and ignore files (`.crystalignore`; `.gitignore` at every level up to the repository's
root, and `.git/info/exclude`). Does not open the files it finds: whether one holds text is for the readers to say. It
knows neither the user's global Git ignore file nor Git's index: a tracked file that a pattern names is left out too.

Links are never followed. What a link inside the folder points at is met at its own place, if it is to be met at
all; what it points at outside was not asked for. So loops cannot happen and nothing is found twice.
"""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from crystalcli.errors import SourceError

# Machine-made folders that are never what someone means to read, whatever the ignore files say.
# fmt: off
NEVER_ENTERED = frozenset((
    ".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", ".tox",
    ".mypy_cache", ".ruff_cache", ".pytest_cache",
))
# fmt: on
# A crystal and what SQLite keeps beside it: a memory does not read itself.
_BESIDE = ("", "-wal", "-shm", "-journal", "-lock", "-new", ".damaged", ".damaged-wal")
_REPAIRED = tuple(f"-repair{rest}" for rest in ("", "-lock", "-wal", "-copy"))
OWN_SUFFIXES = (".crystalignore", *(f".crystal{rest}" for rest in (*_BESIDE, *_REPAIRED)))


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file. `root` is the folder that was asked for, or the file's own folder; `relative` is posix."""

    path: Path
    root: Path
    relative: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that stands there and will not be read, and why, in a few words."""

    path: Path
    root: Path
    relative: str
    reason: str


def walk(paths: Sequence[Path], *, exclude: Container[Path] = (), hidden: bool = True) -> Iterator[Found | Skipped]:
    """Every file under `paths`, in the order asked and then by the parts of its relative path, none twice.

    A file asked for by name is found even where an ignore file names it. `exclude` holds absolute paths that are
    passed over in silence; without `hidden` so is whatever has a name that begins with a dot. Raises SourceError at the
    call when one of `paths` does not exist.
    """
    asked = [_look_at(path) for path in paths]
    return _Walk(asked, exclude, hidden).run()


def reason_of(error: OSError) -> str:
    """Says in a few words why the system refused, without the path: whoever lists it has that already."""
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, FileNotFoundError):
        return "no longer there"
    return (error.strerror or type(error).__name__).lower()


class _Asked(NamedTuple):
    path: Path
    real: str
    status: os.stat_result


def _look_at(path: Path) -> _Asked:
    try:
        # Beyond a link, `..` is not the folder before it in the path, so a path with `..` is given as it resolves.
        absolute = path.resolve() if ".." in path.parts else path.absolute()
        return _Asked(absolute, os.path.realpath(absolute, strict=True), absolute.stat())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise SourceError(f"no such file or folder: {path}") from None
    except OSError as error:
        raise SourceError(f"{reason_of(error)}: {path}") from None


class _Walk:
    """One walk: what it was asked for, and which folders and files it has been to."""

    def __init__(self, asked: list[_Asked], exclude: Container[Path], hidden: bool) -> None:
        self.hidden = hidden
        self.asked = asked
        self.exclude = exclude
        self.folders = {a.real for a in asked if stat.S_ISDIR(a.status.st_mode)}
        self.files = {a.real for a in asked if not stat.S_ISDIR(a.status.st_mode)}
        self.entered: set[str] = set()
        self.given: set[str] = set()  # only those of self.files: no other file can be met twice

    def run(self) -> Iterator[Found | Skipped]:
        for one in self.asked:
            if stat.S_ISDIR(one.status.st_mode):
                yield from self._folder(one)
            elif self._is_new(one.path, one.real):
                yield _judge(one.path, one.path.parent, one.path.name, one.status)

    def _is_new(self, path: Path, real: str) -> bool:
        if path in self.exclude or Path(real) in self.exclude or real in self.given:
            return False
        if real in self.files:
            self.given.add(real)
        return True

    def _folder(self, asked: _Asked) -> Iterator[Found | Skipped]:
        """Goes down from the folder asked for. A stack of its own, as folders nest deeper than Python's calls."""
        root, real_root = asked.path, asked.real.rstrip(os.sep)
        stack: list[tuple[Iterator[os.DirEntry[str]], str, tuple[_Scope, ...]]] = []

        def enter(prefix: str, scopes: tuple[_Scope, ...]) -> Skipped | None:
            folder = root / prefix
            real = os.path.join(real_root, prefix) if prefix else asked.real  # noqa: PTH118 - text is faster
            if real in self.entered or folder in self.exclude or Path(real) in self.exclude:
                return None
            self.entered.add(real)
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                return Skipped(folder, root, prefix or ".", reason_of(error))
            stack.append((iter(entries), prefix and prefix + "/", _scopes_below(entries, prefix, scopes)))
            return None

        if (skipped := enter("", _scopes_above(asked.real))) is not None:
            yield skipped
        while stack:
            entries, prefix, scopes = stack[-1]
            for entry in entries:
                name = entry.name
                relative = prefix + name
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                except OSError:  # to be named below, where its size is asked for
                    is_folder = False
                if name in NEVER_ENTERED and (is_folder or name == ".git" or entry.is_symlink()):
                    continue
                if name.startswith(".") and not self.hidden:
                    continue
                if _is_ignored(relative, name, is_folder, scopes):
                    continue
                if is_folder:
                    if not _can_be_written_down(name):
                        yield _nameless(root / relative, root, relative)
                    elif (skipped := enter(relative, scopes)) is not None:
                        yield skipped
                    break  # down into it, or on to the next entry if there was nothing to enter
                if name.endswith(OWN_SUFFIXES):
                    continue
                path = Path(entry.path)
                if entry.is_symlink():
                    if (why := self._why_not_followed(entry.path)) and path not in self.exclude:
                        yield Skipped(path, root, _legible(relative), why)
                    continue
                if not self._is_new(path, f"{real_root}{os.sep}{relative}"):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError as error:
                    yield Skipped(path, root, _legible(relative), reason_of(error))
                    continue
                yield _judge(path, root, relative, status)
            else:
                stack.pop()

    def _why_not_followed(self, link: str) -> str:
        """Empty when the link's target is under something that was asked for, and so is met (or ignored) there."""
        try:
            target = os.path.realpath(link, strict=True)
        except FileNotFoundError:
            return "broken link"
        except OSError as error:
            return f"broken link ({reason_of(error)})"
        if target in self.files or any(
            target == f or target.startswith(f.rstrip(os.sep) + os.sep) for f in self.folders
        ):
            return ""
        return "link leads outside the folder"


def _judge(path: Path, root: Path, relative: str, status: os.stat_result) -> Found | Skipped:
    if not stat.S_ISREG(status.st_mode):
        what = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}.get(stat.S_IFMT(status.st_mode), "a device")
        return Skipped(path, root, _legible(relative), f"not a file but {what}")
    if not _can_be_written_down(relative):
        return _nameless(path, root, relative)
    return Found(path, root, relative, status.st_size, status.st_mtime_ns)


def _nameless(path: Path, root: Path, relative: str) -> Skipped:
    return Skipped(path, root, _legible(relative), "its name is not valid Unicode")


def _can_be_written_down(name: str) -> bool:
    """Bytes that are not valid in the file system's encoding arrive as lone surrogates, which no database takes."""
    return name.isascii() or name.isprintable() or not re.search("[\ud800-\udfff]", name)


def _legible(relative: str) -> str:
    return relative if _can_be_written_down(relative) else os.fsencode(relative).decode("utf-8", "replace")


# --- ignore files -----------------------------------------------------------------------------------------------


class _Pattern(NamedTuple):
    """One line of an ignore file. `by_name`: it has no slash and so looks at the last part of a path only."""

    matches: Callable[[str], re.Match[str] | None]
    ignores: bool
    folders_only: bool
    by_name: bool


class _Scope(NamedTuple):
    """The patterns of one ignore file, last first, and how a path relative to the walk's root is seen from there."""

    patterns: tuple[_Pattern, ...]
    cut: int  # characters to take from the front of the relative path
    prefix: str  # what to put there instead


def _is_ignored(relative: str, name: str, is_folder: bool, scopes: tuple[_Scope, ...]) -> bool:
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


def _scopes_below(entries: list[os.DirEntry[str]], prefix: str, above: tuple[_Scope, ...]) -> tuple[_Scope, ...]:
    """The ignore files that hold for what is in a folder: its own before those above it."""
    scopes = above
    own: tuple[_Scope, ...] = ()
    for entry in entries:  # sorted: `.crystalignore` comes before `.git`, and `.git` before `.gitignore`
        if (
            entry.name == ".crystalignore"
        ):  # what Git keeps and a crystal need not: it comes before this folder's .gitignore
            patterns = _read_patterns(entry.path)
            own = (_Scope(patterns, len(prefix) + 1 if prefix else 0, ""),) if patterns else ()
        elif entry.name == ".git":  # a repository inside: those around it say nothing about its files
            exclude = _read_patterns(_exclude_file(entry.path))
            scopes = (_Scope(exclude, len(prefix) + 1 if prefix else 0, ""),) if exclude else ()
        elif entry.name == ".gitignore":
            if patterns := _read_patterns(entry.path):
                scopes = (_Scope(patterns, len(prefix) + 1 if prefix else 0, ""), *scopes)
            break
        elif entry.name > ".gitignore":
            break
    return (*own, *scopes)


def _scopes_above(real_root: str) -> tuple[_Scope, ...]:
    """The ignore files between the folder asked for and the root of the repository it is in, nearest first.

    None when it is in no repository, and none when they ignore that very folder: it was asked for all the same,
    and rules that mean to leave all of it out say nothing about what in it is worth reading.
    """
    if os.path.lexists(f"{real_root}/.git"):
        return ()
    scopes: list[_Scope] = []
    below = ""
    folder = Path(real_root)
    for parent in folder.parents:
        below = f"{folder.name}/{below}"
        folder = parent
        is_top = os.path.lexists(folder / ".git")
        for file in (str(folder / ".gitignore"), _exclude_file(str(folder / ".git")))[: 1 + is_top]:
            if patterns := _read_patterns(file):
                scopes.append(_Scope(patterns, 0, below))
        if is_top:
            break
    else:
        return ()
    parts = below.rstrip("/").split("/")
    for depth, name in enumerate(parts):
        path = "/".join(parts[: depth + 1])
        held = [(scope, len(below) - len(scope.prefix)) for scope in scopes]
        seen_from = tuple(_Scope(scope.patterns, cut, "") for scope, cut in held if cut <= len(path))
        if _is_ignored(path, name, True, seen_from):
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


def _read_patterns(path: str) -> tuple[_Pattern, ...]:
    """The patterns of an ignore file, last first; none where it cannot be read. Like Git, not through a link."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):  # a named pipe would never return
            return ()
        text = Path(path).read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError:
        return ()
    compiled = (_compile(line.removesuffix("\r")) for line in text.split("\n"))
    return tuple(pattern for pattern in compiled if pattern is not None)[::-1]


@lru_cache(maxsize=4096)  # a tree of packages repeats the same few lines, and translating one takes 30 µs
def _compile(line: str) -> _Pattern | None:
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
    return _Pattern(matches, pattern.include, folders_only, "/" not in line)


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
