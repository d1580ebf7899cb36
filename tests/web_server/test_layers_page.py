"""The page of layers: a picture that is sound SVG, whatever names and texts documents have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from crystalcli.library import Crystal
from crystalcli.web_server.handling.access import AccessPolicy
from crystalcli.web_server.web_app import make_web_app

DIV = "{http://www.w3.org/1999/xhtml}div"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "\"><svg onload=alert(1)>' & <script>alert(2)</script>.md"
QUESTION = "What smells of smoke?"


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "camp").mkdir()
    (folder / "camp" / "note.md").write_text("# Shed\n\nThe tent smells of smoke.\n", encoding="utf-8")
    (folder / "camp" / HOSTILE.replace("/", "∕")).write_text(
        "# <b onclick=alert(3)>Bold</b> \x07]]>\n\n"
        + "</svg></div><script>alert(4)</script> the oil lamp. " * 60
        + "\n\n"
        "## Second\n\n" + "Rain fell on the pier, and the ferry was late again. " * 60 + "\n",
        encoding="utf-8",
    )
    (folder / "long.txt").write_text(
        "".join(
            f"CHAPTER {number}\n\n" + f"The keeper lit lamp {number} at dusk. " * 90 + "\n\n" for number in range(1, 9)
        ),
        encoding="utf-8",
    )
    file = tmp_path_factory.mktemp("crystals") / "shelf.crystal"
    with Crystal.create(file, encoder=None) as crystal:
        crystal.ingest([folder])
    return file


@pytest.fixture(scope="module")
def client(path) -> Iterator[TestClient]:
    with TestClient(
        make_web_app(path, AccessPolicy(None, "127.0.0.1", 8322)), base_url="http://127.0.0.1:8322"
    ) as opened:
        yield opened


def picture_of(page: str) -> ElementTree.Element:
    """The picture, read as XML."""
    (text,) = re.findall(r"<svg.*</svg>", page, re.DOTALL)
    return ElementTree.fromstring(text)


def links_of(picture: ElementTree.Element) -> list[str]:
    return [link.attrib["href"] for link in picture.iter(f"{SVG}a") if "href" in link.attrib]


def check(page: str) -> ElementTree.Element:
    picture = picture_of(page)
    for element in picture.iter():
        assert element.tag.rpartition("}")[2] not in ("script", "style", "image", "use")
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            assert name != "style"
            assert "javascript:" not in value
    assert all(link.startswith(("/layers?", "/document?")) for link in links_of(picture))
    assert not re.search(r"<[^>]+ style=|<script(?! src=\"/static/)", page)
    return picture


@pytest.mark.parametrize("question", ["", QUESTION])
def test_every_view_is_sound_and_leads_on_to_views(client, question):
    ahead, seen = ["/layers" + (f"?q={question}" if question else "")], set()
    while ahead and len(seen) < 40:
        address = ahead.pop(0)
        if address in seen or not address.startswith("/layers"):
            continue
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, address
        links = links_of(check(answer.text))
        assert links, address
        if question:
            assert all("q=" in link for link in links if link.startswith("/layers"))
        ahead += [*links[:3], *links[-3:]]
    assert len(seen) >= 20


def test_names_and_texts_are_shown_as_they_are(client):
    page = client.get("/layers", params={"folder": "camp"})
    assert "<script>alert" not in page.text
    labels = [element.text for element in check(page.text).iter(DIV)]
    assert "<b onclick=alert(3)>Bold</b> \N{REPLACEMENT CHARACTER}]]>" in labels  # the title of the document
    name = next(link for link in links_of(picture_of(page.text)) if "onload" in link)
    below = client.get(name).text
    check(below)
    assert "onclick=alert(3)&gt;Bold" in below
    assert escape(HOSTILE.replace("/", "∕")) in below
    assert "\x07" not in below
    assert "\N{REPLACEMENT CHARACTER}" in below


def test_widths_of_a_band_fill_the_picture(client):
    for address in ("/layers", "/layers?name=long.txt", "/layers?folder=camp"):
        for band in picture_of(client.get(address).text).iter(f"{SVG}g"):
            shapes = [link.find(f"{SVG}rect").attrib for link in band.iter(f"{SVG}a")]
            assert sum(float(shape["width"].rstrip("%")) for shape in shapes) == pytest.approx(100, abs=0.2)
            assert float(shapes[0]["x"].rstrip("%")) == 0


def test_a_question_gives_light_and_pins(client):
    page = client.get("/layers", params={"q": QUESTION}).text
    picture = check(page)
    classes = [link.attrib.get("class", "") for link in picture.iter(f"{SVG}a")]
    assert "lit-9" in classes
    assert "pin" in classes
    assert any("unread" in name for name in classes)  # without vectors nothing below atoms is read
    assert "The tent smells of smoke." in page
    dark = picture_of(client.get("/layers").text)
    assert {link.attrib["class"] for link in dark.iter(f"{SVG}a")} == {"lit-0"}


def test_the_list_says_what_the_picture_shows(client):
    page = client.get("/layers", params={"name": "long.txt"}).text
    listed = page.partition('id="as-list"')[2]
    for number in range(1, 9):
        assert f">CHAPTER {number}</a>" in listed
    first = links_of(picture_of(page))[0]
    assert f'href="{first.replace("&", "&amp;")}"' in listed


def test_the_last_level_leads_to_the_text(client):
    page = client.get("/layers", params={"name": "long.txt", "span": "20-25"}).text
    assert "atom 1 of" in page
    assert "The keeper lit lamp 1 at dusk." in page
    bands = list(picture_of(page).iter(f"{SVG}g"))
    assert all(link.attrib["href"].startswith("/document?name=long.txt") for link in bands[-1].iter(f"{SVG}a"))


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("name=nowhere.txt", 404, "no document nowhere.txt"),
        ("folder=nowhere", 404, "no documents in nowhere"),
        ("files=5000-6000", 404, "no documents there"),
        ("name=long.txt&span=a-b", 400, "invalid span"),
        ("name=long.txt&span=7", 400, "invalid span"),
        ("files=-3-5", 400, "invalid files"),
        ("name=long.txt&span=99999999999-1", 200, "atom"),
    ],
)
def test_bad_addresses_say_what_is_wrong(client, query, status, words):
    answer = client.get(f"/layers?{query}")
    assert answer.status_code == status
    assert words in answer.text


def test_a_filter_stays_with_the_question(client):
    page = client.get("/layers", params={"q": QUESTION, "in": "camp", "kind": "markdown"}).text
    links = [link for link in links_of(check(page)) if link.startswith("/layers")]
    assert all("in=camp&kind=markdown" in link for link in links)
    assert "that its filter lets through" not in page  # without vectors nothing is compared
    assert '<input type="hidden" name="kind" value="markdown">' in page
    assert client.get("/layers", params={"q": QUESTION, "kind": "pdf"}).status_code == 404


def test_answers_and_documents_lead_to_their_layers(client):
    assert 'href="/layers?q=smoke+%26+fire&amp;in=camp"' in client.get("/ask?q=smoke+%26+fire&in=camp").text
    assert 'href="/layers?name=long.txt"' in client.get("/document?name=long.txt").text


def test_the_page_can_be_found(client):
    assert '<a href="/layers">Layers</a>' in client.get("/").text
    assert client.get("/static/layers.css").status_code == client.get("/static/layers.js").status_code == 200
