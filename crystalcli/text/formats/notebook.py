"""Reader of Jupyter notebooks, cell by cell: Markdown with its headings, code, outputs in words.

Knows nbformat 3 and 4, and which of an output's forms has the most to read. Images are left out,
and long outputs are cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import Composer, clean_text, one_line
from crystalcli.text.document.front_matter import parse_front_matter
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.document.stated_fields import StatedFields, iso_day
from crystalcli.text.formats.markdown import markdown_title, with_headings
from crystalcli.text.formats.web.html_blocks import fragment_text
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.text_decoder import Decoder

MAX_NOTEBOOK_BYTES = 200_000_000  # images included: all of it is held in memory
MAX_OUTPUT_LENGTH = 4_000  # characters of the outputs of one cell
MAX_HTML_LENGTH = 200_000  # characters of HTML that are read of one output
_COLOURS = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
_OVERWRITTEN = re.compile(r"[^\r\n]*\r(?!\n)")  # a bar of progress, before it went on
# The text of an object that has no words, such as <Figure size 640x480 with 1 Axes>.
_OBJECT = re.compile(r"<[\w.]+[^\n]*>\Z")


class NotebookReading:
    """A notebook, parsed when its title or its pieces are first read."""

    kind = "notebook"

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._cells: list[Any] | None = None
        self._metadata_title = ""
        self._fields = StatedFields()

    @property
    def title(self) -> str:
        """The title in its metadata, or its first heading; "" also where `pieces` will raise."""
        try:
            cells = self._parsed()
        except SourceError:
            return ""
        return self._metadata_title or next(
            (title for cell in cells if _is_markdown(cell) and (title := markdown_title(_source(cell), True))), ""
        )

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the cells, each behind its landmark.

        Raises:
            SourceError: the file is not a notebook, is too large, or holds no text.
        """
        composer, outline = Composer(), Outline()
        cells = self._parsed()
        yield from self._fields.landmarks()
        for number, cell in enumerate(cells, 1):
            _write(cell, number, composer, outline)
            yield from composer.drain()
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)

    def _parsed(self) -> list[Any]:
        """Return the cells, in either version of the format."""
        if self._cells is None:
            data = self._request.whole_file(MAX_NOTEBOOK_BYTES)
            try:
                book = json.loads(Decoder(self._request.seen.encoding).decode(data, final=True))
            except (ValueError, RecursionError, MemoryError) as error:
                raise SourceError("damaged notebook: invalid JSON", Reason.DAMAGED) from error
            sheets = book.get("worksheets") if isinstance(book, dict) else None
            pages = [book, *(sheets if isinstance(sheets, list) else ())] if isinstance(book, dict) else []
            lists = [page["cells"] for page in pages if isinstance(page, dict) and isinstance(page.get("cells"), list)]
            if not lists:
                raise SourceError("damaged notebook: its list of cells is missing", Reason.DAMAGED)
            self._cells = [cell for cells in lists for cell in cells]
            metadata = book.get("metadata")
            title = metadata.get("title") or metadata.get("name") if isinstance(metadata, dict) else ""
            self._metadata_title = heading_label(one_line(title)) if isinstance(title, str) else ""
            self._fields = _stated(metadata, self._cells[0] if self._cells else None)
        return self._cells


def _stated(metadata: object, first: object) -> StatedFields:
    """Return what a notebook states of itself: in its metadata, or in its first cell."""
    matter = parse_front_matter(_source(first)) if isinstance(first, dict) else StatedFields()
    data = metadata if isinstance(metadata, dict) else {}
    authors = data.get("authors")
    names = [
        author.get("name") if isinstance(author, dict) else author
        for author in (authors if isinstance(authors, list) else ())
    ]
    day, tags = data.get("date"), data.get("tags", data.get("keywords"))
    return StatedFields(
        tuple(name for name in names if isinstance(name, str)) or matter.authors,
        (iso_day(day) if isinstance(day, str) else "") or matter.date,
        tuple(tag for tag in (tags if isinstance(tags, list) else ()) if isinstance(tag, str)) or matter.tags,
    )


def _write(cell: object, number: int, composer: Composer, outline: Outline) -> None:
    """Write a cell and its outputs; an empty or malformed one is left out.

    Args:
        cell: as the JSON has it.
        number: from 1.
        composer: where it is written.
        outline: the headings so far.
    """
    source = clean_text(_source(cell)).strip("\n").rstrip()
    output = _outputs(cell)
    if not source.strip() and not output:
        return
    composer.begin_block()
    composer.mark("cell", str(number))
    composer.mark("table", "")
    kind = cell.get("cell_type") if isinstance(cell, dict) else ""
    if kind == "heading":  # of version 3
        level = cell.get("level") if isinstance(cell, dict) else 1
        composer.mark("heading", outline.enter(level if isinstance(level, int) else 1, heading_label(source)))
        composer.write_block(source)
    elif kind == "markdown":
        for piece in with_headings([source], outline):
            if isinstance(piece, Landmark):
                composer.mark(piece.kind, piece.label)
            else:
                composer.append(piece)
    else:
        composer.write_block(source)
    composer.write_block(output)


def _is_markdown(cell: object) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "markdown"


def _source(cell: object) -> str:
    if not isinstance(cell, dict):
        return ""
    return _joined(cell.get("source", cell.get("input")))


def _joined(text: object) -> str:
    """Return text that may be given as a list of its lines."""
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""


def _outputs(cell: object) -> str:
    """Return the text outputs of a cell, up to MAX_OUTPUT_LENGTH characters."""
    outputs = cell.get("outputs") if isinstance(cell, dict) else None
    parts: list[str] = []
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict):
            continue
        data = output.get("data")
        text = _richest(data) if isinstance(data, dict) else _joined(output.get("text"))
        if output.get("output_type") in ("error", "pyerr"):
            text = f"{_joined(output.get('ename'))}: {_joined(output.get('evalue'))}"
        text = _OVERWRITTEN.sub("", _COLOURS.sub("", text[: 4 * MAX_OUTPUT_LENGTH]).rstrip("\r"))
        text = clean_text(text).strip("\n").rstrip()
        if text.strip() and not _OBJECT.fullmatch(text):
            parts.append(text)
    joined = "\n".join(parts)
    return joined if len(joined) <= MAX_OUTPUT_LENGTH else f"{joined[:MAX_OUTPUT_LENGTH].rstrip()} …"


def _richest(data: dict[str, Any]) -> str:
    """Return the form of an output that has the most to read, as text.

    Args:
        data: its forms by their media types.
    """
    html = _joined(data.get("text/html"))[:MAX_HTML_LENGTH]
    if "<td" in html and (table := _words(html)):  # its rows carry their header
        return table
    plain = _joined(data.get("text/plain"))
    if markdown := _joined(data.get("text/markdown")):
        return markdown
    if plain.strip() and not _OBJECT.fullmatch(plain.strip()):
        return plain
    return _words(html) or _joined(data.get("text/latex")).strip().strip("$").strip()


def _words(html: str) -> str:
    try:
        return fragment_text(html) if html else ""
    except SourceError:
        return ""
