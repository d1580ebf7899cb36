"""Archives in a crystal: their members are documents, and the ledger stays true whatever becomes of the archive."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.ingested_folder import IngestedFolder
from support.lexical_crystals import read_into, recalled, texts

from crystalcli import library
from crystalcli.cli.app import run
from crystalcli.errors import NotFoundError
from crystalcli.ingest.status import crystal_status
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.maintenance.export import export_documents
from crystalcli.maintenance.forget import forget_documents
from crystalcli.maintenance.merge import merge_crystals
from crystalcli.storage.store import Store
from crystalcli.text.formats.archive.archive_entry import Allowance
from crystalcli.text.formats.archive.archive_reader import ArchiveReading

FERRY = "The ferry leaves Oldhaven at six.\n"
TIDES = "# Tides\n\nHigh water is at 04:10.\n"
LAMP = "The lamp burns fourteen litres of oil.\n"


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return held.getvalue()


def tarred(files: Mapping[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


class Place(IngestedFolder):
    """A folder of archives, and a crystal of it."""

    def put(self, content: bytes, name: str = "papers.zip", at: int = 1000) -> Path:
        return self.write(name, content, at)

    def now(self) -> dict[str, str]:
        with Store.open(self.crystal) as store:
            return {entry.path: entry.now for entry in crystal_status(store).entries}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "docs", tmp_path / "m.crystal")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of archives that were opened, in order."""
    names: list[str] = []
    real = ArchiveReading.members

    def members(self: ArchiveReading, allowance: Allowance) -> object:
        names.append(self._request.path.name)
        return real(self, allowance)

    monkeypatch.setattr(ArchiveReading, "members", members)
    return names


@pytest.mark.parametrize("make", [zipped, tarred])
def test_members_are_documents_read_by_the_readers_of_their_kinds(
    place: Place, make: Callable[[Mapping[str, str | bytes]], bytes]
) -> None:
    inner = zipped({"lamp.txt": LAMP, "picture.png": b"\0\1\2"})
    place.put(make({"inner/ferry.txt": FERRY, "tides.md": TIDES, "deep.zip": inner, "run.sh": "#!/bin/sh\necho\n"}))
    report = place.ingest()
    assert (report.read, list(report.skipped)) == (4, [("papers.zip/deep.zip/picture.png", "binary file", "not_text")])
    with Store.open(place.crystal) as store:
        kinds = {source.path: source.kind for source in store.sources()}
        assert all(source.location == f"docs/{source.path}" for source in store.sources())
    assert kinds == {
        "papers.zip": "archive",
        "papers.zip/inner/ferry.txt": "text",
        "papers.zip/tides.md": "markdown",
        "papers.zip/deep.zip": "archive",
        "papers.zip/deep.zip/lamp.txt": "text",
        "papers.zip/deep.zip/picture.png": "",
        "papers.zip/run.sh": "code",
    }
    assert texts(place.crystal)["papers.zip/inner/ferry.txt"] == FERRY
    (best,) = recalled(place.crystal, "When does the ferry leave?", 1)
    assert (best.path, str(best.place)) == ("papers.zip/inner/ferry.txt", "line 1")
    assert set(place.states().values()) == {"done", "skipped"}
    assert set(place.now().values()) == {"same"}


def test_an_unchanged_archive_is_not_opened_again(place: Place, opened: list[str]) -> None:
    path = place.put(zipped({"ferry.txt": FERRY, "bad.bin": b"\0", "deep.zip": zipped({"lamp.txt": LAMP})}))
    place.ingest()
    assert opened == ["papers.zip", "deep.zip"]
    report = place.ingest()
    assert (report.read, report.unchanged, report.gone) == (0, 2, 0)
    assert list(report.skipped) == [("papers.zip/bad.bin", "binary file", "not_text")]
    os.utime(path, (2000, 2000))  # touched, not changed
    assert place.ingest().unchanged == 2
    place.folder.rename(place.folder.with_name("moved"))
    moved = Place(place.folder.with_name("moved"), place.crystal)
    assert moved.ingest().unchanged == 2
    assert set(moved.now().values()) == {"same"}
    assert "gone" not in moved.states().values()
    assert opened == ["papers.zip", "deep.zip"]


def test_of_a_changed_archive_only_what_changed_is_read(place: Place, opened: list[str]) -> None:
    deep = zipped({"lamp.txt": LAMP})
    place.put(
        zipped({"ferry.txt": FERRY, "tides.md": TIDES, "deep.zip": deep, "old.zip": zipped({"old.txt": "Old.\n"})})
    )
    place.ingest()
    opened.clear()
    place.put(zipped({"ferry.txt": FERRY, "tides.md": TIDES + "Low water is at ten.\n", "deep.zip": deep}), at=2000)
    assert place.now()["papers.zip/ferry.txt"] == place.now()["papers.zip"] == "changed"
    report = place.ingest()
    assert (report.read, report.unchanged, report.gone) == (1, 2, 1)
    assert opened == ["papers.zip"]
    states = place.states()
    assert {path for path, state in states.items() if state == "gone"} == {
        "papers.zip/old.zip",
        "papers.zip/old.zip/old.txt",
    }
    assert place.now()["papers.zip/old.zip/old.txt"] == "gone"
    assert place.ingest(prune=True).pruned == 2
    assert "papers.zip/old.zip" not in place.states()


