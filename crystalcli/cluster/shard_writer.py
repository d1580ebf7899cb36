"""The work of one process: the files of a shard become a finished crystal.

A crystal that another process has left half done is gone on with: what was committed is not read
again.

Knows: `Crystal`, the files of a shard. Does not know: Ray, other shards.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crystalcli.cluster.shard_ledger import FinishedShard, read_paths
from crystalcli.cluster.shard_plan import named_files
from crystalcli.ingest import IngestOptions
from crystalcli.library import Crystal
from crystalcli.text import ChangedPaths, FileFilter, ReadOptions

_WAIT = 120.0  # seconds for a process that was thought to be dead and still writes


@dataclass(frozen=True, slots=True)
class ShardOrder:
    """An order to make the crystal of a shard. All paths are the same on every machine.

    Attributes:
        shard: The number of the shard.
        crystal: The path of its crystal.
        paths_file: The list of its files.
        seed: The empty crystal that it begins as.
        asked: The files and folders that the user named, absolute.
        encoder: The folder or name of the encoder; "auto" for the program's own.
        file_filter: The filter of the folders; None: the usual.
        password: Opens files that are encrypted.
        layers: Whether layers are made.
    """

    shard: int
    crystal: str
    paths_file: str
    seed: str
    asked: Sequence[str]
    encoder: str
    file_filter: FileFilter | None
    password: str
    layers: bool


def write_shard(order: ShardOrder) -> FinishedShard:
    """Make the crystal of a shard.

    Args:
        order: The order.

    Raises:
        CrystalError: It cannot be read or written.
    """
    began = time.monotonic()
    crystal, asked = Path(order.crystal), [Path(path) for path in order.asked]
    if not crystal.exists():
        part = crystal.with_name(f"{crystal.name}-{os.getpid()}")
        shutil.copyfile(order.seed, part)
        part.replace(crystal)
    near = ChangedPaths(read_paths(Path(order.paths_file)), named_files(asked))
    options = IngestOptions(
        file_filter=order.file_filter,
        changed_paths=near,
        read_options=ReadOptions(password=order.password),
        layers=order.layers,
        jobs=1,
    )
    with Crystal(crystal, mode="write", encoder=order.encoder, wait=_WAIT, reranker=None) as opened:
        report = opened.ingest_with_options(asked, options)
        stats = opened.stats()
    seconds = time.monotonic() - began
    return FinishedShard(
        order.shard, stats.documents, stats.tokens, len(report.skipped), round(seconds, 1), platform.node()
    )
