"""Places, in words that an editor or a reader can follow."""

from __future__ import annotations

from typing import Any

from crystalcli.cli.terminal.humanize import single_line
from crystalcli.datatypes import BOOKS, HEADING_JOINT, Citation, Passage, Place


def format_location(item: Passage | Citation | Place) -> str:
    """Format a place: `path p. 3`, or `path:12-14`, which an editor can open."""
    place = item if isinstance(item, Place) else item.place
    path = single_line(place.path)
    if not place.has_lines:
        return f"{path} {single_line(place.within_chapter)}".rstrip()
    lines = f"{place.line_start}" if place.line_end <= place.line_start else f"{place.line_start}-{place.line_end}"
    return f"{path}:{lines}"


def format_headings(item: Passage | Citation) -> str:
    """Format the headings and the definition above a passage, to follow its place; maybe empty.

    A book's chapter is named by its number in digits: `ch. 36 The Quarter-Deck`.
    """
    heading, chapter = item.heading or "", item.place.chapter
    if chapter is not None and item.place.kind in BOOKS:
        labels = heading.split(HEADING_JOINT)
        heading = HEADING_JOINT.join(str(chapter) if label == chapter.label else label for label in labels)
    names = (heading, item.place.marks.get("definition", ""))
    return "".join(f"  {single_line(name)}" for name in names if name)


def place_json(place: Place) -> dict[str, Any]:
    """Make a place for programs; pages and chapter are null in documents without them."""
    chapter = place.chapter
    return {
        "path": place.path,
        "start": place.start,
        "end": place.end,
        "line_start": place.line_start,
        "line_end": place.line_end,
        "page_start": place.page_start,
        "page_end": place.page_end,
        "chapter": None if chapter is None else {"number": chapter.number, "title": chapter.title or chapter.label},
        "place": str(place),
        "marks": dict(place.marks),
    }
