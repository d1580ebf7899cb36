"""Ingest by a real Ray cluster on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from support.lexical_crystals import inside, write

from crystalcli import Crystal
from crystalcli.cluster import ingest_by_ray

pytest.importorskip("ray", reason="the extra `ray` is not installed")

LINE = "The keeper of lamp {n} writes the hours of tide {m} into ledger {n}. "


def make_folder(home: Path, files: int, repeats: int) -> Path:
    """A folder of texts that all differ."""
    return write(
        home / "docs",
        {f"{n:02}.txt": "".join(LINE.format(n=n, m=m) for m in range(repeats)) for n in range(files)},
    )


def crystal(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "crystalcli", "ingest", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_cluster_of_one_process_makes_what_one_ingest_makes(tmp_path, encoder_folder):
    folder = make_folder(tmp_path, 3, 10)
    with Crystal(tmp_path / "one.crystal", encoder=encoder_folder) as one:
        one.ingest([folder], layers=False)
    out, err = crystal(
        folder, "-c", tmp_path / "all.crystal", "--ray", "local", "--jobs", "1", "--wait-for", "text", "--json"
    ).communicate(timeout=900)
    report = json.loads(out)
    assert (report["documents"], report["lost"], report["merged"]["crystals"]) == (3, 0, report["shards"]), err
    assert inside(tmp_path / "all.crystal") == inside(tmp_path / "one.crystal")
    assert not (tmp_path / "all.crystal-shards").exists()


@pytest.mark.ray
def test_with_a_process_killed_in_the_middle_the_crystal_is_that_of_one_ingest(tmp_path, encoder_folder):
    folder = make_folder(tmp_path, 6, 400)
    with Crystal(tmp_path / "one.crystal", encoder=encoder_folder) as one:
        one.ingest([folder], jobs=1)
    killed: list[int] = []
    stop = threading.Event()

    def kill_a_writer() -> None:
        shards = tmp_path / "all.crystal-shards"
        while not killed and not stop.wait(0.05):
            if not any(shards.glob("????.crystal")):  # none has begun
                continue
            for child in psutil.Process().children(recursive=True):
                try:
                    if "_Writer" in " ".join(child.cmdline()):
                        os.kill(child.pid, signal.SIGKILL)
                        killed.append(child.pid)
                        break
                except psutil.Error:
                    continue

    killer = threading.Thread(target=kill_a_writer)
    killer.start()
    try:
        report = ingest_by_ray(
            tmp_path / "all.crystal", [folder], encoder=str(encoder_folder), processes=2, shard_size=30_000
        )
    finally:
        stop.set()
        killer.join()
    assert killed
    assert report.lost >= 1
    assert report.shards >= 3
    assert inside(tmp_path / "all.crystal") == inside(tmp_path / "one.crystal")


@pytest.mark.ray
def test_a_run_that_is_broken_off_goes_on_where_it_was_and_leaves_shards(tmp_path, encoder_folder):
    folder = make_folder(tmp_path, 4, 200)
    options = {"encoder": str(encoder_folder), "shards": True, "layers": False, "processes": 1, "shard_size": 10_000}

    def stop(progress):
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest_by_ray(tmp_path / "shards", [folder], progress=stop, **options)
    report = ingest_by_ray(tmp_path / "shards", [folder], **options)
    assert report.resumed >= 1
    assert report.shards > report.resumed
    assert (report.documents, report.merged) == (4, None)
    with Crystal(tmp_path / "one.crystal", encoder=encoder_folder) as one:
        one.ingest([folder], layers=False)
        with Crystal(tmp_path / "shards", encoder=encoder_folder) as shards:
            assert shards.documents() == one.documents()
            question = "Who writes into ledger 3?"
            assert [p.text for p in shards.recall(question, rerank=False)] == [
                p.text for p in one.recall(question, rerank=False)
            ]
    shutil.rmtree(tmp_path / "shards")


def test_an_address_without_a_cluster_is_one_clear_error(tmp_path):
    folder = make_folder(tmp_path, 1, 1)
    run = crystal(folder, "-c", tmp_path / "all.crystal", "--ray", "127.0.0.1:1")
    _, err = run.communicate(timeout=600)
    assert run.returncode == 1
    assert "cannot reach the Ray cluster" in err
    assert "Traceback" not in err
    assert not (tmp_path / "all.crystal").exists()
