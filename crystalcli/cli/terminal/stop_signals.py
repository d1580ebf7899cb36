"""Signals that stop a long command: Ctrl-C, and those of a system that goes down."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from crystalcli.cli.terminal.output import output
from crystalcli.errors import StoppedError

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_LIKE_CTRL_C = ("SIGTERM", "SIGHUP")  # by name: not every system has them
_RETRY_AFTER = 0.05  # seconds


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt inside on SIGTERM and SIGHUP.

    A signal that is ignored, as under `nohup`, stays so.
    """
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for name in _LIKE_CTRL_C:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                handlers[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def report_stop(consequence: str) -> Iterator[None]:
    """Turn Ctrl-C inside into an error of one line.

    Args:
        consequence: what the stop leaves behind.

    Raises:
        StoppedError: Ctrl-C was pressed.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; {consequence}") from None


@contextmanager
def exit_on_interrupt(consequence: str) -> Iterator[None]:
    """End the process at once on Ctrl-C inside, also while a thread waits for standard input.

    Args:
        consequence: what the stop leaves behind.
    """

    def leave(*_: object) -> None:
        os._exit(output.failure(f"stopped; {consequence}", StoppedError.exit_code))

    earlier = signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


def retry_lost_interrupts() -> None:
    """Raise an interrupt that Python drops once more, a moment later.

    Python drops one that is raised in a destructor or in a callback of a weak reference, as
    importlib has them while two threads wait for one module.
    """
    earlier_hook = sys.unraisablehook

    def hook(unraisable: UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            earlier_hook(unraisable)
            return
        # From another thread, and not at once: it would be raised in here, and be dropped again.
        timer = threading.Timer(_RETRY_AFTER, _interrupt)
        timer.daemon = True
        timer.start()

    sys.unraisablehook = hook


def _interrupt() -> None:
    """Send Ctrl-C."""
    if hasattr(signal, "pthread_kill"):  # a real signal: what the main thread waits for ends
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
