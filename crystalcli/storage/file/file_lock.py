"""Who may write a crystal: a lock file beside it, since SQLite's own locks last one commit only.

The lock is the system's (`flock`), so it goes with the process that held it, however that ended; the file that is left
behind means nothing. Where there are no such locks (Windows, some network file systems) SQLite still keeps commits apart.
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

_AGAIN = 0.1  # seconds between two tries
_TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


def real_path(crystal: Path) -> Path:
    """Where the file itself is: the end of a symbolic link. What SQLite and we keep beside it stands beside that."""
    return crystal.resolve() if crystal.is_symlink() else crystal


def release_lock(lock: Any) -> None:
    """Give the right to write back; None is nothing to give."""
    if lock is not None:
        with contextlib.suppress(OSError):
            Path(lock.name).unlink()
        lock.close()


def lock_beside(crystal: Path, wait: float = 0.0, waiting: Callable[[str], None] | None = None) -> Any:
    """Take the right to write `crystal`, for `release`.

    wait: seconds to wait for another program that has it; waiting: told once, in a line, that it has come to that.
    Raises CrystalError when the other program still has it then, or when this place cannot be written.
    """
    path = real_path(crystal)
    path = path.with_name(path.name + "-lock")
    deadline = time.monotonic() + wait
    while True:
        try:
            file = path.open("a+")
        except OSError as error:
            raise CrystalError(f"cannot write {path.parent}: {error.strerror}") from error
        ours = False
        try:
            ours = _locked(file)
            if ours:
                with contextlib.suppress(OSError):  # the writer before us may just have taken its lock file away:
                    if os.fstat(file.fileno()).st_ino == path.stat().st_ino:  # ours must be the one that others see
                        _sign(file)
                        return file
                file.close()
                continue
        except BaseException:
            if ours:
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
        time.sleep(min(_AGAIN, max(0.0, deadline - time.monotonic())))


def _locked(file: Any) -> bool:
    """Whether the lock is ours now; True as well where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True


def _sign(file: Any) -> None:
    """Leave our process number for those who wait; that it cannot be written (a full disk) is no harm."""
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()


def _holder(file: Any) -> str:
    with contextlib.suppress(OSError, ValueError):
        file.seek(0)
        return f" (process {int(file.read(20))})"
    return ""
