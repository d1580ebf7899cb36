"""Web addresses: fetched once, only when named, within bounds, and never further."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crystalcli.cli.app import run
from crystalcli.errors import Reason, SourceError, UsageError
from crystalcli.ingest.status import crystal_status
from crystalcli.ingest.web_address import checked_address, fetch_documents
from crystalcli.library import Crystal
from crystalcli.storage.store import Store

PAGE = "<html><body><h1>Harbour</h1><p>The lamp at Oldhaven burns fourteen litres. <a href='/next'>Next</a></p></body></html>"


class Site:
    """A server on this machine.

    Attributes:
        answers: status, headers and body by path.
        asked: paths that were asked for.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, headers, body = site.answers.get(self.path, (404, {}, b"not here"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, path: str, body: str | bytes, kind: str, status: int = 200, **headers: str) -> str:
        data = body if isinstance(body, bytes) else body.encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = status, {"Content-Type": kind, **named}, data
        return self.root + path


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def crystal(tmp_path: Path) -> Iterator[Crystal]:
    with Crystal.create(tmp_path / "x.crystal", encoder=None) as made:
        yield made


def refusal(address: str, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught, fetch_documents([address], **options):
        pass
    return caught.value


def test_a_page_is_fetched_once_and_cited_by_its_address_and_day(site, crystal, tmp_path):
    address = site.put("/harbour?light=1", PAGE, "text/html; charset=utf-8")
    report = crystal.ingest(f"{address}#top")
    assert (report.read, site.asked) == (1, ["/harbour?light=1"])
    (passage,) = crystal.recall("lamp litres")
    assert (passage.place.path, passage.place.kind, passage.heading) == (address, "html", "Harbour")
    assert str(passage.place).startswith("fetched 20")
    # Neither a later ingest nor status asks the server.
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text("The tide turns at noon.\n")
    crystal.ingest(notes, prune=True)
    with Store.open(tmp_path / "x.crystal") as store:
        assert all(entry.now == "same" for entry in crystal_status(store).entries)
    assert (len(site.asked), len(crystal.recall("lamp litres").passages)) == (1, 1)
    # Named again it is fetched again, and read again if it has changed.
    assert crystal.ingest([address, notes]).unchanged == 2
    site.put("/harbour?light=1", PAGE.replace("fourteen", "forty"), "text/html")
    assert crystal.ingest(address).read == 1
    assert "forty" in crystal.recall("lamp litres").passages[0].text
    assert set(site.asked) == {"/harbour?light=1"}


def test_the_stated_type_and_encoding_count(site, crystal):
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    pdf.add_page()
    pdf.multi_cell(0, 8, "Spring tide comes two days after the full moon.")
    page = PAGE.replace("Oldhaven", "Ölhafen").encode("cp1252")
    addresses = [
        site.put("/report", bytes(pdf.output()), "application/pdf"),
        site.put("/old", page, "text/html; charset=iso-8859-1"),
        site.put("/code.py", "def lamp():\n    return 14\n", "text/plain"),
        site.put("/packed", gzip.compress(b"The skiff was moved on Thursday."), "text/plain", Content_Encoding="gzip"),
    ]
    assert crystal.ingest(addresses).read == 4
    assert {document.path: document.kind for document in crystal.documents()} == dict(
        zip(addresses, ("pdf", "html", "code", "text"), strict=True)
    )
    assert str(crystal.recall("full moon").passages[0].place) == "p. 1"
    assert "Ölhafen" in crystal.recall("lamp litres").passages[0].text
    assert crystal.recall("skiff").passages


def test_another_host_is_reported_and_not_asked(site):
    other = Site()
    try:
        target = other.put("/a", PAGE, "text/html").replace("127.0.0.1", "localhost")
        site.put("/moved", "", "text/html", 302, Location=target)
        error = refusal(f"{site.root}/moved")
        assert error.code == Reason.LINK_OUTSIDE
        assert f"leads to {target}: name that address" in str(error)
        assert other.asked == []
    finally:
        other.server.shutdown()
        other.server.server_close()


def test_a_server_may_send_on_to_its_own_addresses(site, crystal):
    site.put("/new", PAGE, "text/html")
    address = site.put("/old", "", "text/html", 301, Location="/new")
    assert crystal.ingest(address).read == 1
    assert [document.path for document in crystal.documents()] == [address]
    site.put("/round", "", "text/html", 302, Location="/round")
    assert "cannot fetch" in str(refusal(f"{site.root}/round"))


def test_what_cannot_be_read_says_so_on_one_line(site, tmp_path, capsys):
    assert "the server answers 404" in str(refusal(f"{site.root}/none"))
    assert refusal(site.put("/big", b"x" * 2000, "text/plain"), max_bytes=1000).code == Reason.TOO_LARGE
    bomb = site.put("/bomb", gzip.compress(bytes(10**7)), "text/plain", Content_Encoding="gzip")
    assert refusal(bomb, max_bytes=10**6).code == Reason.TOO_LARGE
    assert refusal(site.put("/empty", b"", "text/html")).code == Reason.EMPTY
    assert refusal(site.put("/sound", b"\0\1\2\3" * 99, "audio/mpeg")).code == Reason.NOT_TEXT
    assert "the connection broke" in str(refusal(site.put("/cut", b"half", "text/plain", Content_Length="99")))
    assert run(["ingest", f"{site.root}/none", "-c", str(tmp_path / "y.crystal")]) == 3
    assert capsys.readouterr().err == f"crystal: cannot fetch {site.root}/none: the server answers 404 Not Found\n"
    assert not (tmp_path / "y.crystal").exists()
    port = site.server.server_port
    site.server.shutdown()
    site.server.server_close()
    assert "refused" in str(refusal(f"http://127.0.0.1:{port}/"))


def test_the_command_reads_an_address(site, tmp_path, capsys):
    address = site.put("/harbour", PAGE, "text/html")
    assert run(["ingest", address, "-c", str(tmp_path / "y.crystal"), "--wait-for", "text"]) == 0
    assert run(["recall", "lamp litres", "-c", str(tmp_path / "y.crystal")]) == 0
    out = capsys.readouterr().out
    assert address in out
    assert "fetched 20" in out
    assert run(["ingest", address, "--dry-run", "-c", str(tmp_path / "y.crystal")]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "https://",
        "http:///a",
        "https://a b/",
        "https://ann:key@example.org/",
        "https://example.org:99999/",
        "https://x\n/",
    ],
)
def test_invalid_addresses_are_refused(text):
    with pytest.raises(UsageError, match="address"):
        checked_address(text)


def test_this_machine_is_asked_without_a_proxy(site, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with fetch_documents([site.put("/a", PAGE, "text/html")]) as files:
        assert files[0].size == len(PAGE)
