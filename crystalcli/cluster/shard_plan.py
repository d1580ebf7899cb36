"""A plan of shards: the files of a walk, cut into consecutive parts of about the same size.

The parts are consecutive, so that their crystals, merged in order, hold the documents in the order
of one ingest.

Knows: the walk, sizes of files. Does not know: processes, crystals, what was done already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from crystalcli.ingest import own_files, users_last
from crystalcli.paths import expanded
from crystalcli.text import FileFilter, FoundFile, asked_place, walk_files

_LEAST, _MOST = 1 << 20, 1 << 28  # bytes of the files of a shard: more than an encoder's start, less than a day
_SHARDS_PER_PROCESS = 4  # so that all processes end at about the same time


class ShardPlan(NamedTuple):
    """The shards of an ingest.

    Attributes:
        shards: The paths of each shard's files, absolute, in the order of the walk.
        sizes: The bytes of each shard's files.
        digest: Identifies the files, by path, size and time, and how they are cut.
    """

    shards: list[list[str]]
    sizes: list[int]
    digest: str


def plan_shards(
    paths: Sequence[Path], file_filter: FileFilter | None, target: Path, processes: int, size: int | None = None
) -> ShardPlan:
    """Cut the files under some paths into shards.

    Args:
        paths: Files and folders.
        file_filter: The filter of the folders; None: the usual.
        target: The crystal, whose own files are left out.
        processes: The number of processes that will read them.
        size: The bytes of a shard; None: four shards for each process, of 1 to 256 MB.

    Raises:
        SourceError: A path does not exist.
    """
    choices: Mapping[Path, FileFilter] = (
        {} if file_filter is None else {asked_place(path): file_filter for path in paths if path.is_dir()}
    )
    entries = users_last(walk_files(paths, exclude=own_files(target), hidden=False, choices=choices))
    total = sum(entry.size for entry in entries if isinstance(entry, FoundFile))
    limit = size or min(_MOST, max(_LEAST, total // (_SHARDS_PER_PROCESS * processes)))
    shards: list[list[str]] = []
    sizes: list[int] = []
    digest = hashlib.blake2b(digest_size=16)
    for entry in entries:
        length = entry.size if isinstance(entry, FoundFile) else 0
        if not shards or (sizes[-1] and sizes[-1] + length > limit):
            shards.append([])
            sizes.append(0)
        shards[-1].append(str(entry.path))
        sizes[-1] += length
        time = entry.mtime_ns if isinstance(entry, FoundFile) else 0
        digest.update(f"{entry.path}\0{length}\0{time}\n".encode("utf-8", "surrogateescape"))
    return ShardPlan(shards, sizes, digest.hexdigest())


def named_files(paths: Sequence[Path]) -> list[str]:
    """List the files that the user named, absolute."""
    return [str(asked_place(expanded(path))) for path in paths if path.is_file()]
