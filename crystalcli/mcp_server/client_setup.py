"""Setup of clients: what to paste into each, with absolute paths, and the skill for agents.

Knows: the forms of the clients' files. Does not know: the protocol.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from crystalcli.errors import UsageError

# Variables that say where weights are: a client starts its servers without the user's shell.
_VARIABLES = ("CRYSTAL_MODELS", "CRYSTAL_ENCODER", "CRYSTAL_RERANKER")


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """The command that a client starts a server by.

    Attributes:
        name: The name of the server in the client.
        words: The program and its arguments.
        variables: Variables of its environment.
    """

    name: str
    words: tuple[str, ...]
    variables: dict[str, str]

    def as_json(self, **first: str) -> dict[str, object]:
        """Give the entry of a client's JSON file."""
        entry: dict[str, object] = {**first, "command": self.words[0], "args": list(self.words[1:])}
        return {**entry, "env": self.variables} if self.variables else entry


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """The setup of a client.

    Attributes:
        place: Where to paste it.
        text: What to paste.
    """

    place: str
    text: str


def make_client_setup(client: str, crystal: Path, *, write: bool = False) -> ClientSetup:
    """Write what to paste into a client's configuration.

    Args:
        client: One of `CLIENTS`.
        crystal: The crystal.
        write: Whether the server may change the crystal.

    Raises:
        UsageError: The client is unknown.
    """
    if client not in CLIENTS:
        raise UsageError(f"unknown client {client!r}: expected {', '.join(CLIENTS)}")
    place, write_text = CLIENTS[client]
    return ClientSetup(place, write_text(server_command(crystal, write=write)))


def server_command(crystal: Path, *, write: bool = False) -> ServerCommand:
    """Make the command that serves a crystal, with absolute paths."""
    script = Path(sys.argv[0])
    is_program = script.suffix in ("", ".exe") and script.is_file() and os.access(script, os.X_OK)
    program = (str(script.absolute()),) if is_program else (sys.executable, "-m", "crystalcli")
    words = (*program, "mcp", "-c", str(crystal.absolute()), *(("--write",) if write else ()))
    stem = re.sub(r"[^a-z0-9]+", "-", crystal.stem.lower()).strip("-")
    name = "crystal" if stem in ("", "memory", "crystal") else f"crystal-{stem}"
    return ServerCommand(name, words, {name: os.environ[name] for name in _VARIABLES if os.environ.get(name)})


def skill_text() -> str:
    """Read the skill that tells an agent when to search and how to cite."""
    return resources.files("crystalcli.mcp_server").joinpath("SKILL.md").read_text(encoding="utf-8")


def _shell_command(command: ServerCommand) -> str:
    variables = [word for name, value in command.variables.items() for word in ("-e", f"{name}={value}")]
    return shlex.join(["claude", "mcp", "add", "--scope", "user", *variables, command.name, "--", *command.words])


def _json_file(key: str, **first: str) -> Callable[[ServerCommand], str]:
    def write(command: ServerCommand) -> str:
        return json.dumps({key: {command.name: command.as_json(**first)}}, indent=2, ensure_ascii=False)

    return write


def _toml_table(command: ServerCommand) -> str:
    # A string of JSON is one of TOML as well.
    lines = [
        f"[mcp_servers.{command.name}]",
        f"command = {json.dumps(command.words[0])}",
        f"args = {json.dumps(list(command.words[1:]))}",
    ]
    if command.variables:
        lines.append(
            "env = {" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in command.variables.items()) + "}"
        )
    return "\n".join(lines)


CLIENTS: dict[str, tuple[str, Callable[[ServerCommand], str]]] = {
    "claude-code": ("run this in a shell", _shell_command),
    "claude-desktop": (
        "merge this into claude_desktop_config.json (Settings, Developer, Edit Config), then restart",
        _json_file("mcpServers"),
    ),
    "cursor": ("merge this into ~/.cursor/mcp.json, or .cursor/mcp.json of a project", _json_file("mcpServers")),
    "vscode": (
        "merge this into .vscode/mcp.json, or the file of `MCP: Open User Configuration`",
        _json_file("servers", type="stdio"),
    ),
    "codex": ("add this to ~/.codex/config.toml", _toml_table),
    "gemini": ("merge this into ~/.gemini/settings.json", _json_file("mcpServers")),
}
