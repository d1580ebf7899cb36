"""The thread that owns a server's crystal: opened at the first call, anew where it was replaced.

SQLite's connections stay in the thread that opened them, so calls are carried out one by one, in
the order in which they come; a call that is cancelled before its turn is never begun.

Knows: threads, the identity of a file. Does not know: tools.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from crystalcli.errors import CrystalError

if TYPE_CHECKING:
    from crystalcli.library import Crystal

_Result = TypeVar("_Result")

_WAIT = 10.0  # seconds to wait for another program that writes, before a note is refused


class CrystalThread:
    """A crystal in a thread of its own.

    Args:
        path: The crystal, which may be made, grow or be replaced at any time.
        write: Whether calls may change it.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self._path = path
        self._write = write
        self._pool = ThreadPoolExecutor(1, "crystal")
        self._crystal: Crystal | None = None
        self._identity: tuple[int, int] | None = None

    async def run(self, work: Callable[[Crystal], _Result]) -> _Result:
        """Do work on the open crystal, after the work that came before.

        Raises:
            CrystalError: The crystal cannot be opened, or the work fails.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(self._open()))

    def warm_up(self) -> None:
        """Open the crystal and its models in the background, before the first call needs them."""
        self._pool.submit(self._load)

    def close(self) -> None:
        """Wait for the work that has begun, and close the crystal."""
        self._pool.submit(self._close)
        self._pool.shutdown()

    def _open(self) -> Crystal:
        """Give the open crystal; open it anew if another file is in its place."""
        identity = _identity_of(self._path)
        if self._crystal is None or identity != self._identity:
            self._close()
            from crystalcli import models
            from crystalcli.cpu import import_numpy

            import_numpy()
            from crystalcli.library import Crystal

            # A server makes no crystal. Weights that are not here are not fetched either: a call
            # would take minutes, and nothing would say why.
            self._crystal = Crystal(
                self._path,
                mode="auto" if self._write and identity is not None else "read",
                fetch=models.locate,
                wait=_WAIT,
            )
            self._identity = identity
        return self._crystal

    def _load(self) -> None:
        with suppress(CrystalError):  # the call that needs it says what is wrong
            crystal = self._open()
            crystal.searcher()
            crystal.reranker()

    def _close(self) -> None:
        if self._crystal is not None:
            self._crystal.close()
        self._crystal = self._identity = None


def _identity_of(path: Path) -> tuple[int, int] | None:
    """Give what tells a file from another in its place; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
