"""Shards without a cluster: how files are cut, what the ledger keeps, and what the crystals become."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lexical_crystals import folders, inside, texts, write

from crystalcli import Crystal
from crystalcli.cluster.shard_ledger import ShardLedger
from crystalcli.cluster.shard_plan import plan_shards
from crystalcli.cluster.shard_writer import ShardOrder, write_shard
from crystalcli.errors import CrystalError
from crystalcli.maintenance.merge import merge_crystals
from crystalcli.text import FileFilter


def make_shards(folder: Path, home: Path, size: int, file_filter: FileFilter | None = None) -> ShardLedger:
    """Make the crystals of all shards here, one after the other."""
    ledger = ShardLedger(home / "shards")
    ledger.begin(plan_shards([folder], file_filter, home / "all.crystal", 2, size), {})
    Crystal(ledger.seed, mode="write", encoder=None).close()
    for shard in ledger.waiting():
        order = ShardOrder(
            shard,
            *(str(path) for path in (ledger.crystal(shard), ledger.paths_file(shard), ledger.seed)),
            [str(folder)],
            "auto",
            file_filter,
            "",
            layers=False,
        )
        ledger.finish(write_shard(order))
    return ledger


@settings(max_examples=6, deadline=None)
@given(files=folders, size=st.integers(1, 3000))
def test_the_shards_of_a_folder_become_what_one_ingest_makes(files, size):
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYSTAL_MODELS", name)
        patch.setenv("CRYSTAL_OFFLINE", "1")
        home = Path(name).resolve()
        folder = write(home / "docs", files)
        (folder / "picture.png").write_bytes(bytes(100))
        ledger = make_shards(folder, home, size)
        with Crystal(home / "one.crystal", encoder=None) as one:
            one.ingest([folder])
        merge_crystals(ledger.crystals(), home / "all.crystal", least=1)
        assert inside(home / "all.crystal") == inside(home / "one.crystal")
        assert texts(home / "all.crystal") == texts(home / "one.crystal")
        with Crystal(home / "all.crystal", encoder=None) as crystal, Crystal(home / "one.crystal", encoder=None) as one:
            assert crystal.documents() == one.documents()
            assert crystal.status().complete == one.status().complete
            assert crystal.ingest([folder]).read == 0
        with Crystal(ledger.crystals(), encoder=None) as several, Crystal(home / "one.crystal", encoder=None) as one:
            assert [p.text for p in several.recall("ferry keeper lamp")] == [
                p.text for p in one.recall("ferry keeper lamp")
            ]


def test_shards_are_consecutive_and_of_about_one_size(tmp_path):
    folder = write(tmp_path / "docs", {f"{n:02}.txt": "x" * (100 * n) for n in range(1, 20)})
    plan = plan_shards([folder], None, tmp_path / "all.crystal", 4, 2000)
    names = [Path(path).name for shard in plan.shards for path in shard]
    assert names == sorted(names)
    assert len(names) == 19
    assert sum(plan.sizes) == 100 * 190
    assert all(size <= 2000 or len(shard) == 1 for size, shard in zip(plan.sizes, plan.shards, strict=True))
    assert len(plan.shards) >= 10
    assert plan_shards([folder], None, tmp_path / "all.crystal", 9, 2000).digest == plan.digest
    (folder / "05.txt").write_text("changed")
    assert plan_shards([folder], None, tmp_path / "all.crystal", 4, 2000).digest != plan.digest
    only = plan_shards([folder], FileFilter(("0*.txt",)), tmp_path / "all.crystal", 4, 2000)
    assert [Path(path).name for shard in only.shards for path in shard] == names[:9]


def test_the_ledger_goes_on_with_what_is_not_finished(tmp_path):
    folder = write(tmp_path / "docs", {f"{n}.txt": f"The {n}. rope.\n" for n in range(4)})
    plan = plan_shards([folder], None, tmp_path / "all.crystal", 2, 1)
    ledger = make_shards(folder, tmp_path, 1)
    assert sorted(ledger.finished) == [0, 1, 2, 3]
    ledger.crystal(2).unlink()
    with (ledger.folder / "done.jsonl").open("a") as file:
        file.write('{"shard": 2, "docum')  # the driver was killed
    again = ShardLedger(ledger.folder)
    assert again.begin(plan, {})
    assert again.waiting() == [2]
    with pytest.raises(CrystalError, match="other files or options"):
        ShardLedger(ledger.folder).begin(plan, {"layers": True})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    with pytest.raises(CrystalError, match="not empty"):
        ShardLedger(tmp_path / "photos").begin(plan, {})
    assert (tmp_path / "photos" / "me.jpg").exists()


def test_a_shard_that_was_left_half_done_is_gone_on_with(tmp_path, encoder_folder):
    folder = write(tmp_path / "docs", {f"{n}.txt": f"The {n}. rope is new.\n" for n in range(3)})
    ledger = ShardLedger(tmp_path / "shards")
    ledger.begin(plan_shards([folder], None, tmp_path / "all.crystal", 1), {})
    Crystal(ledger.seed, mode="write", encoder=encoder_folder).close()
    assert ledger.sizes == [3 * len("The 0. rope is new.\n")]
    shutil.copy(ledger.seed, ledger.crystal(0))
    with Crystal(ledger.crystal(0), mode="write", encoder=encoder_folder) as crystal:
        crystal.ingest([folder], include=["0.txt"], layers=False)
        crystal.ingest([folder], include=[], layers=False)
    before = ledger.crystal(0).stat().st_ino
    files = (str(path) for path in (ledger.crystal(0), ledger.paths_file(0), ledger.seed))
    finished = write_shard(ShardOrder(0, *files, [str(folder)], str(encoder_folder), None, "", layers=True))
    assert (finished.documents, finished.skipped) == (3, 0)
    assert ledger.crystal(0).stat().st_ino == before
    with Crystal(ledger.crystal(0), encoder=encoder_folder) as crystal:
        assert crystal.layer_share == 1.0
