"""The page of a document: a window of its text with the passage marked, or a page of a PDF.

Knows: windows, parts, files of the ledger. Does not know: how a passage was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.datatypes import Landmark, Place
from crystalcli.errors import NotFoundError, SourceError, UsageError
from crystalcli.overview import OutlinePart, TextWindow, document_parts, read_window, window_start
from crystalcli.storage import landmarks_between, landmarks_of
from crystalcli.web_server.handling.page_request import PageRequest, PageSpec
from crystalcli.web_server.views.code_lines import code_lines
from crystalcli.web_server.views.editor_link import editor_link
from crystalcli.web_server.views.text_blocks import text_blocks

if TYPE_CHECKING:
    from starlette.responses import Response

    from crystalcli.library import Crystal
    from crystalcli.text import PagePicture

_WINDOW = 12_000  # characters of a window; a book of a million has 80
_MOST_PARTS = 400  # in the list of contents
_MOST_DEPTH = 3
_LONGEST_PASSAGE = 20_000
_MOST_BEFORE = 400_000  # characters of source code that are read for the colours of what follows


@dataclass(frozen=True, slots=True)
class DocumentView:
    """What is shown of a document.

    Attributes:
        window: The text.
        parts: The contents: headings, definitions and the like that are not too deep.
        current: The number of the part that the passage, or the window, begins in; -1 for none.
        page: The page of a PDF, from 1; 0 for other documents.
        before: What stands before the text, of source code that is not too long.
    """

    window: TextWindow
    parts: list[OutlinePart]
    current: int
    page: int = 0
    before: str = ""


def _look(crystal: Crystal, name: str, position: int, window: int) -> DocumentView:
    """Read what is shown of a document at a character, or in a window by its number."""
    if not name:
        raise UsageError("the address names no document")
    with crystal.snapshot():
        index = crystal.shelf
        source = index.store.source_named(name)
        if source is not None and source.kind == "pdf" and (pages := landmarks_of(index.store, source.id, "page")):
            starts = [start for start, _ in pages]
            page = window or max(1, sum(start <= position for start in starts))
            page = min(page, len(starts))
            view = _page_window(crystal, name, starts, page)
        else:
            position = window_start(window, _WINDOW) if window else position
            page, view = 0, read_window(index, name, position, _WINDOW)
        assert source is not None  # else nothing could have been read
        unit, parts = document_parts(index, source)
        shown = [] if unit == "page" else _few([part for part in parts if part.depth <= _MOST_DEPTH])
    inside = max(position, view.start) if position < view.end else view.start
    current = max((number for number, part in enumerate(shown) if part.start <= inside), default=-1)
    is_code = view.document.kind == "code" and view.start <= _MOST_BEFORE
    return DocumentView(view, shown, current, page, crystal.quote(name, 0, view.start) if is_code else "")


def _page_window(crystal: Crystal, name: str, starts: list[int], page: int) -> TextWindow:
    """Give the text of a page of a PDF as a window."""
    document = crystal.find_document(name)
    end = starts[page] if page < len(starts) else document.characters
    cited = crystal.cite(name, starts[page - 1], end)
    source = crystal.shelf.store.source_named(name)
    assert source is not None  # find_document has found it
    marks = landmarks_between(crystal.shelf.store, source.id, starts[page - 1], end)
    headings = tuple(Landmark(*mark) for mark in marks if mark[1] == "heading")
    return TextWindow(document, cited.place, cited.heading or "", cited.quote, headings, page, len(starts))


def _few(parts: list[OutlinePart]) -> list[OutlinePart]:
    """Leave out the deepest parts until there are few enough."""
    depth = _MOST_DEPTH
    while len(parts) > _MOST_PARTS and depth:
        depth -= 1
        parts = [part for part in parts if part.depth <= depth]
    return parts[:_MOST_PARTS]


def _editor(page: PageRequest, place: Place, line: int) -> str | None:
    """Write the link that opens a file in the editor; None for one that has no lines of its own."""
    return editor_link(page.site.editor, place.source, line) if place.has_lines else None


async def _document(page: PageRequest) -> Response:
    """Show a document at a passage (`at`, `to`) or in a window by its number (`part`)."""
    name, at, part = page.text("name"), page.number("at"), page.number("part")
    end = max(at, min(page.number("to"), at + _LONGEST_PASSAGE))
    view = await page.read(lambda crystal: _look(crystal, name, at, part))
    window = view.window
    values: dict[str, Any] = {
        "view": view,
        "window": window,
        "document": window.document,
        "passage": (at, end),
        "editor": _editor(page, window.place, window.place.line_start),
        "before": window.number - 1,
        "after": window.number + 1 if window.number < window.count else 0,
    }
    if window.document.kind == "code":
        inside = (at - window.start, end - window.start)
        lines = code_lines(window.text, name, window.place.line_start, inside, view.before)
        first = next((line.number for line in lines if line.marked), window.place.line_start)
        values["editor"] = _editor(page, window.place, first)
        return page.render("document_code.html", lines=lines, **values)
    blocks = text_blocks(window.text, window.start, window.document.kind, window.landmarks, (at, end))
    template = "document_pdf.html" if view.page else "document_text.html"
    return page.render(template, blocks=blocks, **values)


DOCUMENT = PageSpec("/document", _document)


# --- pictures of a PDF's pages --------------------------------------------------------------------


def _file_of(crystal: Crystal, name: str, at: int, end: int) -> tuple[Path, bytes, str]:
    """Find the file of a PDF by the ledger, its digest, and the words of a passage."""
    with crystal.snapshot():
        source = crystal.shelf.store.source_named(name)
        if source is None or source.kind != "pdf":
            raise NotFoundError(f"no PDF {name} in this crystal")
        file = crystal.find_file(name)
        if file is None:
            raise NotFoundError(f"the file of {name} is not there now")
        words = crystal.quote(name, at, end) if end > at else ""
        return file, source.digest, words


async def _drawn_page(page: PageRequest) -> tuple[PagePicture, str]:
    """Draw a page of a PDF that the ledger knows, if its file is still the one that was read.

    Returns:
        The picture, and the words of the passage that the address names, or "".
    """
    from starlette.concurrency import run_in_threadpool

    from crystalcli.text import draw_page

    name, at, number = page.text("name"), page.number("at"), page.number("page")
    end = max(at, min(page.number("to"), at + _LONGEST_PASSAGE))
    file, digest, words = await page.read(lambda crystal: _file_of(crystal, name, at, end))
    try:
        return await run_in_threadpool(draw_page, file, digest, number), words
    except SourceError as error:
        raise NotFoundError(f"page {number} of {name} cannot be shown: it {error}") from None


async def _picture(page: PageRequest) -> Response:
    """Show a page as a picture, with the passage marked on it."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    picture, words = await _drawn_page(page)
    png = await run_in_threadpool(picture.marked, words) if words else picture.png
    return Response(png, media_type="image/png")


async def _mark_place(page: PageRequest) -> Response:
    """Say how far down a page the passage begins, from 0 to 1, so that it can be scrolled to."""
    from starlette.responses import JSONResponse

    from crystalcli.text import find_rectangles

    picture, words = await _drawn_page(page)
    rectangles = find_rectangles(picture, words)
    return JSONResponse({"top": min(area.top for area in rectangles) / picture.height if rectangles else None})


PICTURE = PageSpec("/document/picture", _picture)
MARK_PLACE = PageSpec("/document/picture/mark", _mark_place)
