"""Main content of a web page, without navigation, advertisements and the like.

Knows how pages mark boilerplate: by elements, roles, and names of classes; and that a section with
a heading of its own, or with sentences that are not links, is content whatever its name. Where
these rules would leave next to nothing, the whole page is read. Does not know how text is written.
"""

from __future__ import annotations

import re

from lxml import etree

from crystalcli.text.document.composer import one_line
from crystalcli.text.document.markup import Element, descendants, local_name
from crystalcli.text.formats.web.html_text import HEADINGS, SILENT

_ROLES = frozenset(
    ("navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "toolbar", "dialog")
)
# Names of classes and ids that only boilerplate has, and words that it has in them: of an element
# with one of these, what it holds decides.
_ASIDES = re.compile(
    r"nav|navbar|navbox|navigation|menubar|breadcrumbs?|masthead|pagination|skip-?(?:link|nav|to-\w+)|headerlink|(?:mw-)?editsection"
    r"|noprint|advert|advertisement|newsletter(?:-\w+)?|subscribe|(?:cookies?|consent|gdpr)-(?:banner|bar|notice|popup|message|overlay)"
    r"|(?:share|social|sharing)-(?:links?|buttons?|bar|icons?|tools)",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"(?:^|[_-])(?:nav|navbar|navigation|menu|menubar|breadcrumbs?|sidebar|side-bar|footer|masthead|cookies?|consent|gdpr|advert\w*|ads?|"
    r"sponsor\w*|promo\w*|newsletter|subscribe|social|share|sharing|related|recommend\w*|pagination|pager|toolbar|skip|skiplink|"
    r"popup|modal)(?:$|[_-])",
    re.IGNORECASE,
)
_NOTE = re.compile(r"note|admonition|topic|tip\b|warning|caution|important|hint|example", re.IGNORECASE)
_SENTENCE = re.compile(r"(?:\S+\s+){3,}\S.*[.!?:…。！？]\s*\Z|.{100}", re.DOTALL)
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
            and not _within(element, "article", "blockquote", "section")
        ):
            if name == "aside":
                return not _NOTE.search(f"{element.get('class') or ''} {element.get('role') or ''}")
            return name != "header" or next(descendants(element, "h1"), None) is None
        if name in _NAMED and (names := _names(element)):
            is_menu = 2 * linked > length
            if any(map(_ASIDES.fullmatch, names)):
                return is_menu or not _has_heading(element)
            if any(map(_WORDS.search, names)):
                return is_menu or not (_has_heading(element) or _SENTENCE.match(one_line("".join(element.itertext()))))
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


def _names(element: Element) -> list[str]:
    """Return the classes of an element, and its id."""
    return f"{element.get('class') or ''} {element.get('id') or ''}".split()


def _has_heading(element: Element) -> bool:
    return next(descendants(element, *HEADINGS), None) is not None


def _length(text: str | None) -> int:
    return len(text.strip()) if text else 0


def _within(element: Element, *names: str) -> bool:
    return any(local_name(ancestor) in names for ancestor in element.iterancestors())
