"""A PDF as a reading: page after page, in reading order.

Knows: how pages follow one another (a sentence or a word goes on over the page, headings of the
outline stand on pages, a page that cannot be read is an empty page), and which library is asked for
what: letters come from pdfium, structure from pypdf, and each replaces the other if that fails.
Does not know: letters (glyphs), lines and columns (layout), running_headers, paragraphs, structure;
nor how a page that is a picture is read (scanned_page).
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from crystalcli.datatypes import FIELD_JOINT, HEADING_JOINT, Landmark
from crystalcli.errors import Reason, SourceError, UnsteadySourceError
from crystalcli.text.formats.pdf.annotations import Comment, Overlay
from crystalcli.text.formats.pdf.fallback import NOTE, PypdfPages
from crystalcli.text.formats.pdf.glyphs import Glyphs, Heading
from crystalcli.text.formats.pdf.legibility import is_legible, page_ranges
from crystalcli.text.formats.pdf.page_tables import PageTables
from crystalcli.text.formats.pdf.paragraphs import STOPS, Words, join_lines, paragraph_text
from crystalcli.text.formats.pdf.pdf_pages import PageRead, blocks, pages_of, rescued, with_overlays
from crystalcli.text.formats.pdf.running_headers import AROUND, LONGEST_HEAD, heads_of, saying
from crystalcli.text.formats.pdf.scanned_page import awaits_ocr, is_scanned, recognized
from crystalcli.text.formats.pdf.structure import Structure
from crystalcli.text.source.file_bytes import CHANGED, checked_pieces, open_bytes
from crystalcli.text.source.read_request import ReadRequest

NO_TEXT = "no text layer (scanned pages? --ocr reads them)"
NO_LETTERS = "no text layer, and OCR finds no letters"
MEANINGLESS = "letters without meaning"  # of fonts that do not tell which letters they draw
# Adobe's programs write this page into a form that other viewers cannot show.
PLACEHOLDER = "yourpdfviewermaynotbeabletodisplaythistypeofdocument"
XFA_FORM = "XFA form: its text is not on its page (open it in Adobe Reader and print it to a PDF)"
MANY_SCANNED = 3  # pages that are pictures; two are the covers of a book
MOST_RESCUED = 20  # pages that pypdf is asked for because pdfium fails; each takes a job of its own
# Pages that are held: the words of so many, and of all before, decide about a hyphen.
AT_ONCE = 256


class PdfReading:
    """A PDF. It is opened when its title or its pieces are asked for, and not before."""

    kind = "pdf"

    def __init__(self, asked: ReadRequest) -> None:
        self._asked = asked
        self._title: str | None = None
        self._open: _Open | None = None

    @property
    def title(self) -> str:
        """Title and author as the file states them, or "". Errors are left to `pieces`."""
        if self._title is None:
            try:
                self._title = self._opened().title
            except SourceError:
                self._title = ""
        return self._title

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield a Landmark for each page and outline entry, and text, which ends in an empty line.

        Before the first of them it is certain that some page has text. An empty string is a sign of
        life.

        Raises:
            SourceError: no text can be read.
            UnsteadySourceError: the file changed meanwhile.
        """
        opened = self._opened()
        with opened.stack:
            try:
                yield from _Flow(opened, self._asked).pieces()
            except SourceError:
                self._verify(opened.stream)  # that it changed is the better reason
                raise
            self._verify(opened.stream)

    def _verify(self, stream: BinaryIO) -> None:
        stream.seek(0)
        for _ in checked_pieces(stream, self._asked.seen.fingerprint):
            pass

    def _opened(self) -> _Open:
        if self._open is None:
            with ExitStack() as stack:
                stream, _ = stack.enter_context(open_bytes(self._asked.path))
                if os.fstat(stream.fileno()).st_size != self._asked.seen.fingerprint.size:
                    raise UnsteadySourceError(*CHANGED)
                structure = Structure(self._asked)
                source: Glyphs | PypdfPages
                try:
                    source = Glyphs(stream, self._asked.options.password)
                except SourceError as error:
                    self._verify(stream)
                    if not structure.read().page_count:
                        raise
                    source = PypdfPages(self._asked, structure.page_count or 0, str(error))
                stack.callback(source.close)
                self._open = _Open(stack.pop_all(), stream, source, structure.read())
        return self._open