def test_an_archive_that_goes_takes_its_members_along_and_brings_them_back(place: Place, tmp_path: Path) -> None:
    path = place.put(zipped({"ferry.txt": FERRY, "bad.bin": b"\0", "deep.zip": zipped({"lamp.txt": LAMP})}))
    place.ingest()
    path.rename(tmp_path / "away.zip")
    assert set(place.now().values()) == {"gone"}
    place.ingest()
    assert set(place.states().values()) == {"gone"}
    (tmp_path / "away.zip").rename(path)
    report = place.ingest()
    assert (report.read, report.unchanged) == (0, 2)
    assert sorted(place.states().values()) == ["done", "done", "done", "done", "skipped"]


def test_an_archive_that_becomes_a_text_and_a_text_that_becomes_an_archive(place: Place) -> None:
    place.put(zipped({"ferry.txt": FERRY}))
    place.ingest()
    place.put(LAMP.encode(), at=2000)
    place.ingest()
    assert place.states() == {"papers.zip": "done", "papers.zip/ferry.txt": "gone"}
    assert texts(place.crystal)["papers.zip"] == LAMP
    place.put(zipped({"ferry.txt": FERRY}), at=3000)
    place.ingest()
    assert place.states() == {"papers.zip": "done", "papers.zip/ferry.txt": "done"}
    assert texts(place.crystal) == {"papers.zip": "", "papers.zip/ferry.txt": FERRY}


def test_an_archive_that_is_damaged_keeps_what_was_read_of_it(place: Place) -> None:
    content = zipped({"ferry.txt": FERRY, "tides.md": TIDES})
    place.put(content)
    place.ingest()
    place.put(content[:-30], at=2000)
    for _ in range(2):
        assert list(place.ingest().skipped) == [("papers.zip", "damaged archive", "damaged")]
    assert place.states() == {"papers.zip": "failed", "papers.zip/ferry.txt": "done", "papers.zip/tides.md": "done"}
    place.put(content, at=3000)
    assert place.ingest().unchanged == 2
    assert set(place.states().values()) == {"done"}


def test_an_archive_that_never_could_be_read_is_skipped(place: Place) -> None:
    place.put(zipped({"ferry.txt": FERRY})[:-30])
    assert list(place.ingest().skipped) == [("papers.zip", "damaged archive", "damaged")]
    assert place.states() == {"papers.zip": "skipped"}


def test_an_ingest_that_is_stopped_in_an_archive_opens_it_again(place: Place, opened: list[str]) -> None:
    long = "".join(f"Entry {number}: the value is {number * 31 % 97}.\n\n" for number in range(9000))
    place.put(zipped({"a.txt": FERRY, "b.txt": long, "c.txt": LAMP}))

    def stop(progress: object) -> None:
        if getattr(progress, "current", "").endswith("c.txt") or getattr(progress, "tokens", 0) > 20_000:
            raise KeyboardInterrupt

    with library.Crystal(place.crystal, mode="write", encoder=None) as crystal, pytest.raises(KeyboardInterrupt):
        crystal.ingest([place.folder], progress=stop)
    assert place.states() == {"papers.zip": "partial", "papers.zip/a.txt": "done", "papers.zip/b.txt": "partial"}
    report = place.ingest()
    assert (report.read, report.unchanged) == (2, 1)
    assert set(place.states().values()) == {"done"}
    assert texts(place.crystal)["papers.zip/b.txt"] == long
    assert opened == ["papers.zip", "papers.zip"]


def test_names_are_kept_apart(place: Place) -> None:
    (place.folder / "one").mkdir()
    (place.folder / "two").mkdir()
    place.put(zipped({"a.txt": FERRY}), "one/papers.zip")
    place.put(zipped({"a.txt": LAMP}), "two/papers.zip")
    with library.Crystal(place.crystal, mode="write", encoder=None) as crystal:
        crystal.ingest([place.folder / "one", place.folder / "two"])
    held = texts(place.crystal)
    assert held["papers.zip/a.txt"] == FERRY
    assert held["two/papers.zip/a.txt"] == LAMP
    assert set(place.states().values()) == {"done"}


def test_forgetting(place: Place) -> None:
    place.put(zipped({"a.txt": FERRY, "b/c.txt": LAMP}))
    place.ingest()
    with Store.open(place.crystal, writable=True) as store:
        assert [each.path for each in forget_documents(store, ["papers.zip/a.txt"]).documents] == ["papers.zip/a.txt"]
    assert place.states() == {"papers.zip": "partial", "papers.zip/b/c.txt": "done"}
    report = place.ingest()  # as of a folder, what was forgotten and is still there comes back
    assert (report.read, report.unchanged) == (1, 1)
    with Store.open(place.crystal, writable=True) as store:
        assert len(forget_documents(store, ["papers.zip"]).documents) == 3
        assert store.sources() == []
        with pytest.raises(NotFoundError, match="no document"):
            forget_documents(store, ["papers.zip"])


