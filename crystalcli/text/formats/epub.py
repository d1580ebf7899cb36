"""Reader of books in EPUB 2 and 3: the spine in reading order, under the chapters of the contents.

Knows how a book is put together, and which of its parts are encrypted. Does not know HTML
(web.html_blocks).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from crystalcli.errors import Reason, Refusal, SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.markup import Element, attribute, children, descendants, local_name, parse_html, parse_xml
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.formats.office.zip_package import Package, PackageReading
from crystalcli.text.formats.web.html_blocks import HtmlBlocks
from crystalcli.text.formats.web.html_reader import decode_part
from crystalcli.text.formats.web.html_text import element_text

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
DRM = Refusal("encrypted (copy protection)", Reason.CANNOT_DECRYPT)
_PAGES = frozenset(("application/xhtml+xml", "text/html", "application/xml", "text/xml", "text/x-oeb1-document"))
_PAGE_ENDINGS = (".xhtml", ".html", ".htm", ".xht", ".xml", ".svg")
_NCX = "application/x-dtbncx+xml"
# Algorithms that only obfuscate fonts: their book can be read.
_FONT_OBFUSCATION = frozenset(("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"))
_MAX_DEPTH = 12  # levels of contents; real ones have three or four

# Of each document: the path of the chapter at each fragment ("" for the document's beginning).
Chapters = dict[str, dict[str, str]]


class EpubReading(PackageReading):
    """A book."""

    def read_title(self, package: Package) -> str:
        """Return the title and up to three authors."""
        root, _ = _book(package)
        title = next((text for text in _texts(root, "title")), "")
        writers = list(_texts(root, "creator"))[:3]
        return f"{title} — {', '.join(writers)}" if title and writers else title

    def read_fields(self, package: Package) -> StatedFields:
        """Return the authors, the date of publication and the subjects."""
        root, _ = _book(package)
        return StatedFields(
            tuple(_texts(root, "creator")), next(_texts(root, "date"), ""), tuple(_texts(root, "subject"))
        )

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """Write the documents of the spine, one after the other.

        Raises:
            SourceError: the book is encrypted, or its chapters are missing.
        """
        root, folder = _book(package)
        items = {str(item.get("id")): item for item in descendants(root, "item")}
        spine = [items[ref] for item in descendants(root, "itemref") if (ref := str(item.get("idref"))) in items]
        names = [
            _target(folder, str(item.get("href")))[0]
            for item in spine or items.values()
            if _is_page(item) and "nav" not in str(item.get("properties") or "").split()
        ]
        _refuse_encrypted(package, set(names))
        documents = list(dict.fromkeys(filter(None, map(package.find, names))))
        if not documents:
            raise SourceError("damaged: its chapters are missing", Reason.DAMAGED)
        chapters = _chapters(package, root, folder, items)
        outline = Outline()
        for name in documents:
            if name.lower().endswith(".svg"):
                lines = descendants(parse_xml(package.read(name), recover=True), "text")
                composer.write_block("\n".join(one_line("".join(line.itertext())) for line in lines))
                continue
            body = parse_html(decode_part(package.read(name)))
            if body is None:
                continue
            anchors = chapters.get(name, {})
            if "" in anchors:
                composer.begin_block()
                composer.mark("heading", anchors[""])
                outline = Outline(anchors[""])
            blocks = HtmlBlocks(composer, outline=outline, anchors=anchors, is_chapter="" in anchors)
            for _ in blocks.write(next(descendants(body, "body"), body)):
                yield
            outline = blocks.outline


def _book(package: Package) -> tuple[Element, str]:
    """Return the root of the package document, and its folder."""
    container = package.find(CONTAINER)
    files = descendants(parse_xml(package.read(container), recover=True), "rootfile") if container else ()
    paths = (package.find(unquote(str(file.get("full-path") or ""))) for file in files)
    name = next(filter(None, paths), "") or package.ending(".opf")
    return parse_xml(package.read(name or CONTAINER), recover=True), posixpath.dirname(name)


def _texts(root: Element, name: str) -> Iterator[str]:
    elements = descendants(root, name, name.capitalize())  # as the oldest books write them
    return (text for element in elements if (text := one_line("".join(element.itertext()))))


def _is_page(item: Element) -> bool:
    """Tell whether a document of the spine is a page, by its type or else by its ending."""
    media_type = str(item.get("media-type")).lower()
    return media_type in _PAGES or str(item.get("href")).lower().endswith(_PAGE_ENDINGS)


def _target(folder: str, href: str) -> tuple[str, str]:
    """Return the part that a link leads to, and the fragment in it."""
    parts = urlsplit(href)
    return posixpath.normpath(posixpath.join(folder, unquote(parts.path))), unquote(parts.fragment)


def _refuse_encrypted(package: Package, names: set[str]) -> None:
    if ENCRYPTION not in package:
        return
    for encrypted in descendants(parse_xml(package.read(ENCRYPTION), recover=True), "EncryptedData"):
        method = next(descendants(encrypted, "EncryptionMethod"), None)
        if method is not None and method.get("Algorithm") in _FONT_OBFUSCATION:
            continue
        if any(_target("", str(link.get("URI")))[0] in names for link in descendants(encrypted, "CipherReference")):
            raise SourceError(*DRM)


def _chapters(package: Package, root: Element, folder: str, items: dict[str, Element]) -> Chapters:
    """Return the chapters that the book's contents name.

    Args:
        package: the book.
        root: of its package document.
        folder: of the package document.
        items: of its manifest, by id.

    Returns:
        The chapters; empty if the contents cannot be read, since the text has its own headings.
    """
    chapters: Chapters = {}
    for item in items.values():
        is_nav = "nav" in str(item.get("properties") or "").split()
        is_ncx = item.get("media-type") == _NCX or str(item.get("href")).lower().endswith(".ncx")
        name = package.find(_target(folder, str(item.get("href")))[0]) if is_nav or is_ncx else ""
        if not name:
            continue
        try:
            listed = _listed(package.read(name), posixpath.dirname(name), is_nav)
        except SourceError as error:
            if error.code != Reason.DAMAGED:
                raise
            continue
        listed = {found: places for part, places in listed.items() if (found := package.find(part))}
        if is_nav and listed:
            return listed
        chapters = chapters or listed
    return chapters


def _listed(contents: bytes, base: str, is_nav: bool) -> Chapters:
    """Return the chapters in a navigation document, or in a table of contents of EPUB 2 (NCX).

    Args:
        contents: the document.
        base: its folder.
        is_nav: it is a navigation document.

    Raises:
        SourceError: nothing of it can be understood.
    """
    listed: Chapters = {}
    if is_nav:
        page = parse_html(decode_part(contents))
        navs = list(descendants(page, "nav")) if page is not None else []
        for nav in [nav for nav in navs if "toc" in attribute(nav, "type").split()] or navs[:1]:
            for entries in children(nav, "ol"):
                _nav_entries(entries, base, Outline(), 0, listed)
    else:
        for entries in descendants(parse_xml(contents, recover=True), "navMap"):
            _ncx_entries(entries, base, Outline(), 0, listed)
    return listed


def _nav_entries(entries: Element, base: str, outline: Outline, level: int, chapters: Chapters) -> None:
    """Add the entries of an EPUB 3 navigation list to the chapters."""
    for entry in children(entries, "li") if level < _MAX_DEPTH else ():
        link = next(children(entry, "a", "span"), None)
        label = heading_label(one_line(element_text(link))) if link is not None else ""
        path = outline.enter(level, label) if label else ""
        if link is not None and local_name(link) == "a" and path:
            _add_chapter(chapters, base, str(link.get("href") or ""), path)
        for inner in children(entry, "ol"):
            _nav_entries(inner, base, outline, level + 1, chapters)


def _ncx_entries(entries: Element, base: str, outline: Outline, level: int, chapters: Chapters) -> None:
    """Add the entries of an EPUB 2 table of contents (NCX) to the chapters."""
    for entry in children(entries, "navPoint") if level < _MAX_DEPTH else ():
        label = heading_label(" ".join(one_line("".join(text.itertext())) for text in children(entry, "navLabel")))
        path = outline.enter(level, label) if label else ""
        content = next(children(entry, "content"), None)
        if content is not None and path:
            _add_chapter(chapters, base, str(content.get("src") or ""), path)
        _ncx_entries(entry, base, outline, level + 1, chapters)


def _add_chapter(chapters: Chapters, base: str, link: str, path: str) -> None:
    name, fragment = _target(base, link)
    # Of several chapters at one place the innermost stays: it comes last.
    chapters.setdefault(name, {})[fragment] = path
