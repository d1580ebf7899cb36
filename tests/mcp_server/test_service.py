"""The server as a process of its own, asked by the SDK's client: by standard streams, and by HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from support.waiting import GUARD

from crystalcli.library import Crystal
from crystalcli.mcp_server.crystal_thread import CrystalThread

CRYSTAL = [sys.executable, "-m", "crystalcli"]
READERS = ["search", "read", "outline", "list", "mentions"]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
# For each version of the protocol the mode of the SDK's client that speaks it.
VERSIONS = {"2025-11-25": "legacy", "2026-07-28": "auto"}


@asynccontextmanager
async def stdio_client(path: Path, *more: str, mode: str = "auto") -> AsyncIterator[Client]:
    parameters = StdioServerParameters(
        command=CRYSTAL[0], args=[*CRYSTAL[1:], "mcp", "-c", str(path), *more], env=dict(os.environ)
    )
    async with Client(parameters, mode=mode, read_timeout_seconds=GUARD) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> tuple[str, bool]:
    """Call a tool; its text, and whether it is an error."""
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is None
    (content,) = result.content
    assert content.type == "text"
    return content.text, result.is_error


@pytest.fixture
def shelf(tmp_path: Path, shelf_folder: Path) -> Path:
    path = tmp_path / "shelf.crystal"
    with Crystal.create(path, encoder=None) as crystal:
        crystal.ingest([shelf_folder])
    return path


@pytest.fixture
def http_server(shelf: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*CRYSTAL, "mcp", "-c", str(shelf), "--http", "0"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    address = re.search(r"http://127\.0\.0\.1:\d+/mcp", line)
    assert address, line
    yield process, address[0]
    process.kill()
    process.communicate()


async def check_everything(client: Client, version: str) -> None:
    """Every tool, wrong calls, many calls at once, a call that is cancelled."""
    assert client.protocol_version == version
    assert client.instructions is not None and "4 documents" not in client.instructions
    assert "3 documents of the user's in shelf.crystal: code 1, markdown 1, text 1, in code 1." in client.instructions
    tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == READERS
    for tool in tools:
        assert tool.annotations is not None and tool.annotations.read_only_hint
        assert tool.output_schema is None
    assert "tale.txt" in (await call(client, "search", question="Who carried the brass key?"))[0]
    assert "High water" in (await call(client, "read", path="notes.md", section="Tides"))[0]
    assert "s1 spring_tide | lines 1-3" in (await call(client, "outline", path="tide.py"))[0]
    assert (await call(client, "list"))[0].startswith("3 documents\ncode/tide.py | code | ")
    assert "“Oldhaven” occurs twice in 2 of 3 documents" in (await call(client, "mentions", text="Oldhaven"))[0]
    assert await call(client, "read", path="note.md") == ("no document matches note.md; nearest: notes.md", True)
    assert await call(client, "read", pth="x") == ("read has no argument 'pth'; nearest: path", True)
    assert await call(client, "rember", text="x") == (
        "there is no tool 'rember'; there are search, read, outline, list, mentions", True
    )  # fmt: skip
    many = [call(client, "search", question=f"Who carried the key, {number}?", k=1) for number in range(20)]
    assert all("tale.txt" in text for text, _ in await asyncio.gather(*many))
    cancelled = [asyncio.create_task(call(client, "mentions", text="island")) for _ in range(5)]
    await asyncio.sleep(0)
    for task in cancelled[1:]:
        task.cancel()
    done = await asyncio.gather(*cancelled, return_exceptions=True)
    assert "island" in done[0][0]
    assert all(isinstance(error, asyncio.CancelledError) for error in done[1:])
    assert not (await call(client, "list"))[1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_by_standard_streams_gets_every_tool(shelf, version):
    async def session() -> None:
        async with stdio_client(shelf, mode=VERSIONS[version]) as client:
            await check_everything(client, version)

    asyncio.run(session())


def test_clients_by_http_get_every_tool(http_server):
    _, address = http_server

    async def session(version: str) -> None:
        async with Client(address, mode=VERSIONS[version], read_timeout_seconds=GUARD) as client:
            await check_everything(client, version)

    async def both() -> None:
        await asyncio.gather(*map(session, VERSIONS))

    asyncio.run(both())


def test_what_is_not_here_and_torch_is_not_loaded(samples_crystal):
    async def session() -> None:
        async with stdio_client(samples_crystal) as client:
            text, _ = await call(client, "search", question="What is the boiling point of tungsten?", k=1)
            assert text.startswith("Not here (evidence 0.")
            assert "by words alone" not in text
            text, _ = await call(
                client, "search", question="Why may detergent not be used on an oil spill in the harbour?"
            )
            assert text.startswith("Answered (evidence 0.")

    asyncio.run(session())
    check = (
        "import sys; from crystalcli.library import Crystal; from crystalcli.mcp_server.toolbox import Toolbox\n"
        f"crystal = Crystal.open({str(samples_crystal)!r})\n"
        "asked = {'question': 'Why may detergent not be used on an oil spill in the harbour?'}\n"
        "print(Toolbox(write=False).call(crystal, 'search', asked))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], capture_output=True).returncode == 0


def test_a_crystal_that_is_missing_grows_and_is_replaced_is_followed(tmp_path, shelf, shelf_folder):
    path = tmp_path / "late.crystal"

    async def session() -> None:
        async with stdio_client(path) as client:
            assert "which cannot be opened yet: late.crystal" in str(client.instructions)
            text, is_error = await call(client, "search", question="herons")
            assert is_error and text.startswith(f"{path} does not exist; make a crystal with")
            shutil.copy(shelf, path)
            assert (await call(client, "list"))[0].startswith("3 documents\n")
            with Crystal.create(tmp_path / "other.crystal", encoder=None) as other:
                other.ingest([shelf_folder / "notes.md"])
            (tmp_path / "other.crystal").replace(path)
            assert (await call(client, "list"))[0].startswith("1 document\n")
            (shelf_folder / "herons.md").write_text("Herons stand in the reeds.\n", encoding="utf-8")
            with Crystal(path, encoder=None) as writer:
                writer.ingest([shelf_folder])
                assert "herons.md:1" in (await call(client, "search", question="Where do herons stand?"))[0]
                writer.forget("tale.txt")
                writer.compact()
            assert (await call(client, "list"))[0].startswith("3 documents\n")
            path.unlink()
            assert (await call(client, "list"))[1]
            path.write_text("It is no crystal.\n")
            assert await call(client, "list") == (f"{path} is not a crystal", True)

    asyncio.run(session())


def test_notes_are_kept_where_that_was_allowed(own_samples_crystal):
    async def session() -> None:
        async with stdio_client(own_samples_crystal, "--write") as client:
            tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
            assert list(tools) == [*READERS, "remember"]
            assert tools["remember"] is not None and tools["remember"].read_only_hint is False
            assert (await call(client, "remember", text="The spare fuse is in the blue tin."))[0].startswith(
                "Remembered"
            )
            assert "memories/20" in (await call(client, "search", question="Where is the spare fuse?", k=1))[0]

    asyncio.run(session())


# --- the wire -------------------------------------------------------------------------------------


def start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*CRYSTAL, "mcp", "-c", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_stdout_carries_messages_and_nothing_else(samples_crystal):
    requests = [
        INITIALIZE,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call",
         "params": {"name": "search", "arguments": {"question": "Why may detergent not be used on an oil spill in the harbour?"}}},
        {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": "list", "arguments": [1]}},
        {"jsonrpc": "2.0", "id": 5, "method": "nonsense"},
    ]  # fmt: skip
    process = start(samples_crystal)
    assert process.stdin is not None and process.stdout is not None
    for line in ("no json\n", "[]\n", *(json.dumps(request) + "\n" for request in requests)):
        process.stdin.write(line)
        process.stdin.flush()
    messages = [json.loads(process.stdout.readline()) for _ in range(5)]
    process.stdin.close()
    assert process.stdout.read() == ""
    assert process.wait(GUARD) == 0
    by_id = {message["id"]: message for message in messages}
    assert by_id.keys() == {1, 2, 3, 4, 5}
    assert by_id[3]["result"]["content"][0]["text"].startswith("Answered")
    assert by_id[4]["error"]["code"] == -32602
    assert by_id[5]["error"]["code"] == -32601


@pytest.mark.parametrize("way", ["closes both", "closes stdout", "is interrupted"])
def test_a_client_that_vanishes_ends_the_server(shelf, way):
    process = start(shelf)
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.write(json.dumps(INITIALIZE) + "\n")
    process.stdin.flush()
    process.stdout.readline()
    if way == "is interrupted":
        process.send_signal(signal.SIGINT)
    else:
        process.stdout.close()
        with process.stdin as stdin:
            if way == "closes stdout":
                stdin.write('{"jsonrpc": "2.0", "id": 2, "method": "ping"}\n')
    assert process.wait(GUARD) == (130 if way == "is interrupted" else 0)
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_a_client_that_vanishes_from_http_leaves_the_others(http_server):
    process, address = http_server

    async def session() -> None:
        async with Client(address, mode="legacy", read_timeout_seconds=GUARD) as stays:
            body = {**INITIALIZE, "id": 7}
            headers = {"Accept": "application/json, text/event-stream"}
            async with httpx2.AsyncClient() as client:
                opened = await client.post(address, json=body, headers=headers)
                headers["Mcp-Session-Id"] = opened.headers["mcp-session-id"]
                request = {
                    "jsonrpc": "2.0",
                    "id": 8,
                    "method": "tools/call",
                    "params": {"name": "list", "arguments": {}},
                }
                async with client.stream("POST", address, json=request, headers=headers):
                    pass  # goes before the answer is read
            assert (await call(stays, "list"))[0].startswith("3 documents")

    asyncio.run(session())
    assert process.poll() is None


def test_web_pages_cannot_ask(http_server):
    _, address = http_server
    headers = {"Accept": "application/json, text/event-stream"}
    for name, value, status in (("Origin", "http://evil.example", 403), ("Host", "evil.example", 421)):
        assert httpx2.post(address, json=INITIALIZE, headers={**headers, name: value}).status_code == status
    assert httpx2.post(address, json=INITIALIZE, headers=headers).status_code == 200


def test_a_port_that_is_taken_is_told(http_server, shelf):
    port = http_server[1].rpartition(":")[2].partition("/")[0]
    result = subprocess.run([*CRYSTAL, "mcp", "-c", str(shelf), "--http", port], capture_output=True, text=True)
    assert result.returncode == 1
    assert re.fullmatch(
        rf"crystal: cannot listen on 127\.0\.0\.1:{port}: .+; --http PORT takes another one\n", result.stderr
    )


# --- the thread -----------------------------------------------------------------------------------


def test_a_call_that_is_cancelled_before_its_turn_is_never_begun(shelf):
    thread, begun = CrystalThread(shelf, write=False), []
    started, may_end = threading.Event(), threading.Event()

    def hold(crystal: Crystal) -> None:
        started.set()
        assert may_end.wait(GUARD)

    async def session() -> None:
        first = asyncio.create_task(thread.run(hold))
        await asyncio.to_thread(started.wait, GUARD)
        second = asyncio.create_task(thread.run(lambda crystal: begun.append("second")))
        third = asyncio.create_task(thread.run(lambda crystal: begun.append("third")))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.gather(first, third)

    asyncio.run(session())
    thread.close()
    assert begun == ["third"]
