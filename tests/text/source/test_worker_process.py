"""Readers in a process of their own: what they give, how they are stopped, and that they leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.waiting import GUARD, until

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError, UnsteadySourceError
from crystalcli.text.source import worker_process
from crystalcli.text.source.file_bytes import survey_file
from crystalcli.text.source.read_request import ReadOptions, ReadRequest
from crystalcli.text.source.worker_process import Bounds, WorkerReading

# Readers as they may go wrong. They are found by the child because a folder of them stands in its package's path.
READER = """
import os, sys, time, ctypes
from crystalcli.errors import Reason, SourceError
from crystalcli.datatypes import Landmark

class Base:
    kind = "x"
    title = "T"
    def __init__(self, asked):
        self.asked = asked

class Good(Base):
    def pieces(self):
        print("what a library says")
        yield Landmark(0, "page", "1")
        yield ""
        yield self.asked.path.read_text() + self.asked.options.password + "\\ud800"
        yield str(os.getpid())

class Slow(Base):
    def pieces(self):
        yield "one"
        time.sleep(60)

class Many(Base):
    def pieces(self):
        while True:
            time.sleep(0.05)
            yield "more"

class Greedy(Base):
    def pieces(self):
        yield "one"
        held = [bytearray(1 << 26) for _ in range(100)]

class Deep(Base):
    def pieces(self):
        yield from Deep.pieces(self)

class Crash(Base):
    def pieces(self):
        ctypes.string_at(0)
        yield ""

class Refuse(Base):
    def pieces(self):
        raise SourceError("for a reason", Reason.TOO_LARGE)
        yield

class Wrong(Base):
    def pieces(self):
        raise KeyError("what")
        yield
"""


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., WorkerReading]]:
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "reader_trial.py").write_text(READER)
    (tmp_path / "a.txt").write_text("text ")
    program = worker_process.CHILD_PROGRAM.replace(
        "from crystalcli",
        f"import crystalcli.text as t; t.__path__.append({str(tmp_path / 'trials')!r}); from crystalcli",
    )
    monkeypatch.setattr(worker_process, "CHILD_PROGRAM", program)
    worker_process.dismiss()

    def make(name: str, **bounds: float) -> WorkerReading:
        asked = ReadRequest(tmp_path / "a.txt", survey_file(tmp_path / "a.txt"), "x", ReadOptions(password="pass"))
        return WorkerReading(asked, f"reader_trial:{name}", Bounds(**bounds))  # type: ignore[arg-type]

    yield make
    worker_process.dismiss()


def test_everything_comes_over_and_the_child_stays(reading: Callable[..., WorkerReading]) -> None:
    first = reading("Good")
    assert (first.kind, first.title) == ("x", "T")
    pieces = list(first.pieces())
    assert pieces[:2] == [Landmark(0, "page", "1"), "text pass\ud800"]
    assert list(reading("Good").pieces())[-1] == pieces[-1] != str(os.getpid())


@pytest.mark.parametrize(
    ("name", "bounds", "reason", "code"),
    [
        ("Slow", {"silence": 0.5}, r"^takes too long to read \(stopped after 0 s\)$", Reason.OUT_OF_TIME),
        ("Many", {"seconds": 1.0}, r"^takes too long to read \(stopped after 1 s\)$", Reason.OUT_OF_TIME),
        ("Deep", {}, r"^nested too deeply$", Reason.NESTED_TOO_DEEPLY),
        ("Crash", {}, r"^damaged, or too large: the reader broke down over it$", Reason.READER_CRASHED),
        ("Refuse", {}, r"^for a reason$", Reason.TOO_LARGE),
        ("Wrong", {}, r"^cannot be read: unexpected KeyError$", Reason.UNEXPECTED),
    ],
)
def test_what_goes_wrong_is_one_reason(
    reading: Callable[..., WorkerReading], name: str, bounds: dict[str, float], reason: str, code: Reason
) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        list(reading(name, **bounds).pieces())
    assert caught.value.code is code
    assert not isinstance(caught.value, UnsteadySourceError)
    assert "text pass\ud800" in list(reading("Good").pieces())  # the next file is read


@pytest.mark.skipif(sys.platform != "linux", reason="no such bound elsewhere")
def test_memory_is_bounded(reading: Callable[..., WorkerReading]) -> None:
    with pytest.raises(SourceError, match=r"^too large: reading it takes more memory than there is$"):
        list(reading("Greedy", memory=1 << 30).pieces())


def test_what_is_not_read_to_its_end_is_stopped(reading: Callable[..., WorkerReading]) -> None:
    before = {child.pid for child in psutil.Process().children()}
    one = reading("Many")
    pieces = one.pieces()
    assert next(pieces) == "more"
    assert {child.pid for child in psutil.Process().children()} - before
    del one, pieces
    assert not {child.pid for child in psutil.Process().children()} - before


def test_two_at_once(reading: Callable[..., WorkerReading]) -> None:
    one, two = reading("Good").pieces(), reading("Good").pieces()
    assert next(one) == next(two) == Landmark(0, "page", "1")
    assert list(one)[-1] != list(two)[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_it_dies_with_its_parent(tmp_path: Path, signum: int, reading: Callable[..., WorkerReading]) -> None:
    program = f"""
import crystalcli.text.source.worker_process as worker_process, sys
worker_process.CHILD_PROGRAM = {worker_process.CHILD_PROGRAM!r}
from pathlib import Path
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.file_bytes import survey_file
path = Path({str(tmp_path / "a.txt")!r})
for piece in worker_process.WorkerReading(ReadRequest(path, survey_file(path), "x"), "reader_trial:Slow").pieces():
    print(piece, flush=True)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"one\n"
    (child,) = psutil.Process(parent.pid).children()
    parent.send_signal(signum)
    parent.communicate(timeout=GUARD)
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert parent.returncode != 0
