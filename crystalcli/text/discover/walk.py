"""Walk over the files under the folders that the user named, in an order that never varies.

Knows folders and symbolic links. Asks ignore_files about ignore files, file_filter about the user's
filters, and skip_rules about names. Does not open the files that it finds: the readers tell whether
one holds text.

Links are never followed. The target of a link that is inside the folder is found at its own place;
a target outside was not asked for. So loops cannot happen, and no file is found twice.
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
from crystalcli.text.discover.file_filter import DEFAULT_FILTER, FileFilter, format_limit
from crystalcli.text.discover.ignore_files import Scope, is_ignored, scopes_above, scopes_below
from crystalcli.text.discover.skip_rules import INSTALLED_FOLDERS, INSTALLED_PACKAGES, by_name

# Machine-made folders that are never read, whatever the ignore files say; passed over without a
# report.
# fmt: off
NEVER_ENTERED = frozenset((
    ".git", ".hg", ".svn", "__pycache__", ".venv", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache",
))
# fmt: on
# A crystal and the files that SQLite keeps beside it: a memory does not read itself.
_BESIDE = ("", "-wal", "-shm", "-journal", "-lock", "-layers", "-new", ".damaged", ".damaged-wal")
_REPAIRED = tuple(f"-repair{rest}" for rest in ("", "-lock", "-wal", "-copy"))
OWN_SUFFIXES = (".crystalignore", *(f".crystal{rest}" for rest in (*_BESIDE, *_REPAIRED)))


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file.

    Attributes:
        path: absolute.
        root: the folder that the user named, or the folder of a file that the user named.
        relative: its path from `root`, with slashes.
        size: bytes.
        mtime_ns: time of its last change, in nanoseconds.
        wanted: it was named, by itself or by a pattern to include, so the rules for machine-made
            files do not leave it out.
        ocr: the letters in pictures of text are recognized.
    """

    path: Path
    root: Path
    relative: str
    size: int
    mtime_ns: int
    wanted: bool = field(default=False, compare=False)
    ocr: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class SkippedPath:
    """A file or folder that is not read.

    Attributes:
        path: as in FoundFile.
        root: as in FoundFile.
        relative: as in FoundFile, made legible where it is not valid Unicode.
        reason: for people, in a few words.
        code: the reason, for programs.
        chosen: it could be read, and is left out by a filter or by the rules for machine-made
            files.
    """

    path: Path
    root: Path
    relative: str
    reason: str
    code: Reason
    chosen: bool = field(default=False, compare=False)


class ChangedPaths:
    """Absolute paths to which a walk is limited, with everything below them.

    Args:
        places: the paths.
        named: those of them that are files which the user named.

    Attributes:
        named: the same.
    """

    def __init__(self, places: Collection[str], named: Collection[str] = ()) -> None:
        self.named = frozenset(named)
        self._places = frozenset(places)
        self._above = frozenset(str(above) for place in places for above in Path(place).parents)

    def holds(self, path: str) -> bool:
        """Tell whether a path is one of the places, or below one."""
        while path not in self._places:
            above = os.path.dirname(path)  # noqa: PTH120 - text is faster
            if above == path:
                return False
            path = above
        return True

    def leads_to(self, path: str) -> bool:
        """Tell whether a walk has to look at a path."""
        return path in self._above or self.holds(path)


def walk_files(
    paths: Sequence[Path],
    *,
    exclude: Container[Path] = (),
    hidden: bool = True,
    choices: Mapping[Path, FileFilter] | None = None,
    near: ChangedPaths | None = None,
) -> Iterator[FoundFile | SkippedPath]:
    """Every file under `paths`, once, ordered by `paths` and then by the parts of relative paths.

    A file that `paths` names is found whatever ignore files, filters and its name say.

    Args:
        paths: folders and files.
        exclude: absolute paths that are passed over without a report.
        hidden: whether to read files and folders whose names begin with a dot; otherwise they are
            passed over without a report.
        choices: filters by folder, for folders in `paths` that do not have the default one. Files
            that they exclude are passed over without a report. By file too, for `ocr` alone.
        near: places to which the walk is limited.

    Raises:
        SourceError: One of `paths` does not exist; raised at the call.
    """
    roots = [_open_root(path) for path in paths]
    return _Walk(roots, exclude, hidden, choices or {}, near).run()


def asked_place(path: Path) -> Path:
    """A path that the user named, as the walk writes it: absolute, and the `root` of its files."""
    # Beyond a link, `..` is not the folder before it in the path, so a path with `..` is resolved.
    return path.resolve() if ".." in path.parts else path.absolute()


class _Root(NamedTuple):
    """A folder or file that the user named.

    Attributes:
        path: absolute.
        real: the same without links.
        status: what the system tells of it.
    """

    path: Path
    real: str
    status: os.stat_result


def _open_root(path: Path) -> _Root:
    try:
        absolute = asked_place(path)
        return _Root(absolute, os.path.realpath(absolute, strict=True), absolute.stat())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise SourceError(f"{path} does not exist", Reason.NOT_FOUND) from None
    except OSError as error:
        message, code = refusal_of(error)
        raise SourceError(f"cannot read {path}: {message}", code) from None


