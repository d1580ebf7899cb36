"""Reader of outlines in OPML: each entry a line under those above it, with its note and address.

Knows the attributes that outliners and feed readers write. Entries with others below them are
headings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer, one_line, tidy_lines
from crystalcli.text.document.markup import Element, children, descendants, local_name
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.formats.xml_document import XmlReading

_NOTES = ("_note", "note", "description")
_TAG = re.compile(r"</?(?:a|b|i|u|s|em|strong|code|span|mark|font|br|p)\b[^<>]{0,300}>", re.IGNORECASE)  # in a text
_ADDRESSES = ("xmlUrl", "url", "htmlUrl")
_HEAD = ("ownerName", "dateModified", "dateCreated")
_HEADING_DEPTH = 3  # levels of entries that may be headings; deeper ones are items of a list


class OpmlReading(XmlReading):
    """An outline."""

    def read_title(self, root: Element) -> str:
        """Return the title in the head."""
        return next((str(element.text or "") for element in descendants(root, "title")), "")

    def read_fields(self, root: Element) -> StatedFields:
        """Return the owner and the day of the last change, from the head."""
        head = {local_name(element): one_line(str(element.text or "")) for element in descendants(root, *_HEAD)}
        return StatedFields((head.get("ownerName", ""),), head.get("dateModified") or head.get("dateCreated", ""))

    def compose(self, root: Element, composer: Composer) -> Iterator[None]:
        """Write the entries in order."""
        outline = Outline()
        depth = 0
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if local_name(element) != "outline":
                continue
            if event == "end":
                depth -= 1
                continue
            depth += 1
            _write(element, depth, outline, composer)
            yield


def _write(entry: Element, depth: int, outline: Outline, composer: Composer) -> None:
    text = one_line(_TAG.sub("", str(entry.get("text") or entry.get("title") or "")))
    note = next((note for name in _NOTES if (note := tidy_lines(str(entry.get(name) or "")).strip())), "")
    address = next((address for name in _ADDRESSES if (address := one_line(str(entry.get(name) or "")))), "")
    is_heading = depth <= _HEADING_DEPTH and next(children(entry, "outline"), None) is not None
    line = f"{text} ({address})" if address else text
    if is_heading and text:
        composer.begin_block(PARAGRAPH)
        composer.mark("heading", outline.enter(depth, heading_label(text)))
        composer.write_block(line)
    else:
        indent = "  " * min(8, max(0, depth - _HEADING_DEPTH))
        composer.write_block(f"{indent}- {line}" if line else "", LINE)
    composer.write_block(note, LINE)
