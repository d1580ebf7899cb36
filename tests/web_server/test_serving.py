"""The server as a process of its own: its address and token, hosts, assistants beside the pages, and its end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from support import chat_server
from support.repository import environment
from support.waiting import GUARD
from support.web_shelf import make_shelf, serving

QUESTION = "Where does the blue rope hang?"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    return make_shelf(folder / "shelf", folder / "shelf.crystal")


def refused(*words: str, **variables: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "crystalcli", "serve", "--no-open", *words],
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=GUARD,
    )
    assert result.returncode in (1, 2)
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_the_printed_address_lets_a_browser_in_and_no_other_does(shelf):
    with serving(shelf) as address, httpx2.Client(timeout=GUARD) as browser, httpx2.Client(timeout=GUARD) as stranger:
        token = parse_qs(urlsplit(address).query)["token"][0]
        assert len(token) >= 32
        home = address.partition("?")[0]
        assert home.startswith("http://127.0.0.1:")
        assert stranger.get(home).status_code == 403
        assert "Go on" in browser.get(address).text
        assert "What do you want to know?" in browser.get(home).text
        assert stranger.get(home, headers={"Host": "evil.example"}).status_code == 403
        assert browser.get(home, headers={"Host": "evil.example"}).status_code == 403
        assert "server" not in browser.get(home).headers


def test_the_answer_of_a_model_comes_word_by_word_with_links_to_its_sources(shelf):
    with chat_server.running() as model:
        words = [chat_server.event(word) for word in ("The blue rope", " hangs behind", " the door.")]
        model.say(chat_server.stream(*words, chat_server.event(None, "stop")))
        with (
            serving(shelf, "--no-token", "--model", f"{model.url}#tiny") as address,
            httpx2.Client(timeout=GUARD) as browser,
        ):
            stream = browser.get(f"{address}ask/events", params={"q": QUESTION}).text
    assert stream.index("event: sources") < stream.index("event: text") < stream.index("event: answer")
    said = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: ")]
    assert any(line.endswith("The blue rope") for line in said)
    assert 'class="cite" href="/document?name=notes%2Fshed.md&amp;at=' in stream
    assert "In the words of tiny" in stream


def test_assistants_are_served_beside_the_pages_by_the_same_token(shelf):
    async def ask(address: str, token: str) -> str:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=GUARD) as http:
            transport = streamable_http_client(f"{address}mcp", http_client=http)
            async with Client(transport, read_timeout_seconds=GUARD) as client:
                result = await client.call_tool("list", {})
                return result.content[0].text

    token = "a-token-of-sixteen-or-more"
    with serving(shelf, "--mcp", CRYSTAL_TOKEN=token) as address:
        assert address.endswith(f"?token={token}")
        home = address.partition("?")[0]
        assert "shed.md" in asyncio.run(ask(home, token))
        assert httpx2.post(f"{home}mcp", json={}, timeout=GUARD).status_code == 403
        assert "What do you want" in httpx2.get(home, headers={"Authorization": f"Bearer {token}"}, timeout=GUARD).text


def test_other_machines_need_the_token(shelf):
    assert "--no-token is for this machine alone" in refused("-c", str(shelf), "--host", "0.0.0.0", "--no-token")
    assert "CRYSTAL_TOKEN is too weak" in refused("-c", str(shelf), CRYSTAL_TOKEN="short")


def test_a_port_that_is_taken_is_said(shelf):
    with serving(shelf, "--no-token") as address:
        message = refused("-c", str(shelf), "--port", str(urlsplit(address).port))
    assert "cannot listen on 127.0.0.1" in message
    assert "--port takes another one" in message


def test_it_ends_at_once_when_it_is_interrupted(shelf):
    process = subprocess.Popen(
        [sys.executable, "-m", "crystalcli", "serve", "-c", str(shelf), "--port", "0", "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=GUARD)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "crystal: stopped; the crystal is as it was"
    assert "Traceback" not in said
