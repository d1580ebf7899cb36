"""A folder of files and the crystal that is made of it, again and again."""

from __future__ import annotations

import os
from pathlib import Path

from crystalcli import library
from crystalcli.ingest.ingester import IngestReport
from crystalcli.maintenance.verify import verify_crystal
from crystalcli.storage.store import Store


class IngestedFolder:
    """A folder, and a crystal of it without an encoder."""

    def __init__(self, folder: Path, crystal: Path) -> None:
        self.folder, self.crystal = folder, crystal
        self.folder.mkdir(exist_ok=True)

    def write(self, name: str, content: bytes, at: int) -> Path:
        """A file with the time `at`, in seconds."""
        path = self.folder / name
        path.write_bytes(content)
        os.utime(path, (at, at))
        return path

    def ingest(self, *, prune: bool = False) -> IngestReport:
        with library.Crystal(self.crystal, mode="write", encoder=None) as opened:
            return opened.ingest([self.folder], prune=prune)

    def states(self) -> dict[str, str]:
        """Each row's state; with it holds that the file is sound."""
        with Store.open(self.crystal) as store:
            assert verify_crystal(store).problems == ()
            return {source.path: source.state for source in store.sources()}
