"""Which files stand under the folders that were asked for, in an order that never varies.

Knows folders and symbolic links. What ignore files say it asks (ignores), and what was chosen (choice). Does not open the
files it finds: whether one holds text is for the readers to say.

Links are never followed. What a link inside the folder points at is met at its own place, if it is to be met at
all; what it points at outside was not asked for. So loops cannot happen and nothing is found twice.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crystalcli.errors import Reason, Refusal, SourceError, refusal_of
from crystalcli.text.discover.file_filter import USUAL, FileFilter, format_limit
from crystalcli.text.discover.ignore_files import Scope, is_ignored, scopes_above, scopes_below
from crystalcli.text.discover.skip_rules import INSTALLED, PACKAGES, by_name

# Machine-made folders that are never what someone means to read, whatever the ignore files say; passed over in silence.
# fmt: off
NEVER_ENTERED = frozenset((
    ".git", ".hg", ".svn", "__pycache__", ".venv", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache",
))
# fmt: on
# A crystal and what SQLite keeps beside it: a memory does not read itself.
_BESIDE = ("", "-wal", "-shm", "-journal", "-lock", "-new", ".damaged", ".damaged-wal")
_REPAIRED = tuple(f"-repair{rest}" for rest in ("", "-lock", "-wal", "-copy"))
OWN_SUFFIXES = (".crystalignore", *(f".crystal{rest}" for rest in (*_BESIDE, *_REPAIRED)))


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file. `root` is the folder that was asked for, or the file's own folder; `relative` is posix.

    wanted: it was named, by itself or by a pattern that keeps it, so that what it looks like is no reason to leave it out.
    """

    path: Path
    root: Path
    relative: str
    size: int
    mtime_ns: int
    wanted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class SkippedPath:
    """A file or folder that was met and is not read.

    Attributes:
        path, root, relative: as in Found.
        reason: why, in a few words.
        code: why, for programs.
        chosen: it could be read, and is left out by what was chosen or by the rules for machine-made files.
    """

    path: Path
    root: Path
    relative: str
    reason: str
    code: Reason
    chosen: bool = field(default=False, compare=False)


class ChangedPaths:
    """Some places, by their absolute paths: a walk that is told of them looks at these and what is below them, and nowhere else.

    named: those of them that are files that were asked for by name.
    """

    def __init__(self, places: Collection[str], named: Collection[str] = ()) -> None:
        self.named = frozenset(named)
        self._places = frozenset(places)
        self._above = frozenset(str(above) for place in places for above in Path(place).parents)

    def holds(self, path: str) -> bool:
        """Whether it is one of the places, or below one."""
        while path not in self._places:
            above = os.path.dirname(path)  # noqa: PTH120 - text is faster
            if above == path:
                return False
            path = above
        return True

    def leads_to(self, path: str) -> bool:
        """Whether a walk has to look at it."""
        return path in self._above or self.holds(path)


def walk_files(
    paths: Sequence[Path],
    *,
    exclude: Container[Path] = (),
    hidden: bool = True,
    choices: Mapping[Path, FileFilter] | None = None,
    near: ChangedPaths | None = None,
) -> Iterator[FoundFile | SkippedPath]:
    """Every file under `paths`, in the order asked and then by the parts of its relative path, none twice.

    A file asked for by name is found whatever ignore files, choices and its name say. `exclude` holds absolute paths that are
    passed over in silence; without `hidden` so is whatever has a name that begins with a dot. choices: what is to be read
    of a folder asked for, where that is not the usual; what they exclude is passed over in silence too. near: look there only.
    Raises SourceError at the call when one of `paths` does not exist.
    """
    asked = [_look_at(path) for path in paths]
    return _Walk(asked, exclude, hidden, choices or {}, near).run()


def asked_place(path: Path) -> Path:
    """A path that is asked for as the walk writes it: absolute, and the `root` of what is found there."""
    # Beyond a link, `..` is not the folder before it in the path, so a path with `..` is given as it resolves.
    return path.resolve() if ".." in path.parts else path.absolute()


class _Asked(NamedTuple):
    path: Path
    real: str
    status: os.stat_result


def _look_at(path: Path) -> _Asked:
    try:
        absolute = asked_place(path)
        return _Asked(absolute, os.path.realpath(absolute, strict=True), absolute.stat())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise SourceError(f"{path} does not exist", Reason.NOT_FOUND) from None
    except OSError as error:
        message, code = refusal_of(error)
        raise SourceError(f"cannot read {path}: {message}", code) from None


