"""Hidden folders: read when they are named, and not taken for gone when a folder above them is read."""

from __future__ import annotations

from pathlib import Path

from crystalcli import library
from crystalcli.ingest.ingester import IngestReport
from crystalcli.storage.store import Store

SESSION = '{"type": "user", "sessionId": "s", "message": {"role": "user", "content": "Why is the tide late?"}}\n'


def ingest(crystal: Path, *paths: Path) -> IngestReport:
    with library.Crystal(crystal, mode="write", encoder=None) as opened:
        return opened.ingest(list(paths))


def states(crystal: Path) -> dict[str, str]:
    with Store.open(crystal) as store:
        return {source.path: source.state for source in store.sources()}


def test_a_hidden_folder_is_read_when_it_is_named(tmp_path: Path) -> None:
    home, crystal = tmp_path / "home", tmp_path / "m.crystal"
    sessions, codex = home / ".claude" / "projects" / "-tides", home / ".codex"
    for folder in (sessions, codex / "sessions", home / "notes"):
        folder.mkdir(parents=True)
    (sessions / "1.jsonl").write_text(SESSION)
    (codex / "sessions" / "2.jsonl").write_text(SESSION)
    (codex / "auth.json").write_text('{"key": "secret"}')
    (home / ".claude" / ".credentials.json").write_text('{"key": "secret"}')
    (home / "notes" / "a.txt").write_text("A note.\n")
    report = ingest(crystal, home / ".claude", codex)
    assert (report.read, list(report.skipped)) == (2, [("auth.json", "credentials", "credentials")])
    assert states(crystal) == {"projects/-tides/1.jsonl": "done", "sessions/2.jsonl": "done", "auth.json": "skipped"}
    report = ingest(crystal, home)
    assert (report.read, report.gone) == (1, 0)
    assert states(crystal)["projects/-tides/1.jsonl"] == "done"
    (sessions / "1.jsonl").unlink()
    assert ingest(crystal, home).gone == 0
    assert ingest(crystal, home / ".claude").gone == 1
