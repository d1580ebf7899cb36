"""Atomic replacement: a crystal is written beside its place, then renamed.

Until then the file in its place stays as it was. The file being written is `.NAME-new`, with
SQLite's files beside it; the next run removes the leftovers of a kill.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from crystalcli.errors import CrystalError
from crystalcli.storage.file.file_lock import lock_beside, lock_for_telling, release_lock
from crystalcli.storage.store import Store

_WAIT = 10.0  # seconds, for a program that tells a memory


@contextlib.contextmanager
def write_beside(place: Path, meta: Mapping[str, str], old: Store | None = None) -> Iterator[Store]:
    """Make a new, empty crystal that is renamed to `place` after the block.

    If the block raises, the new crystal is removed.

    Args:
        place: The new crystal's path; must not exist without `old`.
        meta: The rows of its table `meta`.
        old: The crystal at `place`, open for writing; it is replaced and closed at the end.

    Raises:
        CrystalError: The path exists or cannot be written.
    """
    real = Path(os.path.realpath(place))
    if not real.parent.is_dir():
        raise CrystalError(f"folder {real.parent} does not exist")
    # `old` holds the lock of writers; what is told meanwhile waits, and comes into the new file.
    lock = lock_beside(place) if old is None else lock_for_telling(place, _WAIT)
    beside = real.with_name(f".{real.name}-new")
    try:
        if old is None and real.exists():
            raise CrystalError(f"{place} already exists")
        _remove(beside)
        try:
            with Store.create(beside, dict(meta)) as new:
                yield new
            _sync_file(beside)
            if old is None:
                os.replace(beside, real)  # noqa: PTH105 - Path.rename does not replace everywhere
            else:
                shutil.copymode(real, beside)
                old.give_way(beside)
            _sync_folder(real.parent)
        except BaseException:
            _remove(beside)
            raise
    except OSError as error:
        raise CrystalError(f"cannot write {place}: {error.strerror}") from error
    finally:
        release_lock(lock)


def _sync_file(path: Path) -> None:
    """Sync a closed crystal to the disk; raise CrystalError unless it is one file."""
    if path.with_name(path.name + "-wal").exists():  # the disk had no room for its last bytes
        raise CrystalError(f"cannot write {path.parent}: no room for the last bytes; make room there and try again")
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    """Remove a crystal and SQLite's files beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
