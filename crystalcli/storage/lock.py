"""Who may write a crystal: a lock file beside it, since SQLite's own locks last one commit only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError


def release(lock: Any) -> None:
    """Give the right to write back; None is nothing to give."""
    if lock is not None:
        with contextlib.suppress(OSError):
            Path(lock.name).unlink()
        lock.close()


def lock_beside(crystal: Path) -> Any:
    """Take the right to write `crystal`, for `release`. Raises CrystalError when another program has it, or cannot write here."""
    path = crystal.with_name(crystal.name + "-lock")
    while True:
        try:
            file = path.open("w")
        except OSError as error:
            raise CrystalError(f"cannot write {path.parent}: {error.strerror}") from error
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            return file  # no such locks on this system; SQLite still keeps commits apart
        except OSError as error:
            file.close()
            raise CrystalError(
                f"another program is writing {crystal.name}: wait for it to finish, or stop it, and try again"
            ) from error
        with contextlib.suppress(OSError):
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                return file
        file.close()  # the writer before us has just taken its lock file away; ours must be the one that others see
