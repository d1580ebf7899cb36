"""Places, in words that an editor or a reader can follow.

Knows: the working directory, links in terminals (OSC 8). Does not know: where files were found.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from crystalcli.cli.terminal.humanize import single_line
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.datatypes import Citation, Passage, Place, headings_of


def format_path(source: str | Path | None, name: str) -> str:
    """Format the path of a document, so that it opens as it is written, in one line.

    Args:
        source: The absolute path of its file; None where no file is there.
        name: The name that the crystal has for it, which stands in for a path.

    Returns:
        The path relative to the working directory where the file is below that, else the absolute
        one; without a file the name.
    """
    if source is None:
        return single_line(name)
    try:
        relative = Path(source).relative_to(Path.cwd())
    except (ValueError, OSError):  # elsewhere, or the working directory was deleted
        return single_line(str(source))
    return single_line(str(relative))


def format_location(item: Passage | Citation | Place) -> str:
    """Format a place: `path p. 3`, or `path:12`, which terminals and editors open at the line.

    A web address has its day instead of a line, since nothing opens it there.
    """
    place = item if isinstance(item, Place) else item.place
    path = format_path(place.source, place.path)
    if place.has_lines and not place.marks.get("time"):
        return f"{path}:{place.line_start}"
    return f"{path} {single_line(place.within_chapter)}".rstrip()


def location_text(item: Passage | Citation, style: str) -> Text:
    """Format a place for a terminal.

    A path with pages or headings is a link to the file. One with a line is not: terminals find
    `path:12` by themselves and open it at the line, which a `file:` link cannot say. With
    $CRYSTAL_LINK, such as `vscode://file{path}:{line}`, every path is a link of that form.

    Args:
        item: The passage or citation.
        style: The style of rich.
    """
    text = Text(sanitize(format_location(item)), style=style)
    form = os.environ.get("CRYSTAL_LINK") or ("" if item.place.has_lines else f"file://{platform.node()}{{path}}")
    if item.place.source is not None and form:
        line = str(item.place.line_start if item.place.has_lines else 1)
        uri = form.replace("{path}", quote(os.fsencode(item.place.source))).replace("{line}", line)
        path = sanitize(format_path(item.place.source, item.place.path))
        text.stylize(Style(link=uri), 0, len(text.plain) if item.place.has_lines else len(path))
    return text


def print_location_line(line: Text) -> None:
    """Print a line that has a path in it.

    Where the path is wider than the terminal, the terminal breaks the line: what it breaks itself
    is still one path to click on and to copy.
    """
    console = output.console
    is_wider = max(map(cell_len, line.plain.split()), default=0) > console.width
    console.print(line, soft_wrap=True if is_wider else None)


def format_headings(item: Passage | Citation) -> str:
    """Format the headings and the definition above a passage, to follow its place; maybe empty."""
    return "".join(f"  {single_line(name)}" for name in headings_of(item))


def place_json(place: Place) -> dict[str, Any]:
    """Make a place for programs; pages and chapter are null in documents without them."""
    chapter = place.chapter
    return {
        "path": place.path,
        "source": place.source,
        "crystal": place.crystal,
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
