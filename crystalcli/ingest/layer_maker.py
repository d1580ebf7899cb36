"""Layers of text that has none yet, made by one process at a time.

A process that makes layers holds a lock of its own beside the crystal (`NAME.crystal-layers`), not
the writer's: others can write in between, and what they add is made as well. A worker in the
background is such a process; the lock names it.

Knows: the lock, codebooks that must be learnt first. Does not know: how codes are made.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.cpu import available_processors
from crystalcli.errors import CrystalError
from crystalcli.index import (
    CHILD_MEMORY,
    EncoderProcesses,
    dismiss_early_encoder,
    fill_layers_by_child,
    fill_layers_by_processes,
    fill_layers_in_turns,
    lacks_codebooks,
    learn_codebooks,
    make_lazy_encoder,
    take_early_encoder,
)
from crystalcli.lm import available_memory
from crystalcli.storage import MAKING_LAYERS, LockHolder, Store, lock_beside, lock_holder, release_lock

if TYPE_CHECKING:
    from crystalcli.datatypes import Progress
    from crystalcli.index import CachedEncoder, Encoder

_BACKGROUND = "background"  # the note of a worker in its lock
_LEAST_SEGMENTS = 2  # for each process that encodes
_THREADED = 2  # processors up to which one process has threads, and loads the weights once
_STOP_SECONDS = 60.0  # that a worker has to end
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class LayersReport:
    """The outcome of making layers.

    Attributes:
        encoded_tokens: Tokens that were encoded.
        seconds: The time that it took.
        layer_share: The share of the crystal's tokens that have layers, 0 to 1.
        layers_by: The other process that makes layers of the crystal now; None without one.
    """

    encoded_tokens: int
    seconds: float
    layer_share: float
    layers_by: int | None = None


@dataclass(frozen=True, slots=True)
class LayerWorker:
    """A process that makes layers of a crystal.

    Attributes:
        process: Its process id.
        in_background: Whether it is a worker that `crystal ingest --background` left.
    """

    process: int
    in_background: bool


def layer_worker(crystal: Path) -> LayerWorker | None:
    """Find the process that makes layers of a crystal now; None without one."""
    holder = lock_holder(crystal, MAKING_LAYERS)
    return _worker(holder) if holder is not None else None


def _worker(holder: LockHolder) -> LayerWorker:
    return LayerWorker(holder.process, holder.note == _BACKGROUND)


def make_layers(
    crystal: Path,
    current: Callable[[], Store],
    writing: Callable[[], AbstractContextManager[Store]],
    encoder: Encoder,
    *,
    progress: Callable[[Progress], None] | None = None,
    cache: CachedEncoder | None = None,
    wait: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
    background: bool = False,
    jobs: int | None = None,
) -> LayersReport:
    """Make the layers of text that has none yet.

    Codebooks of the user's own encoder are learnt first, where the crystal lacks them.

    Args:
        crystal: The path of the crystal.
        current: Gives the open crystal as of now.
        writing: Locks the crystal and opens it for writing; waits for other programs.
        encoder: Its encoder, whose weights are here.
        progress: Called before the first segment and after each one.
        cache: The holder of the encoder from one ingest to the next; None: it is not kept.
        wait: Seconds to wait for another process that makes them; after these it is left to it.
        on_wait: Called once with a line for people, when the wait begins.
        background: Whether this process is a worker in the background.
        jobs: The number of processes that encode, with a thread each; None: see `jobs_by_default`.

    Raises:
        CrystalError: The crystal cannot be written.
    """
    began = time.monotonic()
    lock = None
    try:
        if current().layer_share() == 1.0:
            return LayersReport(0, time.monotonic() - began, 1.0)
        if not current().writable:  # else no other process can store layers meanwhile
            try:
                lock = lock_beside(crystal, wait, on_wait, MAKING_LAYERS, _BACKGROUND if background else "")
            except CrystalError:
                other = layer_worker(crystal)
                if other is None:
                    raise
                return LayersReport(0, time.monotonic() - began, current().layer_share(), other.process)
        if lacks_codebooks(current(), encoder):
            with writing() as store:
                learn_codebooks(store, encoder)
        tokens = 0
        early = take_early_encoder(crystal, encoder) if jobs is None and cache is None else None
        if early is not None:
            with early:
                tokens = fill_layers_by_child(current, writing, early, progress)
        missing = sum(not segment.encoded for segment in current().segments())
        # A process that encodes less than a segment or two takes longer to start than it saves.
        wanted = jobs if jobs is not None else 1 if cache is not None else jobs_by_default()
        processes = min(wanted, -(-missing // _LEAST_SEGMENTS))
        if processes > 1:
            with EncoderProcesses(crystal, encoder, processes) as pool:
                tokens += fill_layers_by_processes(current, writing, pool, progress)
        else:
            chunk_encoder = make_lazy_encoder(current(), encoder, cache, None if jobs is None else 1)
            tokens += fill_layers_in_turns(current, writing, chunk_encoder, progress)
    finally:
        dismiss_early_encoder()
        release_lock(lock)
    return LayersReport(tokens, time.monotonic() - began, current().layer_share())


def jobs_by_default() -> int:
    """Choose the number of processes that encode: 1, with a thread for each processor, on two.

    On more processors the threads of one process wait for the interpreter's lock between batches,
    and there are as many processes as processors, as far as the memory goes. This was reasoned, not
    measured: no machine with more than two was at hand.
    """
    processors = available_processors()
    if processors <= _THREADED:
        return 1
    memory = available_memory()
    return processors if memory is None else max(1, min(processors, memory // (2 * CHILD_MEMORY)))


def stop_layer_worker(crystal: Path) -> int | None:
    """Stop the worker in the background that makes layers of a crystal; what it has made stays.

    Returns:
        The process that was stopped; None without a worker.

    Raises:
        CrystalError: Layers are made in the foreground, or the worker does not end.
    """
    worker = layer_worker(crystal)
    if worker is None:
        return None
    if not worker.in_background:
        raise CrystalError(f"process {worker.process} makes layers of {crystal.name} in the foreground: stop it there")
    try:
        os.kill(worker.process, signal.SIGTERM)
    except ProcessLookupError:  # it has just ended, or runs on another machine
        pass
    except PermissionError as error:
        raise CrystalError(f"cannot stop process {worker.process}: {error.strerror}") from error
    deadline = time.monotonic() + _STOP_SECONDS
    while layer_worker(crystal) == worker:
        if time.monotonic() >= deadline:
            raise CrystalError(f"process {worker.process} makes layers of {crystal.name} and does not end")
        time.sleep(_POLL_SECONDS)
    return worker.process
