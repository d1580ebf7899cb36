"""Nothing is lost: ingests killed at random moments, logs torn as by a power cut, full disks, Ctrl-C."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import faults
from support.repository import environment

from crystalcli.index import segment_writer
from crystalcli.index.encoder import DEFAULT_META
from crystalcli.ingest.ingester import Ingester
from crystalcli.storage.file.connection import PAGE
from crystalcli.storage.store import Store


def kill(kills: int, seed: int) -> dict[str, int]:
    """The campaign in a process of its own: it forks, and must not have used the tokenizer's threads before."""
    command = [sys.executable, "-m", "support.faults", "--kills", str(kills), "--seed", str(seed)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout)


def test_killed_at_twenty_random_moments_nothing_committed_is_lost():
    done = kill(20, 1)
    assert done["kills"] == 20
    assert done["commits seen"] >= done["commits"] > 0


@pytest.mark.slow
def test_killed_at_two_hundred_random_moments_nothing_committed_is_lost():
    done = kill(200, 0)
    assert done["kills"] == 200
    assert done["finished"] >= 5
    assert done["while closing"] >= 5
    assert done["left in WAL"] >= 50


# --- power cuts -------------------------------------------------------------------------------------------------------


class Recorder:
    """Copies a crystal and its log at moments of an ingest, as a disk might hold them when the power goes."""

    def __init__(self, home: Path, store: Store) -> None:
        self.store, self.home, self.copies, self.commits = store, home, [], [0]

    def copy(self) -> None:
        target = self.home / f"copy{len(self.copies)}"
        target.mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.store.path}{suffix}", target / f"m.crystal{suffix}")
        self.copies.append(target)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder, its crystal, copies of that in the making, and the numbers of chunks at which a commit ended."""
    home = tmp_path_factory.mktemp("power")
    folder, chance = home / "docs", random.Random(5)
    faults.make_folder(folder, chance)
    store = Store.create(home / "m.crystal", dict(DEFAULT_META))
    recorder, before = Recorder(home, store), segment_writer.SEGMENT_BYTES
    segment_writer.SEGMENT_BYTES = faults.SEGMENT_BYTES
    try:
        run = Ingester(store, faults.HashEncoder(), lambda _: chance.random() < 0.15 and recorder.copy())
        commit = run._writer.commit

        def noted(*, layers: bool = True) -> None:
            commit(layers=layers)
            recorder.commits.append(faults.held(store)["chunks"])

        run._writer.commit = noted
        run.run([folder])
    finally:
        segment_writer.SEGMENT_BYTES = before
        store.close()
    assert len(recorder.copies) > 10
    return recorder, folder


def torn(log: bytes, chance: random.Random) -> bytes:
    """A log whose last writes did not reach the disk whole: cut, zeroed, or with sectors that are old or noise."""
    at = chance.randrange(len(log) + 1)
    how = chance.choice(("cut", "zeroed", "sectors", "noise"))
    if how == "cut":
        return log[:at]
    if how == "zeroed":
        return log[:at] + bytes(len(log) - at)
    if how == "noise":
        return log[:at] + chance.randbytes(len(log) - at)
    tail = bytearray(log[at:])
    for start in range(0, len(tail), 512):
        if chance.random() < 0.5:
            tail[start : start + 512] = bytes(len(tail[start : start + 512]))
    return log[:at] + bytes(tail)


def test_after_a_power_cut_the_crystal_is_at_a_commit_and_goes_on(recorded, tmp_path, monkeypatch):
    monkeypatch.setattr(
        segment_writer, "SEGMENT_BYTES", faults.SEGMENT_BYTES
    )  # as `faults.ingest` does, and taken back
    recorder, folder = recorded
    chance = random.Random(9)
    for number in range(60):
        home = tmp_path / str(number)
        shutil.copytree(chance.choice(recorder.copies), home)
        crystal, log = home / "m.crystal", home / "m.crystal-wal"
        log.write_bytes(torn(log.read_bytes(), chance))
        assert faults.check_sound(crystal)["chunks"] in recorder.commits
        if number % 10 == 0:
            shutil.copytree(folder, home / "docs")  # at the same place as seen from the crystal
            faults.ingest(crystal, home / "docs")
            faults.check_same(crystal, recorder.store.path)


def test_a_checkpoint_that_a_power_cut_tore_is_done_again(recorded, tmp_path):
    recorder, _ = recorded
    chance = random.Random(3)
    for number, source in enumerate(recorder.copies):
        home = tmp_path / str(number)
        shutil.copytree(source, home)
        crystal, log = home / "m.crystal", (home / "m.crystal-wal").read_bytes()
        whole = faults.check_sound(crystal)
        shutil.rmtree(home)
        shutil.copytree(source, home)
        data = bytearray(crystal.read_bytes())
        size = PAGE
        for start in range(32, len(log) - size, size + 24):
            page = int.from_bytes(log[start : start + 4], "big")
            salt = log[start + 8 : start + 16] == log[16:24]
            if salt and page > 1 and chance.random() < 0.5 and page * size <= len(data):
                data[(page - 1) * size : page * size] = chance.randbytes(size)
        crystal.write_bytes(data)
        assert faults.check_sound(crystal) == whole


def test_a_commit_is_on_the_disk_when_it_is_done(tmp_path):
    with Store.create(tmp_path / "m.crystal", dict(DEFAULT_META)) as store:
        with store.transaction():
            store.set_meta("note", "kept")
        assert store.rows("PRAGMA synchronous") == [(2,)]
        assert store.rows("PRAGMA journal_mode") == [("wal",)]
