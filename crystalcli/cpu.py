"""The processor: its instructions, its threads, and how much memory its kernels may keep.

numpy's BLAS divides each product among its threads, which then wait for one another at a barrier:
spinning. Where another program keeps one processor busy, each product waits for a thread that does
not run, and a question takes 4 to 8 times as long. So a question is answered with one thread for
each product, and with several threads for products that do not depend on one another.

Knows: Linux's names for instruction sets, oneDNN's cache of kernels, BLAS threads, choices that
were made by trial. Does not know: what is multiplied.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_OPENBLAS_VARIABLE = "OPENBLAS_NUM_THREADS"
_ONEDNN_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_ONEDNN_SHAPES = "64"  # one pass through a model needs no more


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """The instruction sets that Linux lists for the processor; empty on other systems."""
    try:
        return frozenset(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return frozenset()


def limit_onednn_cache() -> None:
    """Bound the kernels that oneDNN, which multiplies for torch, keeps for the shapes it has met.

    Its default is 1,024 shapes: 100 to 200 MB, since chunks and prompts have many lengths. Call
    this before torch first multiplies; later calls have no effect. A value that the user has set is
    left as it is.
    """
    os.environ.setdefault(_ONEDNN_VARIABLE, _ONEDNN_SHAPES)


def kept_choice(question: str, choices: Sequence[str], choose: Callable[[], str]) -> str:
    """Return what was chosen on this processor before, or choose now and keep it.

    The choice is kept in the user's cache folder, so that it is the same in every process.

    Args:
        question: What is chosen.
        choices: What may be chosen; another answer that was kept counts as none.
        choose: Makes the choice, one of `choices`.
    """
    import platformdirs

    path = platformdirs.user_cache_path("crystal", appauthor=False) / "processor.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        kept = kept if isinstance(kept, dict) and kept.get("processor") == processor_name() else {}
    except (OSError, ValueError):
        kept = {}
    if kept.get(question) in choices:
        return str(kept[question])
    choice = choose()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}-{os.getpid()}")
        fresh.write_text(json.dumps({**kept, "processor": processor_name(), question: choice}), encoding="utf-8")
        fresh.replace(path)
    return choice


def processor_name() -> str:
    """Name the processor by its model and its instruction sets, as far as the system tells."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    flags = hashlib.blake2b(" ".join(sorted(cpu_flags())).encode(), digest_size=4).hexdigest()
    return f"{model}, {flags}"


def available_processors() -> int:
    """Count the processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def import_numpy() -> None:
    """Import numpy with one BLAS thread, in a process of this program's own.

    Starting the other threads takes longer than the rest of the import. A number of threads that
    the user has set is left as it is; so are libraries that are loaded later.
    """
    if "numpy" in sys.modules or _OPENBLAS_VARIABLE in os.environ:
        return
    os.environ[_OPENBLAS_VARIABLE] = "1"
    try:
        import numpy
    finally:
        del os.environ[_OPENBLAS_VARIABLE]
    # Another BLAS does not read the variable.
    global _has_one_thread
    _has_one_thread = "openblas" in str(getattr(numpy.__config__, "CONFIG", "")).lower()


_limiting = threading.Lock()  # held by the block that has set the limit
_has_one_thread = False  # whether numpy's BLAS was loaded with one thread


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let numpy multiply with one thread inside the block, and as before after it.

    The number holds for the whole process: a block inside another, or beside that of another
    thread, changes nothing.
    """
    if _has_one_thread or not _limiting.acquire(blocking=False):
        yield
        return
    try:
        with _blas_controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _limiting.release()


@contextmanager
def one_thread_of(library: ModuleType) -> Iterator[None]:
    """Let a library compute with one thread inside the block, and as before after it.

    Threads that share a small operation wait for one another, and so take longer: five times where
    other work runs beside.

    Args:
        library: The module `torch`, which this room does not import.
    """
    threads = library.get_num_threads()
    library.set_num_threads(1)
    try:
        yield
    finally:
        library.set_num_threads(threads)


@lru_cache(maxsize=1)
def _blas_controller() -> Any:
    """Find the BLAS that numpy has loaded."""
    import numpy  # noqa: F401 - its BLAS must be there to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def map_in_threads(
    function: Callable[[_Item], _Result], items: Sequence[_Item], threads: int | None = None
) -> list[_Result]:
    """Call a function for each item, in several threads that each multiply with one.

    Args:
        function: Called with each item; numpy's products inside it run beside those of the others.
        items: The items.
        threads: The most threads, with the one that calls; None: two for each available processor.
            Where others keep the processors busy the system shares them out by threads, and where
            they do not a second one costs nothing.

    Returns:
        The results, in the order of the items.
    """
    count = min(len(items), threads or 2 * available_processors())
    with one_blas_thread():
        if count < 2:
            return [function(item) for item in items]
        # The executors of the library take longer to import than a large crystal to be searched.
        waiting = list(enumerate(items))[::-1]
        results: dict[int, _Result] = {}
        errors: list[BaseException] = []
        taking = threading.Lock()

        def work() -> None:
            try:
                while not errors:
                    with taking:
                        if not waiting:
                            return
                        number, item = waiting.pop()
                    results[number] = function(item)
            except BaseException as error:  # raised in the thread that calls
                errors.append(error)

        others = [threading.Thread(target=work, name="map", daemon=True) for _ in range(count - 1)]
        for thread in others:
            thread.start()
        work()
        for thread in others:
            thread.join()
        if errors:
            raise errors[0]
        return [results[number] for number in range(len(items))]
