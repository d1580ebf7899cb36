"""Who is let in, and what browsers are told; through the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from crystalcli.library import Crystal
from crystalcli.web_server.handling.access import CONTENT_POLICY, AccessPolicy
from crystalcli.web_server.web_app import make_web_app

TOKEN = "a-token-of-sixteen-or-more"
HOME = "http://127.0.0.1:8322"


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "note.md").write_text("# Shed\n\nThe tent smells of smoke.\n", encoding="utf-8")
    file = tmp_path_factory.mktemp("crystals") / "shelf.crystal"
    with Crystal.create(file, encoder=None) as crystal:
        crystal.ingest([folder])
    return file


@pytest.fixture
def client(path) -> Iterator[TestClient]:
    app = make_web_app(path, AccessPolicy(TOKEN, "127.0.0.1", 8322))
    with TestClient(app, base_url=HOME, follow_redirects=False) as opened:
        yield opened


def test_a_request_without_the_token_sees_nothing(client):
    for address in ("/", "/documents", "/static/crystal.css", "/mcp", "/nowhere"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert "shelf" not in answer.text
        assert "token" in answer.text


@pytest.mark.parametrize("wrong", ["", "a", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é" * 20])
def test_a_wrong_token_is_refused(client, wrong):
    assert client.get("/", params={"token": wrong}).status_code == 403
    assert client.get("/", headers={"Authorization": b"Bearer " + wrong.encode()}).status_code == 403
    assert client.get("/", headers={"Cookie": b"crystal-8322=" + wrong.encode()}).status_code == 403


def test_the_token_in_the_address_becomes_a_cookie_that_scripts_and_other_sites_never_see(client):
    landed = client.get("/documents", params={"kind": "markdown", "token": TOKEN})
    assert landed.status_code == 200
    assert 'content="0; url=/documents?kind=markdown"' in landed.text
    assert TOKEN not in landed.text
    cookie = landed.headers["set-cookie"].lower()
    assert cookie.startswith("crystal-8322=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/documents").status_code == 200


def test_a_landing_never_leads_to_another_host(client):
    landed = client.get(f"{HOME}//evil.example/?token={TOKEN}")
    assert "url=/evil.example/" in landed.text
    assert "//evil" not in landed.text


def test_programs_give_the_token_in_a_header(client):
    assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8322", "127.0.0.1.evil.example", "", "[", "8.8.8.8"])
def test_a_name_of_another_host_is_refused_also_with_the_token(client, host):
    answer = client.get("/", headers={"Host": host, "Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 403
    assert "address" in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8322", "http://127.0.0.1:8323"])
def test_a_foreign_origin_is_refused_also_with_the_token(client, origin):
    answer = client.get("/", headers={"Origin": origin, "Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 403


def test_another_site_may_link_here_and_load_nothing(client):
    def ask(mode: str, dest: str) -> int:
        said = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        return client.get("/", headers={**said, "Authorization": f"Bearer {TOKEN}"}).status_code

    assert ask("navigate", "document") == 200
    assert ask("navigate", "iframe") == 403
    assert ask("no-cors", "image") == 403
    assert ask("cors", "empty") == 403


def test_every_answer_says_what_browsers_may_do(client):
    client.get("/", params={"token": TOKEN})
    for address in ("/", "/documents", "/nowhere", "/static/crystal.css", "/static/nowhere.js"):
        headers = client.get(address).headers
        assert headers["content-security-policy"] == CONTENT_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
    assert "unsafe" not in CONTENT_POLICY


def test_names_of_this_machine_are_let_in_when_other_machines_are_served():
    wide = AccessPolicy(TOKEN, "0.0.0.0", 8322)
    assert wide.allows_host("192.168.0.7:8322")
    assert wide.allows_host("[fe80::1]:8322")
    assert not wide.allows_host("evil.example:8322")


@pytest.mark.parametrize("address", ["/static/../access.py", "/static/%2e%2e/access.py", "/static/..%2faccess.py"])
def test_no_path_leads_out_of_the_folder_of_static_files(client, address):
    answer = client.get(address, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 404
    assert "AccessGuard" not in answer.text
