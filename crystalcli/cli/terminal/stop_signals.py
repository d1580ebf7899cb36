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
    from types import FrameType

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
                handlers[number] = signal.signal(number, _interrupt)
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


def handle_interrupts() -> None:
    """Answer Ctrl-C a moment later where Python would drop it, and where torch would end badly.

    Python drops an interrupt that is raised in a destructor or in a callback of a weak reference,
    as importlib has them while two threads wait for one module. Torch aborts the process at one
    that is raised while it is imported.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    earlier_hook = sys.unraisablehook

    def hook(unraisable: UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            earlier_hook(unraisable)
            return
        heard = (getattr(signal, name, None) for name in ("SIGINT", *_LIKE_CTRL_C))
        _send_later(next((each for each in heard if each and callable(signal.getsignal(each))), signal.SIGINT))

    sys.unraisablehook = hook


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, or send the signal again where a module of torch is being run."""
    running = frame
    while running is not None:
        if running.f_code.co_name == "<module>" and running.f_globals.get("__name__", "").partition(".")[0] == "torch":
            # Its C++ functions call Python, and let no exception through.
            _send_later(number)
            return
        running = running.f_back
    signal.default_int_handler(number, frame)


def _send_later(number: int) -> None:
    """Send a signal a moment later: at once it would come to the same place."""
    timer = threading.Timer(_RETRY_AFTER, _send, (number,))
    timer.daemon = True
    timer.start()


def _send(number: int) -> None:
    """Send a signal to the main thread."""
    if hasattr(signal, "pthread_kill"):  # a real signal: what the main thread waits for ends
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))
