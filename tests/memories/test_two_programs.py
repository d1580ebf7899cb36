"""Memories are told while other programs write, and by programs that are killed: real processes, real files."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.waiting import GUARD, until

from crystalcli import Crystal
from crystalcli.errors import LockedError
from crystalcli.storage.file.file_lock import WRITING, lock_beside, lock_for_telling, lock_holder, release_lock

CRYSTAL = [sys.executable, "-m", "crystalcli"]


@pytest.fixture
def lexical(tmp_path: Path) -> dict[str, str]:
    """An environment without weights: ingests are quick."""
    return {**os.environ, "CRYSTAL_MODELS": str(tmp_path / "none"), "CRYSTAL_OFFLINE": "1", "CRYSTAL_DEBUG": "0"}


def test_a_memory_is_told_during_an_ingest_and_indexed_by_it(tmp_path, lexical):
    path, docs = tmp_path / "m.crystal", tmp_path / "docs"
    docs.mkdir()
    for number in range(12):
        text = "".join(f"Volume {number}, entry {i}: the value is {i * 31 + number}.\n\n" for i in range(500))
        (docs / f"{number:02d}.txt").write_text(text)
    Crystal.create(path, encoder=None).close()
    ingest = subprocess.Popen(
        [*CRYSTAL, "ingest", str(docs), "-c", str(path)], env=lexical, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    until(lambda: lock_holder(path, WRITING) is not None)  # it has begun to write
    with Crystal(path, encoder=None) as crystal:
        memory = crystal.remember("The bell of Skarn cracked in the frost.")
        was_shared = memory.waits
        ids = [memory.id, crystal.remember("The lamp was sold.").id]
        crystal.pin_memories(ids[1:])
    assert ingest.wait(timeout=GUARD) == 0, ingest.stderr.read() if ingest.stderr else ""
    assert was_shared
    with Crystal(path, encoder=None) as crystal:
        assert crystal.index_told()
        assert {m.id for m in crystal.memories()} == set(ids)
        assert [m.text for m in crystal.memories(pinned=True)] == ["The lamp was sold."]
        assert (
            crystal.recall("Which bell cracked in the frost?", 1)[0].path == f"memories/{memory.dated[:10]}-{memory.id}"
        )
        assert crystal.stats().documents == 14
        assert crystal.verify().sound


def test_two_programs_tell_at_the_same_time(tmp_path, lexical):
    path = tmp_path / "m.crystal"
    Crystal.create(path, encoder=None).close()
    code = (
        "import sys; from crystalcli import Crystal\n"
        "with Crystal(sys.argv[1], encoder=None) as crystal:\n"
        "    for number in range(12): crystal.remember(f'{sys.argv[2]} told {number}.')\n"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code, str(path), name], env=lexical) for name in ("Ann", "Ben")]
    assert [program.wait(timeout=GUARD) for program in programs] == [0, 0]
    with Crystal(path, encoder=None) as crystal:
        assert crystal.index_told()
        told = {f"{name} told {number}." for name in ("Ann", "Ben") for number in range(12)}
        assert {m.text for m in crystal.memories()} == told
        assert crystal.stats().documents == 24
        assert crystal.verify().sound


def test_a_killed_program_leaves_a_memory_whole_or_not_at_all(tmp_path, lexical):
    path, chance = tmp_path / "m.crystal", random.Random(22)
    Crystal.create(path, encoder=None).close()
    code = (
        "import sys; from crystalcli import Crystal\n"
        "with Crystal(sys.argv[1], encoder=None) as crystal:\n"
        "    for number in range(10_000):\n"
        "        crystal.remember(f'Entry {sys.argv[2]}-{number}.'); print(number, flush=True)\n"
    )
    reported = set()
    for turn in range(3):
        program = subprocess.Popen(
            [sys.executable, "-c", code, str(path), str(turn)], env=lexical, stdout=subprocess.PIPE, text=True
        )
        assert program.stdout is not None
        reported.add(f"Entry {turn}-{program.stdout.readline().strip()}.")
        time.sleep(chance.random() / 5)
        program.send_signal(signal.SIGKILL)
        reported |= {f"Entry {turn}-{line.strip()}." for line in program.communicate()[0].split("\n") if line.strip()}
        with Crystal(path, encoder=None) as crystal:
            assert crystal.index_told()
            texts = [m.text for m in crystal.memories()]
            assert reported <= set(texts)
            assert len(texts) == len(set(texts)) == crystal.stats().documents
            assert crystal.verify().sound


def test_nothing_is_told_while_another_file_takes_the_place(tmp_path):
    path = tmp_path / "m.crystal"
    with Crystal(path, encoder=None) as crystal:
        crystal.remember("The red key.")
        lock, telling = lock_beside(path), lock_for_telling(path)  # as `compact` does
        try:
            crystal._wait = 0.0
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("crystalcli.library._WAIT_TO_TELL", 0.05)
                with pytest.raises(LockedError, match="another program is writing"):
                    crystal.remember("The blue key.")
        finally:
            release_lock(telling)
            release_lock(lock)
        crystal.remember("The blue key.")
        assert crystal.memory_count() == 2
