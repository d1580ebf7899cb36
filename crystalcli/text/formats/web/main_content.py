"""Which part of a web page is worth reading: the text, and not what leads elsewhere.

Knows what pages mark as navigation and the like, by elements, roles, names of classes, and how much of an element is links. Where
these rules would leave next to nothing, the whole page is read. Does not know how text is written.
"""

from __future__ import annotations

import re

from lxml import etree

from crystalcli.text.document.markup import Element, descendants, local_name
from crystalcli.text.formats.web.html_blocks import SILENT

_ROLES = frozenset(
    ("navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "toolbar", "dialog")
)
_ASIDES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navbox|navigation|menu|menubar|breadcrumbs?|sidebar|side-bar|footer|masthead|cookies?|consent|gdpr|"
    r"advert\w*|ads?|sponsor\w*|promo\w*|newsletter|subscribe|social|share|sharing|related|recommend\w*|pagination|pager|toolbar|"
    r"skip|skiplink|headerlink|editsection|noprint|popup|modal)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NAMED = frozenset(("div", "section", "ul", "ol", "aside", "p", "span", "table", "header", "footer", "a", "form", "td"))
_LINKED = frozenset(("ul", "ol", "div", "table", "p", "section", "td", "dl"))
_LINKS = 0.7  # of an element's text: with more of it in links it is a list of links
_FEW = 4  # so many links are no menu
_MOST = 0.4  # of the page's text: an element with more is no aside, whatever its name
_OWN = 0.25  # of the page's text: what a <main> must hold to be the main text
_LITTLE = 200  # characters


class MainText:
    """The main text of a page: `root` is where it begins, and an element may be one that is left out of it."""

    def __init__(self, page: Element) -> None:
        self._lengths: dict[Element, tuple[int, int, int]] = {}  # characters, of them in links, links
        self._measure(page)
        body = next(descendants(page, "body"), page)
        self._total = self._lengths.get(body, (0, 0, 0))[0]
        self.root = self._main(body)
        self._is_marked = self.root is not body
        self.page = body

    def is_aside(self, element: Element) -> bool:
        """Whether an element is no part of the main text."""
        name = local_name(element)
        if element is self.root:
            return False
        if element.get("hidden") is not None or _HIDDEN.search(str(element.get("style") or "")):
            return True
        length, linked, links = self._lengths.get(element, (0, 0, 0))
        if length > _MOST * self._total and length > _LITTLE:
            return False
        if name == "nav" or element.get("role") in _ROLES:
            return True
        if (
            name in ("header", "footer", "aside")
            and not self._is_marked
            and not _within(element, "article", "blockquote")
        ):
            return name != "header" or next(descendants(element, "h1"), None) is None
        if name in _NAMED and _ASIDES.search(f"{element.get('class') or ''} {element.get('id') or ''}"):
            return next(descendants(element, "h1"), None) is None
        return (
            not self._is_marked
            and name in _LINKED
            and links > _FEW
            and linked > _LINKS * length
            and not _within(element, "article", "main")
        )

    def is_enough(self, characters: int) -> bool:
        """Whether a main text of so many characters can be all of it."""
        return characters >= _LITTLE or characters >= _OWN * self._total

    def _main(self, body: Element) -> Element:
        for found in (
            [each for each in body.iter() if local_name(each) == "main" or each.get("role") == "main"],
            list(descendants(body, "article")),
        ):
            if len(found) == 1 and self._lengths[found[0]][0] >= max(_OWN * self._total, 1):
                main: Element = found[0]
                return main
        return body

    def _measure(self, page: Element) -> None:
        open_: list[list[int]] = []
        walker = etree.iterwalk(page, events=("start", "end"))
        for event, element in walker:
            name = local_name(element)
            if event == "start":
                if not name or name in SILENT:
                    walker.skip_subtree()
                    open_.append([0, 0, 0])
                else:
                    open_.append([_length(element.text), 0, 0])
                continue
            length, linked, links = open_.pop()
            if name == "a" and element.get("href"):
                linked, links = length, links + 1
            self._lengths[element] = (length, linked, links)
            if open_:
                above = open_[-1]
                above[0] += length + _length(element.tail)
                above[1] += linked
                above[2] += links


def _length(text: str | None) -> int:
    return len(text.strip()) if text else 0


def _within(element: Element, *names: str) -> bool:
    return any(local_name(each) in names for each in element.iterancestors())
