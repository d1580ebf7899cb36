"""status tells where crystal and folders differ, without reading anything into it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from crystalcli.cli.app import run
from crystalcli.ingest.status import StatusReport, crystal_status
from crystalcli.library import Crystal
from crystalcli.storage.store import Store


def standing(path: Path) -> StatusReport:
    with Store.open(path) as store:
        return crystal_status(store)


def nows(path: Path) -> dict[str, str]:
    return {entry.path: entry.now for entry in standing(path).entries if entry.now != "same"}


@pytest.fixture
def made(tmp_path, shelf_folder, encoder_folder) -> Path:
    (shelf_folder / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)))
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder])
    return tmp_path / "m.crystal"


def test_as_it_was_read_it_is_complete(made):
    found = standing(made)
    assert found.complete
    assert found.folders == ("shelf",)
    assert {entry.now for entry in found.entries} == {"same"}
    (skipped,) = (entry for entry in found.entries if entry.state == "skipped")
    assert skipped.path == "image.png"
    assert skipped.reason
    for entry in found.entries:
        if entry.state == "done":
            assert entry.chunks_stored == entry.chunks_expected > 0
            assert len(bytes.fromhex(entry.sha256)) == 32


def test_new_changed_gone_and_touched_files_are_told_apart(made, shelf_folder):
    (shelf_folder / "new.md").write_text("# New\n")
    (shelf_folder / "notes.md").write_text("# Notes\n\nBuy no rope.\n")
    (shelf_folder / "code" / "tide.py").unlink()
    os.utime(shelf_folder / "tale.txt", (1, 1))
    assert nows(made) == {"new.md": "new", "notes.md": "changed", "code/tide.py": "gone"}
    assert not standing(made).complete
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        crystal.ingest([shelf_folder])
    found = standing(made)
    assert {entry.path: entry.now for entry in found.entries if entry.now != "same"} == {"code/tide.py": "gone"}
    assert [entry.state for entry in found.entries if entry.now == "gone"] == ["gone"]
    assert not found.complete  # what was read without weights has no layers yet
    assert sum(entry.without_layers for entry in found.entries) > 0


def test_a_file_asked_for_by_name_does_not_ask_for_its_folder(tmp_path, shelf_folder, encoder_folder):
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder / "notes.md"])
    found = standing(tmp_path / "m.crystal")
    assert found.complete
    assert found.folders == ()
    (shelf_folder / "notes.md").unlink()
    assert nows(tmp_path / "m.crystal") == {"notes.md": "gone"}


def test_what_an_ignore_file_leaves_out_later_is_no_longer_there_for_an_ingest(made, shelf_folder):
    (shelf_folder / ".crystalignore").write_text("notes.md\n")
    (shelf_folder / "link.md").symlink_to("/etc/hostname")
    assert nows(made) == {"notes.md": "gone"}


def test_a_folder_that_is_gone_is_said(made, shelf_folder):
    shelf_folder.rename(shelf_folder.with_name("elsewhere"))
    found = standing(made)
    assert found.missing_folders == ("shelf",)
    assert {entry.now for entry in found.entries} == {"gone"}
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        crystal.ingest([shelf_folder.with_name("elsewhere")], prune=True)
    found = standing(made)
    assert found.missing_folders == ()
    assert found.folders == ("elsewhere",)


def test_a_document_that_was_not_read_to_its_end_is_partial(tmp_path, encoder_folder):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "long.txt").write_text("".join(f"Entry {i}: the value is {i * 31}.\n\n" for i in range(9000)))

    def stop(progress):
        if progress.tokens > 60_000:
            raise KeyboardInterrupt

    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal, pytest.raises(KeyboardInterrupt):
        crystal.ingest([folder], progress=stop)
    (entry,) = standing(tmp_path / "m.crystal").entries
    assert (entry.state, entry.chunks_expected, entry.complete) == ("partial", None, False)
    assert entry.chunks_stored > 0
    assert entry.without_layers == entry.chunks_stored


def test_the_command_says_it_and_exits_accordingly(made, shelf_folder, capsys, monkeypatch):
    assert run(["status", "-c", str(made)]) == 0
    assert "complete" in capsys.readouterr().out
    (shelf_folder / "new.md").write_text("# New\n")
    monkeypatch.setenv("COLUMNS", "40")
    assert run(["status", "-c", str(made), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["command"], told["complete"], told["now"]) == ("status", False, {"new": 1, "same": 4})
    assert {
        "path",
        "size",
        "mtime_ns",
        "sha256",
        "kind",
        "chunks_expected",
        "chunks_stored",
        "state",
        "reason",
    } <= told["sources"][0].keys()
    assert run(["status", "-c", str(made)]) == 1
    said = capsys.readouterr()
    assert "not complete" in said.out
    assert "new.md" in said.out
    assert "tale.txt" not in said.out
    assert run(["status", "-c", str(made), "--all"]) == 1
    assert "tale.txt" in capsys.readouterr().out


def test_verify_and_repair_as_commands(made, capsys):
    from support.damage import change

    assert run(["verify", "-c", str(made)]) == 0
    assert "is sound" in capsys.readouterr().out
    change(made, "DELETE FROM posting", "DELETE FROM landmark WHERE start > 0")
    assert run(["verify", "-c", str(made), "--json"]) == 4
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["sound"] is False
    assert "notes.md" in told["documents"]
    assert "crystal repair" in said.err
    assert run(["verify", "-c", str(made)]) == 4
    assert "touches" in capsys.readouterr().out
    assert run(["repair", "-c", str(made), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["changed"] is True
    assert told["to_read_again"] == ["notes.md"]
    assert Path(told["backup"]).is_file()
    assert run(["verify", "-c", str(made)]) == 0
    assert run(["repair", "-c", str(made)]) == 0
    assert "nothing to repair" in capsys.readouterr().out
    made.write_bytes(made.read_bytes()[:5000])
    capsys.readouterr()
    assert run(["verify", "-c", str(made)]) == 4
