"""Several programs at one crystal, signals, full disks, odd places: real processes, real files."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support import faults
from support.repository import environment
from support.waiting import GUARD, until

from crystalcli.errors import DamagedCrystalError
from crystalcli.library import Crystal
from crystalcli.storage.store import Store

CRYSTAL = [sys.executable, "-m", "crystalcli"]


@pytest.fixture
def lexical(tmp_path: Path) -> dict[str, str]:
    """An environment without weights: ingests are quick."""
    return {**os.environ, "CRYSTAL_MODELS": str(tmp_path / "none"), "CRYSTAL_OFFLINE": "1", "CRYSTAL_DEBUG": "0"}


def entries(folder: Path, files: int, lines: int) -> Path:
    folder.mkdir()
    for number in range(files):
        text = "".join(f"Volume {number}, entry {i}: the value is {i * 31 + number}.\n\n" for i in range(lines))
        (folder / f"{number:02d}.txt").write_text(text)
    return folder


def documents_in(file: Path) -> int:
    """Count the documents that are committed; 0 while there is no crystal yet."""
    if not file.exists():
        return 0
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM source WHERE chunks > 0").fetchone()[0])
        except sqlite3.Error:
            return 0


# --- signals ---------------------------------------------------------------------------------------------------------


def test_the_exit_code_is_that_of_a_stop_after_an_interrupt_inside_of_exec(tmp_path):
    # `python -m` remembers an interrupt that leaves `exec`, and ends as killed by it, answered or not.
    program = """
        from crystalcli.cli import app, main

        def run():
            try:
                exec("raise KeyboardInterrupt")
            except KeyboardInterrupt:
                return app.output.failure("stopped; nothing is lost", 130)

        app.run = run
        main()
    """
    (tmp_path / "stopped.py").write_text(textwrap.dedent(program))
    done = subprocess.run([sys.executable, "-m", "stopped"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert done.stderr == "crystal: stopped; nothing is lost\n"


@pytest.mark.parametrize(
    "stop",
    [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)],
    ids=lambda number: number.name,
)
def test_what_was_read_is_kept_when_the_program_is_stopped_while_it_encodes(tmp_path, encoder_folder, stop):
    folder, file = entries(tmp_path / "docs", 4, 250), tmp_path / "m.crystal"
    command = [*CRYSTAL, "ingest", str(folder), "-c", str(file)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: documents_in(file) == 4)  # all is read, and now to be encoded
    until(lambda: "libtorch" in Path(f"/proc/{child.pid}/maps").read_text())
    time.sleep(0.3)  # the crystal has been opened again for its layers
    child.send_signal(stop)
    if stop is signal.SIGINT:
        time.sleep(0.05)
        child.send_signal(stop)  # impatience does no harm
    out, err = child.communicate(timeout=GUARD)
    assert (child.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    assert err.strip().count("\n") == 0
    assert "stopped; " in err
    if stop is not signal.SIGINT:  # impatience may leave the log of changes beside the file
        assert [path.name for path in sorted(tmp_path.iterdir())] == ["docs", "m.crystal"]
        assert "holds 4 documents" in err
        assert "what was read stays, and the same command goes on from there" in err
    assert documents_in(file) == 4
    again = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    assert (report["read"], report["unchanged"]) == (0, 4)
    with Crystal.open(file, encoder=encoder_folder) as crystal:
        assert crystal.stats().complete
        assert any("value is 31." in each.text for each in crystal.recall("Volume 0 entry 1", 4))


def test_under_nohup_a_hangup_stops_nothing(tmp_path, lexical):
    folder, file = entries(tmp_path / "docs", 8, 1500), tmp_path / "m.crystal"
    command = ["nohup", *CRYSTAL, "ingest", str(folder), "-c", str(file)]
    child = subprocess.Popen(
        command, env=lexical, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until(file.exists)
    child.send_signal(signal.SIGHUP)
    assert child.communicate(timeout=GUARD) and child.returncode == 0


# --- full disks ------------------------------------------------------------------------------------------------------


def test_a_file_that_may_not_grow_keeps_what_was_committed(tmp_path, lexical):
    folder, file = entries(tmp_path / "docs", 12, 1500), tmp_path / "m.crystal"
    command = [*CRYSTAL, "ingest", str(folder), "-c", str(file)]
    limit = 250_000
    first = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=lexical,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (first.returncode, first.stdout) == (1, ""), first.stderr
    (line,) = [line for line in first.stderr.splitlines() if "cannot write" in line]
    assert "see whether the disk is full" in line
    assert "what was committed stays" in line
    with Crystal.open(file, encoder=None) as crystal:
        held = crystal.stats().documents
        assert 0 < held < 12
    goes_on(command, lexical, held, file)


def goes_on(command: list[str], environment: dict[str, str], held: int, file: Path) -> None:
    again = subprocess.run([*command, "--json"], capture_output=True, text=True, env=environment)
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    assert report["read"] + report["unchanged"] == 12
    assert report["unchanged"] >= held - 1  # the last one held may be held in part
    with Crystal.open(file, encoder=None) as crystal:
        assert {document.state for document in crystal.documents()} == {"done"}


def may_mount() -> bool:
    return (
        subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0
    )


mounting = pytest.mark.skipif(
    shutil.which("unshare") is None or not may_mount(), reason="no small file system can be made here"
)


@mounting
def test_a_full_disk_is_named_and_what_was_committed_is_there(tmp_path, lexical):
    folder, small, kept = entries(tmp_path / "docs", 12, 1500), tmp_path / "small", tmp_path / "kept"
    small.mkdir()
    kept.mkdir()
    command = [*CRYSTAL, "ingest", str(folder), "-c", str(small / "m.crystal")]
    script = 'mount -t tmpfs -o size=400k tmpfs "$1" && shift && small="$1" && kept="$2" && shift 2 && "$@"; code=$?; '
    script += 'cp -a "$small"/. "$kept"; exit $code'
    first = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(small), str(small), str(kept), *command],
        capture_output=True,
        text=True,
        env=lexical,
    )
    assert first.returncode == 1, first.stderr
    (line,) = [line for line in first.stderr.splitlines() if "the disk is full" in line]
    assert "make room where" in line
    assert "run the same command again; what was committed stays" in line
    for path in kept.iterdir():
        shutil.copy(path, small)
    with Crystal.open(small / "m.crystal", encoder=None) as crystal:
        held = crystal.stats().documents
        assert 0 < held < 12
    goes_on(command, lexical, held, small / "m.crystal")


@mounting
def test_a_crystal_left_in_the_middle_is_read_from_a_read_only_medium(tmp_path, lexical, shelf_folder):
    medium = tmp_path / "medium"
    medium.mkdir()
    file = medium / "m.crystal"
    subprocess.run(
        [*CRYSTAL, "ingest", str(shelf_folder), "-c", str(file)], env=lexical, check=True, capture_output=True
    )
    half = "import os, sys; from pathlib import Path; from crystalcli.storage.store import Store\n"
    half += "store = Store.open(Path(sys.argv[1]), writable=True)\n"
    half += "with store.transaction(): pass\nos._exit(0)"
    subprocess.run([sys.executable, "-c", half, str(file)], check=True)
    assert file.read_bytes()[18:20] == b"\x02\x02"  # in WAL mode, as after a kill
    for left in ("-wal", "-shm"):
        file.with_name(file.name + left).unlink(missing_ok=True)
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && "$@"'

    def there(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["unshare", "-rm", "sh", "-c", script, "sh", str(medium), *CRYSTAL, *arguments, "-c", str(file)]
        return subprocess.run(command, capture_output=True, text=True, env=lexical)

    found = there("recall", "When is high water at Oldhaven?")
    assert found.returncode == 0, found.stderr
    assert "04:10" in found.stdout
    more = "import os, sys; from pathlib import Path; from crystalcli.storage.store import Store\n"
    more += "store = Store.open(Path(sys.argv[1]), writable=True)\n"
    more += "with store.transaction(): store.set_meta('a', 'b')\nos._exit(0)"
    subprocess.run([sys.executable, "-c", more, str(file)], check=True)
    file.with_name(file.name + "-shm").unlink()  # as it is copied to a medium: the log, and nothing that may be written
    refused = there("recall", "When is high water at Oldhaven?")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "it was left in the middle of a write, and this place cannot be written; copy it" in refused.stderr
    with Store.open(shutil.copytree(medium, tmp_path / "copy") / file.name) as store:
        assert store.meta()["a"] == "b"
    refused = there("ingest", str(shelf_folder))
    assert refused.returncode == 1
    assert "cannot write" in refused.stderr
    assert "Read-only file system" in refused.stderr


# --- readers and writers ---------------------------------------------------------------------------------------------

WRITER = """
import random; import sys; from pathlib import Path; from support import faults
home = Path(sys.argv[1])
for turn in range(3):
    faults.ingest(home / "m.crystal", home / "docs", home / "log", after_commit=sys.stdin.readline)
    faults.change_folder(home / "docs", random.Random(turn))
