"""A crystal written beside its place, which it takes when it is whole. Until then whatever stands there stays as it was.

The file being written is `.NAME-new`, with what SQLite keeps beside it. What a kill leaves of it the next run removes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from crystalcli.errors import CrystalError
from crystalcli.storage.file.file_lock import lock_beside, release_lock
from crystalcli.storage.store import Store


@contextlib.contextmanager
def write_beside(place: Path, meta: Mapping[str, str], old: Store | None = None) -> Iterator[Store]:
    """A new, empty crystal that is at `place` once the block has ended without an error; else it is removed.

    old: the crystal that stands there, open for writing: replaced and closed at the end. Without it nothing may stand there.
    Raises CrystalError when the place is taken or cannot be written.
    """
    real = Path(os.path.realpath(place))
    if not real.parent.is_dir():
        raise CrystalError(f"no such folder: {real.parent}")
    lock = lock_beside(place) if old is None else None  # `old` holds it already
    beside = real.with_name(f".{real.name}-new")
    try:
        if old is None and real.exists():
            raise CrystalError(f"{place} exists already")
        _remove(beside)
        try:
            with Store.create(beside, dict(meta)) as new:
                yield new
            _settle(beside)
            if old is None:
                os.replace(beside, real)  # noqa: PTH105 - as the store does when it gives way
            else:
                shutil.copymode(real, beside)
                old.give_way(beside)
            _sync(real.parent)
        except BaseException:
            _remove(beside)
            raise
    except OSError as error:
        raise CrystalError(f"cannot write {place}: {error.strerror}") from error
    finally:
        release_lock(lock)


def _settle(path: Path) -> None:
    """See to it that a closed crystal is one file, and that its bytes are on the disk."""
    if path.with_name(path.name + "-wal").exists():  # the last bytes did not find room in the file itself
        raise CrystalError(f"cannot write {path.parent}: not all of it could be brought into one file")
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make a new name in `folder` last, where the system lets a folder be opened for that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
