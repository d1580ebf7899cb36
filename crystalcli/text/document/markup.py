"""XML and HTML parsed so that no file can do harm: no entities of its own, no network, bounds on depth.

Knows lxml. Does not know what the elements mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import Any, BinaryIO

from lxml import etree

from crystalcli.errors import Reason, SourceError
from crystalcli.text.source.unforeseen import NESTED_TOO_DEEPLY

Element = Any  # lxml has no types

# `huge_tree=False`: 256 levels, and no piece of text over 10 MB. Entities that a document defines are never put in.
_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_XML_OWN = frozenset(("lt", "gt", "amp", "quot", "apos"))
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,40});")
_DOCTYPE = re.compile(r"<!DOCTYPE[^<>\[]*>", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


def local_name(element: Element) -> str:
    """The element's name without its namespace; "" for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """The attribute of that name, whatever its namespace or prefix, or ""."""
    value = element.get(name)
    if value is None:
        value = next((each for key, each in element.attrib.items() if key.endswith(("}" + name, ":" + name))), "")
    return str(value)


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children with these names, in order; all of them when there are no names."""
    for child in element:
        if not names or local_name(child) in names:
            yield child


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """Everything below with these names, in order."""
    return (each for each in element.iter(*(f"{{*}}{name}" for name in names)) if each is not element)


def parse_xml(data: bytes) -> Element:
    """The root of an XML document. Raises lxml's XMLSyntaxError, or SourceError for one that declares entities."""
    root = etree.fromstring(data, etree.XMLParser(**_SAFE))
    _plain(root)
    return root


def iter_elements(stream: BinaryIO, *names: str, within: tuple[str, ...] = ()) -> Iterator[Element]:
    """The elements with these names as they end, one after the other; each is emptied when the next is request for.

    One inside another comes as a part of it. within: only those that are children of an element with one of these names.
    """
    parsed = etree.iterparse(stream, events=("start", "end"), **_SAFE)
    inside: Element = None
    for event, element in parsed:
        if event == "start":
            if element.getparent() is None:
                _plain(element)
            if inside is None and local_name(element) in names:
                above = element.getparent()
                if not within or (above is not None and local_name(above) in within):
                    inside = element
        elif inside is None:
            element.clear(keep_tail=True)
        elif element is inside:
            yield element
            inside = None
            element.clear()
            while element.getprevious() is not None:  # emptied ones add up as well
                del element.getparent()[0]


def _plain(element: Element) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise SourceError("damaged: it declares entities of its own", Reason.DAMAGED)


def parse_html(text: str) -> Element:
    """The root of an HTML document, or None for an empty one. XHTML is read as XML where it is well-formed.

    Raises SourceError for one that is nested too deeply.
    """
    if "http://www.w3.org/1999/xhtml" in text[:2000] or text[:100].lstrip().startswith("<?xml"):
        try:
            return parse_xml(_DOCTYPE.sub("", _NAMED.sub(_character, _DECLARATION.sub("", text, count=1)), count=1).encode())
        except (etree.XMLSyntaxError, SourceError):
            pass  # browsers read it all the same
    # HTML knows no entities of its own, so a large text is no bomb; 2048 levels.
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True, default_doctype=False
    )
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if any("Excessive depth" in error.message for error in parser.error_log):
        raise SourceError(NESTED_TOO_DEEPLY, Reason.NESTED_TOO_DEEPLY)
    return root


def _character(entity: re.Match[str]) -> str:
    named = html5.get(f"{entity[1]};")
    return named if named is not None and entity[1] not in _XML_OWN else entity[0]
