"""The pages in a real browser: ways through them, keys, hostile and long documents, widths and schemes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.keys import Keys
from support import browser as chromium
from support import chat_server
from support.browser import Browser
from support.repository import environment
from support.web_shelf import EVIL_NAME, NEEDLE, make_shelf, serving

from crystalcli.library import Crystal

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not chromium.IS_HERE, reason=chromium.NOT_HERE)]

MEGABYTES = 8
QUESTION = "Where does the blue rope hang?"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("browsed")
    return make_shelf(folder / "shelf", folder / "shelf.crystal", long=MEGABYTES * 1_000_000)


@pytest.fixture(scope="module")
def site(shelf) -> Iterator[str]:
    """The server's address, with an answering model that is a server of its own."""
    with chat_server.running() as model:
        words = [chat_server.event(word) for word in ("The blue rope", " hangs behind", " the door.")]
        model.say(chat_server.stream(*words, chat_server.event(None, "stop")))
        with serving(shelf, "--model", f"{model.url}#tiny") as address:
            yield address


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def browser(opened: Browser, site: str) -> Browser:
    opened.show(1280, 900)
    opened.open(site)  # with the token: a cookie from now on
    opened.until(lambda: "token" not in opened.address)
    opened.complaints()
    return opened


def here(site: str, path: str) -> str:
    parts = urlsplit(site)
    return f"{parts.scheme}://{parts.netloc}{path}"


def document(site: str, name: str, at: int = 0, to: int = 0) -> str:
    return here(site, f"/document?name={quote(name)}&at={at}&to={to}#here")


def place_of(shelf: Path, name: str, words: str) -> tuple[int, int]:
    with Crystal.open(shelf, encoder=None) as crystal:
        at = crystal.quote(name, 0, crystal.find_document(name).characters).index(words)
    return at, at + len(words)


def test_a_question_is_answered_and_its_citation_opens_the_document_at_the_passage(browser):
    browser.find("#box").send_keys(QUESTION + Keys.ENTER)
    browser.find(".made")
    assert "hangs behind the door." in browser.find(".said").text
    assert browser.find(".sources .name").text == "shed.md"
    browser.find(".said a.cite").click()
    browser.until(lambda: "/document" in browser.address)
    browser.find("mark#here")
    assert "The blue rope hangs behind the door." in [mark.text for mark in browser.all("mark")]
    assert browser.is_in_view("mark#here")
    browser.press(Keys.ESCAPE)
    browser.until(lambda: "/ask" in browser.address)
    assert "hangs behind the door." in browser.find(".said").text
    assert browser.all("[sse-connect]") == []  # kept, and not asked again
    assert browser.complaints() == []


def test_words_are_found_while_they_are_typed_and_keys_lead_through_them(browser):
    browser.press("blue ro")  # the box has the focus
    browser.until(lambda: [item.text for item in browser.all("#typed mark")][:2] == ["Ropes", "blue"])
    browser.press(Keys.ARROW_DOWN)
    assert browser.focus().startswith("shed.md")
    browser.press(Keys.ARROW_DOWN)
    assert browser.focus().startswith("handbook.pdf")
    browser.press(Keys.ARROW_UP + Keys.ARROW_UP)
    assert browser.focus() == "box"
    browser.press(Keys.ARROW_DOWN + Keys.ENTER)
    browser.until(lambda: "/document" in browser.address)
    assert browser.is_in_view("#here")
    browser.press("/")
    browser.until(lambda: browser.focus() == "box")
    browser.press("lamp")
    browser.until(lambda: browser.all("#typed mark"))
    browser.press(Keys.ESCAPE)
    assert browser.all("#typed mark") == []
    assert browser.focus() == "box"
    assert browser.complaints() == []


def test_enter_on_the_page_of_searches_looks_for_meaning_and_filters_narrow_it(browser, site):
    browser.open(here(site, "/search"))
    browser.press("rope" + Keys.ENTER)
    browser.until(lambda: "q=rope" in browser.address)
    assert "the best first" in browser.find(".results [role=status]").text
    next(link for link in browser.all(".facets a") if link.text.startswith("markdown")).click()
    browser.until(lambda: "kind=markdown" in browser.address)
    assert {item.text for item in browser.all(".results .name")} == {"shed.md"}


