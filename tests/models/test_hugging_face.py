"""Any GGUF file by its place in a repository: a server on 127.0.0.1 with Hugging Face's addresses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support.file_server import CONTENT, FILE, PLACE, FileServer

from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.models import delete_pulled, download, is_place, pull_file
from crystalcli.models.hugging_face import published_file

SUM = hashlib.sha256(CONTENT).hexdigest()
HOME = "owner--repo"
WHOLE = [HOME, f"{HOME}/{FILE}", f"{HOME}/{FILE}.record.json"]
CUT = [HOME, f"{HOME}/{FILE}.part", f"{HOME}/{FILE}.part.json"]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.01)


def left(models: Path) -> list[str]:
    return sorted(str(path.relative_to(models)) for path in models.rglob("*") if path.suffix != ".lock")


@pytest.mark.parametrize("place", [PLACE, "a/b/c.gguf", "a-b/c_d.e/f/g-00.GGUF"])
def test_places(place: str) -> None:
    assert is_place(place)


@pytest.mark.parametrize("place", ["", "a.gguf", "a/b.gguf", "a/b/c.bin", "a/../c.gguf", "/a/b/c.gguf", "a/b/c d.gguf"])
def test_what_is_no_place(models: Path, place: str) -> None:
    assert not is_place(place)
    with pytest.raises(UsageError, match=r"expected owner/repo/file\.gguf"):
        pull_file(place)
    assert left(models) == []


def test_what_the_server_tells(server: FileServer) -> None:
    found = published_file(PLACE)
    assert (found.url, found.sha256, found.size) == (f"{server.url}/owner/repo/resolve/main/{FILE}", SUM, len(CONTENT))
    assert published_file(f"renamed/repo/{FILE}").sha256 == SUM
    server.tells_sum = False
    assert published_file(PLACE).sha256 == ""


def test_a_file_that_is_announced(server: FileServer, models: Path) -> None:
    told: list[tuple[int, int]] = []
    pulled = pull_file(PLACE, lambda done, total: told.append((done, total)))
    assert (pulled.path, pulled.sha256, pulled.is_announced) == (models / HOME / FILE, SUM, True)
    assert pulled.path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert left(models) == WHOLE
    assert pull_file(PLACE) == pulled  # here already
    assert server.names == [FILE]
    assert delete_pulled(pulled.path) == len(CONTENT)
    assert left(models) == []


def test_a_file_whose_sum_is_not_told_is_summed_up_and_recorded(server: FileServer, models: Path) -> None:
    server.tells_sum = False
    server.drop_after[FILE] = [100_000]
    pulled = pull_file(PLACE)
    assert (pulled.sha256, pulled.is_announced) == (SUM, False)
    assert pull_file(PLACE) == pulled
    assert left(models) == WHOLE


def test_a_file_of_the_users_own_is_not_deleted(server: FileServer, models: Path) -> None:
    (models / HOME).mkdir(parents=True)
    own = models / HOME / "own.gguf"
    own.write_bytes(b"mine")
    assert delete_pulled(own) is None
    assert own.exists()


def test_a_broken_connection_is_gone_on_with(server: FileServer, models: Path) -> None:
    server.drop_after[FILE] = [300_000, 0, 0, 0, 0]
    with pytest.raises(
        ModelMissingError, match=r"^owner/repo/whole\.gguf .*run `crystal models pull owner/repo/whole\."
    ):
        pull_file(PLACE)
    assert left(models) == CUT
    server.log.clear()
    pull_file(PLACE)
    assert server.log == [(FILE, "bytes=300000-", 206)]
    assert left(models) == WHOLE


def test_ctrl_c_keeps_what_came(server: FileServer, models: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done >= 200_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_file(PLACE, stop)
    assert left(models) == CUT
    server.log.clear()
    pull_file(PLACE)
    assert server.log[0][2] == 206 and left(models) == WHOLE


def test_bytes_that_are_not_what_the_server_promised(server: FileServer, models: Path) -> None:
    server.told_sum = "0" * 64
    with pytest.raises(CrystalError, match=r"^the downloaded file is not the one that 127\.0\.0\.1:\d+ announced: its"):
        pull_file(PLACE)
    assert left(models) == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "does not have it, or wants a login"),
        (403, "refuses access"),
        (404, "does not have it"),
        (503, "answers 503"),
    ],
)
def test_a_server_that_refuses(server: FileServer, models: Path, status: int, reason: str) -> None:
    server.hub_status = status
    with pytest.raises(ModelMissingError, match=rf"127\.0\.0\.1:\d+ {reason}; when that is mended, run") as caught:
        pull_file(PLACE)
    assert "\n" not in str(caught.value)
    assert left(models) == []


def test_where_nobody_may_be_asked(server: FileServer, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelMissingError, match="HF_HUB_OFFLINE forbids to ask for it"):
        pull_file(PLACE)
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    with pytest.raises(ModelMissingError, match="CRYSTAL_OFFLINE forbids to fetch it"):
        pull_file(PLACE)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("CRYSTAL_OFFLINE")
    with pytest.raises(ModelMissingError, match="cannot be reached"):
        pull_file(PLACE)
    assert not server.log and left(models) == []