"""


def test_readers_see_one_commit_at_a_time_and_never_an_error(tmp_path):
    faults.make_folder(tmp_path / "docs", random.Random(1))
    file = tmp_path / "m.crystal"
    # After each commit the writer waits for a look of which it has not heard, so that neither of the two leaves the other behind.
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0, env=environment())
    assert writer.stdin is not None
    until(file.exists)
    chunks = documents = looks = largest = 0
    versions = set()
    with Crystal.open(file, encoder=None) as resident:
        while writer.poll() is None:
            with Crystal.open(file, encoder=None) as passing:
                for crystal in (resident, passing):
                    with crystal.snapshot():
                        stats = crystal.stats()
                        for passage in crystal.recall("the lamp and the ledger", 5):
                            assert crystal.quote(passage.path, passage.start, passage.end) == passage.text
                    assert (stats.chunks, stats.documents) >= (chunks, documents)
                    chunks, documents = stats.chunks, stats.documents
                    for document in crystal.documents()[:60:7]:
                        _, views = crystal.zoom(document.path)
                        assert sum(1 for _ in views) >= document.chunks > -1
            log = file.with_name(file.name + "-wal")
            if log.exists():
                largest = max(largest, log.stat().st_size)
            looks += 1
            versions.add(chunks)
            with suppress(BrokenPipeError):
                writer.stdin.write(b"\n")
    writer.stdin.close()
    assert writer.returncode == 0
    assert looks > 5
    assert len(versions) > 3
    assert (
        0 < largest < 12_000_000
    )  # SQLite begins the log anew after some 4 MB: the reader holds nothing between its calls
    faults.check_sound(file)


def test_a_second_writer_waits_or_gives_up_with_a_line(tmp_path, lexical):
    folder, file = entries(tmp_path / "docs", 8, 1500), tmp_path / "m.crystal"
    command = [*CRYSTAL, "ingest", str(folder), "-c", str(file), "--wait", "60"]
    holder = Store.create(file, {"encoder": "all-MiniLM-L6-v2"})
    two = [
        subprocess.Popen(command, env=lexical, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        at_once = subprocess.run(command[:-2], env=lexical, capture_output=True, text=True)
        assert at_once.returncode == 1
        line = at_once.stderr.splitlines()[-1]
        assert (
            f"another program is writing m.crystal (process {os.getpid()}): wait for it to finish (`--wait SECONDS`"
            in line
        )
        for child in two:
            assert child.stderr is not None
            assert any("waiting for another program that is writing m.crystal" in line for line in child.stderr)
        assert [child.poll() for child in two] == [None, None]
    finally:
        holder.close()
    said = [child.communicate(timeout=GUARD) for child in two]
    assert [child.returncode for child in two] == [0, 0], said
    with Crystal.open(file, encoder=None) as crystal:
        assert crystal.stats().documents == 8
    assert not list(tmp_path.glob("m.crystal-*"))


def test_two_writers_that_wait_make_one_crystal_together(tmp_path, lexical):
    folder, void, file = entries(tmp_path / "docs", 8, 1500), tmp_path / "void", tmp_path / "m.crystal"
    void.mkdir()

    def ingest(what: Path) -> subprocess.Popen[str]:
        command = [*CRYSTAL, "ingest", str(what), "-c", str(file), "--wait", "60"]
        return subprocess.Popen(command, env=lexical, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    children = [ingest(void), ingest(folder), ingest(void), ingest(folder)]  # where nothing is read, nothing is left
    said = [child.communicate(timeout=GUARD) for child in children]
    assert {children[1].returncode, children[3].returncode} == {0}, said
    assert {children[0].returncode, children[2].returncode} <= {0, 3}, said
    assert not any("Traceback" in err for _, err in said)
    assert not list(tmp_path.glob("m.crystal-*"))
    with Crystal.open(file, encoder=None) as crystal:
        assert crystal.stats().documents == 8


# --- odd places ------------------------------------------------------------------------------------------------------


def ingested(folder: Path, *crystals: Path) -> list[str]:
    """Ingest a folder into each crystal twice; what the last of them holds."""
    for _ in range(2):
        for path in crystals:
            exists = path.exists()
            with (
                Crystal.open(path, writable=True, encoder=None)
                if exists
                else Crystal.create(path, encoder=None) as crystal
            ):
                report = crystal.ingest([folder])
                assert list(report.skipped) == []
                assert report.gone == 0
                held = list(crystal)
    return sorted(held)


def test_a_memory_does_not_read_itself_nor_its_neighbours(shelf_folder):
    documents = ["code/tide.py", "notes.md", "tale.txt"]
    assert ingested(shelf_folder, shelf_folder / "m.crystal", shelf_folder / "n.crystal") == documents
    (shelf_folder / "code" / "data.db").symlink_to(shelf_folder / "m.crystal")
    assert ingested(shelf_folder, shelf_folder / "code" / "data.db") == documents
    with Store.open(shelf_folder / "n.crystal", writable=True):  # with all that stands beside it while it is written
        (shelf_folder / "n.crystal-new").write_text("left by an interruption")
        (shelf_folder / "n.crystal-journal").write_text("")
        assert ingested(shelf_folder, shelf_folder / "m.crystal") == documents


def test_a_crystal_behind_a_link_does_not_read_itself(tmp_path, shelf_folder):
    (tmp_path / "link").symlink_to(shelf_folder / "data.db")
    assert ingested(shelf_folder, tmp_path / "link") == ["code/tide.py", "notes.md", "tale.txt"]
    assert (shelf_folder / "data.db").is_file()
    with Crystal.open(shelf_folder / "data.db", writable=True, encoder=None) as crystal:
        assert crystal.ingest([shelf_folder]).unchanged == 3


def test_places_with_odd_names(tmp_path, shelf_folder, lexical):
    home = tmp_path / "a b?c#d%20é ü;&'\"\n"
    home.mkdir()
    shelf = shutil.move(shelf_folder, home / "shelf #1?")
    file = home / "my memory?mode=ro#x%41.crystal"
    for word in ("documents", "nothing new"):
        done = subprocess.run(
            [*CRYSTAL, "ingest", str(shelf), "-c", str(file)], env=lexical, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert word in done.stdout
    found = subprocess.run(
        [*CRYSTAL, "recall", "high water", "-c", str(file)], env=lexical, capture_output=True, text=True
    )
    assert "04:10" in found.stdout
    assert {path.name for path in home.iterdir()} == {"shelf #1?", file.name}


def test_a_crystal_cut_short_is_damaged_not_busy(tmp_path, shelf_folder):
    file = tmp_path / "m.crystal"
    ingested(shelf_folder, file)
    file.write_bytes(file.read_bytes()[:9000])
    with pytest.raises(DamagedCrystalError, match="damaged"), Crystal.open(file, encoder=None) as crystal:
        crystal.stats()


def test_a_text_that_stands_twice_is_cited_at_both_places(tmp_path, shelf_folder, lexical):
    shutil.copy(shelf_folder / "notes.md", shelf_folder / "copy of notes.md")
    file = tmp_path / "m.crystal"
    ingested(shelf_folder, file)
    command = [*CRYSTAL, "recall", "high water at Oldhaven", "-k", "1", "-c", str(file)]
    shown = subprocess.run(command, env=lexical, capture_output=True, text=True).stdout
    assert shown.startswith(f" 1  {shelf_folder}/notes.md:1  ")
    assert f"    also in {shelf_folder}/copy of notes.md:1\n" in shown
    (passage,) = json.loads(subprocess.run([*command, "--json"], env=lexical, capture_output=True).stdout)["passages"]
    assert [(each["path"], each["line_start"]) for each in passage["also"]] == [("copy of notes.md", 1)]
