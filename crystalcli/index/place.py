"""Where a span of a document stands, in the words of its kind: pages, lines, sheet and row, cell, message, definition.

Knows landmarks. Does not know how a span was found.
"""

from __future__ import annotations

from crystalcli.storage import SourceRow, Store
from crystalcli.types import Place

_COUNTED = ("row", "line")  # kinds whose label is added to the line of the text


def locate_span(store: Store, source: SourceRow, start: int, end: int, lines: tuple[int, int]) -> Place:
    """The place of the characters `[start, end)`, of which the first and the last line of the document's text are `lines`."""
    marks = store.landmarks_before(source.id, start)
    page = store.landmark_count(source.id, "page", start) or None if "page" in marks else None
    last = store.landmark_count(source.id, "page", max(start, end - 1)) if page else None
    at_end = store.landmarks_before(source.id, max(start, end - 1)) if marks.keys() & set(_COUNTED) else {}
    for kind in _COUNTED:
        if (shift := _number(marks.pop(kind, ""))) is None:
            continue
        first = final = lines[0] + shift
        # In another sheet rows count from 1 again: then it is said where the span begins.
        if (shift := _number(at_end.get(kind, ""))) is not None and marks.get("sheet") == at_end.get("sheet"):
            final = lines[1] + shift
        marks[kind] = f"{first}" if final <= first else f"{first}-{final}"
        if kind == "line":
            lines = first, max(first, final)
    marks.pop("heading", None)
    return Place(source.path, start, end, *lines, page, last, source.kind, marks)


def _number(shift: str) -> int | None:
    return int(shift) if shift.removeprefix("-").isdecimal() else None
