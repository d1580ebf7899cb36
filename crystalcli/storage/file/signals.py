"""Deferred signals: SIGINT, SIGTERM and SIGHUP wait for the end of a block.

Knows nothing of crystals. SIGKILL cannot be deferred, so every block must be safe without this,
too. Deferral keeps memory and file in agreement when Ctrl-C is raised, so that no work is lost. It
also keeps Ctrl-C out of functions that SQLite calls: an exception there becomes a database error.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")  # by name: not every system has them all


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Handle signals that have a handler after the block; no effect outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Handler] = {}
    received: list[int] = []
    try:
        for name in STOPPING:
            number = getattr(signal, name, None)
            handler = signal.getsignal(number) if number is not None else None
            if number is not None and callable(handler):
                handlers[number] = handler
                signal.signal(number, lambda number, _: received.append(number))
        yield
    finally:
        try:
            _restore(handlers)
        except BaseException:
            # A signal came between two of them and was raised: restore the others, too.
            _restore(handlers)
            raise
    for number in received[:1]:
        handlers[number](number, None)


def _restore(handlers: dict[int, Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
