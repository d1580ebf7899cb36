"""The structure of a PDF: title, author, page labels, outline, form fields, annotations, attachments.

Knows: pypdf, and the objects of a PDF that hold these things.
Does not know: letters and their places (glyphs), nor how a page becomes text (pages, paragraphs).

pypdf runs in a process of its own with bounds on time and memory: a broken file can make it loop or
fill the memory, and the letters that pdfium reads must not be lost by that. Each part of the
structure is sent as soon as it is read. A part that pypdf cannot read stays None; the reader then
takes pdfium's, where pdfium has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from crystalcli.errors import SourceError
from crystalcli.text.formats.pdf.glyphs import (
    DEEPEST,
    LONGEST_TITLE,
    MOST_HEADINGS,
    Glyphs,
    Heading,
    cleaned,
    tidied,
)
from crystalcli.text.source.file_bytes import open_bytes
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.worker_process import Bounds, worker_values

# Seconds; the slowest file measured takes 0.5 s (docs/decisions/004-pypdf-and-pdfium.md). The
# silence stays far below that of the reader's own process, which waits meanwhile.
BOUNDS = Bounds(silence=20.0, seconds=40.0)
TEXT_BOUNDS = Bounds(silence=20.0, seconds=300.0)
MOST_LABELS = 20_000  # pages; pypdf takes time that grows with pages times ranges of labels
MOST_ANNOTATIONS = 20_000  # of a document
MOST_ATTACHMENTS = 200
MOST_CHARACTERS = 2_000_000  # of all values and comments together
LONGEST_VALUE = 20_000  # characters
DEEPEST_FIELD = 16  # fields above one another
# Names that programs write as the author when they know of none.
NO_AUTHORS = frozenset(("", "anonymous", "(anonymous)", "unknown", "user", "admin", "administrator"))

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


class Structure:
    """The structure of one PDF, read by pypdf in another process from now on.

    Nothing is known before `read`; what pypdf cannot read is None or empty after it.

    Attributes:
        title: title and author, or None.
        page_count: number of pages, or None.
        labels: label of each page, or None.
        headings: outline entries in order, or None.
        is_dynamic_form: true for an XFA form whose pages are made by the viewer.
        overlays: by page number, from 0.
        comments: by page number, from 0.
        attachments: names of the embedded files.
    """

    def __init__(self, asked: ReadRequest) -> None:
        self.title: str | None = None
        self.page_count: int | None = None
        self.labels: list[str] | None = None
        self.headings: list[Heading] | None = None
        self.is_dynamic_form = False
        self.overlays: dict[int, list[Overlay]] = {}
        self.comments: dict[int, list[Comment]] = {}
        self.attachments: list[str] = []
        self._messages = worker_values(asked, "formats.pdf.structure:structure_parts", 0, 0, BOUNDS)

    def read(self) -> Structure:
        """Wait until all is read, or pypdf fails or takes too long."""
        try:
            for name, value in self._messages:
                self._add(name, value)
        except SourceError:
            pass  # the reader has pdfium's
        return self

    def _add(self, name: str, value: Any) -> None:
        if name == "headings":
            self.headings = [Heading(page, tuple(path)) for page, path in value]
        elif name == "page":
            number, overlays, comments = value
            self.overlays[number] = [Overlay(*overlay) for overlay in overlays]
            self.comments[number] = [Comment(*comment) for comment in comments]
        else:
            setattr(self, name, value)


def structure_parts(asked: ReadRequest, first: int, end: int) -> Iterator[list[Any]]:
    """Yield the parts of a structure as name and value, the title first.

    Args:
        asked: the file.
        first: not used; the signature is that of `values_apart`.
        end: not used.

    Raises:
        SourceError: pypdf cannot open the file.
    """
    with open_bytes(asked.path) as (stream, _):
        reader = open_pypdf(stream, asked.options.password)
        sections: tuple[tuple[str, Callable[[Any], Any]], ...] = (
            ("title", _title),
            ("page_count", _page_count),
            ("is_dynamic_form", _is_dynamic_form),
            ("labels", _labels),
            ("headings", _headings),
            ("attachments", _attachments),
        )
        for name, section in sections:
            try:
                value = section(reader)
            except Exception:  # pypdf raises anything over a broken file; the other parts are still read
                continue
            yield [name, value]
        yield from _pages(reader)


def page_texts(asked: ReadRequest, first: int, end: int) -> Iterator[str]:
    """Yield pypdf's text of the pages [first, end), "" for one that cannot be read.

    Args:
        asked: the file.
        first: page number, from 0.
        end: page number behind the last; -1 for all pages.
    """
    with open_bytes(asked.path) as (stream, _):
        reader = open_pypdf(stream, asked.options.password)
        for number in range(first, len(reader.pages) if end < 0 else end):
            try:
                yield str(reader.pages[number].extract_text())
            except Exception:  # as above
                yield ""


def texts_apart(asked: ReadRequest, first: int, end: int) -> Generator[str, None, None]:
    """Return pypdf's text of the pages [first, end), read in another process.

    Raises:
        SourceError: while iterating, if pypdf cannot open the file or takes too long.
    """
    return worker_values(asked, "formats.pdf.structure:page_texts", first, end, TEXT_BOUNDS)


def open_pypdf(stream: BinaryIO, password: str) -> Any:
    """Open a PDF with pypdf.

    pdfium undoes encryption, since pypdf needs a further package for AES. If pdfium cannot open the
    file, pypdf decrypts what it can.

    Raises:
        SourceError: neither opens it.
    """
    import pypdf

    reader = None
    try:
        reader = pypdf.PdfReader(stream, strict=False)
        if not reader.is_encrypted:
            return reader
    except Exception:  # as in `parts`; the copy that pdfium writes may be sound
        pass
    try:
        glyphs = Glyphs(stream, password)
    except SourceError:
        if reader is not None and reader.decrypt(password):
            return reader
        raise
    try:
        return pypdf.PdfReader(glyphs.decrypted(), strict=False)
    finally:
        glyphs.close()


def _title(reader: Any) -> str:
    """Return title and author from the document information, or from XMP if that has no title."""
    information = reader.metadata
    title = cleaned(information.title or "") if information else ""
    authors = [cleaned(information.author or "")] if information else []
    xmp = None if title else reader.xmp_metadata
    if xmp is not None:
        titles = xmp.dc_title or {}
        title = cleaned(titles.get("x-default") or next(iter(titles.values()), ""))
        authors = [cleaned(name) for name in (xmp.dc_creator or [])[:3]] or authors
    if title.lower() in ("", "untitled"):
        return ""
    names = ", ".join(name for name in authors if name.lower() not in NO_AUTHORS)
    return f"{title[:LONGEST_TITLE]} — {names[:LONGEST_TITLE]}" if names else title[:LONGEST_TITLE]


def _page_count(reader: Any) -> int:
    return len(reader.pages)


def _is_dynamic_form(reader: Any) -> bool:
    """Whether the pages are made by the viewer from an XFA form (ISO 32000-1, table 28)."""
    root = reader.trailer["/Root"]
    return bool(root.get("/NeedsRendering")) and "/XFA" in (root.get("/AcroForm") or {})


def _labels(reader: Any) -> list[str] | None:
    if len(reader.pages) > MOST_LABELS:
        return None
    return [cleaned(label) or str(number) for number, label in enumerate(reader.page_labels, 1)]


def _headings(reader: Any) -> list[Heading]:
    """Return the outline in its order. Entries without a page only stand above others."""
    numbers = {_id(page): number for number, page in enumerate(reader.pages)}
    above: list[str] = []
    headings: list[Heading] = []

    def add(entries: list[Any], level: int) -> None:
        for entry in entries:
            if len(headings) == MOST_HEADINGS:
                return
            if isinstance(entry, list):
                if level + 1 < DEEPEST:
                    add(entry, level + 1)
                continue
            title = cleaned(entry.title or "")[:LONGEST_TITLE]
            del above[level:]
            above.append(title)
            target = entry.page  # a reference to a page, or the number of one
            page = target if isinstance(target, int) else numbers.get(getattr(target, "idnum", None))
            if title and page is not None and 0 <= page < len(numbers):
                headings.append(Heading(int(page), tuple(text for text in above if text)))

    add(reader.outline, 0)
    return headings


def _id(page: Any) -> int | None:
    return getattr(page.indirect_reference, "idnum", None)


def _attachments(reader: Any) -> list[str]:
    """Return the names of embedded files. Their bytes are not unpacked."""
    names = (cleaned(name)[:LONGEST_TITLE] for name in islice(reader.attachments, MOST_ATTACHMENTS))
    return [name for name in names if name]


def _pages(reader: Any) -> Iterator[list[Any]]:
    """Yield overlays and comments of each page that has some."""
    try:
        font = str((reader.trailer["/Root"].get("/AcroForm") or {}).get("/DA") or "")
    except Exception:  # as in `parts`
        font = ""
    annotations, characters = MOST_ANNOTATIONS, MOST_CHARACTERS
    for number in range(len(reader.pages)):
        overlays: list[Overlay] = []
        comments: list[Comment] = []
        try:
            page = reader.pages[number]
            is_turned = bool(page.rotation % 360)
            listed = _resolved(page.get("/Annots")) or []
        except Exception:  # as in `parts`
            continue
        for each in listed[:annotations]:
            try:
                annotation = each.get_object()
                found = _overlay(annotation, font) or _comment(annotation)
            except Exception:  # as in `parts`
                continue
            if isinstance(found, Overlay) and is_turned:
                found = Comment(f"{found.label}: {found.text}" if found.label else found.text, "")
            if found is None or len(found.text) > characters:
                continue
            characters -= len(found.text)
            if isinstance(found, Overlay):
                overlays.append(found)
            else:
                comments.append(found)
        annotations -= len(listed[:annotations])
        if overlays or comments:
            yield ["page", [number, overlays, comments]]
        if annotations <= 0:
            return


def _overlay(annotation: Any, font: str) -> Overlay | None:
    """Return a filled field or a typed annotation; None for anything else.

    Args:
        annotation: its dictionary.
        font: default appearance of the form.
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
        states = (_resolved(widget.get("/AP")) or {}).get("/N") or {}
        is_on = state not in (None, "/Off") and (not states or "/AS" in widget or state in states)
        return CHECKED if is_on else ""
    if kind not in ("/Tx", "/Ch") or (kind == "/Tx" and flags & PASSWORD):
        return ""
    values = list(value) if isinstance(value, list) else [value]
    names: dict[str, str] = {}  # an option may be a pair: what is stored, and what is shown
    if kind == "/Ch":
        for option in _inherited(widget, "/Opt") or ():
            pair = _resolved(option)
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
        if (field := _resolved(field.get("/Parent"))) is None:
            break
    return ".".join(reversed(names))[:LONGEST_TITLE]


def _comment(annotation: Any) -> Comment | None:
    """Return a comment with text; None for other annotations, replies of state, and hidden ones."""
    kind = annotation.get("/Subtype")
    if kind not in COMMENTS or "/StateModel" in annotation or int(annotation.get("/F") or 0) & HIDDEN:
        return None
    text = cleaned(_text(annotation.get("/Contents")))
    if kind == "/FileAttachment":
        file = _resolved(annotation.get("/FS")) or {}
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
            return _resolved(field[key])
        if (field := _resolved(field.get("/Parent"))) is None:
            return None
    return None


def _resolved(value: Any) -> Any:
    return value.get_object() if hasattr(value, "get_object") else value


def _text(value: Any) -> str:
    """Return a string object, or a stream that holds one, line by line without controls."""
    value = _resolved(value)
    if hasattr(value, "get_data"):
        value = value.get_data()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return "" if value is None else str(value)
    return "\n".join(map(tidied, value[:LONGEST_VALUE].splitlines())).strip("\n")
