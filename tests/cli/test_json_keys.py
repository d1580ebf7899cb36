"""docs/JSON.md has the keys of every `--json`, and no other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crystalcli.cli.app import run
from crystalcli.cli.parsing.command_page import walk_commands

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "JSON.md").read_text(encoding="utf-8")
SECTIONS = {
    title: dict(re.findall(r"^\| `(\S+)` \| (.*) \|$", text, re.MULTILINE))
    for title, text in re.findall(r"^## `crystal (.*?)`\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
}
# Keys that only some crystals have: an encoder of one's own, damage, a folder with a filter.
SOMETIMES = {
    "ingest": {"chosen.*"},
    "forget": {"documents[].doubts[].code", "documents[].doubts[].detail"},
    "inspect DOCUMENT": {"document.doubts[].code", "document.doubts[].detail"},
    "models list": {"converted[].name", "converted[].bytes", "converted[].path"},
    "verify": {"problems[].message", "problems[].documents"},
}


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """The dotted path of each leaf; of an empty list or object its own."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from paths(child, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for child in value:
            yield from paths(child, f"{prefix}[]")
    else:
        yield prefix


def pattern(key: str, meaning: str) -> str:
    """A documented key as a regular expression for paths; one that refers to another section stands for all below it."""
    expression = re.escape(key).replace(r"\*", r"[^.]+")
    return f"{expression}(\\W.*)?" if "as in `" in meaning or key.endswith("children") else expression


def compare(title: str, *objects: dict[str, Any]) -> None:
    keys = SECTIONS[title]
    shown = {path for each in objects for path in paths(each)} - {"schema", "command"}
    empty = {path for path in shown if any(key.startswith((f"{path}[]", f"{path}.")) for key in keys)}
    unknown = {path for path in shown - empty if not any(re.fullmatch(pattern(*row), path) for row in keys.items())}
    assert unknown == set(), f"not in docs/JSON.md under {title}"
    missing = {
        key for key, meaning in keys.items() if not any(re.fullmatch(pattern(key, meaning), path) for path in shown)
    }
    assert missing - SOMETIMES.get(title, set()) == set(), f"docs/JSON.md has keys that {title} does not print"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_folder: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "notes.md").write_text("# Tides\n\nHigh water at Oldhaven is at 04:10.\n")
    (docs / "tale.txt").write_bytes("The lamp burns 14 litres of oil, says Müller.\n".encode("cp1252"))
    (docs / "a.bin").write_bytes(bytes(range(256)) * 2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRYSTAL_FILE", raising=False)
    return docs


def test_every_command_with_json_has_a_section():
    import typer

    from crystalcli.cli.app import app

    names = {page.path.removeprefix("crystal ") for page in walk_commands(typer.main.get_command(app), "crystal")}
    with_json = {
        page.path.removeprefix("crystal ")
        for page in walk_commands(typer.main.get_command(app), "crystal")
        if any(declaration == "--json" for declaration, _ in page.options)
    }
    assert with_json <= SECTIONS.keys()
    for title in SECTIONS:
        assert re.sub(r" (--.*|DOCUMENT)$", "", title) in names


def test_the_keys_are_those_of_the_document(folder, capsys, tmp_path):
    def show(*arguments: str) -> dict[str, Any]:
        run([*arguments, "--json"])
        data: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert data["schema"] == 1
        assert f"{data['command']} ".startswith(f"{arguments[0]} ")
        return data

    compare("ingest --dry-run", show("ingest", "docs", "--dry-run"))
    compare("ingest", show("ingest", "docs"))
    compare("recall", show("recall", "tides", "--explain"))
    places = [{"path": "notes.md", "line": 3}]
    Path("q.jsonl").write_text(json.dumps({"question": "tides", "answers": ["04:10"], "places": places}) + "\n")
    compare("eval", show("eval", "q.jsonl"))
    compare("inspect", show("inspect"))
    compare("inspect DOCUMENT", show("inspect", "notes.md"))
    compare("inspect --documents", show("inspect", "--documents"))
    compare("inspect --memory", show("inspect", "--memory"))
    compare("status", show("status"))
    compare("verify", show("verify"))
    compare("repair", show("repair"))
    compare("export", show("export", "out"))
    compare("export --jsonl", show("export", "--jsonl", "x.jsonl"))
    shutil.copy("memory.crystal", "old.crystal")
    (folder / "notes.md").write_text("# Tides\n\nLow water at Oldhaven is at 10:25.\n")
    (folder / "tale.txt").rename(folder / "story.txt")
    (folder / "new.txt").write_text("The bell rings twice.\n")
    run(["ingest", "docs", "--prune"])
    capsys.readouterr()
    compare("diff", show("diff", "old.crystal", "memory.crystal"))
    compare("merge", show("merge", "old.crystal", "memory.crystal", "-o", "all.crystal"))
    compare("forget", show("forget", "new.txt", "--compact"))
    compare("compact", show("compact"))
    told = show("remember", "The bell was sold.", "--by", "Ann", "--tag", "bell")
    number = told["memory"]["id"]
    compare("remember", told)
    compare("memories list", show("memories", "--tag", "bell"))
    compare("memories edit", show("memories", "edit", number, "The bell was lost."))
    compare("memories pin", show("memories", "pin", number))
    compare("memories unpin", show("memories", "unpin", number))
    compare("memories uphold", show("memories", "uphold", number))
    run(["remember", "The bell is at Skarn.", "--at", "2026-01-05"])
    run(["remember", "The bell is at Oldhaven.", "--at", "2026-03-05"])
    capsys.readouterr()
    compare("memories list --conflicts", show("memories", "list", "--conflicts"))
    run(["remember", "I live in Skarn."])
    capsys.readouterr()
    compare("profile", show("profile"))
    compare("profile --me", show("profile", "--me", "Ann"))
    compare("forget --faded", show("forget", "--faded", "--half-life", "0.000001", "--dry-run"))
    compare("memories forget", show("memories", "forget", number))
    compare("models list", show("models", "list"))
    compare("models default", show("models", "default"))


def test_the_keys_of_many_questions(folder, capsys):
    run(["ingest", "docs"])
    Path("q.jsonl").write_text('{"qid": 1, "question": "tides"}\n')
    capsys.readouterr()
    run(["recall", "--questions", "q.jsonl"])
    compare("recall --questions", json.loads(capsys.readouterr().out))


def test_the_keys_of_a_model_of_ones_own(capsys, tmp_path, monkeypatch, language_model_path):
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path))
    assert run(["models", "add", str(language_model_path), "--name", "mine", "--json"]) == 0
    compare("models add", json.loads(capsys.readouterr().out))
    assert run(["models", "list", "--json"]) == 0
    compare("models list", json.loads(capsys.readouterr().out))


def test_the_keys_of_a_watched_batch(folder):
    watching = subprocess.Popen(
        [sys.executable, "-m", "crystalcli", "watch", "docs", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CRYSTAL_MODELS": str(folder / "none"), "CRYSTAL_OFFLINE": "1"},
    )
    assert watching.stdout is not None
    try:
        compare("watch", json.loads(watching.stdout.readline()))
    finally:
        watching.terminate()
        watching.communicate(timeout=60)


def test_the_keys_of_perplexity(capsys, tmp_path, language_model_path, encoder_folder):
    text = tmp_path / "text.txt"
    text.write_text("".join(f"On day {day} the keeper lit the lamp, and wrote it down.\n" for day in range(80)))
    assert run(["perplexity", str(text), "--window", "64", "--targets", "1", "--json"]) == 0
    compare("perplexity", json.loads(capsys.readouterr().out))
