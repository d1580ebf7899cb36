"""What pages show of a shelf with hostile documents, through the application itself, without models."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from starlette.testclient import TestClient
from support.web_shelf import EVIL_NAME, NEEDLE, make_shelf

from crystalcli.library import Crystal
from crystalcli.web_server.handling.access import AccessPolicy
from crystalcli.web_server.web_app import make_web_app

LONG = 400_000


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    return make_shelf(folder / "shelf", folder / "shelf.crystal", long=LONG)


@pytest.fixture(scope="module")
def client(shelf) -> Iterator[TestClient]:
    app = make_web_app(shelf, AccessPolicy(None, "127.0.0.1", 8322), editor="code")
    with TestClient(app, base_url="http://127.0.0.1:8322") as opened:
        yield opened


def page(client: TestClient, path: str, status: int = 200, **parameters: object) -> str:
    answer = client.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    return answer.text


def links(html: str) -> list[str]:
    return [unescape(address) for address in re.findall(r'href="([^"]*)"', html)]


def attributes(html: str) -> set[str]:
    """Names of the attributes of all tags, as a browser reads them."""
    names: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            names.update(name for name, _ in attrs)

    Reader().feed(html)
    return names


def test_the_first_page_says_what_there_is(client):
    html = page(client, "/")
    assert "What do you want to know?" in html
    assert "1 pdf" in html


def test_words_are_found_while_they_are_typed(client):
    html = page(client, "/search/words", q="blue ro")
    assert "<mark>blue</mark> <mark>rope</mark>" in html
    assert "2 documents with all of this" in html  # the handbook has its blue shed, and rope
    link = links(html)[0]
    assert "shed.md" in link
    opened = page(client, urlsplit(link).path, **parse_qs(urlsplit(link).query))
    assert '<mark id="here">' in opened


def test_typed_words_list_the_documents_that_are_counted(client):
    html = page(client, "/search/words", q="blue ro")
    names = {parse_qs(urlsplit(link).query)["name"][0].rpartition("/")[2] for link in links(html)}
    assert names == {"shed.md", "handbook.pdf"}


def test_a_search_gives_more_passages_on_request(client):
    html = page(client, "/search", q="rope", n=1)
    assert html.count('id="hit-') == 1
    assert 'href="/search?q=rope&amp;n=21#hit-2"' in html
    assert page(client, "/search", q="rope", n=21).count('id="hit-') > 1


def test_words_that_stand_nowhere_are_not_found(client):
    assert "No document has" in page(client, "/search/words", q="zeppelin")
    assert page(client, "/search/words", q="") == ""


def test_a_search_has_filters_with_counts(client):
    html = page(client, "/search", q="tent")
    assert re.search(r"markdown</bdi>\s*<span class=\"number\"><span class=\"unseen\">, documents: </span>2", html)
    assert 'href="/search?q=tent&amp;in=notes"' in html
    assert 'href="/search?q=tent&amp;since=2026-01-01&amp;until=2026-12-31"' in html
    narrowed = page(client, "/search", q="rope", kind="code")
    assert "shed.md" not in narrowed
    assert "No filters" in narrowed


def test_a_wrong_filter_is_said_in_a_sentence(client):
    assert "expected a day such as" in page(client, "/search", 400, q="rope", since="yesterday")
    assert "no document matches" in page(client, "/search", q="rope", **{"in": "nowhere"})


def test_an_answer_comes_as_events_and_is_kept(client):
    question = "Where does the blue rope hang?"
    assert "sse-connect" in page(client, "/ask", q=question)
    stream = page(client, "/ask/events", q=question)
    assert stream.index("event: status") < stream.index("event: sources") < stream.index("event: answer")
    assert stream.rstrip().endswith("data: done")
    assert "behind the door" in stream
    kept = page(client, "/ask", q=question)
    assert "sse-connect" not in kept
    assert "behind the door" in kept


def test_a_question_that_fails_says_why(client):
    stream = page(client, "/ask/events", q="rope", **{"in": "nowhere"})
    assert "no document matches nowhere" in stream
    assert stream.rstrip().endswith("data: done")


def test_nothing_of_a_document_becomes_markup(client):
    pages = [
        page(client, "/documents"),
        page(client, "/document", name=EVIL_NAME),
        page(client, "/document", name=EVIL_NAME, at=0, to=400),
        page(client, "/document", name="map.html"),
        page(client, "/document", name="chat.json"),
        page(client, "/search", q="treasure pirates"),
        page(client, "/search/words", q="treasure"),
        page(client, "/ask/events", q="Where do pirates bury treasure?"),
        page(client, "/search", q='"><script>window.hacked=1</script>'),
        page(client, "/document", 404, name="<script>window.hacked=1</script>"),
    ]
    for html in pages:
        assert "<script>" not in html
        assert "<img src=x" not in html
        assert "<img src=http" not in html
        assert "<b>Sam" not in html
        assert "javascript:alert" not in "".join(links(html))
        assert not [name for name in attributes(html) if name.startswith("on") or name == "style"]
        assert "\u202e" not in html
        assert "7926919" not in html  # what a template would make of 1001*7919
    assert "&lt;script&gt;" in pages[1]


def test_markdown_has_its_headings_and_the_passage_is_marked(client):
    html = page(client, "/document", name="notes/shed.md", at=38, to=75)
    assert re.search(r"<h2>\s*Shed</h2>", html)
    assert re.search(r"<h3>\s*Ropes</h3>", html)
    assert "Contents" in html
    assert "hangs behind the door" in re.sub(r"<[^>]+>", "", html)
    assert html.count('id="here"') == 1


def test_code_has_lines_and_a_link_for_the_editor(client, shelf):
    html = page(client, "/document", name="tide.py", at=16, to=60)
    assert '<a id="L4" href="#L4">4</a>' in html
    assert f'href="vscode://file{shelf.parent}/shelf/tide.py:2"' in html
    assert '<span class="keyword">class</span>' in html


def test_a_conversation_names_author_and_time(client):
    html = page(client, "/document", name="chat.json")
    assert "<bdi>Ann Berg</bdi></b> <time>2025-03-02 10:00</time>" in html
    assert "&lt;b&gt;Sam&lt;/b&gt;" in html


def test_a_long_document_is_sent_in_parts(client, shelf):
    with Crystal.open(shelf, encoder=None) as crystal:
        characters = crystal.find_document("log.txt").characters
        whole = crystal.quote("log.txt", 0, characters)
    at = whole.index(NEEDLE)
    html = page(client, "/document", name="log.txt", at=at, to=at + len(NEEDLE) - 1)
    assert f'<mark id="here">{NEEDLE.strip()}</mark>' in html
    assert len(html) < 40_000
    count = int(re.search(r"of (\d+)", html)[1])
    texts = []
    for part in range(1, count + 1):
        article = re.search(r"<article.*</article>", page(client, "/document", name="log.txt", part=part), re.DOTALL)[0]
        texts += re.findall(r"line (\d+) of the log", article)
    assert texts == [str(number) for number in range(len(texts))]  # every line, once, in order
    assert page(client, "/document", name="log.txt", part=10**9).count("<article") == 1


def test_a_page_of_a_pdf_is_a_picture_with_the_passage_marked(client, shelf):
    with Crystal.open(shelf, encoder=None) as crystal:
        text = crystal.quote("handbook.pdf", 0, crystal.find_document("handbook.pdf").characters)
    at = text.index("Detergent is never used")
    html = page(client, "/document", name="handbook.pdf", at=at, to=at + 40)
    address = unescape(re.search(r'<img src="(/document/picture[^"]*)"', html)[1])
    marked = client.get(address)
    assert marked.headers["content-type"] == "image/png"
    plain = client.get(address.partition("&at")[0])
    one, other = (Image.open(io.BytesIO(answer.content)).convert("RGB") for answer in (plain, marked))
    assert one.size == other.size
    place = client.get(address.replace("picture?", "picture/mark?")).json()["top"]
    assert 0.7 < place < 0.9  # near the foot of page 8
    row = int(place * one.height) + 12
    yellow = [x for x in range(one.width) if other.getpixel((x, row))[2] < 150 < other.getpixel((x, row))[0]]
    assert len(yellow) > 100
    above = int(0.3 * one.height)
    assert one.crop((0, 0, one.width, above)).tobytes() == other.crop((0, 0, one.width, above)).tobytes()


def test_a_pdf_that_has_changed_is_not_drawn(tmp_path):
    shelf = make_shelf(tmp_path / "shelf", tmp_path / "shelf.crystal")
    app = make_web_app(shelf, AccessPolicy(None, "127.0.0.1", 8322))
    with TestClient(app, base_url="http://127.0.0.1:8322") as client:
        file = tmp_path / "shelf/handbook.pdf"
        file.write_bytes(file.read_bytes() + b"\n")
        assert "has changed since" in page(client, "/document/picture", 404, name="handbook.pdf", page=1)
        file.unlink()
        assert "not there now" in page(client, "/document/picture", 404, name="handbook.pdf", page=1)
        assert "Detergent is never used" in page(client, "/document", name="handbook.pdf", part=8)


@pytest.mark.parametrize("name", ["/etc/passwd", "../shelf.crystal", "notes/../../shelf.crystal", "notes", "", "*.md"])
def test_no_name_leads_to_a_file_that_is_no_document(client, name):
    for path in ("/document", "/document/picture"):
        answer = client.get(path, params={"name": name, "page": 1})
        assert answer.status_code in (400, 404)
        assert "root:" not in answer.text


def test_the_list_says_what_was_left_out_and_why(client):
    html = page(client, "/documents")
    assert "Left out: empty" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))
    left_out = page(client, "/documents", state="skipped")
    assert "empty.md" in left_out
    assert "shed.md" not in left_out
    assert "tide.py" in page(client, "/documents", kind="code")


def test_a_crystal_that_is_not_there_is_said_and_followed_when_it_is_made(tmp_path):
    path = tmp_path / "later.crystal"
    app = make_web_app(path, AccessPolicy(None, "127.0.0.1", 8322))
    with TestClient(app, base_url="http://127.0.0.1:8322") as client:
        assert "does not exist" in page(client, "/")
        assert "does not exist" in page(client, "/documents", 404)
        make_shelf(tmp_path / "shelf", path)
        assert "shed.md" in page(client, "/documents")
        (tmp_path / "shelf/new.md").write_text("The anchor is new.\n", encoding="utf-8")
        with Crystal(path, encoder=None) as crystal:
            crystal.ingest([tmp_path / "shelf"])
        assert "new.md" in page(client, "/documents")
        assert "<mark>anchor</mark>" in page(client, "/search/words", q="anchor")
