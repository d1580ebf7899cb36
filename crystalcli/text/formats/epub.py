"""Books in EPUB 2 and 3: the documents of the spine in reading order, under the chapters that the contents name.

Knows how a book is put together, and what of it is encrypted. Does not know what is inside a chapter (html_flow).
"""

from __future__ import annotations

import codecs
import posixpath
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from crystalcli.errors import Reason, Refusal, SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.markup import Element, attribute, children, descendants, local_name, parse_html, parse_xml
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.formats.office.zip_package import Package, PackageReading
from crystalcli.text.formats.web.html_blocks import HtmlBlocks, element_text
from crystalcli.text.formats.web.html_reader import decode_html

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
DRM = Refusal("encrypted (copy protection)", Reason.CANNOT_DECRYPT)
_PAGES = frozenset(("application/xhtml+xml", "text/html", "application/xml", "text/xml"))
# Fonts that are only garbled, so that they cannot be taken out: their book can be read.
_GARBLED = frozenset(("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"))
_DEEPEST = 12  # levels of contents; real ones have three or four

Chapters = dict[
    str, dict[str, str]
]  # of each document: the fragment ("" for its beginning) and the path of the chapter there


class EpubReading(PackageReading):
    """A book."""

    def read_title(self, package: Package) -> str:
        """The title, and who wrote it."""
        root, _ = _book(package)
        title = next((text for text in _texts(root, "title")), "")
        writers = list(_texts(root, "creator"))[:3]
        return f"{title} — {', '.join(writers)}" if title and writers else title

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """The documents of the spine, one after the other. Raises SourceError for a book that is encrypted."""
        root, folder = _book(package)
        items = {str(item.get("id")): item for item in descendants(root, "item")}
        spine = [items[ref] for each in descendants(root, "itemref") if (ref := str(each.get("idref"))) in items]
        names = [
            _target(folder, str(item.get("href")))[0]
            for item in spine
            if str(item.get("media-type")).lower() in _PAGES and "nav" not in str(item.get("properties") or "").split()
        ]
        _refuse_encrypted(package, set(names))
        found = [name for name in dict.fromkeys(names) if name in package]
        if not found:
            raise SourceError("damaged: it has none of its chapters", Reason.DAMAGED)
        chapters = _chapters(package, root, folder, items)
        outline = Outline()
        for name in found:
            body = parse_html(_text(package.read(name)))
            if body is None:
                continue
            here = chapters.get(name, {})
            if "" in here:
                composer.begin_block()
                composer.mark("heading", here[""])
                outline = Outline(here[""])
            flow = HtmlBlocks(composer, outline=outline, anchors=here, is_chapter="" in here)
            for _ in flow.write(next(descendants(body, "body"), body)):
                yield
            outline = flow.outline


def _book(package: Package) -> tuple[Element, str]:
    """The root of the package document, and the folder it is in."""
    files = descendants(parse_xml(package.read(CONTAINER)), "rootfile")
    name = next((path for each in files if (path := unquote(str(each.get("full-path") or "")))), "")
    return parse_xml(package.read(name)), posixpath.dirname(name)


def _texts(root: Element, name: str) -> Iterator[str]:
    return (text for each in descendants(root, name) if (text := one_line("".join(each.itertext()))))


def _target(folder: str, href: str) -> tuple[str, str]:
    """The part that a link means, and the fragment in it."""
    parts = urlsplit(href)
    return posixpath.normpath(posixpath.join(folder, unquote(parts.path))), unquote(parts.fragment)


def _text(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return decode_html(data, "windows-1252")


def _refuse_encrypted(package: Package, names: set[str]) -> None:
    if ENCRYPTION not in package:
        return
    for each in descendants(parse_xml(package.read(ENCRYPTION)), "EncryptedData"):
        method = next(descendants(each, "EncryptionMethod"), None)
        if method is not None and method.get("Algorithm") in _GARBLED:
            continue
        if any(_target("", str(link.get("URI")))[0] in names for link in descendants(each, "CipherReference")):
            raise SourceError(*DRM)


def _chapters(package: Package, root: Element, folder: str, items: dict[str, Element]) -> Chapters:
    """The chapters that the book's contents name; none where they cannot be read, since the text has headings of its own."""
    chapters: Chapters = {}
    for item in items.values():
        is_nav = "nav" in str(item.get("properties") or "").split()
        if not is_nav and item.get("media-type") != "application/x-dtbncx+xml":
            continue
        name = _target(folder, str(item.get("href")))[0]
        if name not in package:
            continue
        found: Chapters = {}
        base = posixpath.dirname(name)
        if is_nav:
            contents = parse_html(_text(package.read(name)))
            navs = list(descendants(contents, "nav")) if contents is not None else []
            for nav in [each for each in navs if "toc" in attribute(each, "type").split()] or navs[:1]:
                for each in children(nav, "ol"):
                    _nav_entries(each, base, Outline(), 0, found)
        else:
            for each in descendants(parse_xml(package.read(name)), "navMap"):
                _ncx_entries(each, base, Outline(), 0, found)
        if is_nav and found:
            return found
        chapters = chapters or found
    return chapters


def _nav_entries(entries: Element, base: str, outline: Outline, level: int, found: Chapters) -> None:
    for entry in children(entries, "li") if level < _DEEPEST else ():
        link = next(children(entry, "a", "span"), None)
        label = heading_label(one_line(element_text(link))) if link is not None else ""
        path = outline.enter(level, label) if label else ""
        if link is not None and local_name(link) == "a" and path:
            _note(found, base, str(link.get("href") or ""), path)
        for inner in children(entry, "ol"):
            _nav_entries(inner, base, outline, level + 1, found)


def _ncx_entries(entries: Element, base: str, outline: Outline, level: int, found: Chapters) -> None:
    for entry in children(entries, "navPoint") if level < _DEEPEST else ():
        label = heading_label(" ".join(one_line("".join(each.itertext())) for each in children(entry, "navLabel")))
        path = outline.enter(level, label) if label else ""
        content = next(children(entry, "content"), None)
        if content is not None and path:
            _note(found, base, str(content.get("src") or ""), path)
        _ncx_entries(entry, base, outline, level + 1, found)


def _note(found: Chapters, base: str, link: str, path: str) -> None:
    name, fragment = _target(base, link)
    found.setdefault(name, {})[fragment] = path  # of several at one place the innermost, which comes last
