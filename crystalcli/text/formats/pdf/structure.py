"""Structure of a PDF: title, author, labels, outline, form fields, annotations, attachments.

Knows: pypdf, and the objects of a PDF that hold these things.
Does not know: the entries of fields and annotations (annotations), letters and their places
(glyphs), nor how a page becomes text (pages, paragraphs).

pypdf runs in a process of its own with bounds on time and memory: a broken file can make it loop or
fill the memory, and the letters that pdfium reads must not be lost by that. Each part of the
structure is sent as soon as it is read. A part that pypdf cannot read stays None; the reader then
takes pdfium's, where pdfium has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import Any, BinaryIO

from crystalcli.errors import SourceError
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.formats.pdf.annotations import Comment, Overlay, comment_of, overlay_of, resolved
from crystalcli.text.formats.pdf.glyphs import (
    DEEPEST,
    LONGEST_TITLE,
    MOST_HEADINGS,
    Glyphs,
    Heading,
    cleaned,
)
from crystalcli.text.source.file_bytes import open_bytes
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.worker_process import Bounds, worker_values

# Seconds; the slowest file measured takes 0.2 s (docs/decisions/004-pypdf-and-pdfium.md). The
# silence stays far below that of the reader's own process, which waits meanwhile.
BOUNDS = Bounds(silence=20.0, seconds=40.0)
TEXT_BOUNDS = Bounds(silence=20.0, seconds=300.0)
MOST_LABELS = 20_000  # pages; pypdf takes time that grows with pages times ranges of labels
MOST_ANNOTATIONS = 20_000  # of a document
MOST_ATTACHMENTS = 200
MOST_FIELD = 2_000  # characters of an author's name, or of all keywords
MOST_CHARACTERS = 2_000_000  # of all values and comments together
# Names that programs write as the author when they know of none.
NO_AUTHORS = frozenset(("", "anonymous", "(anonymous)", "unknown", "user", "admin", "administrator"))


class Structure:
    """The structure of one PDF, read by pypdf in another process from now on.

    Nothing is known before `read`; what pypdf cannot read is None or empty after it.

    Attributes:
        title: title and author, or None.
        fields: authors, date and keywords.
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
        self.fields = StatedFields()
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
        if name == "fields":
            authors, day, tags = value
            self.fields = StatedFields(tuple(authors), day, tuple(tags))
        elif name == "headings":
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
            ("fields", _fields),
            ("page_count", _page_count),
            ("is_dynamic_form", _is_dynamic_form),
            ("labels", _labels),
            ("headings", _headings),
            ("attachments", _attachments),
        )
        for name, section in sections:
            try:
                value = section(reader)
            except Exception:  # pypdf raises anything over a broken file; the rest is still read
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


def _fields(reader: Any) -> list[Any]:
    """Return the authors, the date of creation and the keywords of the document information."""
    information = reader.metadata or {}
    texts = [str(resolved(information.get(key)) or "") for key in ("/Author", "/CreationDate", "/Keywords")]
    author, day, keywords = (text[:MOST_FIELD] for text in texts)
    return [re.split(r"[;\n]", cleaned(author)), day, [cleaned(keywords)]]


def _page_count(reader: Any) -> int:
    return len(reader.pages)


def _is_dynamic_form(reader: Any) -> bool:
    """True if the pages are made by the viewer from an XFA form (ISO 32000-1, table 28)."""
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
    """Yield overlays and comments of the pages that have some."""
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
            listed = resolved(page.get("/Annots")) or []
        except Exception:  # as in `parts`
            continue
        for each in listed[:annotations]:
            try:
                annotation = each.get_object()
                shown = overlay_of(annotation, font) or comment_of(annotation)
            except Exception:  # as in `parts`
                continue
            if isinstance(shown, Overlay) and is_turned:
                shown = Comment(f"{shown.label}: {shown.text}" if shown.label else shown.text, "")
            if shown is None or len(shown.text) > characters:
                continue
            characters -= len(shown.text)
            if isinstance(shown, Overlay):
                overlays.append(shown)
            else:
                comments.append(shown)
        annotations -= len(listed[:annotations])
        if overlays or comments or number % 256 == 255:  # now and then as a sign of life
            yield ["page", [number, overlays, comments]]
        if annotations <= 0:
            return