class _Walk:
    """One walk: its roots, and the folders and files that it has been to."""

    def __init__(
        self,
        roots: list[_Root],
        exclude: Container[Path],
        hidden: bool,
        choices: Mapping[Path, FileFilter],
        near: ChangedPaths | None,
    ) -> None:
        self.hidden = hidden
        self.choices = choices
        self.near = near
        self.roots = roots
        self.exclude = exclude
        self.folders = {root.real for root in roots if stat.S_ISDIR(root.status.st_mode)}
        self.files = {root.real for root in roots if not stat.S_ISDIR(root.status.st_mode)}
        self.entered: set[str] = set()
        self.yielded: set[str] = set()  # only those of self.files: no other file can be met twice

    def run(self) -> Iterator[FoundFile | SkippedPath]:
        """Every file, found or skipped."""
        for root in self.roots:
            if stat.S_ISDIR(root.status.st_mode):
                yield from self._walk_folder(root)
            elif (self.near is None or self.near.holds(str(root.path))) and self._is_new(root.path, root.real):
                ocr = self.choices.get(root.path, DEFAULT_FILTER).ocr
                yield _found_or_skipped(root.path, root.path.parent, root.path.name, root.status, True, ocr)

    def _is_new(self, path: Path, real: str) -> bool:
        if path in self.exclude or Path(real) in self.exclude or real in self.yielded:
            return False
        if real in self.files:
            self.yielded.add(real)
        return True

    def _walk_folder(self, named: _Root) -> Iterator[FoundFile | SkippedPath]:
        """Go down from a folder that the user named."""
        # A stack of its own, since folders nest deeper than Python's calls.
        root, real_root = named.path, named.real.rstrip(os.sep)
        choice, near = self.choices.get(root, DEFAULT_FILTER), self.near
        stack: list[tuple[Iterator[os.DirEntry[str]], str, tuple[Scope, ...]]] = []

        def enter(prefix: str, scopes: tuple[Scope, ...]) -> SkippedPath | None:
            folder = root / prefix
            real = os.path.join(real_root, prefix) if prefix else named.real  # noqa: PTH118 - text is faster
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

        if (skipped := enter("", scopes_above(named.real))) is not None:
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
                except OSError:  # reported below, where its size is read
                    is_folder = False
                if name in NEVER_ENTERED and (is_folder or name == ".git" or entry.is_symlink()):
                    continue
                if name.startswith(".") and not self.hidden:
                    continue
                if is_ignored(relative, name, is_folder, scopes) or choice.excludes(relative, is_folder):
                    continue
                if name in INSTALLED_FOLDERS and (is_folder or entry.is_symlink()):
                    if is_folder and f"{real_root}{os.sep}{relative}" not in self.folders:
                        yield SkippedPath(root / relative, root, relative, *INSTALLED_PACKAGES, True)
                    continue
                if is_folder:
                    if not _is_storable(name):
                        yield _skipped_for_name(root / relative, root, relative)
                    elif (skipped := enter(relative, scopes)) is not None:
                        yield skipped
                    break  # down into it, or on to the next entry if there was nothing to enter
                if name.endswith(OWN_SUFFIXES):
                    continue
                if choice.include and not choice.includes(relative):
                    continue
                path = Path(entry.path)
                if entry.is_symlink():
                    if (refusal := self._link_refusal(entry.path)) and path not in self.exclude:
                        yield SkippedPath(path, root, _legible(relative), *refusal)
                    continue
                real = f"{real_root}{os.sep}{relative}"
                if not choice.include and (refusal := by_name(name, prefix[:-1].rpartition("/")[2] or root.name)):
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
                limit = choice.max_file_size
                if limit and status.st_size > limit and real not in self.files:
                    reason = f"larger than {format_limit(limit)}"
                    yield SkippedPath(path, root, _legible(relative), reason, Reason.TOO_LARGE, True)
                    continue
                wanted = bool(choice.include) or real in self.files
                yield _found_or_skipped(path, root, relative, status, wanted, choice.ocr)
            else:
                stack.pop()

    def _link_refusal(self, link: str) -> Refusal | None:
        """The reason to report a link; None when its target is under one of the roots."""
        try:
            target = os.path.realpath(link, strict=True)
        except FileNotFoundError:
            return Refusal("broken link", Reason.BROKEN_LINK)
        except OSError as error:
            return Refusal(f"broken link ({refusal_of(error).message})", Reason.BROKEN_LINK)
        if target in self.files or any(
            target == folder or target.startswith(folder.rstrip(os.sep) + os.sep) for folder in self.folders
        ):
            return None
        return Refusal("link leads outside the folder", Reason.LINK_OUTSIDE)


def _found_or_skipped(
    path: Path, root: Path, relative: str, status: os.stat_result, wanted: bool, ocr: bool
) -> FoundFile | SkippedPath:
    if not stat.S_ISREG(status.st_mode):
        kind = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}.get(stat.S_IFMT(status.st_mode), "a device")
        return SkippedPath(path, root, _legible(relative), f"not a file but {kind}", Reason.NOT_A_FILE)
    if not _is_storable(relative):
        return _skipped_for_name(path, root, relative)
    return FoundFile(path, root, relative, status.st_size, status.st_mtime_ns, wanted, ocr)


def _skipped_for_name(path: Path, root: Path, relative: str) -> SkippedPath:
    return SkippedPath(path, root, _legible(relative), "its name is not valid Unicode", Reason.BAD_NAME)


def _is_storable(name: str) -> bool:
    """Tell whether a database takes the name.

    Bytes that are not valid in the file system's encoding arrive as lone surrogates, which it does
    not take.
    """
    return name.isascii() or name.isprintable() or not re.search("[\ud800-\udfff]", name)


def _legible(relative: str) -> str:
    return relative if _is_storable(relative) else os.fsencode(relative).decode("utf-8", "replace")
