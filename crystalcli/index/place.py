"""The place of a span: its file, chapter, pages, lines, sheet and row, message.

Knows: landmarks, locations of files. Does not know: searching.
"""

from __future__ import annotations

import os

from crystalcli.datatypes import Place
from crystalcli.index.chapter import CHAPTERED, chapter_under
from crystalcli.storage import SourceRow, Store, real_path

_COUNTED = ("row", "line")  # kinds whose label is added to the line of the text


def locate_span(store: Store, source: SourceRow, start: int, end: int, lines: tuple[int, int]) -> Place:
    """Find the place of a span of a document.

    Args:
        store: The crystal.
        source: The document.
        start: The first character of the span.
        end: The character after the last.
        lines: The first and the last line of the span in the document's text, from 1.
    """
    marks = store.landmarks_before(source.id, start)
    page = store.landmark_count(source.id, "page", start) or None if "page" in marks else None
    last_page = store.landmark_count(source.id, "page", max(start, end - 1)) if page else None
    at_end = store.landmarks_before(source.id, max(start, end - 1)) if marks.keys() & set(_COUNTED) else {}
    for kind in _COUNTED:
        if (shift := _number(marks.pop(kind, ""))) is None:
            continue
        first = last = lines[0] + shift
        # Rows count from 1 again in another sheet: then only the first is given.
        if (shift := _number(at_end.get(kind, ""))) is not None and marks.get("sheet") == at_end.get("sheet"):
            last = lines[1] + shift
        marks[kind] = f"{first}" if last <= first else f"{first}-{last}"
        if kind == "line":
            lines = first, max(first, last)
    headings = marks.pop("heading", "")
    chapter = chapter_under(headings, source.title) if source.kind in CHAPTERED else None
    file, (origin, _) = find_file(store, source), store.origin(source.id)
    crystal = str(origin.path) if origin is not store else None
    return Place(source.path, start, end, *lines, page, last_page, source.kind, marks, file, chapter, crystal)


def find_file(store: Store, source: SourceRow) -> str | None:
    """Find the file that a document was read from.

    Args:
        store: The crystal.
        source: The document.

    Returns:
        Its absolute path; None where no file is there now: for members of archives, standard
        input, and files that were moved or deleted.
    """
    folder = os.path.dirname(os.path.abspath(real_path(store.path)))  # noqa: PTH100, PTH120 - for each place
    path = os.path.normpath(os.path.join(folder, source.location))  # noqa: PTH118
    return path if os.path.isfile(path) else None  # noqa: PTH113


def _number(shift: str) -> int | None:
    """Parse the label of a counted landmark; None where it is not a number."""
    return int(shift) if shift.removeprefix("-").isdecimal() else None
