"""Changes under folders and files that are watched, as the system reports them.

Knows events and how they come in bursts. Does not know which changes matter, nor what to do about
them. Events are hints: a new folder may have filled before it was watched, so a caller that is told
of a folder looks at everything in it.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from crystalcli.errors import CrystalError

QUIET_SECONDS = 0.5  # without an event, after which a burst is over
MAX_BURST_SECONDS = 5.0  # after which a burst is handed on although it is not over
_POLL_MS = 500  # between two looks at whether to stop

NextBurst = Callable[[float], "frozenset[str] | None"]
_Bursts = queue.Queue["frozenset[str] | BaseException"]


@contextmanager
def watch_events(places: Collection[Path], matters: Callable[[str], bool]) -> Iterator[NextBurst]:
    """Watch inside the block, from its first statement on.

    Args:
        places: absolute paths of folders, which are watched with everything below them, and of
            files.
        matters: tells whether an event at an absolute path counts.

    Yields:
        A function that waits for the next burst: it takes the seconds to wait at most and returns
        the paths that changed, or None when nothing did. It raises CrystalError when the system
        cannot watch.
    """
    bursts: _Bursts = queue.Queue()
    stop, started_events = threading.Event(), []
    # A file is often replaced by another of its name, which only its folder is told of.
    folders = {place for place in places if place.is_dir()}
    files = {place for place in places if place not in folders}
    groups = [
        (folders, True, lambda path: True),
        ({file.parent for file in files}, False, {str(file) for file in files}.__contains__),
    ]
    threads = []
    for group, recursive, belongs in groups:
        if group:
            started = threading.Event()
            started_events.append(started)
            arguments = (group, recursive, belongs, matters, bursts, stop, started)
            threads.append(threading.Thread(target=_listen, args=arguments, daemon=True))
            threads[-1].start()
    try:
        for started in started_events:
            started.wait()
        yield lambda seconds: _next_burst(bursts, seconds)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _next_burst(bursts: _Bursts, seconds: float) -> frozenset[str] | None:
    try:
        burst = bursts.get(timeout=seconds)
    except queue.Empty:
        return None
    if isinstance(burst, BaseException):
        raise CrystalError(f"cannot watch for changes: {burst}") from burst
    return burst


def _listen(
    group: Collection[Path],
    recursive: bool,
    belongs: Callable[[str], bool],
    matters: Callable[[str], bool],
    bursts: _Bursts,
    stop: threading.Event,
    started: threading.Event,
) -> None:
    """Hand on the bursts of one group of folders until `stop` is set; the work of a thread."""
    from watchfiles import watch

    # Some systems give the real path where the folder that was named is a link.
    named_paths = {os.path.realpath(folder): str(folder) for folder in group if os.path.realpath(folder) != str(folder)}

    def as_named(path: str) -> str:
        for real, named in named_paths.items():
            if path == real or path.startswith(real + os.sep):
                return named + path[len(real) :]
        return path

    def counts(_: object, path: str) -> bool:
        return belongs(as_named(path)) and matters(as_named(path))

    try:
        for changes in watch(
            *group,
            watch_filter=counts,
            debounce=int(MAX_BURST_SECONDS * 1000),
            step=int(QUIET_SECONDS * 1000),
            stop_event=stop,
            rust_timeout=_POLL_MS,
            yield_on_timeout=True,  # also the sign that it has begun
            recursive=recursive,
            ignore_permission_denied=True,
        ):
            started.set()
            if changes:
                bursts.put(frozenset(as_named(path) for _, path in changes))
    except BaseException as error:  # raised again by the function that waits for a burst
        bursts.put(error)
    finally:
        started.set()
