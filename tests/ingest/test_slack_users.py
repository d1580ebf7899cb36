"""Who is who in exports of Slack: when the file that says so changes, the chats beside it are read again."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from support.lexical_crystals import read_into, texts

from crystalcli import library
from crystalcli.datatypes import Progress
from crystalcli.ingest.watch import Watcher
from crystalcli.library import Crystal

SAID = json.dumps([{"type": "message", "user": "U0123456", "text": "The lamp burns oil.", "ts": "1714559400.0001"}])
DAY, OTHER_DAY = "general/2024-05-01.json", "watch/2024-05-02.json"  # before `users.json` and after it


def users(name: str) -> str:
    return json.dumps([{"id": "U0123456", "profile": {"display_name": name}}])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "slack"
    for name in (DAY, OTHER_DAY):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(SAID)
    (root / "users.json").write_text(users("Ann"))
    (root / "notes.md").write_text("# Nobody is named here\n")
    for path in root.rglob("*.*"):
        os.utime(path, (1000, 1000))
    return root


def authors(crystal: Path) -> set[str]:
    return {text.split("] ")[1].split(":")[0] for name, text in texts(crystal).items() if "2024" in name}


def test_names_that_have_changed_are_read_again_in_a_folder(tmp_path: Path, folder: Path) -> None:
    crystal = read_into(tmp_path / "m.crystal", folder)
    assert authors(crystal) == {"Ann"}
    (folder / "users.json").write_text(users("Annabel"))
    told = Crystal.forecast(crystal, [folder], encoder=None)
    assert sorted(path for path, _, _ in told.files) == [DAY, "users.json", OTHER_DAY]
    with library.Crystal(crystal, mode="write", encoder=None) as opened:
        report = opened.ingest([folder])
    assert (report.read, report.unchanged) == (3, 1)
    assert authors(crystal) == {"Annabel"}
    os.utime(folder / "users.json", (2000, 2000))
    with library.Crystal(crystal, mode="write", encoder=None) as opened:
        assert opened.ingest([folder]).read == 0


def test_names_that_come_later(tmp_path: Path, folder: Path) -> None:
    people = (folder / "users.json").rename(tmp_path / "kept.json")
    crystal = read_into(tmp_path / "m.crystal", folder)
    assert authors(crystal) == {"U0123456"}
    people.rename(folder / "users.json")
    read_into(crystal, folder)
    assert authors(crystal) == {"Ann"}


def test_what_was_stopped_before_all_were_read_again_goes_on(tmp_path: Path, folder: Path) -> None:
    crystal = read_into(tmp_path / "m.crystal", folder)
    (folder / "users.json").write_text(users("Annabel"))

    def stop(progress: Progress) -> None:
        if progress.current == OTHER_DAY:
            raise KeyboardInterrupt

    with library.Crystal(crystal, mode="write", encoder=None) as opened, pytest.raises(KeyboardInterrupt):
        opened.ingest([folder], progress=stop)
    assert authors(crystal) == {"Ann", "Annabel"}
    read_into(crystal, folder)
    assert authors(crystal) == {"Annabel"}


def test_names_that_have_changed_are_read_again_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    crystal = tmp_path / "m.crystal"
    for name in ("Ann", "Annabel"):
        with zipfile.ZipFile(tmp_path / "docs" / "slack.zip", "w") as archive:
            for path, content in ((DAY, SAID), ("users.json", users(name)), (OTHER_DAY, SAID)):
                archive.writestr(zipfile.ZipInfo(path), content)
        read_into(crystal, tmp_path / "docs")
        assert authors(crystal) == {name}


def test_a_watch_looks_at_all_chats_when_the_names_change(tmp_path: Path, folder: Path) -> None:
    def never(*_: object) -> object:
        raise AssertionError

    watch = Watcher(tmp_path / "m.crystal", [folder], never, never, never)  # type: ignore[arg-type]
    assert watch._changed_paths(frozenset((str(folder / "users.json"),))) is None
    assert watch._changed_paths(frozenset((str(folder / DAY),))) is not None
