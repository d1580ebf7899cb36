"""Jupyter notebooks, cell by cell: Markdown with its headings, code, and what the code said in words.

Knows nbformat 3 and 4. Images and other rich outputs are left out, and long outputs are cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import Composer, clean_text, one_line
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.formats.markdown import markdown_title, with_headings
from crystalcli.text.source.file_bytes import Decoder, bytes_again
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.types import Landmark

LARGEST = 200_000_000  # bytes: images are inside, and all of it is in memory
OUTPUT = 4_000  # characters of one cell's outputs
_COLOURS = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
_PICTURE = re.compile(
    r"<[\w.]+[^\n]*>\Z"
)  # what stands for an object that has no words: <Figure size 640x480 with 1 Axes>


class NotebookReading:
    """A notebook. It is parsed when its title or its pieces are request for, and not before."""

    kind = "notebook"

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._cells: list[Any] | None = None
        self._named = ""

    @property
    def title(self) -> str:
        """What its metadata say, or its first heading. That it cannot be read is for `pieces` to say."""
        try:
            cells = self._parsed()
        except SourceError:
            return ""
        return self._named or next(
            (found for cell in cells if _is_markdown(cell) and (found := markdown_title(_source(cell), True))), ""
        )

    def pieces(self) -> Iterator[str | Landmark]:
        """The cells. Raises SourceError when it is no notebook or holds no text."""
        composer, outline = Composer(), Outline()
        for number, cell in enumerate(self._parsed(), 1):
            _write(cell, number, composer, outline)
            yield from composer.drain()
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)

    def _parsed(self) -> list[Any]:
        """The cells, in either version of the format."""
        if self._cells is None:
            seen = self._request.seen
            if seen.fingerprint.size > LARGEST:
                raise SourceError(f"a notebook of more than {LARGEST // 1_000_000} MB", Reason.TOO_LARGE)
            data = b"".join(bytes_again(self._request.path, seen.fingerprint, self._request.options.piece))
            try:
                book = json.loads(Decoder(seen.encoding).decode(data, final=True))
            except (ValueError, RecursionError, MemoryError) as error:
                raise SourceError("damaged notebook: no valid JSON", Reason.DAMAGED) from error
            sheets = book.get("worksheets") if isinstance(book, dict) else None
            pages = [book, *(sheets if isinstance(sheets, list) else ())] if isinstance(book, dict) else []
            cells = [page["cells"] for page in pages if isinstance(page, dict) and isinstance(page.get("cells"), list)]
            if not cells:
                raise SourceError("damaged notebook: it has no cells", Reason.DAMAGED)
            self._cells = [cell for each in cells for cell in each]
            meta = book.get("metadata")
            named = meta.get("title") or meta.get("name") if isinstance(meta, dict) else ""
            self._named = heading_label(one_line(named)) if isinstance(named, str) else ""
        return self._cells


def _write(cell: object, number: int, composer: Composer, outline: Outline) -> None:
    """A cell and its outputs. One that holds nothing, or is nothing that can be read, is left out."""
    source = clean_text(_source(cell)).strip("\n").rstrip()
    said = _outputs(cell)
    if not source.strip() and not said:
        return
    composer.begin_block()
    composer.mark("cell", str(number))
    kind = cell.get("cell_type") if isinstance(cell, dict) else ""
    if kind == "heading":  # of version 3
        level = cell.get("level") if isinstance(cell, dict) else 1
        composer.mark("heading", outline.enter(level if isinstance(level, int) else 1, heading_label(source)))
        composer.write_block(source)
    elif kind == "markdown":
        for piece in with_headings([source], outline):
            if isinstance(piece, Landmark):
                composer.mark("heading", piece.label)
            else:
                composer.append(piece)
    else:
        composer.write_block(source)
    composer.write_block(said)


def _is_markdown(cell: object) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "markdown"


def _source(cell: object) -> str:
    if not isinstance(cell, dict):
        return ""
    return _joined(cell.get("source", cell.get("input")))


def _joined(text: object) -> str:
    """Text, which may be given as a list of its lines."""
    if isinstance(text, list):
        return "".join(each for each in text if isinstance(each, str))
    return text if isinstance(text, str) else ""


def _outputs(cell: object) -> str:
    """What a cell printed or gave, in words, up to a bound."""
    outputs = cell.get("outputs") if isinstance(cell, dict) else None
    parts: list[str] = []
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict):
            continue
        data = output.get("data")
        plain = data.get("text/plain") if isinstance(data, dict) else output.get("text")
        text = _joined(plain)
        if output.get("output_type") in ("error", "pyerr"):
            text = f"{_joined(output.get('ename'))}: {_joined(output.get('evalue'))}"
        text = clean_text(_COLOURS.sub("", text[: 4 * OUTPUT])).strip("\n").rstrip()
        if text.strip() and not _PICTURE.fullmatch(text):
            parts.append(text)
    said = "\n".join(parts)
    return said if len(said) <= OUTPUT else f"{said[:OUTPUT].rstrip()} …"
