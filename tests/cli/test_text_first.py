"""`crystal ingest` stores text first; layers follow, here or by a worker: real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.waiting import GUARD, until

from crystalcli.library import Crystal

CRYSTAL = [sys.executable, "-m", "crystalcli"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_folder: Path) -> Path:
    """A folder with seven documents, in the working folder."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(6):
        lines = (f"Volume {number}, entry {i}: the value is {i * 31 + number}.\n\n" for i in range(20))
        (docs / f"{number:02d}.txt").write_text("".join(lines))
    (docs / "beacon.txt").write_text("The beacon on the mole is green.\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRYSTAL_FILE", raising=False)
    return tmp_path


def crystal(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*CRYSTAL, *arguments], capture_output=True, text=True, timeout=GUARD)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def report_of(*arguments: str, code: int = 0) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(crystal(*arguments, "--json", code=code).stdout)
    return report


def test_text_alone_is_waited_for_and_layers_are_made_later(home):
    report = report_of("ingest", "docs", "--wait-for", "text")
    assert (report["read"], report["encoded_tokens"], report["layer_share"]) == (7, 0, 0.0)
    asked = crystal("recall", "beacon on the mole", "-k", "1")
    assert "is green" in asked.stdout
    assert "layers of 0 %: all is found by words alone; `crystal ingest --layers` makes them" in asked.stderr
    status = crystal("status", code=1)
    assert "layers   0 %; `crystal ingest --layers` makes the rest" in status.stdout
    assert "layers" in crystal("inspect").stdout
    made = report_of("ingest", "--layers")
    assert (made["encoded_tokens"], made["layer_share"], made["layers_by"]) == (report["tokens"], 1.0, None)
    assert report_of("status")["layer_worker"] is None
    assert "layers of" not in crystal("recall", "beacon on the mole", "-k", "1").stderr
    assert report_of("ingest", "--layers")["encoded_tokens"] == 0


def test_a_worker_goes_on_after_the_command_and_can_be_stopped(home):
    report = report_of("ingest", "docs", "--background")
    worker = report["layers_by"]
    assert report["read"] == 7
    try:
        _halt(worker, home / "memory.crystal")  # so that it is there for as long as it is looked at
        assert os.getpriority(os.PRIO_PROCESS, worker) == 19
        status = report_of("status", code=1)
        assert status["layer_worker"] == {"process": worker, "in_background": True}
        asked = crystal("ask", "--quote", "beacon on the mole")
        assert "they are being made" in asked.stderr
        assert report_of("ingest", "--layers", "--background")["layers_by"] == worker  # one for each crystal
        (home / "docs" / "new.txt").write_text("The buoy is red.\n")
        added = report_of("ingest", "docs", "--wait-for", "text")  # nothing is locked meanwhile
        assert (added["read"], added["layer_share"]) == (1, 0.0)
    finally:
        os.kill(worker, signal.SIGCONT)
    stopped = report_of("ingest", "--stop")
    assert stopped["stopped"] in (worker, None)  # it may have ended by itself
    assert report_of("ingest", "--stop")["stopped"] is None
    assert report_of("ingest", "docs")["layer_share"] == 1.0
    with Crystal.open(home / "memory.crystal", encoder=None) as opened:
        assert opened.status().complete
        assert opened.verify().sound
    assert sorted(path.name for path in home.iterdir()) == ["docs", "memory.crystal"]


def _halt(worker: int, file: Path) -> None:
    """Stop a worker for a while, at a moment at which it does not have the file locked."""

    def halted_without_a_lock() -> bool:
        os.kill(worker, signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
                is_locked = file.with_name(file.name + "-lock").exists()
            except sqlite3.OperationalError:
                is_locked = True
        if is_locked:
            os.kill(worker, signal.SIGCONT)
        return not is_locked

    until(halted_without_a_lock)


def test_a_worker_that_is_left_alone_makes_all_layers(home):
    worker = report_of("ingest", "docs", "--background")["layers_by"]
    until(lambda: _share() == 1.0)
    until(lambda: not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text())
    assert sorted(path.name for path in home.iterdir()) == ["docs", "memory.crystal"]


def _share() -> float:
    with Crystal.open("memory.crystal", encoder=None) as opened:
        return opened.layer_share


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--layers", "docs"),
        ("--stop", "docs"),
        ("--stop", "--layers"),
        ("--stop", "--background"),
        ("--layers", "--wait-for", "text"),
        ("docs", "--background", "--wait-for", "layers"),
        ("docs", "--dry-run", "--background"),
        ("docs", "--wait-for", "nothing"),
    ],
)
def test_options_that_exclude_one_another_are_refused(home, arguments):
    crystal("ingest", *arguments, code=2)
    assert not (home / "memory.crystal").exists()


def test_there_must_be_a_crystal_to_make_layers_of(home):
    for option in ("--layers", "--stop"):
        assert "does not exist" in crystal("ingest", option, code=3).stderr
    assert not (home / "memory.crystal").exists()
