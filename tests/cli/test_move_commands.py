"""export, merge, forget, compact and diff as a person runs them."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.damage import reseal
from support.waiting import GUARD

from crystalcli import Crystal
from crystalcli.cli.app import run
from crystalcli.storage.file import seal


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run([str(each) for each in arguments])
    said = capsys.readouterr()
    return code, " ".join(said.out.split()), said.err


@pytest.fixture
def file(tmp_path: Path, shelf_folder: Path) -> Path:
    """A crystal of the shelf, without vectors."""
    path = tmp_path / "shelf.crystal"
    with Crystal.create(path, encoder=None) as crystal:
        crystal.ingest([shelf_folder])
    return path


def test_a_crystal_goes_through_all_moves(tmp_path, shelf_folder, file, capsys, monkeypatch):
    monkeypatch.setenv("CRYSTAL_FILE", str(file))
    other = Path(shutil.copy(file, tmp_path / "other.crystal"))
    (shelf_folder / "notes.md").write_text("# Notes\n\nBuy salt.\n")
    (shelf_folder / "tale.txt").rename(shelf_folder / "story.txt")
    with Crystal.open(other, writable=True, encoder=None) as crystal:
        crystal.ingest([shelf_folder], prune=True)

    code, out, err = here(capsys, "diff", file, other)
    assert (code, err) == (1, "")
    assert out == "> tale.txt is now story.txt ! notes.md - lines 1-7: # Notes + lines 1-3: # Notes"
    code, out, err = here(capsys, "diff", file, file)
    assert (code, out, err) == (0, "", "crystal: the same: 3 documents\n")

    code, out, _ = here(capsys, "merge", file, other, "-o", tmp_path / "both.crystal")
    assert code == 0
    assert "holds 5 documents" in out
    assert "1 document in more than one of them with the same text: kept once" in out
    assert f"notes.md of {other} is other/notes.md" in out

    code, out, _ = here(capsys, "forget", "*.md", "--dry-run", "-c", tmp_path / "both.crystal")
    assert out.startswith("would forget 2 documents, ")
    code, out, _ = here(capsys, "forget", "*.md", "-c", tmp_path / "both.crystal")
    assert out.startswith("forgot 2 documents, ")
    assert "crystal compact takes it out" in out
    code, out, _ = here(capsys, "compact", "-c", tmp_path / "both.crystal")
    assert "tokens in 2 chunks dropped" in out
    code, out, _ = here(capsys, "forget", "story.txt", "--compact", "-c", tmp_path / "both.crystal")
    assert "stand in other documents too" in out
    assert "0 tokens in 0 chunks dropped" in out

    code, out, _ = here(capsys, "export", tmp_path / "out", "-c", tmp_path / "both.crystal")
    assert code == 0
    assert out.startswith("2 files, ")
    assert (tmp_path / "out" / "code" / "tide.py").read_bytes() == (shelf_folder / "code" / "tide.py").read_bytes()
    code, out, _ = here(capsys, "export", "--jsonl", tmp_path / "rows.jsonl", "code")
    assert out == f"1 passage in {tmp_path / 'rows.jsonl'}"
    (row,) = map(json.loads, (tmp_path / "rows.jsonl").read_text().splitlines())
    assert row.keys() == {
        *("path", "kind", "title", "start", "end", "line_start", "line_end"),
        *("page_start", "page_end", "heading", "marks", "tokens", "text"),
    }
    assert row["text"] == (shelf_folder / "code" / "tide.py").read_text()
    code = run(["export", "--jsonl", "-", "notes.md"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (
        "".join(row["text"] for row in rows)
        == "# Notes\n\nBuy rope.\n\n## Tides\n\nHigh water at Oldhaven is at 04:10.\n"
    )


def test_json_of_every_move(tmp_path, file, capsys):
    def said(code: int, *arguments: str | Path) -> dict:
        got = run([str(each) for each in (*arguments, "--json")])
        assert got == code
        answer = json.loads(capsys.readouterr().out)
        assert (answer["schema"], answer["command"]) == (1, arguments[0])
        return answer

    other = Path(shutil.copy(file, tmp_path / "other.crystal"))
    forgotten = said(0, "forget", "notes.md", "code", "-c", other, "-n")
    assert (forgotten["dry_run"], forgotten["compact"], forgotten["kept"]) == (True, None, 0)
    assert {document["path"] for document in forgotten["documents"]} == {"notes.md", "code/tide.py"}
    forgotten = said(0, "forget", "notes.md", "code", "-c", other, "--compact")
    assert forgotten["compact"]["before"]["chunks"] - forgotten["compact"]["after"]["chunks"] == 2
    assert forgotten["tokens"] == sum(document["tokens"] for document in forgotten["documents"])
    found = said(1, "diff", file, other)
    assert (found["same"], found["documents_same"], found["gone"]) == (False, 1, ["code/tide.py", "notes.md"])
    assert (found["added"], found["renamed"], found["changed"]) == ([], [], [])
    assert said(0, "diff", other, other)["same"] is True
    merged = said(0, "merge", other, file, "-o", tmp_path / "all.crystal")
    assert (merged["crystals"], merged["documents"], merged["same"], merged["renamed"]) == (2, 3, 1, [])
    compacted = said(0, "compact", "-c", tmp_path / "all.crystal")
    assert compacted["before"] == compacted["after"] == merged["size"]
    exported = said(0, "export", tmp_path / "out", "-c", file)
    assert (exported["files"], exported["exact"], exported["refused"], exported["partial"]) == (3, 3, [], [])
    assert said(0, "export", "--jsonl", tmp_path / "rows", "-c", file)["passages"] >= 4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["export"], 2, "give a folder"),
        (["export", "{tmp}/out", "nowhere.md"], 7, "no document nowhere.md"),
        (["export", "--jsonl", "-", "--json"], 2, "not both"),
        (["export", "--jsonl", "{tmp}/shelf.crystal"], 1, "exists already; --force"),
        (["export", "--jsonl", "{tmp}/none/x"], 1, "cannot write"),
        (["export", "{tmp}/shelf"], 1, "and 2 more exist already; --force"),
        (["merge", "{tmp}/shelf.crystal", "-o", "{tmp}/x"], 2, "two crystals or more"),
        (["merge", "{tmp}/shelf.crystal", "{tmp}/shelf.crystal"], 2, "--output"),
        (["merge", "{tmp}/shelf.crystal", "{tmp}/shelf/tale.txt", "-o", "{tmp}/x"], 4, "is not a crystal"),
        (
            ["merge", "{tmp}/shelf.crystal", "{tmp}/shelf.crystal", "-o", "{tmp}/shelf.crystal"],
            1,
            "--force replaces it",
        ),
        (["forget"], 2, "DOCUMENT"),
        (["forget", "notes.md", "--faded"], 2, "--faded"),
        (["forget", "tale.txt", "*.rst"], 7, "no document matches *.rst"),
        (["forget", ""], 2, "empty"),
        (["compact", "-c", "{tmp}/none"], 3, "does not exist"),
        (["compact", "-c", "{tmp}/shelf/tale.txt"], 4, "is not a crystal"),
        (["diff", "{tmp}/shelf.crystal"], 2, "B"),
        (["diff", "{tmp}/shelf.crystal", "{tmp}/none"], 3, "does not exist"),
        (["diff", "{tmp}/shelf.crystal", "{tmp}/shelf/tale.txt"], 4, "is not a crystal"),
    ],
)
def test_wrong_requests_get_one_line_and_a_code(tmp_path, file, monkeypatch, capsys, arguments, code, message):
    monkeypatch.setenv("CRYSTAL_FILE", str(file))
    before = file.read_bytes()
    got, out, err = here(capsys, *[each.replace("{tmp}", str(tmp_path)) for each in arguments])
    assert got == code
    assert out == "" or "--json" in arguments
    assert message in err
    assert err.count("\n") == 1
    assert file.read_bytes()[100:] == before[100:]  # all but SQLite's own counters
    assert {each.name for each in tmp_path.iterdir()} <= {"shelf", "shelf.crystal", "out"}


def test_names_from_strangers_are_neither_obeyed_nor_shown_as_they_are(tmp_path, file, capsys):
    other = Path(shutil.copy(file, tmp_path / "other.crystal"))
    raw = sqlite3.connect(other)
    raw.execute("UPDATE source SET path = '../\x1b[2Jescaped.txt', title = '\x1b]0;x\x07' WHERE path = 'tale.txt'")
    raw.execute("UPDATE source SET path = 'no\ntes\u202e.md' WHERE path = 'notes.md'")
    raw.commit()
    raw.close()
    reseal(other)
    for code, arguments in (
        (1, ("diff", file, other)),
        (1, ("diff", file, other, "--json")),
        (0, ("merge", file, other, "-o", tmp_path / "all.crystal")),
        (0, ("forget", "**", "-n", "-c", other)),
        (1, ("export", tmp_path / "out", "-c", other)),
        (1, ("export", tmp_path / "out", "-c", other, "--json", "--force")),
        (0, ("export", "--jsonl", "-", "-c", other)),
    ):
        assert run([str(each) for each in arguments]) == code
        said = capsys.readouterr()
        assert not {"\x1b", "\x07", "\u202e"} & set(said.out + said.err)
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["code", "tide.py"]
    assert not list(tmp_path.glob("*escaped*"))


@pytest.mark.parametrize("move", ["compact", "merge", "ingest"])
def test_ctrl_c_while_rows_are_counted_for_their_seals(tmp_path, file, move, monkeypatch, capsys):
    """SQLite calls us for that, and drops what is raised there."""
    before, count = file.read_bytes(), seal.row_digest

    def interrupted(*row: object) -> int:
        signal.raise_signal(signal.SIGINT)
        return count(*row)

    monkeypatch.setattr(seal, "row_digest", interrupted)
    merge = ("merge", file, file, "-o", tmp_path / "new.crystal")
    ingest = ("ingest", tmp_path / "shelf", "-c", tmp_path / "new.crystal")
    code, out, err = here(capsys, *{"compact": ("compact", "-c", file), "merge": merge, "ingest": ingest}[move])
    assert (code, out) == (130, "")
    assert err.strip().startswith("crystal: stopped; ")  # after ^C, which the terminal shows, click begins a new line
    assert err.strip().count("\n") == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["shelf", "shelf.crystal"]
    assert file.read_bytes()[100:] == before[100:]


def test_ctrl_c_leaves_the_crystal_as_it_was(tmp_path):
    (tmp_path / "docs").mkdir()
    text = "".join(f"Entry {i}: the keeper of lamp {i * 7919 % 10007} drew oil.\n\n" for i in range(12_000))
    (tmp_path / "docs" / "a.txt").write_text(text)
    file = tmp_path / "m.crystal"
    with Crystal.create(file, encoder=None) as crystal:
        crystal.ingest([tmp_path / "docs"])
    before = file.read_bytes()
    for arguments in (
        ["compact", "-c", str(file)],
        ["merge", str(file), str(file), "-o", str(tmp_path / "all.crystal")],
    ):
        child = subprocess.Popen([sys.executable, "-m", "crystalcli", *arguments], stderr=subprocess.PIPE, text=True)
        while child.poll() is None and not list(tmp_path.glob(".*-new")):
            time.sleep(0.005)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=GUARD)
        assert child.returncode == 130, err
        assert err.startswith("crystal: stopped; ")
        assert err.count("\n") == 1
        assert sorted(each.name for each in tmp_path.iterdir()) == ["docs", "m.crystal"]
        assert file.read_bytes()[100:] == before[100:]
