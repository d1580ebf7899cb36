"""What stops a long command: Ctrl-C, and what a system or a terminal sends when it goes down, all in the same way."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_LIKE_CTRL_C = ("SIGTERM", "SIGHUP")  # by name: not every system has them
_LATER = 0.05  # seconds


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


def hear_again() -> None:
    """Let an interrupt that Python drops be raised once more, a moment later.

    Where it happens to be raised in a callback of a weak reference, as importlib has them while two threads wait for one module,
    or in a destructor, there is nobody to raise it to.
    """
    before = sys.unraisablehook

    def dropped(what: UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            before(what)
            return
        # From another thread, and not at once: it would be raised in here, and be dropped again.
        timer = threading.Timer(_LATER, _interrupt)
        timer.daemon = True
        timer.start()

    sys.unraisablehook = dropped


def _interrupt() -> None:
    """Ctrl-C, as if it had been pressed."""
    if hasattr(signal, "pthread_kill"):  # a real signal: what the main thread waits for ends
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
