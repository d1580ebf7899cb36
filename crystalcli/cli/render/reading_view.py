"""Views of how a question was read, and its filter: a line for people, a dictionary for programs.

Also the marks of what is older than something else that is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.datatypes import MEMORY_KIND, Citation, FilterReading


def reading_line(reading: FilterReading | None) -> str:
    """Say what was read in the words of a question, and whether it was dropped; maybe ""."""
    return "" if reading is None else reading.notice


def print_reading(reading: FilterReading | None) -> None:
    """Print the line of `reading_line`, if there is one."""
    if line := reading_line(reading):
        output.console.print(Text(sanitize(line), style="dim"))


def print_read_as(question: str) -> None:
    """Print a question as it was understood after those before it."""
    output.console.print(Text(sanitize(f"read as: {question}"), style="dim"))


def reading_json(reading: FilterReading | None) -> dict[str, Any] | None:
    """Make the filter of a question for programs; None without one."""
    if reading is None or not (reading.read.selects or reading.me):
        return None
    read = reading.read
    return {
        "read_as": str(reading),
        "from_words": reading.from_words,
        "dropped": reading.dropped,
        "in": list(read.within),
        "kinds": list(read.kinds),
        "since": None if read.since is None else read.since.isoformat(),
        "until": None if read.until is None else read.until.isoformat(),
        "by": list(read.people),
        "tags": list(read.tags),
        "me": reading.me or None,
    }


def age_marks(citations: Sequence[Citation]) -> list[str]:
    """Mark what is older than something by the same person or of the same kind of document.

    Returns:
        For each citation "older, of 2026-03-14", or "".
    """
    marks = []
    for number, citation in enumerate(citations):
        others = [
            other.date
            for place, other in enumerate(citations)
            if other.date is not None
            and _group(other) == _group(citation)
            and not (place > number and _is_to_come(other))
        ]
        is_older = citation.date is not None and citation.date < max(others)
        marks.append(f"older, of {citation.date}" if is_older else "")
    return marks


def _is_to_come(citation: Citation) -> bool:
    """Tell whether a memory says that it holds from a later day; behind another it may not yet."""
    if citation.place.kind != MEMORY_KIND:
        return False
    from crystalcli.memories import effective_day

    told = str(citation.date)
    return effective_day(citation.quote, told) > told


def _group(citation: Citation) -> tuple[str, str]:
    """Give what makes statements comparable: the author of a message, else the kind of document."""
    author = citation.place.marks.get("message", "").rpartition(", ")[0]
    return ("author", author) if author else ("kind", citation.place.kind)
