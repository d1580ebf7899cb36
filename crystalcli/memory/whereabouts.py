"""Where a span of a document stands, in the words of its kind: pages, lines, sheet and row, cell, message, definition.

Knows landmarks. Does not know how a span was found.
"""

from __future__ import annotations

from crystalcli.storage.rows import Source
from crystalcli.storage.store import Store
from crystalcli.types import Place

_COUNTED = ("row", "line")  # kinds whose label is added to the line of the text


def whereabouts(store: Store, source: Source, start: int, end: int, lines: tuple[int, int]) -> Place:
    """The place of the characters `[start, end)`, of which the first and the last line of the document's text are `lines`."""
    marks = store.landmarks_before(source.id, start)
    page = store.landmark_count(source.id, "page", start) if "page" in marks else 0
    last = store.landmark_count(source.id, "page", max(start, end - 1)) if page else 0
    for kind in _COUNTED:
        shift = marks.pop(kind, "")
        if _is_number(shift):
            below = store.landmark_before(source.id, kind, max(start, end - 1))
            first, final = lines[0] + int(shift), lines[1] + int(below if _is_number(below) else shift)
            final = max(first, final)
            marks[kind] = f"{first}" if final <= first else f"{first}-{final}"
            if kind == "line":
                lines = first, final
    marks.pop("heading", None)
    return Place(source.path, start, end, *lines, page, last, source.kind, marks)


def _is_number(label: str) -> bool:
    return label.removeprefix("-").isdecimal()
