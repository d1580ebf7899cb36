"""The text layer of a PDF as a reading: page after page, in the order in which it is read.

Knows how pages follow one another: that a sentence or a word goes on over the page, which headings the outline puts on one,
and that a page that cannot be read is an empty page. Does not know letters (pdf_glyphs), lines and columns (pdf_layout), heads
(pdf_heads) or paragraphs (pdf_flow); nor pictures: nothing is recognised from the image of a scanned page.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from crystalcli.errors import Reason, SourceError, UnsteadySourceError
from crystalcli.text.asked import Asked
from crystalcli.text.pdf_flow import STOPS, Words, joined, text_of
from crystalcli.text.pdf_glyphs import Glyphs, Heading
from crystalcli.text.pdf_heads import AROUND, LONGEST_HEAD, heads_of, saying
from crystalcli.text.pdf_pages import PageRead, blocks, pages_of
from crystalcli.text.reader_bytes import CHANGED, checked, open_bytes
from crystalcli.types import HEADING_JOINT, Landmark

NO_TEXT = "no text layer (scanned pages?)"
AT_ONCE = 256  # pages that are held; what a hyphen means is asked of the words of so many, and of all before


class PdfReading:
    """A PDF. It is opened when its title or its pieces are asked for, and not before."""

    kind = "pdf"

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._title: str | None = None
        self._open: tuple[ExitStack, BinaryIO, Glyphs] | None = None

    @property
    def title(self) -> str:
        """What the file says its title is, or nothing. That it cannot be read is for `pieces` to say."""
        if self._title is None:
            try:
                self._opened()
            except SourceError:
                self._title = ""
        return self._title or ""

    def pieces(self) -> Iterator[str | Landmark]:
        """One Landmark for every page and every entry of the outline, and text, which ends in an empty line.

        Before the first of them it is certain that some page has text. An empty string says no more than that reading goes on.
        """
        opened, stream, glyphs = self._opened()
        with opened:
            try:
                yield from _Flow(glyphs).pieces(pages_of(glyphs, self._asked))
            except SourceError:
                self._verify(stream)  # that it changed is the better reason
                raise
            self._verify(stream)

    def _verify(self, stream: BinaryIO) -> None:
        stream.seek(0)
        for _ in checked(stream, self._asked.seen.fingerprint):
            pass

    def _opened(self) -> tuple[ExitStack, BinaryIO, Glyphs]:
        if self._open is None:
            with ExitStack() as opened:
                stream, _ = opened.enter_context(open_bytes(self._asked.path))
                if os.fstat(stream.fileno()).st_size != self._asked.seen.fingerprint.size:
                    raise UnsteadySourceError(*CHANGED)
                try:
                    glyphs = Glyphs(stream, self._asked.options.password)
                except SourceError:
                    self._verify(stream)
                    raise
                opened.callback(glyphs.close)
                self._title = glyphs.title
                self._open = opened.pop_all(), stream, glyphs
        return self._open


class _Flow:
    """Pages on their way into one text."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._headings: dict[int, list[Heading]] = defaultdict(list)
        for heading in glyphs.headings():
            self._headings[heading.page].append(heading)
        self._words = Words()
        self._said: set[str] = set()  # by short lines
        self._given = 0  # characters
        self._last = ""  # the last line, whose end the next page decides
        self._waiting: list[tuple[str, str]] = []  # landmarks that come after it, as kind and label

    def pieces(self, pages: Iterator[PageRead]) -> Iterator[str | Landmark]:
        held: list[PageRead] = []
        before: list[PageRead] = []
        trouble, count, has_more = "", 0, True
        while has_more:
            while len(held) < AT_ONCE + AROUND:
                page = next(pages, None)
                if page is None:
                    has_more = False
                    break
                held.append(page)
                count += 1
                trouble = trouble or page.trouble
                self._words.add([each.text for each in page.fragments])
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
            raise SourceError(trouble or (NO_TEXT if count else "damaged PDF: it has no pages"), code)

    def _page(self, page: PageRead, pages: Sequence[PageRead], at: int) -> Iterator[str | Landmark]:
        around = [
            (other - at, pages[other].edges)
            for other in range(max(0, at - AROUND), min(len(pages), at + AROUND + 1))
            if other != at
        ]
        lines = text_of(blocks(page, heads_of(page.edges, around, self._said)), self._words)
        self._said.update(saying(text) for _, text in lines if len(text) < LONGEST_HEAD)
        marks = [("page", self._glyphs.label(page.number))]
        if not lines:
            self._waiting += marks + [_mark_of(heading) for heading in self._headings.get(page.number, ())]
            return
        if self._last:
            first = lines[0][1].rstrip("\n")
            flows = first[:1].islower() and not self._last.endswith(STOPS) and not self._waiting
            both = joined(self._last, first, self._words) if flows else None
            if both:
                self._last, rest = both
                lines[0] = lines[0][0], rest + lines[0][1][len(first) :]
            yield from self._give(self._last + ("\n" if flows else "\n\n"))
        self._waiting += marks
        yield from self._marks()
        yield from self._with_headings([text for _, text in lines], self._headings.get(page.number, []))

    def _with_headings(self, lines: list[str], headings: list[Heading]) -> Iterator[str | Landmark]:
        """The lines but for the last, each heading before its line; one that stands on no line is at the head of the page."""
        keys = [_key(line) for line in lines]
        placed: dict[int, Heading] = {}
        at = 0
        for heading in headings:
            wanted = _key(heading.path[-1])
            found = next((index for index in range(at, len(keys)) if wanted and _stands(wanted, keys, index)), None)
            at = found if found is not None else at
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


def _mark_of(heading: Heading) -> tuple[str, str]:
    return "heading", HEADING_JOINT.join(heading.path)


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _stands(wanted: str, keys: Sequence[str], index: int) -> bool:
    """Whether a heading stands on a line, alone or after a number, or goes over to the next."""
    key = keys[index]
    if not key:
        return False
    if key.endswith(wanted) and len(key) <= len(wanted) + 10:
        return True
    return (key + keys[index + 1] if index + 1 < len(keys) else key).startswith(wanted) and key in wanted + key[
        len(wanted) :
    ]
