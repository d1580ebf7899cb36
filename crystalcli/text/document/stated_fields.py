"""Fields that a document states of itself: its authors, its date, its tags.

Knows the forms in which formats write them. Does not know formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from crystalcli.datatypes import FIELD_JOINT, Landmark
from crystalcli.text.document.composer import one_line

_MAX_LENGTH = 200  # characters of a name or a tag
_MAX_COUNT = 20  # of authors, and of tags
_YEAR = r"((?:1[5-9]|20|21)\d\d)"
_DATE = re.compile(rf"\s*(?:D:)?{_YEAR}(?:-?([01]\d)-?([0-3]\d)|[-./]([01]?\d)[-./]([0-3]?\d))(?!\d(?!\d{{5}}))")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_WORDED_DATE = re.compile(
    rf"\s*(?:[A-Za-z]{{3,9}},? )?(?:(?P<day>[0-3]?\d)(?:st|nd|rd|th|\.)? (?:of )?{_MONTH},? |"
    rf"{_MONTH.replace('month', 'month2')} (?P<day2>[0-3]?\d)(?:st|nd|rd|th)?,? ){_YEAR}(?!\d)"
)
_TAG_ENDS = re.compile(r"[,;\n]")
# Names that programs write as the author when they know of none.
_NO_AUTHORS = frozenset(("", "anonymous", "(anonymous)", "unknown", "user", "admin", "administrator", "author"))


@dataclass(frozen=True, slots=True)
class StatedFields:
    """Fields that a document states of itself.

    Attributes:
        authors: Names of the authors.
        date: When it was published, or else written; "" without one. Only a whole date is one.
        tags: Tags, keywords and subjects.
    """

    authors: tuple[str, ...] = ()
    date: str = ""
    tags: tuple[str, ...] = ()

    def landmarks(self) -> Iterator[Landmark]:
        """Yield the fields as landmarks at the beginning of the document."""
        authors = [name for name in _entries(self.authors) if name.lower() not in _NO_AUTHORS]
        if authors:
            yield Landmark(0, "author", FIELD_JOINT.join(authors))
        if day := iso_day(self.date):
            yield Landmark(0, "date", day)
        if tags := _entries(tag for text in self.tags for tag in _TAG_ENDS.split(text)):
            yield Landmark(0, "tags", FIELD_JOINT.join(tag.lower().lstrip("#") for tag in tags))


def iso_day(text: str) -> str:
    """Return the day of a date as `2026-08-17`; "" unless it is a whole date.

    Args:
        text: as in ISO 8601, as in a PDF (`D:20260817...`), with the year before the month
            (`2026/8/17`), or with the month in English (`17 August 2026`, `Mon, Aug 17, 2026`).
    """
    if (match := _DATE.match(text)) is not None:
        year, month, day = match[1], match[2] or match[4], match[3] or match[5]
    elif (match := _WORDED_DATE.match(text)) is not None:
        name = (match["month"] or match["month2"])[:3].lower()
        month = str(_MONTHS.index(name) + 1) if name in _MONTHS else "0"
        year, day = match[match.lastindex or 0], match["day"] or match["day2"]
    else:
        return ""
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def _entries(texts: Iterable[str]) -> list[str]:
    """Return texts on one line each, without empty ones and repetitions."""
    clean = (one_line(text).replace(FIELD_JOINT.strip(), ",")[:_MAX_LENGTH].strip() for text in texts)
    return list(dict.fromkeys(text for text in clean if text))[:_MAX_COUNT]