class _Open:
    """An open PDF: letters from one library and structure from another, or all from one.

    Attributes:
        stack: closes all.
        stream: the file.
        source: its pages.
        structure: the rest, as pypdf read it.
        title: title and author, or "".
    """

    def __init__(self, stack: ExitStack, stream: BinaryIO, source: Glyphs | PypdfPages, structure: Structure) -> None:
        self.stack, self.stream, self.source, self.structure = stack, stream, source, structure
        # A page that only one library counts would shift all that belongs to pages.
        self.is_same_pages = structure.page_count == source.count
        self.title = structure.title or (source.title if isinstance(source, Glyphs) else "")

    def label(self, number: int) -> str:
        """Return the label of a page as printed, or its number from 1.

        Args:
            number: page number, from 0.
        """
        if self.is_same_pages and self.structure.labels is not None:
            return self.structure.labels[number]
        return self.source.label(number) if isinstance(self.source, Glyphs) else str(number + 1)

    def headings(self) -> list[Heading]:
        """Return the outline as the library has it that finds the page of more entries."""
        ours = (self.structure.headings or []) if self.is_same_pages else []
        theirs = list(self.source.headings()) if isinstance(self.source, Glyphs) else []
        return ours if len(ours) >= len(theirs) else theirs

    def overlays(self, number: int) -> list[Overlay]:
        """Return the text that viewers draw over page `number`, from 0."""
        return self.structure.overlays.get(number, []) if self.is_same_pages else []

    def comments(self, number: int) -> list[Comment]:
        """Return the comments on page `number`, from 0."""
        return self.structure.comments.get(number, []) if self.is_same_pages else []


