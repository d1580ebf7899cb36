"""The lock files beside a crystal: one writer at a time, and one process that makes layers.

SQLite's own locks last one commit only. A lock is the system's (`flock`), so it goes with the
process that held it, however that ended; the file that is left behind means nothing. Where the
system has no such locks (Windows, some network file systems) SQLite still keeps commits apart.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError, LockedError

_RETRY_SECONDS = 0.05
_MOMENT = 0.5  # seconds, that a memory takes to be told
_IN_PASSING = "in passing"  # the note of readers that empty SQLite's log as they leave
_PASSING_SECONDS = 10.0  # readers that come and go hold the lock often, each for milliseconds
_HELD_BY_ANOTHER = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
_MAX_HOLDER = 64  # characters of a lock file that are read


@dataclass(frozen=True, slots=True)
class LockedWork:
    """A kind of work that one process at a time does on a crystal.

    Attributes:
        suffix: The end of the lock file's name.
        doing: The work, as a verb that the crystal's name follows.
    """

    suffix: str
    doing: str


WRITING = LockedWork("-lock", "writing")
MAKING_LAYERS = LockedWork("-layers", "making layers of")
TELLING = LockedWork("-tell-lock", "writing")


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The process that holds a lock.

    Attributes:
        process: Its process id.
        note: What it has written about itself, a word; "" for nothing.
    """

    process: int
    note: str


def real_path(crystal: Path) -> Path:
    """Give the path of the file itself: the end of a symbolic link.

    All files beside a crystal (SQLite's, the lock, a new crystal) stand beside that path.
    """
    return crystal.resolve() if crystal.is_symlink() else crystal


def release_lock(lock: Any) -> None:
    """Release a lock; None is ignored."""
    if lock is not None:
        with contextlib.suppress(OSError):
            Path(lock.name).unlink()
        lock.close()


def lock_beside(
    crystal: Path,
    wait: float = 0.0,
    waiting: Callable[[str], None] | None = None,
    work: LockedWork = WRITING,
    note: str = "",
) -> Any:
    """Lock a crystal for a kind of work.

    Args:
        crystal: Its path; the file need not exist.
        wait: Seconds to wait for another program that holds the lock; one that tells a memory, or
            a reader that leaves, holds it for a moment, which is waited for in any case, unless
            this is below 0.
        waiting: Called once with a line for people, when the wait begins.
        work: The work, which has a lock file of its own.
        note: A word about this process, for `lock_holder`.

    Returns:
        The lock, for `release_lock`.

    Raises:
        LockedError: Another program still holds the lock.
        CrystalError: The folder cannot be written.
    """
    path = real_path(crystal)
    path = path.with_name(path.name + work.suffix)
    waiting = waiting if wait > 0 else None
    patient = wait >= 0 and work is WRITING
    wait = _MOMENT if wait == 0 and work is WRITING else max(0.0, wait)
    began = time.monotonic()
    while True:
        try:
            file = path.open("a+")
        except OSError as error:
            raise CrystalError(f"cannot write {path.parent}: {error.strerror}") from error
        locked = False
        try:
            locked = _try_lock(file)
            if locked:
                # The last writer may just have removed its lock file; others must see ours.
                with contextlib.suppress(OSError):
                    if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                        _write_process_id(file, note)
                        return file
                file.close()
                continue
        except BaseException:
            if locked:
                release_lock(file)
            file.close()
            raise
        holder = _read_holder(file)
        process = f" (process {holder.process})" if holder is not None else ""
        file.close()
        passing = patient and (holder is None or holder.note == _IN_PASSING)
        deadline = began + (max(wait, _PASSING_SECONDS) if passing else wait)
        if time.monotonic() >= deadline:
            advice = "wait for it to finish (`--wait SECONDS` does), or stop it, and try again"
            raise LockedError(f"another program is {work.doing} {crystal.name}{process}: {advice}")
        if waiting is not None and not passing:
            waiting(f"waiting for another program that is {work.doing} {crystal.name}{process}")
            waiting = None
        time.sleep(min(_RETRY_SECONDS, max(0.0, deadline - time.monotonic())))


def lock_in_passing(crystal: Path) -> Any:
    """Lock a crystal for milliseconds, if that takes no waiting; programs that write wait for it.

    Args:
        crystal: Its path.

    Returns:
        The lock, for `release_lock`.

    Raises:
        LockedError: Another program holds the lock.
    """
    return lock_beside(crystal, -1, note=_IN_PASSING)


def lock_for_telling(crystal: Path, wait: float = 0.0) -> Any:
    """Lock a crystal for a short transaction beside a program that is writing it.

    A program that puts another file in the place of a crystal holds this lock, too, from before it
    reads the old file: a memory that is told meanwhile waits, and is not lost with the old file.

    Args:
        crystal: Its path.
        wait: Seconds to wait for another program that holds the lock.

    Returns:
        The lock, for `release_lock`.

    Raises:
        LockedError: Another program still holds the lock.
        CrystalError: The folder cannot be written.
    """
    return lock_beside(crystal, wait, work=TELLING)


def lock_holder(crystal: Path, work: LockedWork) -> LockHolder | None:
    """Find the process that holds the lock of a kind of work; None where the work is not done."""
    path = real_path(crystal)
    try:
        with path.with_name(path.name + work.suffix).open("r") as file:
            return None if _try_lock(file, shared=True) else _read_holder(file)
    except OSError:
        return None


def _try_lock(file: Any, *, shared: bool = False) -> bool:
    """Try to take the lock; True as well where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _HELD_BY_ANOTHER
    return True


def _write_process_id(file: Any, note: str) -> None:
    """Write the process id for programs that wait; a failure (a full disk) is ignored."""
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.write(f"{os.getpid()} {note}".rstrip())
        file.flush()


def _read_holder(file: Any) -> LockHolder | None:
    """Read which process holds the lock; None if that is unknown."""
    with contextlib.suppress(OSError, ValueError):
        file.seek(0)
        process, _, note = file.read(_MAX_HOLDER).partition(" ")
        return LockHolder(int(process), note)
    return None