def test_export_compact_and_merge(place: Place, tmp_path: Path) -> None:
    place.put(zipped({"a.txt": FERRY, "b/c.txt": LAMP}))
    place.ingest()
    with Store.open(place.crystal) as store:
        report = export_documents(store, tmp_path / "out")
    assert (report.files, report.exact, list(report.refused)) == (2, 2, [])
    assert (tmp_path / "out/papers.zip/b/c.txt").read_text() == LAMP
    (tmp_path / "clash").mkdir()
    shutil.copy(place.folder / "papers.zip", tmp_path / "clash/papers.zip")
    with Store.open(place.crystal) as store:
        refused = export_documents(store, tmp_path / "clash", force=True).refused
    assert list(refused) == [
        (f"papers.zip/{name}", "a link or a file has the name of its folder") for name in ("a.txt", "b/c.txt")
    ]
    before = place.states()
    compact_crystal(place.crystal)
    assert place.states() == before
    assert place.ingest().unchanged == 2

    other = Place(tmp_path / "other", tmp_path / "o.crystal")
    other.put(zipped({"a.txt": "Another text under that name.\n", "d.txt": TIDES}))
    other.ingest()
    both = Place(place.folder, tmp_path / "both.crystal")
    merge_crystals([place.crystal, other.crystal], both.crystal)
    assert set(both.states()) == {
        "papers.zip", "papers.zip/a.txt", "papers.zip/b/c.txt", "o/papers.zip", "o/papers.zip/a.txt", "papers.zip/d.txt",
    }  # fmt: skip
    assert set(both.now().values()) == {"same"}
    assert both.ingest().unchanged == 2


def test_of_two_states_of_one_archive_a_merge_keeps_both_until_it_is_opened_again(place: Place, tmp_path: Path) -> None:
    place.put(zipped({"a.txt": FERRY, "b.txt": LAMP}))
    place.ingest()
    later = Place(place.folder, tmp_path / "later.crystal")
    later.put(zipped({"a.txt": FERRY, "c.txt": TIDES}), at=2000)
    later.ingest()
    both = Place(place.folder, tmp_path / "both.crystal")
    merge_crystals([place.crystal, later.crystal], both.crystal)
    assert both.states()["papers.zip"] == "partial"
    assert both.ingest().gone == 1
    assert both.states() == {
        "papers.zip": "done",
        "papers.zip/a.txt": "done",
        "papers.zip/b.txt": "gone",
        "papers.zip/c.txt": "done",
    }


def test_at_the_prompt(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    place.put(zipped({"a.txt": FERRY, "../evil.txt": LAMP}))
    read_into(place.crystal, place.folder)
    assert run(["inspect", "--documents", "-c", str(place.crystal)]) == 0
    shown = capsys.readouterr().out
    assert "archive" in shown
    assert "its name leads out of the archive" in " ".join(shown.split())
    assert run(["inspect", "papers.zip", "-c", str(place.crystal)]) == 0
    assert run(["inspect", "papers.zip/a.txt", "-c", str(place.crystal)]) == 0
    assert not (place.folder.parent / "evil.txt").exists()


def test_what_people_say_is_cited_by_who_said_it_and_when(place: Place) -> None:
    users = [{"id": "U0123456", "profile": {"display_name": "Ann"}}]
    said = [{"type": "message", "user": "U0123456", "text": "The lamp burns oil.", "ts": "1714559400.0001"}]
    slack = {"general/2024-05-01.json": json.dumps(said), "users.json": json.dumps(users)}
    whatsapp = {"_chat.txt": "[01.05.24, 10:30:12] Bob: The ferry leaves at six.\n[01.05.24, 10:31:12] Ann: Good.\n"}
    place.put(zipped(slack), "slack.zip")
    place.put(zipped(whatsapp), "whatsapp.zip")
    place.put(
        b"From: Eve <eve@example.org>\nSubject: Tides\nDate: Wed, 1 May 2024 08:00:00 +0200\n\nHigh water is at ten.\n",
        "a.eml",
    )
    place.put(b"1\n00:12:31,000 --> 00:12:33,000\nThe anchor is lost.\n", "film.srt")
    place.ingest()
    found = {}
    for question in ("lamp oil", "when does the ferry leave", "high water", "anchor"):
        (best,) = recalled(place.crystal, question, 1)
        found[best.path] = (best.place.kind, str(best.place), best.heading or "")
    assert found == {
        "slack.zip/general/2024-05-01.json": ("chat", "Ann, 2024-05-01 10:30 UTC", ""),
        "whatsapp.zip/_chat.txt": ("chat", "Bob, 2024-05-01 10:30", ""),
        "a.eml": ("mail", "Eve, 2024-05-01 08:00", "Tides"),
        "film.srt": ("subtitles", "00:12:31", ""),
    }
    with Store.open(place.crystal) as store:
        assert list(export_documents(store, place.folder.parent / "out").refused) == []
    assert (place.folder.parent / "out/whatsapp.zip/_chat.txt.txt").read_text().startswith("[2024-05-01 10:30] Bob: ")
