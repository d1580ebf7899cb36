"""A model server that tests run in a thread, and that answers as they tell it to: well, or as no server should."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODELS = {"object": "list", "data": [{"id": "tiny", "object": "model"}]}


class Server:
    """What one server answers, by path: a value (as JSON) or a function of the handler. asked: (path, headers, body)."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {"/v1/models": MODELS}
        self.asked: list[tuple[str, dict[str, str], object]] = []
        self.over = threading.Event()
        self.url = ""

    def say(self, answer: object) -> None:
        self.answers["/v1/chat/completions"] = answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ThreadingHTTPServer

    def do_GET(self) -> None:
        state: Server = self.server.state  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        state.asked.append((self.path, dict(self.headers), json.loads(body) if body else None))
        answer = state.answers.get(self.path, (404, {}))
        try:
            if callable(answer):
                answer(self)
            else:
                status, value = answer if isinstance(answer, tuple) else (200, answer)
                send(self, json.dumps(value).encode(), "application/json", status)
        except OSError:  # the other side has had enough
            pass
        self.close_connection = True

    do_POST = do_GET

    def log_message(self, *_: object) -> None: ...


def send(handler: BaseHTTPRequestHandler, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def begin(handler: BaseHTTPRequestHandler) -> None:
    """The head of a stream in chunks."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()


def chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.wfile.flush()


def event(content: str | None, finish: str | None = None, **words: str) -> bytes:
    choice = {"index": 0, "delta": {"content": content, **words}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def stream(*events: bytes, whole: bool = True) -> Callable[[BaseHTTPRequestHandler], None]:
    """A stream of events, each in a chunk of its own; whole: with the chunk that ends it."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        for each in events:
            chunk(handler, each)
        if whole:
            handler.wfile.write(b"0\r\n\r\n")

    return answer


DONE = b"data: [DONE]\n\n"
PARIS = stream(
    b": hello\n\n", event(None, role="assistant"), event("It is"), event(" Paris."), event(None, "stop"), DONE
)


@contextmanager
def running() -> Iterator[Server]:
    """A server on this machine, at its `url`."""
    state = Server()
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.state = state  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    state.url = f"http://127.0.0.1:{made.server_address[1]}/v1"
    try:
        yield state
    finally:
        state.over.set()
        made.shutdown()
        made.server_close()
