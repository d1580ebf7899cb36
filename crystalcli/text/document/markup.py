"""Safe parser of XML and HTML: no entities of the file's own, no network, bounds on depth.

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

# `huge_tree=False`: at most 256 levels, and 10 MB for a piece of text. Entities that a document
# defines are never resolved.
_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_XML_ENTITIES = frozenset(("lt", "gt", "amp", "quot", "apos"))
_NAMED_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,40});")
_AMPERSAND = re.compile(rb"&(?!#)(?:([A-Za-z][A-Za-z0-9]{1,40});)?")
# With the declarations inside, which may have entities: HTML knows those that pages use.
_DOCTYPE = re.compile(r"\s*<!DOCTYPE[^<>\[]{0,2000}(?:\[[^\]]{0,20000}\]\s*)?>", re.IGNORECASE)
# Elements of a page's head (HTML Standard, 4.2).
_METADATA = frozenset(("title", "meta", "link", "script", "style", "base", "noscript", "template"))
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)""")
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


def local_name(element: Element) -> str:
    """Return the element's name without its namespace; "" for a comment and the like."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.rpartition("}")[2] if tag[0] == "{" else tag


def attribute(element: Element, name: str) -> str:
    """Return the attribute of that name in any namespace or with any prefix, or ""."""
    value = element.get(name)
    if value is None:
        value = next((value for key, value in element.attrib.items() if key.endswith(("}" + name, ":" + name))), "")
    return str(value)


def children(element: Element, *names: str) -> Iterator[Element]:
    """Yield the children with these names, in order; without names, all of them."""
    for child in element:
        if not names or local_name(child) in names:
            yield child


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """Return every element below with one of these names, in order."""
    return (inner for inner in element.iter(*(f"{{*}}{name}" for name in names)) if inner is not element)


def parse_xml(data: bytes, *, recover: bool = False) -> Element:
    """Return the root of an XML document.

    Args:
        data: the document.
        recover: read a malformed one as far as it can be understood.

    Raises:
        lxml.etree.XMLSyntaxError: it is malformed.
        SourceError: it declares entities, or nothing of it can be understood.
    """
    if not recover:
        root = etree.fromstring(data, etree.XMLParser(**_SAFE))
    else:
        # Programs write an ampersand as such, HTML's entities, and an empty first line.
        mended = _AMPERSAND.sub(_reference, _in_utf_8(data.lstrip(b" \t\r\n")))
        try:
            root = etree.fromstring(mended, etree.XMLParser(recover=True, **_SAFE))
        except etree.XMLSyntaxError:
            root = None
        if root is None:
            raise SourceError("damaged: a part of it is not valid XML", Reason.DAMAGED)
    _refuse_entities(root)
    return root


def iter_elements(stream: BinaryIO, *names: str, within: tuple[str, ...] = ()) -> Iterator[Element]:
    """Yield the elements with these names one by one, without holding the whole document.

    An element is emptied when the next is asked for. One inside another comes as a part of it.

    Args:
        stream: the XML.
        names: of the elements.
        within: only children of an element with one of these names. (): all of them.
    """
    events = etree.iterparse(stream, events=("start", "end"), **_SAFE)
    inside: Element = None
    for event, element in events:
        if event == "start":
            if element.getparent() is None:
                _refuse_entities(element)
            if inside is None and local_name(element) in names:
                parent = element.getparent()
                if not within or (parent is not None and local_name(parent) in within):
                    inside = element
        elif inside is None:
            element.clear(keep_tail=True)
        elif element is inside:
            yield element
            inside = None
            element.clear()
            while element.getprevious() is not None:  # emptied elements take memory as well
                del element.getparent()[0]


def _in_utf_8(data: bytes) -> bytes:
    """Return XML in UTF-8 without bytes that are none, which the parser would pass on."""
    head = data[:200]
    if (encoding := _utf_16(head)) is not None:
        return _DECLARATION.sub("", data.decode(encoding, "replace").lstrip("\ufeff"), count=1).encode(
            "utf-8", "replace"
        )
    stated = _ENCODING.search(head)
    is_other = stated is not None and stated[1].lower() not in (b"utf-8", b"utf8")
    if is_other or b"\0" in head:
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data


def _utf_16(head: bytes) -> str | None:
    """Return the encoding of XML in UTF-16, by its mark or its first letters; None for another."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(head[:2])


def _refuse_entities(element: Element) -> None:
    dtd = element.getroottree().docinfo.internalDTD  # of every DOCTYPE, also of one that declares nothing
    if dtd is not None and next(dtd.iterentities(), None) is not None:
        raise SourceError("damaged: it declares entities of its own", Reason.DAMAGED)


def _reference(match: re.Match[bytes]) -> bytes:
    """Return a reference that XML knows in place of an ampersand, or of an entity of HTML."""
    name = (match[1] or b"").decode("ascii")
    if name in _XML_ENTITIES:
        return match[0]
    character = html5.get(f"{name};", "")
    return b"".join(b"&#%d;" % ord(letter) for letter in character) or b"&amp;" + match[0][1:]


def parse_html(text: str) -> Element:
    """Return the root of an HTML document, or None for an empty one.

    XHTML is parsed as XML where it is well-formed.

    Raises:
        SourceError: it is nested too deeply.
    """
    if "http://www.w3.org/1999/xhtml" in text[:2000] or text[:100].lstrip().startswith("<?xml"):
        text = _DECLARATION.sub("", text, count=1)
        if (doctype := _DOCTYPE.match(text)) is not None:
            text = text[doctype.end() :]
        try:
            return parse_xml(_NAMED_ENTITY.sub(_character, text).encode())
        except (etree.XMLSyntaxError, SourceError):
            pass  # browsers read it all the same
    # HTML has no entities of its own, so that a large text is not a bomb. At most 2048 levels.
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True, default_doctype=False
    )
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if any("Excessive depth" in error.message for error in parser.error_log):
        raise SourceError(NESTED_TOO_DEEPLY, Reason.NESTED_TOO_DEEPLY)
    if root is not None:
        _begin_body(root)
    return root


def _begin_body(root: Element) -> None:
    """Move what is no metadata from a page's head to its body, as browsers do.

    The parser knows no newer elements, such as `main`, and leaves them in a head whose end tag is
    left out.
    """
    head = next(children(root, "head"), None)
    if head is None:
        return
    elements = list(head)
    first = next((index for index, child in enumerate(elements) if local_name(child) not in _METADATA), len(elements))
    if first == len(elements):
        return
    body = next(children(root, "body"), None)
    if body is None:
        body = etree.SubElement(root, "body")
    for child in reversed(elements[first:]):  # each in front of the others: the time is linear
        body.insert(0, child)
    if body.text and body.text.strip():  # it stood behind what is moved
        elements[-1].tail = (elements[-1].tail or "") + body.text
        body.text = None


def _character(entity: re.Match[str]) -> str:
    """Return the character that an HTML entity names; XML's own entities stay as they are."""
    character = html5.get(f"{entity[1]};")
    return character if character is not None and entity[1] not in _XML_ENTITIES else entity[0]