class _Walk:
    """One walk: what it was asked for, and which folders and files it has been to."""

    def __init__(
        self,
        asked: list[_Asked],
        exclude: Container[Path],
        hidden: bool,
        choices: Mapping[Path, FileFilter],
        near: ChangedPaths | None,
    ) -> None:
        self.hidden = hidden
        self.choices = choices
        self.near = near
        self.asked = asked
        self.exclude = exclude
        self.folders = {a.real for a in asked if stat.S_ISDIR(a.status.st_mode)}
        self.files = {a.real for a in asked if not stat.S_ISDIR(a.status.st_mode)}
        self.entered: set[str] = set()
        self.given: set[str] = set()  # only those of self.files: no other file can be met twice

    def run(self) -> Iterator[FoundFile | SkippedPath]:
        for one in self.asked:
            if stat.S_ISDIR(one.status.st_mode):
                yield from self._folder(one)
            elif (self.near is None or self.near.holds(str(one.path))) and self._is_new(one.path, one.real):
                yield _judge(one.path, one.path.parent, one.path.name, one.status, True)

    def _is_new(self, path: Path, real: str) -> bool:
        if path in self.exclude or Path(real) in self.exclude or real in self.given:
            return False
        if real in self.files:
            self.given.add(real)
        return True

    def _folder(self, asked: _Asked) -> Iterator[FoundFile | SkippedPath]:
        """Goes down from the folder asked for. A stack of its own, as folders nest deeper than Python's calls."""
        root, real_root = asked.path, asked.real.rstrip(os.sep)
        choice, near = self.choices.get(root, USUAL), self.near
        stack: list[tuple[Iterator[os.DirEntry[str]], str, tuple[Scope, ...]]] = []

        def enter(prefix: str, scopes: tuple[Scope, ...]) -> SkippedPath | None:
            folder = root / prefix
            real = os.path.join(real_root, prefix) if prefix else asked.real  # noqa: PTH118 - text is faster
            if real in self.entered or folder in self.exclude or Path(real) in self.exclude:
                return None
            self.entered.add(real)
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                return SkippedPath(folder, root, prefix or ".", *refusal_of(error))
            stack.append((iter(entries), prefix and prefix + "/", scopes_below(entries, prefix, scopes)))
            return None

        if (skipped := enter("", scopes_above(asked.real))) is not None:
            yield skipped
        while stack:
            entries, prefix, scopes = stack[-1]
            for entry in entries:
                name = entry.name
                relative = prefix + name
                if near is not None and not near.leads_to(entry.path):
                    continue
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                except OSError:  # to be named below, where its size is asked for
                    is_folder = False
                if name in NEVER_ENTERED and (is_folder or name == ".git" or entry.is_symlink()):
                    continue
                if name.startswith(".") and not self.hidden:
                    continue
                if is_ignored(relative, name, is_folder, scopes) or choice.excludes(relative, is_folder):
                    continue
                if name in INSTALLED and (is_folder or entry.is_symlink()):
                    if is_folder and f"{real_root}{os.sep}{relative}" not in self.folders:
                        yield SkippedPath(root / relative, root, relative, *PACKAGES, True)
                    continue
                if is_folder:
                    if not _can_be_written_down(name):
                        yield _nameless(root / relative, root, relative)
                    elif (skipped := enter(relative, scopes)) is not None:
                        yield skipped
                    break  # down into it, or on to the next entry if there was nothing to enter
                if name.endswith(OWN_SUFFIXES):
                    continue
                if choice.include and not choice.includes(relative):
                    continue
                path = Path(entry.path)
                if entry.is_symlink():
                    if (why := self._why_not_followed(entry.path)) and path not in self.exclude:
                        yield SkippedPath(path, root, _legible(relative), *why)
                    continue
                real = f"{real_root}{os.sep}{relative}"
                if not choice.include and (refusal := by_name(name)):
                    if path not in self.exclude and real not in self.files:
                        yield SkippedPath(path, root, _legible(relative), *refusal, True)
                    continue
                if not self._is_new(path, real):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError as error:
                    yield SkippedPath(path, root, _legible(relative), *refusal_of(error))
                    continue
                if choice.largest and status.st_size > choice.largest and real not in self.files:
                    larger = f"larger than {format_limit(choice.largest)}"
                    yield SkippedPath(path, root, _legible(relative), larger, Reason.TOO_LARGE, True)
                    continue
                yield _judge(path, root, relative, status, bool(choice.include) or real in self.files)
            else:
                stack.pop()

    def _why_not_followed(self, link: str) -> Refusal | None:
        """None when the link's target is under something that was asked for, and so is met (or ignored) there."""
        try:
            target = os.path.realpath(link, strict=True)
        except FileNotFoundError:
            return Refusal("broken link", Reason.BROKEN_LINK)
        except OSError as error:
            return Refusal(f"broken link ({refusal_of(error).message})", Reason.BROKEN_LINK)
        if target in self.files or any(
            target == f or target.startswith(f.rstrip(os.sep) + os.sep) for f in self.folders
        ):
            return None
        return Refusal("link leads outside the folder", Reason.LINK_OUTSIDE)


def _judge(path: Path, root: Path, relative: str, status: os.stat_result, wanted: bool) -> FoundFile | SkippedPath:
    if not stat.S_ISREG(status.st_mode):
        what = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}.get(stat.S_IFMT(status.st_mode), "a device")
        return SkippedPath(path, root, _legible(relative), f"not a file but {what}", Reason.NOT_A_FILE)
    if not _can_be_written_down(relative):
        return _nameless(path, root, relative)
    return FoundFile(path, root, relative, status.st_size, status.st_mtime_ns, wanted)


def _nameless(path: Path, root: Path, relative: str) -> SkippedPath:
    return SkippedPath(path, root, _legible(relative), "its name is not valid Unicode", Reason.BAD_NAME)


def _can_be_written_down(name: str) -> bool:
    """Bytes that are not valid in the file system's encoding arrive as lone surrogates, which no database takes."""
    return name.isascii() or name.isprintable() or not re.search("[\ud800-\udfff]", name)


def _legible(relative: str) -> str:
    return relative if _can_be_written_down(relative) else os.fsencode(relative).decode("utf-8", "replace")
