"""`crystal watch` as a process of its own, told by the system's real file events."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.waiting import GUARD, until

from crystalcli.ingest.watch import Watcher
from crystalcli.library import Crystal
from crystalcli.storage.store import Store
from crystalcli.text.discover.fs_events import watch_events

CRYSTAL = [sys.executable, "-m", "crystalcli"]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("Alpha stands here.\n")
    (folder / "sub" / "b.txt").write_text("Beta stands there.\n")
    return folder


class Watching:
    """A watch that runs, and the batches that it has told of."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [*CRYSTAL, "watch", *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def until(
        self, *, read: set[str] | frozenset[str] = frozenset(), gone: set[str] | frozenset[str] = frozenset()
    ) -> list[dict[str, Any]]:
        """Batches up to the one with which all of these have been told."""
        batches: list[dict[str, Any]] = []
        while not batches or not (
            read <= {name for batch in batches for name in batch["read"]}
            and gone <= {name for batch in batches for name in batch["gone"]}
        ):
            batches.append(json.loads(self.lines.get(timeout=GUARD)))
        return batches

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(number)
        code = self.process.wait(GUARD)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Starts watches without weights, and ends those that a test leaves."""
    environment = {**os.environ, "CRYSTAL_MODELS": str(tmp_path / "none"), "CRYSTAL_OFFLINE": "1"}
    running: list[Watching] = []

    def begin(*arguments: str | Path) -> Watching:
        running.append(Watching([str(each) for each in arguments], environment))
        return running[-1]

    yield begin
    for each in running:
        each.process.kill()
        each.process.wait(GUARD)


def states(file: Path) -> dict[str, str]:
    with Store.open(file) as store:
        return {source.path: source.state for source in store.sources()}


def test_what_changes_is_followed_and_the_crystal_inside_makes_no_loop(docs, start):
    file = docs / "m.crystal"
    watching = start(docs, "-c", file)
    (first,) = watching.until(read={"a.md", "sub/b.txt"})
    assert first["whole"]
    (docs / "c.md").write_text("Gamma is new.\n")
    (docs / "new").mkdir()
    (docs / "new" / "d.md").write_text("Delta is in a new folder.\n")
    batches = watching.until(read={"c.md", "new/d.md"})
    assert not any(batch["whole"] or batch["gone"] for batch in batches)
    (docs / "a.md").write_text("Alpha has changed.\n")
    (docs / "sub" / "b.txt").unlink()
    watching.until(read={"a.md"}, gone={"sub/b.txt"})
    (docs / "new").rename(docs / "newer")
    watching.until(read={"newer/d.md"}, gone={"new/d.md"})
    file.unlink()  # a new one gets everything again
    (docs / "c.md").write_text("Gamma is newer.\n")
    assert watching.until(read={"a.md", "c.md", "newer/d.md"})[-1]["whole"]
    (docs / ".crystalignore").write_text("c.md\n")
    assert watching.until(gone={"c.md"})[-1]["whole"]
    assert states(file) == {
        "a.md": "done",
        "c.md": "gone",
        "newer/d.md": "done",
    }
    code, said = watching.stop()
    assert code == 130
    assert said.endswith(f"crystal: stopped; {file} holds what was read\n")
    assert [path.name for path in docs.glob("m.crystal*")] == ["m.crystal"]
    assert watching.lines.empty()  # its own writing was no event
    with Crystal.open(file, encoder=None) as crystal:
        assert crystal.recall("alpha", 1)[0].text == "Alpha has changed."


def test_what_is_chosen_holds_and_a_named_file_is_followed_through_its_replacement(tmp_path, docs, start):
    file, named = tmp_path / "m.crystal", tmp_path / "alone.log"
    named.write_text("One line.\n")
    (tmp_path / "beside.log").write_text("Nobody asked for it.\n")
    watching = start(docs, named, "-c", file, "--exclude", "*.txt")
    watching.until(read={"a.md", "alone.log"})
    (docs / "x.txt").write_text("Excluded.\n")
    (tmp_path / "beside.log").write_text("Nobody asks for it.\n")
    other = tmp_path / "alone.log.new"
    other.write_text("Another line.\n")
    other.replace(named)  # as editors save
    watching.until(read={"alone.log"})
    (docs / "y.md").write_text("Not excluded.\n")
    watching.until(read={"y.md"})
    named.unlink()
    watching.until(gone={"alone.log"})
    assert states(file) == {"a.md": "done", "alone.log": "gone", "y.md": "done"}
    assert watching.stop(signal.SIGTERM)[0] == 130


def test_it_waits_for_another_writer_and_for_a_folder_that_comes_back(tmp_path, docs, start):
    file = tmp_path / "m.crystal"
    watching = start(docs, "-c", file)
    watching.until(read={"a.md"})
    with Crystal.open(file, writable=True, encoder=None):  # between two batches the crystal is free
        (docs / "c.md").write_text("Written while another program has the crystal.\n")
        assert watching.process.stderr is not None
        while "waiting for another program" not in watching.process.stderr.readline():
            assert watching.process.poll() is None
    watching.until(read={"c.md"})
    docs.rename(tmp_path / "away")
    while "does not exist; its documents stay" not in watching.process.stderr.readline():
        assert watching.process.poll() is None
    assert set(states(file).values()) == {"done"}
    (tmp_path / "away" / "e.md").write_text("It was written elsewhere.\n")
    (tmp_path / "away").rename(docs)
    watching.until(read={"e.md"})
    (docs / "f.md").write_text("And it is watched again.\n")
    watching.until(read={"f.md"})
    assert watching.stop()[0] == 130


def test_a_password_opens_what_comes(docs, start):
    from fpdf import FPDF

    watching = start(docs, "-c", docs / "m.crystal", "--password", "user")
    watching.until(read={"a.md"})
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    pdf.add_page()
    pdf.cell(0, 8, "The brass key hangs behind the lamp.")
    pdf.set_encryption(owner_password="owner", user_password="user")
    (docs / "new.pdf").write_bytes(bytes(pdf.output()))
    watching.until(read={"new.pdf"})


def test_a_path_that_does_not_exist_is_an_error_at_once(tmp_path, start):
    watching = start(tmp_path / "nothing", "-c", tmp_path / "m.crystal")
    assert watching.process.wait(GUARD) == 3
    assert not (tmp_path / "m.crystal").exists()


def test_events_come_in_bursts_for_folders_and_files(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "file").write_text("x")
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    places = [tmp_path / "in", tmp_path / "file", tmp_path / "link"]
    with watch_events(places, lambda path: not path.endswith(".no")) as burst:
        assert burst(0.01) is None
        for number in range(50):
            (tmp_path / "in" / f"{number}").write_text("x")
        (tmp_path / "in" / "a.no").write_text("x")
        (tmp_path / "file").write_text("y")
        (tmp_path / "other").write_text("y")
        (real / "below").write_text("z")
        told: set[str] = set()
        count = 0
        expected = {str(tmp_path / "in" / f"{number}") for number in range(50)}
        expected |= {str(tmp_path / "file"), str(tmp_path / "link" / "below")}

        def all_told() -> bool:
            nonlocal told, count
            found = burst(1.0)
            told |= found or frozenset()
            count += found is not None
            return expected <= told

        until(all_told)
        assert told - expected <= {str(place) for place in places}
        assert count < len(expected)  # in bursts, not one by one


@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("docs", True),
        ("docs/a.md", True),
        ("docs/sub/.gitignore", True),
        ("docs/.git/info/exclude", True),
        ("docs/.git/index", False),
        ("docs/.hidden/a.md", False),
        ("docs/node_modules/p/a.js", False),
        ("docs/m.crystal", False),
        ("docs/other.crystal-new-journal", False),
        ("docs/x.crystal-wal", False),
        ("docsa/b.md", False),
        ("elsewhere", False),
    ],
)
def test_events_that_can_change_nothing_do_not_matter(tmp_path, docs, path, matters):
    def never(*_: object) -> Any:
        raise AssertionError

    watch = Watcher(docs / "m.crystal", [docs], never, never, never)
    assert watch.matters(str(tmp_path / path)) is matters
