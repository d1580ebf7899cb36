"""The lock file beside a crystal: one writer at a time.

SQLite's own locks last one commit only. The lock is the system's (`flock`), so it goes with the
process that held it, however that ended; the file that is left behind means nothing. Where the
system has no such locks (Windows, some network file systems) SQLite still keeps commits apart.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError

_RETRY_SECONDS = 0.1
_HELD_BY_ANOTHER = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


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


def lock_beside(crystal: Path, wait: float = 0.0, waiting: Callable[[str], None] | None = None) -> Any:
    """Lock a crystal for writing.

    Args:
        crystal: Its path; the file need not exist.
        wait: Seconds to wait for another program that holds the lock.
        waiting: Called once with a line for people, when the wait begins.

    Returns:
        The lock, for `release_lock`.

    Raises:
        CrystalError: Another program still holds the lock, or the folder cannot be written.
    """
    path = real_path(crystal)
    path = path.with_name(path.name + "-lock")
    deadline = time.monotonic() + wait
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
                        _write_process_id(file)
                        return file
                file.close()
                continue
        except BaseException:
            if locked:
                release_lock(file)
            file.close()
            raise
        holder = _holder(file)
        file.close()
        if time.monotonic() >= deadline:
            advice = "wait for it to finish (`--wait SECONDS` does), or stop it, and try again"
            raise CrystalError(f"another program is writing {crystal.name}{holder}: {advice}")
        if waiting is not None:
            waiting(f"waiting for another program that is writing {crystal.name}{holder}")
            waiting = None
        time.sleep(min(_RETRY_SECONDS, max(0.0, deadline - time.monotonic())))


def _try_lock(file: Any) -> bool:
    """Try to take the lock; True as well where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _HELD_BY_ANOTHER
    return True


def _write_process_id(file: Any) -> None:
    """Write the process id for programs that wait; a failure (a full disk) is ignored."""
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()


def _holder(file: Any) -> str:
    """Name the process that holds the lock: " (process 123)", or "" if that is unknown."""
    with contextlib.suppress(OSError, ValueError):
        file.seek(0)
        return f" (process {int(file.read(20))})"
    return ""
