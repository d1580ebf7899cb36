"""Annotations of a PDF: values of form fields, typed text, comments.

Knows: dictionaries of annotations and fields, as pypdf has them; any of them may be damaged.
Does not know: documents and pages (structure), nor how text is drawn into rows (pages).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from crystalcli.text.formats.pdf.glyphs import LONGEST_TITLE, cleaned, tidied

LONGEST_VALUE = 20_000  # characters
DEEPEST_FIELD = 16  # fields above one another
# Flags of annotations and fields, ISO 32000-1, tables 165, 226 and 228.
HIDDEN = 1 << 1 | 1 << 5
MULTILINE, PASSWORD, PUSH_BUTTON = 1 << 12, 1 << 13, 1 << 16
CHECKED = "[x]"
# Annotations with which readers comment on a page (ISO 32000-1, table 169, "markup").
COMMENTS = frozenset(
    f"/{name}"
    for name in (
        *("Text", "FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight"),
        *("Underline", "Squiggly", "StrikeOut", "Stamp", "Caret", "Ink", "FileAttachment"),
    )
)
# Of these, many programs copy the marked words into the comment.
MARKED_WORDS = frozenset(("/Highlight", "/Underline", "/Squiggly", "/StrikeOut"))
FONT_SIZE = re.compile(r"([\d.]+)\s+Tf\b")
SIZES = (4.0, 12.0)  # points, between which viewers choose the size that a field leaves to them


class Overlay(NamedTuple):
    """Text that viewers draw over a page: the value of a form field, or a typed annotation.

    Attributes:
        x0: left end of its rectangle, in points.
        y0: lower end.
        x1: right end.
        y1: upper end.
        size: font size in points.
        label: name of the field for people, or "".
        text: the value; has line breaks if the field has several lines.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    label: str
    text: str


class Comment(NamedTuple):
    """A comment on a page.

    Attributes:
        text: the comment as a line of text, with its author.
        words: the words alone if the comment may repeat words of the page, else "".
    """

    text: str
    words: str


def overlay_of(annotation: Any, font: str) -> Overlay | None:
    """Return a filled field or a typed annotation; None for anything else.

    Args:
        annotation: its dictionary.
        font: default appearance of fields in the form.
    """
    kind = annotation.get("/Subtype")
    if int(annotation.get("/F") or 0) & HIDDEN:
        return None
    if kind == "/FreeText" and annotation.get("/IT") == "/FreeTextTypeWriter":
        label, text, has_lines = "", _text(annotation.get("/Contents")), True
    elif kind == "/Widget":
        flags = int(_inherited(annotation, "/Ff") or 0)
        label, text = _field_label(annotation), _field_value(annotation, flags)
        has_lines = bool(flags & MULTILINE) and _inherited(annotation, "/FT") == "/Tx"
    else:
        return None
    if not has_lines:
        text = " ".join(text.split())
    if not text:
        return None
    x0, y0, x1, y1 = (float(value) for value in annotation["/Rect"])
    x0, y0, x1, y1 = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    stated = FONT_SIZE.search(str(_inherited(annotation, "/DA") or font))
    height = y1 - y0 if not has_lines else SIZES[1] / 0.7
    size = float(stated[1]) if stated else 0.0
    size = size if 1 <= size <= 100 else min(max(0.7 * height, SIZES[0]), SIZES[1])
    return Overlay(x0, y0, x1, y1, size, label, text)


def _field_value(widget: Any, flags: int) -> str:
    """Return the value of a field as people read it, or "".

    Args:
        widget: annotation of the field.
        flags: flags of the field.
    """
    kind, value = _inherited(widget, "/FT"), _inherited(widget, "/V")
    if kind == "/Btn":
        if flags & PUSH_BUTTON:
            return ""
        state = widget.get("/AS") or value
        states = (resolved(widget.get("/AP")) or {}).get("/N") or {}
        is_on = state not in (None, "/Off") and (not states or "/AS" in widget or state in states)
        return CHECKED if is_on else ""
    if kind not in ("/Tx", "/Ch") or (kind == "/Tx" and flags & PASSWORD):
        return ""
    values = list(value) if isinstance(value, list) else [value]
    names: dict[str, str] = {}  # an option may be a pair: what is stored, and what is shown
    if kind == "/Ch":
        for option in _inherited(widget, "/Opt") or ():
            pair = resolved(option)
            if isinstance(pair, list) and len(pair) == 2:
                names[_text(pair[0])] = _text(pair[1])
    return ", ".join(names.get(text, text) for text in map(_text, values) if text)


def _field_label(widget: Any) -> str:
    """Return the name of a field for people, or else its full name."""
    if label := _inherited(widget, "/TU"):
        return cleaned(_text(label))[:LONGEST_TITLE]
    names: list[str] = []
    field = widget
    for _ in range(DEEPEST_FIELD):
        if name := field.get("/T"):
            names.append(cleaned(_text(name)))
        if (field := resolved(field.get("/Parent"))) is None:
            break
    return ".".join(reversed(names))[:LONGEST_TITLE]


def comment_of(annotation: Any) -> Comment | None:
    """Return a comment with text; None for other annotations, replies of state, and hidden ones."""
    kind = annotation.get("/Subtype")
    if kind not in COMMENTS or "/StateModel" in annotation or int(annotation.get("/F") or 0) & HIDDEN:
        return None
    text = cleaned(_text(annotation.get("/Contents")))
    if kind == "/FileAttachment":
        file = resolved(annotation.get("/FS")) or {}
        name = cleaned(_text(file.get("/UF") or file.get("/F")))[:LONGEST_TITLE]
        text = f"[Attachment: {name}] {text if text != name else ''}".strip() if name else text
    if not text:
        return None
    author = cleaned(_text(annotation.get("/T")))[:LONGEST_TITLE]
    words = text if kind in MARKED_WORDS else ""
    if kind in ("/FreeText", "/FileAttachment"):
        return Comment(text, words)
    return Comment(f"Comment by {author}: {text}" if author else f"Comment: {text}", words)


def _inherited(widget: Any, key: str) -> Any:
    """Return an entry of a field, or of a field above it."""
    field = widget
    for _ in range(DEEPEST_FIELD):
        if key in field:
            return resolved(field[key])
        if (field := resolved(field.get("/Parent"))) is None:
            return None
    return None


def resolved(value: Any) -> Any:
    """Return the object that a reference stands for, or the value itself."""
    return value.get_object() if hasattr(value, "get_object") else value


def _text(value: Any) -> str:
    """Return a string object, or a stream that holds one, line by line without controls."""
    value = resolved(value)
    if hasattr(value, "get_data"):
        value = value.get_data()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return "" if value is None else str(value)
    return "\n".join(map(tidied, value[:LONGEST_VALUE].splitlines())).strip("\n")
