"""Dates in the names of documents: `2026-03-16.md`, `2026/03/16.md`, `2026-03 notes.txt`.

Knows: the forms of dates in names. Does not know: what documents say.
"""

from __future__ import annotations

import re
from datetime import date

from crystalcli.datatypes import NOTES

_NAME_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(?:([-_./]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])|[-_/](0[1-9]|1[0-2])(?![^\W\d_]))(?!\d)"
)


def name_day(path: str, kind: str, *, strict: bool = False) -> date | None:
    """Read the date in a document's name.

    Args:
        path: The name.
        kind: The kind of the document.
        strict: Only the date of a note, or one that the name begins with, counts.

    Returns:
        The day, of a month its first; None without one.
    """
    leaf = path.rpartition("/")[2]
    match = _NAME_DATE.search(leaf)
    if match is None:
        match = next(iter(list(_NAME_DATE.finditer(path))[-1:]), None)
    if match is None or (strict and kind not in NOTES and not leaf.startswith(match[0])):
        return None
    try:
        return date.fromisoformat(f"{match[1]}-{match[3] or match[5]}-{match[4] or '01'}")
    except ValueError:
        return None