def test_hostile_documents_do_nothing_and_nothing_of_another_host_is_loaded(browser, site):
    pages = [
        "/documents",
        f"/search?q={quote('treasure pirates')}",
        f"/ask?q={quote('Where do pirates bury treasure?')}",
    ]
    addresses = [here(site, page) for page in pages]
    addresses += [document(site, name, 0, 300) for name in (EVIL_NAME, "map.html", "chat.json")]
    for address in addresses:
        browser.open(address)
        browser.find("main")
        assert browser.run("window.hacked === undefined")
        assert browser.hosts() <= {urlsplit(site).netloc}
        assert browser.all("main script, main iframe, main img:not([src^='/document/picture'])") == []
    assert browser.complaints() == []


def test_a_document_of_eight_megabytes_opens_in_its_middle(browser, site, shelf):
    browser.open(document(site, "log.txt", *place_of(shelf, "log.txt", NEEDLE.strip())))
    assert browser.find("mark#here").text == NEEDLE.strip()
    assert browser.is_in_view("mark#here")
    assert browser.run("document.documentElement.outerHTML.length") < 60_000
    before = browser.find(".pager input[name=part]").get_attribute("value")
    browser.find("a[rel=next]").click()
    browser.until(lambda: browser.find(".pager input[name=part]").get_attribute("value") == str(int(before) + 1))


def test_a_page_of_a_pdf_comes_into_view_at_the_passage(browser, site, shelf):
    browser.open(document(site, "handbook.pdf", *place_of(shelf, "handbook.pdf", "Detergent is never used")))
    browser.until(lambda: browser.run("document.querySelector('.sheet img').naturalWidth > 1000"))
    browser.until(lambda: browser.run("scrollY > 300"))  # the passage is at the foot of the page
    assert browser.complaints() == []


def test_every_page_is_whole_in_narrow_and_wide_in_light_and_dark(browser, site):
    pages = ["/", "/documents", f"/ask?q={quote(QUESTION)}", "/search?q=rope", "/nowhere"]
    addresses = [here(site, page) for page in pages]
    addresses += [document(site, name, 20, 60) for name in ("notes/shed.md", "tide.py", "handbook.pdf", EVIL_NAME)]
    shades = set()
    for width, dark in ((360, False), (1600, True)):
        browser.show(width, 800, dark=dark)
        for address in addresses:
            browser.open(address)
            wide = (
                "[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth)"
            )
            if not browser.run("document.documentElement.scrollWidth <= innerWidth"):
                pytest.fail(f"{address} at {width}: {browser.run(wide + '.map((e) => e.outerHTML.slice(0, 200))')}")
            shades.add((dark, browser.run("getComputedStyle(document.body).backgroundColor")))
    assert len(shades) == 2


def test_every_page_can_be_read_and_used_by_keys_and_screen_readers_alone(browser, site):
    pages = ["/", "/documents", f"/ask?q={quote(QUESTION)}", "/search?q=rope"]
    addresses = [here(site, page) for page in pages] + [document(site, name) for name in ("notes/shed.md", "tide.py")]
    for address in addresses:
        browser.open(address)
        assert len(browser.all("h1")) == 1, address
        assert len(browser.all("main")) == len(browser.all("html[lang]")) == 1
        assert browser.all("nav:not([aria-label])") == []
        controls = "[...document.querySelectorAll('a, button, input:not([type=hidden])')]"
        unnamed = f"{controls}.filter((e) => e.offsetParent && !(e.labels?.length || e.textContent.trim()))"
        assert browser.run(f"{unnamed}.map((e) => e.outerHTML)") == [], address
        assert browser.all("img:not([alt])") == []
    browser.open(here(site, "/documents"))
    browser.press(Keys.TAB)
    assert browser.focus() == "Skip to the content"
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_second_browser_reads_while_an_ingest_runs(browser, site, shelf):
    other = Browser()
    try:
        more = shelf.parent / "shelf/more"
        more.mkdir()
        for number in range(60):
            (more / f"{number}.md").write_text(
                f"# Day {number}\n\n" + f"The kelp grew by {number} spans. " * 200, encoding="utf-8"
            )
        program = "import sys; from crystalcli import Crystal; Crystal(sys.argv[1], encoder=None).ingest(sys.argv[2:])"
        ingest = subprocess.Popen(
            [sys.executable, "-c", program, str(shelf), str(shelf.parent / "shelf")], env=environment()
        )
        other.open(site)
        other.until(lambda: "token" not in other.address)
        looks = 0
        while ingest.poll() is None or looks < 2:
            for reader in (browser, other):
                reader.open(document(site, "notes/shed.md", 38, 75))
                assert "blue rope" in reader.find("mark#here").text
            looks += 1
        assert ingest.returncode == 0
        for reader in (browser, other):
            reader.open(here(site, "/documents?in=more"))
            assert "60 documents" in reader.find(".count").text
            assert reader.complaints() == []
    finally:
        other.close()
