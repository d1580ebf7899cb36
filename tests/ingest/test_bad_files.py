"""Bad files: whatever their bytes, an ingest reads them or lists them with a reason, and reads all the others.

$CRYSTAL_FUZZ_FILES says how many spoilt files, from the seed $CRYSTAL_FUZZ_SEED on; a failure names the seeds.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import bombs, formats, mutations

from crystalcli.datatypes import Document
from crystalcli.errors import Reason, SourceError
from crystalcli.library import Crystal
from crystalcli.storage.tables.reason_codes import reason_code_of
from crystalcli.text.readers import open_source

COUNT = int(os.environ.get("CRYSTAL_FUZZ_FILES", "300"))
SEED = int(os.environ.get("CRYSTAL_FUZZ_SEED", "0"))
SPACE = 3 << 30  # bytes of address space that an ingest gets
HANGS = 600.0 + COUNT  # seconds, many times what an ingest takes on a busy machine
MEMORY = 900  # MB that it may have in use, at most
GOOD = "The keeper said that the lamp burns 14 litres of oil a night.\n"


@dataclass(frozen=True)
class Run:
    """One ingest. seconds: of the processor; megabytes: the most it had in use."""

    code: int
    said: dict
    err: str
    seconds: float
    megabytes: float


def ingest(folder: Path, crystal: Path) -> Run:
    """`crystal ingest` as a person runs it, without weights; stopped, which is a failure, when it hangs."""
    out, err = crystal.with_suffix(".out"), crystal.with_suffix(".err")
    nowhere = {"CRYSTAL_MODELS": str(crystal.parent / "none"), "CRYSTAL_OFFLINE": "1", "CRYSTAL_DEBUG": "0"}
    began = time.monotonic()
    with out.open("wb") as to_out, err.open("wb") as to_err:
        child = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "crystalcli", "ingest", folder, "-c", crystal, "--json"],
            stdout=to_out,
            stderr=to_err,
            env={**os.environ, **nowhere, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE)),
        )
        most = 0.0
        while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
            most = max(most, _most_held(child.pid))
            if time.monotonic() - began > HANGS:
                child.send_signal(signal.SIGABRT)  # says where it is
                ended = os.wait4(child.pid, 0)
                pytest.fail(f"not done after {HANGS:.0f} s:\n{err.read_text()[-3000:]}")
            time.sleep(0.02)
    _, status, used = ended
    child.returncode = os.waitstatus_to_exitcode(status)
    said = out.read_text(encoding="utf-8")
    return Run(
        child.returncode,
        json.loads(said) if said else {},
        err.read_text(encoding="utf-8"),
        used.ru_utime + used.ru_stime,
        most,
    )


def _most_held(pid: int) -> float:
    """The most memory a process has held, in megabytes; what `wait4` says includes what this one held when it forked."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def check(run: Run, crystal: Path) -> dict[str, Document]:
    """What holds of every ingest that met bad files; returns the ledger."""
    assert "Traceback" not in run.err
    assert run.code == 0, run.err[-3000:]
    assert all(line.startswith("crystal: ") for line in run.err.splitlines()), run.err[-3000:]
    assert run.megabytes < MEMORY
    with Crystal.open(crystal, encoder=None) as opened:
        held = {document.path: document for document in opened.documents()}
        assert opened.verify().problems == ()
        for document in held.values():
            assert document.state in ("done", "skipped", "failed"), document
            if document.state == "done":
                assert document.reason is None
                continue
            assert 0 < len(document.reason) <= 200, document
            assert not [each for each in document.reason if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")]
            assert "/tmp" not in document.reason
            assert document.code != Reason.UNEXPECTED, document  # a reader knows what can be wrong with its files
            assert document.code == reason_code_of(document.reason), document  # as in a crystal of version 1 or 2
    listed = {(each["path"], each["reason"], each["code"]) for each in run.said["skipped"]}
    assert listed == {(each.path, each.reason, each.code) for each in held.values() if each.state != "done"}
    return held


def texts(crystal: Path) -> dict[str, str]:
    with Crystal.open(crystal, encoder=None) as opened:
        return {
            document.path: opened.quote(document.path, 0, document.characters)
            for document in opened.documents()
            if document.chunks
        }


def alone(path: Path) -> str:
    """A file's text, read by itself."""
    return "".join(piece for piece in open_source(path)[1].pieces() if isinstance(piece, str))


def spoilt(number: int, gallery: dict[str, bytes]) -> tuple[str, str, bytes]:
    """The spoilt file of a seed: the name of the good one, how it was spoilt, and its bytes."""
    chance = random.Random(number)
    name = list(gallery)[number % len(gallery)]
    way, data = mutations.mutate(gallery[name], chance)
    return name, way, data


def test_a_seed_makes_the_same_file_again():
    gallery = formats.gallery()
    seeds = range(SEED, SEED + 2 * len(gallery))
    made = [spoilt(number, gallery) for number in seeds]
    again = formats.gallery()
    assert made == [spoilt(number, again) for number in seeds]
    assert {name for name, _, _ in made} == set(gallery)
    assert sum(data != gallery[name] for name, _, data in made) > 0.9 * len(made)


def test_spoilt_files_are_read_or_listed_and_the_rest_is_read(tmp_path):
    shelf, crystal = tmp_path / "shelf", tmp_path / "m.crystal"
    gallery = formats.gallery()
    for name, data in gallery.items():
        (shelf / "good").mkdir(parents=True, exist_ok=True)
        (shelf / "good" / name).write_bytes(data)
    made = {}
    for number in range(SEED, SEED + COUNT):
        name, way, data = spoilt(number, gallery)
        path = shelf / f"{number:06d}" / name  # a folder of its own: what stands beside a file may explain it
        path.parent.mkdir()
        path.write_bytes(data)
        made[path.relative_to(shelf).as_posix()] = way
    run = ingest(shelf, crystal)
    held = check(run, crystal)
    assert run.seconds < 20 + COUNT / 5
    assert set(held) >= {*made, *(f"good/{name}" for name in gallery)}, "neither read nor listed"
    found = texts(crystal)
    for name in gallery:
        document = held[f"good/{name}"]
        try:
            wanted = alone(shelf / "good" / name)
        except SourceError as error:  # no reader of that kind yet
            assert (document.state, document.reason) == ("skipped", str(error))
        else:
            assert found.get(document.path, "") == wanted
    # What a spoilt file says follows from its bytes, whatever was read before it.
    for path in random.Random(SEED).sample(sorted(made), min(len(made), 20)):
        if held[path].chunks:
            assert found[path] == alone(shelf / path), made[path]
    with Crystal.open(crystal, encoder=None) as opened:
        for sample in formats.SAMPLES:
            for passage in opened.recall(sample.facts[0].question, k=20):
                assert opened.quote(passage.path, passage.start, passage.end) == passage.text
                assert "\n" not in str(passage.place)


def _of_eight(number: int) -> list[str]:
    return [*bombs.BOMBS][number :: len(bombs.BOMBS) // 8]


@pytest.mark.parametrize("number", range(len(bombs.BOMBS) // 8))
def test_bombs_are_read_or_listed_soon_and_in_little_memory(tmp_path, number):
    """Eight of them in one ingest: a process for each takes longer than the bombs."""
    shelf, crystal, names = tmp_path / "shelf", tmp_path / "m.crystal", _of_eight(number)
    shelf.mkdir()
    for name in names:
        (shelf / f"a-{name}").write_bytes(bombs.BOMBS[name]())
    (shelf / "b-good.txt").write_text(GOOD, encoding="utf-8")
    run = ingest(shelf, crystal)
    held = check(run, crystal)
    print(f"{names}: {run.seconds:.1f} s, {run.megabytes:.0f} MB")
    assert run.seconds < 40, f"{run.seconds:.1f} s"
    assert texts(crystal)["b-good.txt"] == GOOD
    for name in names:
        of_bomb = {path: each for path, each in held.items() if path == f"a-{name}" or path.startswith(f"a-{name}/")}
        assert of_bomb, name
        assert sum(document.characters for document in of_bomb.values()) < 64 << 20, name


def test_every_bomb_is_in_one_of_the_ingests():
    assert sorted(name for number in range(len(bombs.BOMBS) // 8) for name in _of_eight(number)) == sorted(bombs.BOMBS)
