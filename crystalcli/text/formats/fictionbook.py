"""Reader of books in FictionBook 2 (.fb2): sections under their titles, verse, notes.

Knows the elements of FictionBook. Pictures and style sheets are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer, one_line
from crystalcli.text.document.markup import Element, attribute, children, descendants, local_name
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.document.stated_fields import StatedFields, iso_day
from crystalcli.text.formats.web.html_tables import table_lines
from crystalcli.text.formats.xml_document import XmlReading

_BLOCKS = frozenset(("p", "v", "subtitle", "text-author", "date"))
_SILENT = frozenset(("description", "binary", "stylesheet", "image", "title"))


class FictionBookReading(XmlReading):
    """A book."""

    def read_title(self, root: Element) -> str:
        """Return the title and up to three authors."""
        info = next(descendants(root, "title-info"), None)
        if info is None:
            return ""
        title = next((_text(element) for element in children(info, "book-title")), "")
        authors = ", ".join(filter(None, _authors(info)[:3]))
        return f"{title} — {authors}" if title and authors else title

    def read_fields(self, root: Element) -> StatedFields:
        """Return the authors, the day on which it was written, and its keywords."""
        info = next(descendants(root, "title-info"), None)
        if info is None:
            return StatedFields()
        days = (iso_day(attribute(day, "value")) or iso_day(_text(day)) for day in children(info, "date"))
        tags = tuple(_text(keywords) for keywords in children(info, "keywords"))
        return StatedFields(tuple(_authors(info)), next(filter(None, days), ""), tags)

    def compose(self, root: Element, composer: Composer) -> Iterator[None]:
        """Write the bodies, the notes last, as they stand."""
        outline = Outline()
        depth = 0
        gap = PARAGRAPH
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            name = local_name(element)
            if event == "end":
                depth -= name in ("body", "section")
                gap = PARAGRAPH if name in ("stanza", "poem", "cite", "epigraph", "section") else gap
                continue
            if name in ("body", "section"):
                depth += 1
                _enter(element, depth, outline, composer)
                gap = PARAGRAPH
            elif name == "table":
                for _, line in table_lines(element, lambda _: False):
                    composer.write_block(line, gap)
                    gap = LINE
                gap = PARAGRAPH
                walker.skip_subtree()
            elif name in _BLOCKS:
                composer.write_block(_text(element), gap)
                gap = LINE if name == "v" else PARAGRAPH
                walker.skip_subtree()
            elif name in _SILENT:
                walker.skip_subtree()
            yield


def _authors(info: Element) -> list[str]:
    """Return the names of the authors."""
    return [
        " ".join(filter(None, (_text(part) for part in children(author, "first-name", "middle-name", "last-name"))))
        or " ".join(_text(part) for part in children(author, "nickname"))
        for author in children(info, "author")
    ]


def _enter(section: Element, depth: int, outline: Outline, composer: Composer) -> None:
    """Write the title of a section, which its paragraphs are under."""
    title = next(children(section, "title"), None)
    lines = [text for line in children(title, "p") if (text := _text(line))] if title is not None else []
    name = " ".join(lines) or attribute(section, "name")
    if not name:
        return
    composer.begin_block()
    if depth > 1 or attribute(section, "name"):  # the main body has the title of the book
        composer.mark("heading", outline.enter(depth, heading_label(name)))
    composer.write_block("\n".join(lines) or name)


def _text(element: Element) -> str:
    """Return the words of an element, and references to notes as `[1]`."""
    parts: list[str] = []
    for event, inner in etree.iterwalk(element, events=("start", "end")):
        is_note = local_name(inner) == "a" and attribute(inner, "type") == "note"
        if event == "start":
            parts += ["[" * is_note, (inner.text or "").strip("[]") if is_note else inner.text or ""]
        elif inner is not element:
            parts += ["]" * is_note, inner.tail or ""]
    return one_line("".join(parts))
