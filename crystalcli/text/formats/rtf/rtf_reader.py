"""Reader of RTF, as word processors write it: paragraphs, headings, table rows, notes.

Knows which styles are headings. Does not know control words (rtf_parser).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer, one_line, tidy_lines
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.formats.rtf.rtf_parser import RtfBreak, RtfParser, join_surrogates
from crystalcli.text.source.read_request import ReadRequest

MAX_RTF_BYTES = 256_000_000  # pictures included: all of it is held in memory
_HEADING = re.compile(r"heading (\d)\b|(title)$")
_MAX_LEVEL = 9  # outline levels; a higher number is that of text


class RtfReading:
    """A document in RTF, parsed when its title or its pieces are first read."""

    kind = "rtf"

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._parsed: tuple[str, list[str | Landmark]] | None = None

    @property
    def title(self) -> str:
        """The title in its properties, or ""; "" also where `pieces` will raise."""
        try:
            return self._written()[0]
        except SourceError:
            return ""

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the text.

        Raises:
            SourceError: the document is too large, or has no text.
        """
        pieces = self._written()[1]
        if not pieces:
            raise SourceError("no text in it", Reason.NO_TEXT)
        yield from pieces

    def _written(self) -> tuple[str, list[str | Landmark]]:
        if self._parsed is None:
            data = self._request.whole_file(MAX_RTF_BYTES)
            parser, composer = RtfParser(data), Composer()
            RtfBlocks(parser, composer).write()
            composer.end_line()
            properties = {name: one_line(join_surrogates(text)) for name, text in parser.properties.items()}
            day = properties.get("revtim") or properties.get("creatim", "")
            fields = StatedFields((properties.get("author", ""),), day, (properties.get("keywords", ""),))
            pieces = composer.drain()
            self._parsed = (
                heading_label(properties.get("title", "")),
                [*fields.landmarks(), *pieces] if pieces else [],
            )
        return self._parsed


def rtf_text(data: bytes) -> tuple[str, bool]:
    """Return the text of a document in RTF.

    Args:
        data: the document.

    Returns:
        The text, and whether it is HTML.
    """
    parser, composer = RtfParser(data), Composer()
    if parser.is_html:
        return join_surrogates("".join(event for event in parser.events() if isinstance(event, str))), True
    RtfBlocks(parser, composer).write()
    return "".join(piece for piece in composer.drain() if isinstance(piece, str)), False


class RtfBlocks:
    """The paragraphs and the rows of a document, written one by one.

    Args:
        parser: the document.
        composer: where they are written.
    """

    def __init__(self, parser: RtfParser, composer: Composer) -> None:
        self._parser, self._composer = parser, composer
        self._outline = Outline()
        self._text: list[str] = []
        self._around: list[list[str]] = []  # texts that a note or a list's number interrupts
        self._cells: list[str] = []
        self._notes: list[str] = []
        self._item = ""
        self._note_count = 0
        self._gap = PARAGRAPH

    def write(self) -> None:
        """Write the whole document."""
        for event in self._parser.events():
            if isinstance(event, str):
                self._text.append(event)
            elif event.kind in ("note", "item"):
                self._around.append(self._text)
                self._text = []
            elif event.kind in ("end note", "end item") and self._around:
                inner, self._text = self._taken(), self._around.pop()
                if event.kind == "end item":
                    self._item = one_line(inner)
                elif inner.strip():
                    self._note_count += 1
                    self._text.append(f"[{self._note_count}]")
                    self._notes.append(f"[{self._note_count}] {one_line(inner)}")
            elif self._around:  # a paragraph of a note
                self._text.append("\n")
            elif event.kind == "cell":
                self._cells.append(one_line(self._taken()))
            elif event.kind == "row":
                self._row()
            elif self._cells:  # a paragraph of a cell
                self._text.append(" ")
            else:
                self._paragraph(event)
        self._row()

    def _taken(self) -> str:
        text = join_surrogates("".join(self._text))
        self._text = []
        return text

    def _paragraph(self, end: RtfBreak) -> None:
        item, self._item = self._item, ""
        text = tidy_lines(self._taken()).strip()
        level = self._level(end)
        if text and level is not None:
            self._composer.begin_block()
            label = f"{item} {text}" if item and item not in "•-–*" else text
            self._composer.mark("heading", self._outline.enter(level, heading_label(label)))
            self._composer.write_block(label)
            self._gap = PARAGRAPH
        elif text and item:
            self._composer.write_block(f"{'-' if item in '•-–*' else item} {text}", self._gap)
            self._gap = LINE
        elif text:
            self._composer.write_block(text)
            self._gap = PARAGRAPH
        self._write_notes()

    def _level(self, end: RtfBreak) -> int | None:
        """Return the level of a heading, from 0 for a title; None for other paragraphs."""
        match = _HEADING.match(self._parser.styles.get(end.style, ""))
        if match is not None:
            return int(match[1] or 0)
        level = end.level if end.level >= 0 else self._parser.style_levels.get(end.style, -1)
        return level + 1 if 0 <= level < _MAX_LEVEL else None

    def _row(self) -> None:
        cells, self._cells = self._cells, []
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            self._composer.write_block(" | ".join(cells), self._gap if self._gap == LINE else PARAGRAPH)
            self._gap = LINE
            self._write_notes()

    def _write_notes(self) -> None:
        gap = PARAGRAPH
        for note in self._notes:
            self._composer.write_block(note, gap)
            gap = LINE
            self._gap = PARAGRAPH
        self._notes = []
