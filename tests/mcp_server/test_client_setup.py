"""What `crystal mcp` prints for clients: it works as it is pasted."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from crystalcli.cli.app import run
from crystalcli.library import Crystal
from crystalcli.mcp_server import CLIENTS, skill_text

JSON_KEYS = {"claude-desktop": "mcpServers", "cursor": "mcpServers", "vscode": "servers", "gemini": "mcpServers"}


def words_of(client: str, text: str) -> tuple[str, list[str]]:
    """The name of the server in what is pasted, and its command."""
    if client == "claude-code":
        words = shlex.split(text)
        assert words[:5] == ["claude", "mcp", "add", "--scope", "user"]
        name, command = words[words.index("--") - 1], words[words.index("--") + 1 :]
        return name, command
    entries = tomllib.loads(text)["mcp_servers"] if client == "codex" else json.loads(text)[JSON_KEYS[client]]
    ((name, entry),) = entries.items()
    assert entry.get("type") == ("stdio" if client == "vscode" else None)
    return name, [entry["command"], *entry["args"]]


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_pasted_has_absolute_paths(client, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "my shelf's folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert run(["mcp", "--config", client, "-c", "Old Letters.crystal"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("crystal: ")
    name, command = words_of(client, printed.out)
    assert name == "crystal-old-letters"
    assert Path(command[0]).is_absolute()
    assert command[-2:] == ["-c", str(folder / "Old Letters.crystal")]


def test_what_is_pasted_starts_a_server(tmp_path, capsys):
    with Crystal.create(tmp_path / "a.crystal", encoder=None):
        pass
    assert run(["mcp", "--config", "gemini", "-c", str(tmp_path / "a.crystal")]) == 0
    _, command = words_of("gemini", capsys.readouterr().out)

    async def session() -> None:
        parameters = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ), cwd="/")
        async with Client(parameters) as started:
            assert "a.crystal, which holds none yet" in str(started.instructions)

    asyncio.run(session())


def test_variables_and_write_access_are_passed_on(capsys, monkeypatch):
    monkeypatch.setenv("CRYSTAL_MODELS", "/models here")
    monkeypatch.delenv("CRYSTAL_RERANKER", raising=False)
    assert run(["mcp", "--config", "claude-code", "--write", "-c", "/x/memory.crystal"]) == 0
    assert " -e 'CRYSTAL_MODELS=/models here' crystal -- " in (text := capsys.readouterr().out)
    assert text.endswith(" mcp -c /x/memory.crystal --write\n")
    assert run(["mcp", "--config", "codex", "-c", "/x/memory.crystal"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["mcp_servers"]["crystal"]["env"] == {"CRYSTAL_MODELS": "/models here"}


def test_the_skill_is_printed_with_its_head(capsys):
    assert run(["mcp", "--skill"]) == 0
    assert capsys.readouterr().out == skill_text()
    head = skill_text().split("---\n")[1]
    assert head.startswith("name: crystal\ndescription: Search the user's own documents")
    assert len(head) < 1_024


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--config", "emacs"],
            "unknown client 'emacs': expected claude-code, claude-desktop, cursor, vscode, codex, gemini",
        ),
        (["--config", "codex", "--skill"], "--http, --config and --skill exclude one another"),
        (["--http", "70000"], "'--http'"),
    ],
)
def test_wrong_options_are_told(arguments, message, capsys):
    assert run(["mcp", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_without_the_extra_the_command_says_what_to_install(tmp_path):
    (tmp_path / "mcp_types.py").write_text("raise ModuleNotFoundError(\"No module named 'mcp_types'\", name='mcp')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run(
        [sys.executable, "-m", "crystalcli", "mcp"],
        capture_output=True,
        text=True,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert (result.returncode, result.stderr) == (1, "crystal: mcp is not installed: pip install 'crystalcli[serve]'\n")