class _Flow:
    """Pages on their way into one text."""

    def __init__(self, opened: _Open, asked: ReadRequest) -> None:
        self._opened, self._asked = opened, asked
        self._headings: dict[int, list[Heading]] = defaultdict(list)
        for heading in opened.headings():
            self._headings[heading.page].append(heading)
        self._words = Words()
        self._tables = PageTables()
        self._said: set[str] = set()  # by short lines
        self._given = 0  # characters
        self._last = ""  # the last line, whose end the next page decides
        self._waiting: list[tuple[str, str]] = []  # landmarks that come after it, as kind and label
        self._rescues = MOST_RESCUED
        self._meaningless: list[str] = []  # labels of pages
        self._unread: list[str] = []  # labels of pages that both libraries fail on
        self._scanned: list[str] = []  # labels of pages that are pictures, and not read
        self._recognized: list[str] = []  # labels of pages that OCR read
        self._letterless: list[str] = []  # labels of pages on which OCR found no letters
        self._seen_by_ocr: set[int] = set()  # numbers of pages
        self._waiting += [(mark.kind, mark.label) for mark in opened.structure.fields.landmarks()]
        self._note = NOTE if isinstance(opened.source, PypdfPages) else ""

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield text and landmarks."""
        pages = pages_of(self._opened.source, self._asked)
        held: list[PageRead] = []
        before: list[PageRead] = []
        trouble, count, has_more = "", 0, True
        while has_more:
            while len(held) < AT_ONCE + AROUND:
                page = next(pages, None)
                if page is None:
                    has_more = False
                    break
                page = self._completed(page)
                held.append(page)
                count += 1
                trouble = trouble or page.trouble
                self._words.add([fragment.text for fragment in page.fragments])
                yield ""
            now = held[:AT_ONCE] if has_more else held
            for index, page in enumerate(now):
                yield from self._page(page, [*before, *held], len(before) + index)
            before = [*before, *now][-AROUND:]
            held = held[len(now) :]
        if self._last:
            yield from self._give(self._last + "\n\n")
            yield from self._marks()
        if not self._given:
            code = Reason.NO_TEXT if count and not trouble else Reason.DAMAGED
            if self._meaningless and not trouble:
                raise SourceError(f"no readable text: {MEANINGLESS}, {page_ranges(self._meaningless)}", code)
            if self._letterless and not trouble:
                raise SourceError(NO_LETTERS, Reason.NO_LETTERS)
            raise SourceError(trouble or (NO_TEXT if count else "damaged PDF: it has no pages"), code)
        if self._meaningless:
            yield from self._give(f"[No readable text: {MEANINGLESS}, {page_ranges(self._meaningless)}]\n\n")
        if names := self._opened.structure.attachments:
            yield from self._give("\n".join(f"[Attachment: {name}]" for name in names) + "\n\n")
        if doubts := self._doubts():
            yield Landmark(self._given, "doubt", FIELD_JOINT.join(doubts))

    def _doubts(self) -> list[str]:
        """Return what was read with a doubt, each as a reason code, `: ` and words."""
        doubts = []
        if isinstance(self._opened.source, PypdfPages):
            doubts.append((Reason.DAMAGED, "read by other means, the order of its words may be wrong"))
        if self._meaningless:
            doubts.append((Reason.ILLEGIBLE, f"{MEANINGLESS}, {page_ranges(self._meaningless)}"))
        if self._recognized:
            doubts.append((Reason.OCR, f"read by OCR, letters may be wrong, {page_ranges(self._recognized)}"))
        if self._letterless:
            doubts.append((Reason.NO_LETTERS, f"OCR finds no letters, {page_ranges(self._letterless)}"))
        if len(self._scanned) >= MANY_SCANNED:
            doubts.append((Reason.SCANNED, f"pages that are pictures (--ocr reads them), {page_ranges(self._scanned)}"))
        if self._unread:
            doubts.append((Reason.DAMAGED, f"pages that cannot be read, {page_ranges(self._unread)}"))
        if count := self._tables.nameless:
            doubts.append((Reason.NO_HEADER, f"{count:,} {'table' if count == 1 else 'tables'} without a header"))
        return [f"{code}: {detail.replace(FIELD_JOINT, ', ')}" for code, detail in doubts]

    def _completed(self, page: PageRead) -> PageRead:
        """Return a page with what pypdf adds to pdfium's letters.

        Raises:
            SourceError: the page is a placeholder for an XFA form.
        """
        is_pdfium = isinstance(self._opened.source, Glyphs)
        if page.trouble and is_pdfium and self._opened.is_same_pages and self._rescues:
            self._rescues -= 1
            page = rescued(page, self._asked)
        if page.trouble:
            self._unread.append(self._opened.label(page.number))
        elif isinstance(self._opened.source, Glyphs):
            page = self._with_pictures(page, self._opened.source)
        if overlays := self._opened.overlays(page.number):
            page = with_overlays(page, overlays)
        elif self._opened.source.count == 1:
            key = _key("".join(fragment.text for fragment in page.fragments))
            if self._opened.structure.is_dynamic_form or (key.startswith("pleasewait") and PLACEHOLDER in key):
                raise SourceError(XFA_FORM, Reason.NO_TEXT)
        return page

    def _with_pictures(self, page: PageRead, source: Glyphs) -> PageRead:
        """Return a page with the letters that OCR reads on it, if it is to."""
        if not self._asked.options.ocr:
            if is_scanned(page):
                self._scanned.append(self._opened.label(page.number))
            return page
        if not awaits_ocr(page):
            return page
        label = self._opened.label(page.number)
        try:
            read = recognized(page, source)
        except SourceError:
            self._unread.append(label)
            return page
        self._seen_by_ocr.add(page.number)
        (self._recognized if read.fragments else self._letterless).append(label)
        return read

    def _page(self, page: PageRead, pages: Sequence[PageRead], at: int) -> Iterator[str | Landmark]:
        around = [
            (other - at, pages[other].edges)
            for other in range(max(0, at - AROUND), min(len(pages), at + AROUND + 1))
            if other != at
        ]
        lines = paragraph_text(blocks(page, heads_of(page.edges, around, self._said), self._tables), self._words)
        if page.number not in self._seen_by_ocr and not is_legible("".join(text for _, text in lines)):
            self._meaningless.append(self._opened.label(page.number))
            lines = []
        self._said.update(saying(text) for _, text in lines if len(text) < LONGEST_HEAD)
        lines = _with_comments(lines, self._opened.comments(page.number))
        if lines and self._note:
            lines.insert(0, (0.0, self._note + "\n\n"))
            self._note = ""
        marks = [("page", self._opened.label(page.number))]
        if not lines:
            self._waiting += marks + [_mark_of(heading) for heading in self._headings.get(page.number, ())]
            return
        if self._last:
            first = lines[0][1].rstrip("\n")
            flows = first[:1].islower() and not self._last.endswith(STOPS) and not self._waiting
            both = join_lines(self._last, first, self._words) if flows else None
            if both:
                self._last, rest = both
                lines[0] = lines[0][0], rest + lines[0][1][len(first) :]
            yield from self._give(self._last + ("\n" if flows else "\n\n"))
        self._waiting += marks
        yield from self._marks()
        yield from self._with_headings([text for _, text in lines], self._headings.get(page.number, []))

    def _with_headings(self, lines: list[str], headings: list[Heading]) -> Iterator[str | Landmark]:
        """Yield the lines except for the last, each heading before its line.

        A heading that the lines do not have stands at the head of the page.
        """
        keys = [_key(line) for line in lines]
        placed: dict[int, Heading] = {}
        at = 0
        for heading in headings:
            wanted = _key(heading.path[-1])
            line_number = next(
                (index for index in range(at, len(keys)) if wanted and _stands(wanted, keys, index)), None
            )
            at = line_number if line_number is not None else at
            placed[at] = heading
        text = ""
        for index, line in enumerate(lines):
            if index in placed:
                if text:
                    yield from self._give(text)
                    text = ""
                yield Landmark(self._given, *_mark_of(placed[index]))
            if index < len(lines) - 1:
                text += line
        if text:
            yield from self._give(text)
        self._last = lines[-1].rstrip("\n")

    def _marks(self) -> Iterator[Landmark]:
        for kind, label in self._waiting:
            yield Landmark(self._given, kind, label)
        self._waiting.clear()

    def _give(self, text: str) -> Iterator[str]:
        self._given += len(text)
        yield text


def _with_comments(lines: list[tuple[float, str]], comments: Sequence[Comment]) -> list[tuple[float, str]]:
    """Return the lines of a page with its comments as paragraphs, without tearing a sentence.

    That is behind the last line if a sentence ends there, or else before the last paragraph. Marked
    words that the page says itself are left out.

    Args:
        lines: base line and text of each, as `text_of` gives them.
        comments: comments on the page.
    """
    page = _key("".join(text for _, text in lines)) if any(comment.words for comment in comments) else ""
    texts = [comment.text for comment in comments if not comment.words or _key(comment.words) not in page]
    if not texts:
        return lines
    at = len(lines)
    if lines and not lines[-1][1].rstrip("\n").endswith(STOPS):
        ends = [index for index, (_, text) in enumerate(lines) if text.endswith("\n\n")]
        at = ends[-1] + 1 if ends else at
    head, tail = lines[:at], lines[at:]
    if head:
        head[-1] = head[-1][0], head[-1][1].rstrip("\n") + "\n\n"
    added = [(0.0, text + "\n\n") for text in texts]
    if not tail:
        added[-1] = 0.0, texts[-1] + "\n"
    return [*head, *added, *tail]


def _mark_of(heading: Heading) -> tuple[str, str]:
    return "heading", HEADING_JOINT.join(heading.path)


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _stands(wanted: str, keys: Sequence[str], index: int) -> bool:
    """Return true if a heading is on a line, alone or after a number, or goes on in the next.

    Args:
        wanted: key of the heading.
        keys: keys of the lines of the page.
        index: the line.
    """
    key = keys[index]
    if not key:
        return False
    if key.endswith(wanted) and len(key) <= len(wanted) + 10:
        return True
    return (key + keys[index + 1] if index + 1 < len(keys) else key).startswith(wanted) and key in wanted + key[
        len(wanted) :
    ]
