"""Which paths change under folders and files that are watched, as the system tells it.

Knows events and how they come in bursts. Does not know what of it matters, nor what to do about it. Events are hints: a new
folder may have filled before it was watched, so whoever is told of a folder looks at all that is in it.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from crystalcli.errors import CrystalError

QUIET = 0.5  # seconds without an event after which a burst is over
LONGEST = 5.0  # seconds after which one is handed on though it is not
_TICK = 500  # milliseconds between two looks at whether to stop

Next = Callable[[float], "frozenset[str] | None"]


@contextmanager
def watch_events(places: Collection[Path], matters: Callable[[str], bool]) -> Iterator[Next]:
    """Watches inside the block, from its first statement on, and gives a function that waits for the next burst.

    places: folders, with all below them, and files, by absolute paths. matters: whether an event at an absolute path counts. The
    function takes the seconds to wait at most and returns the paths that changed, or None when nothing did. Raises CrystalError
    when the system cannot watch.
    """
    told: queue.Queue[frozenset[str] | BaseException] = queue.Queue()
    stop, ready = threading.Event(), []
    # A file is often replaced by another of its name, which only its folder is told of.
    folders = {place for place in places if place.is_dir()}
    files = {place for place in places if place not in folders}
    groups = [
        (folders, True, lambda path: True),
        ({each.parent for each in files}, False, {str(f) for f in files}.__contains__),
    ]
    threads = []
    for group, recursive, belongs in groups:
        if group:
            started = threading.Event()
            ready.append(started)
            arguments = (group, recursive, belongs, matters, told, stop, started)
            threads.append(threading.Thread(target=_listen, args=arguments, daemon=True))
            threads[-1].start()
    try:
        for started in ready:
            started.wait()
        yield lambda seconds: _next(told, seconds)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _next(told: queue.Queue[frozenset[str] | BaseException], seconds: float) -> frozenset[str] | None:
    try:
        found = told.get(timeout=seconds)
    except queue.Empty:
        return None
    if isinstance(found, BaseException):
        raise CrystalError(f"cannot watch for changes: {found}") from found
    return found


def _listen(
    group: Collection[Path],
    recursive: bool,
    belongs: Callable[[str], bool],
    matters: Callable[[str], bool],
    told: queue.Queue[frozenset[str] | BaseException],
    stop: threading.Event,
    started: threading.Event,
) -> None:
    """A thread's work: hand on the bursts of one group of folders until it is told to stop."""
    from watchfiles import watch

    # Some systems give the real path where the folder that was asked for is a link.
    as_asked = {os.path.realpath(folder): str(folder) for folder in group if os.path.realpath(folder) != str(folder)}

    def said(path: str) -> str:
        for real, asked in as_asked.items():
            if path == real or path.startswith(real + os.sep):
                return asked + path[len(real) :]
        return path

    def counts(_: object, path: str) -> bool:
        return belongs(said(path)) and matters(said(path))

    try:
        for burst in watch(
            *group,
            watch_filter=counts,
            debounce=int(LONGEST * 1000),
            step=int(QUIET * 1000),
            stop_event=stop,
            rust_timeout=_TICK,
            yield_on_timeout=True,  # also the sign that it has begun
            recursive=recursive,
            ignore_permission_denied=True,
        ):
            started.set()
            if burst:
                told.put(frozenset(said(path) for _, path in burst))
    except BaseException as error:  # to be raised where someone waits
        told.put(error)
    finally:
        started.set()
