"""An ingest by Ray: actors write the crystals of shards, and a merge makes them one.

An actor is a process with one thread, on any machine of the cluster. One that is lost, with its
machine or alone, is replaced, and its shard is gone on with where its last commit left it. The
ledger of shards is on the disk: a run that is broken off goes on with what is not finished.

Ray's reports of use are switched off: nothing leaves the cluster.

Knows: Ray, the ledger of shards. Does not know: how a crystal is made.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.cluster.shard_ledger import FinishedShard, ShardLedger
from crystalcli.cluster.shard_plan import plan_shards
from crystalcli.cluster.shard_writer import ShardOrder, write_shard
from crystalcli.cpu import available_processors
from crystalcli.datatypes import Progress
from crystalcli.errors import CrystalError, SourceError, UsageError
from crystalcli.ingest import IngestOptions
from crystalcli.library import Crystal
from crystalcli.maintenance import MergeReport, merge_crystals
from crystalcli.text import FileFilter

if TYPE_CHECKING:
    from types import ModuleType

LOCAL = "local"  # the address of a cluster that is started on this machine
_TRIES = 3  # at a shard
_POLL_SECONDS = 0.5
_ANSWER_SECONDS = 20.0  # for a cluster elsewhere to answer
_STARTS = 3  # tries to start a cluster here: it gives up after 30 s, which a busy machine may need


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """The outcome of an ingest by a cluster.

    Attributes:
        shards: The number of shards.
        resumed: Shards that an earlier run had finished.
        lost: Processes that were lost and replaced.
        documents: Documents with text, over all shards.
        tokens: Their tokens.
        skipped: Files that were not read.
        bytes: Bytes of all files.
        processes: Processes that worked at a time.
        seconds: The time that it took.
        crystals: The crystal, or those of the shards.
        merged: The report of the merge; None where the shards were left.
    """

    shards: int
    resumed: int
    lost: int
    documents: int
    tokens: int
    skipped: int
    bytes: int
    processes: int
    seconds: float
    crystals: tuple[str, ...]
    merged: MergeReport | None


def ingest_by_ray(
    target: Path,
    paths: Sequence[Path],
    *,
    address: str = LOCAL,
    shards: bool = False,
    encoder: str = "auto",
    codebooks_from: Sequence[Path] = (),
    file_filter: FileFilter | None = None,
    password: str = "",
    layers: bool = True,
    processes: int | None = None,
    shard_size: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ClusterReport:
    """Read files and folders into a new crystal by the processes of a Ray cluster.

    All machines must see the files, the folder of the crystal, and the models folder, or fetch the
    weights, under the same paths; the same version of this package must be installed on each.

    Args:
        target: The crystal to make; with `shards` the folder of crystals.
        paths: Files and folders.
        address: The cluster's address, "auto" for the one that runs here, or "local": one is
            started on this machine, and ended.
        shards: Leave a folder with a crystal for each shard, which are read as one.
        encoder: The folder or name of the encoder; "auto" for the program's own.
        codebooks_from: Files that the codebooks of an encoder of the user's own are learnt from.
        file_filter: The filter of the folders; None: the usual.
        password: Opens files that are encrypted.
        layers: Whether layers are made.
        processes: The most processes at a time; None: one for each processor of the cluster.
        shard_size: The bytes of the files of a shard; None: four shards for each process.
        progress: Called when a shard is finished.

    Raises:
        UsageError: The target exists, or an encoder of the user's own has no `codebooks_from`.
        SourceError: A path does not exist, or there is no file.
        CrystalError: Ray is not installed, the cluster cannot be reached, or a shard cannot be
            made.
    """
    began = time.monotonic()
    if target.exists() and not shards:
        raise UsageError(f"{target} exists: an ingest by a cluster makes a new crystal")
    ledger = ShardLedger(target if shards else target.with_name(f"{target.name}-shards"))
    asked = [path.absolute() for path in paths]
    with _cluster(address) as ray:
        most = processes or max(1, int(ray.cluster_resources().get("CPU", available_processors())))
        plan = plan_shards(asked, file_filter, target, most, shard_size)
        if not plan.shards:
            raise SourceError("nothing to read there: no file")
        noted = file_filter.noted() if file_filter is not None else {}
        options = {"encoder": encoder, "filter": noted, "layers": layers, "asked": [str(path) for path in asked]}
        ledger.begin(plan, options)
        resumed = len(ledger.finished)
        if ledger.waiting():
            _make_seed(ledger.seed, encoder, codebooks_from)

        def order(shard: int) -> ShardOrder:
            return ShardOrder(
                shard=shard,
                crystal=str(ledger.crystal(shard).absolute()),
                paths_file=str(ledger.paths_file(shard).absolute()),
                seed=str(ledger.seed.absolute()),
                asked=[str(path) for path in asked],
                encoder=encoder,
                file_filter=file_filter,
                password=password,
                layers=layers,
            )

        lost = _write_all(ray, ledger, order, most, progress)
    finished, merged, crystals = ledger.finished.values(), None, ledger.crystals()
    if not shards:
        merged = merge_crystals(crystals, target, least=1)
        crystals = [target]
        ledger.remove()
    else:
        ledger.tidy()
    return ClusterReport(
        shards=len(ledger.sizes),
        resumed=resumed,
        lost=lost,
        documents=sum(shard.documents for shard in finished),
        tokens=sum(shard.tokens for shard in finished),
        skipped=sum(shard.skipped for shard in finished),
        bytes=sum(ledger.sizes),
        processes=min(most, len(ledger.sizes)),
        seconds=time.monotonic() - began,
        crystals=tuple(map(str, crystals)),
        merged=merged,
    )


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[ModuleType]:
    """Join a cluster, or start one on this machine, inside the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise CrystalError("ray is not installed: pip install 'crystalcli[ray]'") from error
    is_local = address == LOCAL
    if not is_local:
        _check_answers(address)
    where: dict[str, Any] = {"num_cpus": available_processors()} if is_local else {"address": address}
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    for tries_left in reversed(range(_STARTS if is_local else 1)):
        try:
            ray.init(**where, **quiet, include_dashboard=False if is_local else None)
            break
        except Exception as error:  # Ray raises many kinds for an address that is not there
            ray.shutdown()
            if not tries_left:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise CrystalError(f"cannot reach the Ray cluster {address!r}: {reason}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Fail at once where nothing answers at an address: Ray would try it for minutes.

    Raises:
        CrystalError: Nothing answers.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():  # `auto` is for Ray to find
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CrystalError(f"cannot reach the Ray cluster {address!r}: {reason}") from error


def _make_seed(seed: Path, encoder: str, codebooks_from: Sequence[Path]) -> None:
    """Make the empty crystal that all shards begin as, with the codebooks of its encoder."""
    seed.unlink(missing_ok=True)
    with Crystal(seed, mode="write", encoder=encoder, reranker=None) as crystal:
        if crystal.own_encoder:
            if not codebooks_from:
                raise UsageError("an encoder of your own needs --codebooks-from here: all shards share its codebooks")
            crystal.ingest_with_options([], IngestOptions(codebooks_from=codebooks_from, layers=False))


def _write_all(
    ray: ModuleType,
    ledger: ShardLedger,
    order: Callable[[int], ShardOrder],
    most: int,
    progress: Callable[[Progress], None] | None,
) -> int:
    """Let actors write the shards that are not finished.

    Returns:
        The number of actors that were lost.
    """
    actor_class = ray.remote(num_cpus=1, max_restarts=0)(_Writer)
    failures = tuple(
        getattr(ray.exceptions, name)
        for name in ("RayActorError", "WorkerCrashedError", "NodeDiedError", "OutOfMemoryError", "ObjectLostError")
        if hasattr(ray.exceptions, name)
    )
    waiting, idle, running = ledger.waiting()[::-1], list[Any](), dict[Any, tuple[Any, int]]()
    tries: Counter[int] = Counter()
    _tell(ledger, progress)
    while waiting or running:
        while waiting and len(running) < most:
            shard, actor = waiting.pop(), idle.pop() if idle else actor_class.remote()
            running[actor.write.remote(order(shard))] = actor, shard
        ready, _ = ray.wait(list(running), timeout=_POLL_SECONDS)  # a wait that Ctrl-C ends soon
        for reference in ready:
            actor, shard = running.pop(reference)
            try:
                outcome = ray.get(reference)
            except failures as error:
                tries[shard] += 1
                if tries[shard] == _TRIES:
                    raise CrystalError(
                        f"shard {shard} has lost {_TRIES} processes ({type(error).__name__}); "
                        "the same command goes on with what is not finished"
                    ) from error
                waiting.append(shard)
                continue
            if isinstance(outcome, str):
                raise CrystalError(f"shard {shard}: {outcome}; the same command goes on with what is not finished")
            ledger.finish(outcome)
            idle.append(actor)
            _tell(ledger, progress)
    return tries.total()


def _tell(ledger: ShardLedger, progress: Callable[[Progress], None] | None) -> None:
    if progress is not None:
        done = sum(ledger.sizes[shard] for shard in ledger.finished)
        tokens = sum(shard.tokens for shard in ledger.finished.values())
        total = sum(ledger.sizes)
        progress(Progress(done, total, "bytes", len(ledger.finished), len(ledger.sizes), tokens, tokens))


class _Writer:
    """An actor that writes shards, one after the other."""

    def write(self, order: ShardOrder) -> FinishedShard | str:
        """Make the crystal of a shard; give what went wrong in words where it cannot be made."""
        try:
            return write_shard(order)
        except CrystalError as error:
            return str(error)
