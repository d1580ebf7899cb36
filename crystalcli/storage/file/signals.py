"""Signals that would stop the program, made to wait while something is done that must not be left half done.

Knows nothing of crystals. SIGKILL waits for nobody, so whatever is done here must be safe without this, too: the point is
that what is in memory and what is in the file agree when a Ctrl-C is raised, and nothing has to be thrown away; and that it
is raised where it is heard. What is raised in a function that SQLite calls comes out as an error of the database.
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
    """Signals that have a handler are handled after the block; in other threads than the main one there is nothing to do."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Handler] = {}
    came: list[int] = []
    try:
        for name in STOPPING:
            number = getattr(signal, name, None)
            handler = signal.getsignal(number) if number is not None else None
            if number is not None and callable(handler):
                handlers[number] = handler
                signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        try:
            _restore(handlers)
        except BaseException:  # one came between two of them, and was raised: the others must be heard again, too
            _restore(handlers)
            raise
    for number in came[:1]:
        handlers[number](number, None)


def _restore(handlers: dict[int, Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
