"""What stops a long command: Ctrl-C, and what a system or a terminal sends when it goes down, all in the same way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LIKE_CTRL_C = ("SIGTERM", "SIGHUP")  # by name: not every system has them


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt inside. One that is ignored, as under `nohup`, stays so."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in _LIKE_CTRL_C:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
