"""The page of layers in a real browser: the ways down and up, keys, light, hostile and long documents."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, unquote_plus, urlsplit

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.keys import Keys
from support import browser as chromium
from support.browser import Browser
from support.web_shelf import EVIL_NAME, make_shelf, serving

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not chromium.IS_HERE, reason=chromium.NOT_HERE)]

QUESTION = "Where does the blue rope hang?"
FOCUS = "document.activeElement.getAttribute('aria-label')"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("drawn")
    with serving(make_shelf(folder / "shelf", folder / "shelf.crystal", long=1_000_000)) as address:
        yield address


@pytest.fixture(scope="module")
def opened(site) -> Iterator[Browser]:
    browser = Browser()
    browser.open(site)  # with the token: a cookie from now on
    browser.until(lambda: "token" not in browser.address)
    yield browser
    browser.close()


@pytest.fixture
def browser(opened) -> Browser:
    opened.show(1280, 900)
    opened.complaints()
    return opened


def here(site: str, path: str) -> str:
    parts = urlsplit(site)
    return f"{parts.scheme}://{parts.netloc}{path}"


def test_a_question_lights_the_picture_and_pins_lead_down_to_the_text(browser, site):
    browser.open(here(site, "/layers"))
    assert browser.all("#layers .pin") == []
    browser.find("#box").send_keys(QUESTION + Keys.ENTER)
    browser.find("#layers a.pin .place").click()
    browser.until(lambda: "span=" in browser.address)
    assert unquote_plus(browser.address).count(QUESTION) == 1
    lit = "".join(browser.run("[...document.querySelectorAll('.unit-text .passage')].map((e) => e.textContent)"))
    assert "The blue rope hangs behind the door." in lit
    browser.find("#layers a.pin .number").click()
    browser.until(lambda: "/document" in browser.address)
    assert "The blue rope hangs behind the door." in " ".join(mark.text for mark in browser.all("mark"))
    assert browser.complaints() == []


def test_the_picture_is_one_stop_of_tab_and_arrows_go_through_it(browser, site):
    browser.open(here(site, "/layers"))
    browser.run("document.querySelector('.skip.inside').focus()")
    browser.press(Keys.TAB)
    first = browser.run(FOCUS)
    assert first == browser.find("#cell-detail").text
    browser.press(Keys.ARROW_RIGHT)
    assert browser.run(FOCUS) not in (None, first)
    browser.press(Keys.ARROW_LEFT)
    assert browser.run(FOCUS) == first
    browser.press(Keys.END + Keys.ARROW_DOWN)
    below = browser.run(FOCUS)
    assert below == browser.find("#cell-detail").text
    browser.press(Keys.TAB)
    assert browser.run("document.activeElement.closest('#layers') === null")
    browser.press(Keys.SHIFT + Keys.TAB)
    assert browser.run(FOCUS) == below  # where one left it
    browser.press(Keys.ENTER)
    browser.until(lambda: "?" in browser.address and browser.run(FOCUS))  # the keys go on in the next picture
    browser.press(Keys.ESCAPE)
    browser.until(lambda: browser.address.endswith("/layers") and browser.run(FOCUS))
    assert browser.complaints() == []


def test_hostile_names_and_texts_do_nothing_in_the_picture(browser, site):
    for address in (
        "/layers",
        f"/layers?q={quote('Where do pirates bury treasure?')}",
        f"/layers?name={quote(EVIL_NAME)}",
    ):
        browser.open(here(site, address))
        browser.find("#layers rect")
        browser.run("document.querySelector('#layers a').focus()")
        assert browser.run("window.hacked === undefined")
        assert browser.hosts() <= {urlsplit(site).netloc}
        assert browser.all("main script, main img, main [style]") == []
    assert browser.complaints() == []


def test_the_picture_fits_every_screen_and_scheme(browser, site):
    views = [
        "/layers",
        f"/layers?q={quote(QUESTION)}",
        "/layers?name=log.txt",
        f"/layers?name=notes/shed.md&q={quote(QUESTION)}",
    ]
    grounds = set()
    for width, dark in ((340, False), (1600, True)):
        browser.show(width, 800, dark=dark)
        for view in views:
            browser.open(here(site, view))
            browser.find("#layers rect")
            assert browser.run("document.documentElement.scrollWidth <= innerWidth"), f"{view} at {width}"
            box = browser.run("document.querySelector('#layers').getBoundingClientRect().toJSON()")
            assert box["left"] >= 0
            assert box["right"] <= width
            grounds.add(
                (
                    dark,
                    browser.run("getComputedStyle(document.querySelector('#layers.asked rect') ?? document.body).fill"),
                )
            )
    assert len(grounds) >= 3


def test_every_cell_has_a_name_and_the_list_has_the_same_links(browser, site):
    browser.open(here(site, f"/layers?q={quote(QUESTION)}"))
    assert len(browser.all("h1")) == 1
    unnamed = "[...document.querySelectorAll('#layers a')].filter((e) => !e.getAttribute('aria-label'))"
    assert browser.run(f"{unnamed}.length") == 0
    listed = browser.run("[...document.querySelectorAll('.listed a')].map((e) => e.getAttribute('href'))")
    drawn = browser.run(
        "[...document.querySelectorAll('#layers g:first-of-type a')].map((e) => e.getAttribute('href'))"
    )
    assert set(drawn) <= set(listed)
