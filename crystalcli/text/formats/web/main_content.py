"""Main content of a web page, without navigation, advertisements and the like.

Knows how pages mark boilerplate: by elements, roles and names of classes, and by the share of an
element's text that is links. Where these rules would leave next to nothing, the whole page is
read. Does not know how text is written.
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
_MAX_LINK_SHARE = 0.7  # of an element's text; with more of it in links, it is a list of links
_EMPTY = (0, 0, 0)  # characters and links of an element that is not read
_MENU_LINKS = 4  # a list of links is a menu if it has more
_MAX_ASIDE_SHARE = 0.4  # of the page's text; a larger element is not an aside, whatever its name
_MIN_MAIN_SHARE = 0.25  # of the page's text, for <main> to be the main text
_MIN_LENGTH = 200  # characters of a main text, whatever its share


class MainText:
    """The main text of a page.

    Attributes:
        root: the element that holds it.
        page: the body of the page.
    """

    def __init__(self, page: Element) -> None:
        # Characters, those of them in links, and links of each element.
        self._lengths: dict[Element, tuple[int, int, int]] = {}
        self._measure(page)
        body = next(descendants(page, "body"), page)
        self._total = self._lengths.get(body, (0, 0, 0))[0]
        self.root = self._main(body)
        self._is_marked = self.root is not body
        self.page = body

    def is_aside(self, element: Element) -> bool:
        """Tell whether an element is left out of the main text."""
        name = local_name(element)
        if element is self.root:
            return False
        if element.get("hidden") is not None or _HIDDEN.search(str(element.get("style") or "")):
            return True
        length, linked, links = self._lengths.get(element, _EMPTY)
        if length > _MAX_ASIDE_SHARE * self._total and length > _MIN_LENGTH:
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
            and links > _MENU_LINKS
            and linked > _MAX_LINK_SHARE * length
            and not _within(element, "article", "main")
        )

    def is_enough(self, characters: int) -> bool:
        """Tell whether a text of that many characters can be all of the main text."""
        return characters >= _MIN_LENGTH or characters >= _MIN_MAIN_SHARE * self._total

    def _main(self, body: Element) -> Element:
        """Return the only <main> or <article> that holds enough of the text, or else the body."""
        for candidates in (
            [element for element in body.iter() if local_name(element) == "main" or element.get("role") == "main"],
            list(descendants(body, "article")),
        ):
            if len(candidates) == 1 and self._lengths.get(candidates[0], _EMPTY)[0] >= max(
                _MIN_MAIN_SHARE * self._total, 1
            ):
                main: Element = candidates[0]
                return main
        return body

    def _measure(self, page: Element) -> None:
        """Count the characters and links of every element, in one pass."""
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
                parent = open_[-1]
                parent[0] += length + _length(element.tail)
                parent[1] += linked
                parent[2] += links


def _length(text: str | None) -> int:
    return len(text.strip()) if text else 0


def _within(element: Element, *names: str) -> bool:
    return any(local_name(ancestor) in names for ancestor in element.iterancestors())
