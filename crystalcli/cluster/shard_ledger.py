"""The ledger of shards: a folder with the plan, and a line for each shard that is finished.

Lines are appended and synced, so that a driver that is killed loses none. A file of the folder:

    plan.json        the digest of the plan, its options, and the shards' sizes
    0000.paths       the paths of the files of shard 0, a JSON string a line
    0000.crystal     its crystal, which may be half done
    done.jsonl       a line for each shard that is finished
    seed.crystal     the empty crystal that all others begin as

Knows: files of the folder. Does not know: processes, what a crystal holds.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crystalcli.cluster.shard_plan import ShardPlan
from crystalcli.errors import CrystalError

_PLAN, _DONE, _SEED = "plan.json", "done.jsonl", "seed.crystal"


@dataclass(frozen=True, slots=True)
class FinishedShard:
    """A shard whose crystal is finished.

    Attributes:
        shard: Its number, from 0.
        documents: Documents with text.
        tokens: Their tokens.
        skipped: Files that were not read.
        seconds: The time that its process took.
        machine: The name of its machine.
    """

    shard: int
    documents: int
    tokens: int
    skipped: int
    seconds: float
    machine: str


class ShardLedger:
    """The folder of shards of one ingest.

    Args:
        folder: The folder, which is made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sizes: list[int] = []
        self.finished: dict[int, FinishedShard] = {}

    @property
    def seed(self) -> Path:
        """The empty crystal that all shards begin as."""
        return self.folder / _SEED

    def crystal(self, shard: int) -> Path:
        """Give the path of a shard's crystal."""
        return self.folder / f"{shard:04}.crystal"

    def paths_file(self, shard: int) -> Path:
        """Give the path of the list of a shard's files."""
        return self.folder / f"{shard:04}.paths"

    def crystals(self) -> list[Path]:
        """List the crystals of all shards, in order."""
        return [self.crystal(shard) for shard in range(len(self.sizes))]

    def waiting(self) -> list[int]:
        """List the shards that are not finished, the largest first."""
        missing = (shard for shard in range(len(self.sizes)) if shard not in self.finished)
        return sorted(missing, key=lambda shard: -self.sizes[shard])

    def begin(self, plan: ShardPlan, options: dict[str, Any]) -> bool:
        """Write the plan, or go on with the one that is there.

        Args:
            plan: The plan.
            options: What else the shards depend on, as JSON holds it.

        Returns:
            Whether an earlier run is gone on with.

        Raises:
            CrystalError: The folder holds shards of another plan, or other files.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        known = self._read_plan()
        if known is not None:
            if (known["digest"], known["options"]) != (plan.digest, options):
                raise CrystalError(
                    f"{self.folder} has shards of other files or options: remove it to begin anew, or run as before"
                )
            self.sizes = known["sizes"]
            self.finished = self._read_finished()
            return True
        if any(self.folder.iterdir()) and not self._was_interrupted():
            raise CrystalError(f"{self.folder} is not empty and has no plan of shards in it")
        for shard, paths in enumerate(plan.shards):
            self.paths_file(shard).write_text("".join(json.dumps(path) + "\n" for path in paths), encoding="utf-8")
        self.sizes = plan.sizes
        whole = {"digest": plan.digest, "options": options, "sizes": plan.sizes}
        part = self.folder / f"{_PLAN}-new"
        _write_synced(part, json.dumps(whole))
        part.replace(self.folder / _PLAN)
        return False

    def finish(self, shard: FinishedShard) -> None:
        """Record that a shard's crystal is finished."""
        self.finished[shard.shard] = shard
        with (self.folder / _DONE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(shard)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """Remove the folder, once its crystals are merged."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove the empty crystal, which is none of the shards."""
        self.seed.unlink(missing_ok=True)

    def _read_plan(self) -> dict[str, Any] | None:
        try:
            plan: dict[str, Any] = json.loads((self.folder / _PLAN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise CrystalError(f"{self.folder / _PLAN} does not decode: remove {self.folder} to begin anew") from error
        return plan

    def _read_finished(self) -> dict[int, FinishedShard]:
        """Read the finished shards whose crystals are there; a line that was cut off is dropped."""
        finished: dict[int, FinishedShard] = {}
        for line in _lines_of(self.folder / _DONE):
            try:
                shard = FinishedShard(**json.loads(line))
            except (ValueError, TypeError):
                continue
            if self.crystal(shard.shard).is_file():
                finished[shard.shard] = shard
        return finished

    def _was_interrupted(self) -> bool:
        """Tell whether a driver was killed before it had written the plan."""
        return all(path.suffix == ".paths" or path.name == f"{_PLAN}-new" for path in self.folder.iterdir())


def read_paths(file: Path) -> list[str]:
    """Read the paths of a shard's files."""
    return [str(json.loads(line)) for line in _lines_of(file)]


def _lines_of(file: Path) -> Sequence[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
