"""Cluster: one ingest by the processes of many machines.

The question it answers: which process reads which files, and what is left to do after a failure?
Paths go in and crystals come out; texts and codes stay in files.

ray_ingest.py    An ingest by Ray: actors write the crystals of shards, and a merge makes them one.
shard_ledger.py  The ledger of shards: a folder with the plan, and a line for each shard that is
                 finished.
shard_plan.py    A plan of shards: the files of a walk, cut into consecutive parts of about the same
                 size.
shard_writer.py  The work of one process: the files of a shard become a finished crystal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.cluster.ray_ingest import ClusterReport, ingest_by_ray
else:
    __getattr__ = lazy_names(__name__, {"ray_ingest": ("ClusterReport", "ingest_by_ray")})

__all__ = ["ClusterReport", "ingest_by_ray"]
