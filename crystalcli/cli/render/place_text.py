"""Places, in words that an editor or a reader can follow."""

from __future__ import annotations

from crystalcli.cli.terminal.humanize import single_line
from crystalcli.types import Citation, Passage, Place


def format_location(item: Passage | Citation | Place) -> str:
    """Format a place: `path p. 3`, or `path:12-14`, which an editor can open."""
    path = single_line(item.path)
    if not item.has_lines:
        return f"{path} {single_line(item.place)}".rstrip()
    lines = f"{item.line_start}" if item.line_end <= item.line_start else f"{item.line_start}-{item.line_end}"
    return f"{path}:{lines}"


def format_headings(item: Passage | Citation) -> str:
    """Format the headings and the definition above a passage, to stand behind its place."""
    names = (item.heading, item.marks.get("definition", ""))
    return "".join(f"  {single_line(name)}" for name in names if name)
