"""Dates of what a crystal holds: of messages, of sections, and of documents.

    message    the time in its landmark: "Ann, 2024-05-01 10:30"
    section    the date in its heading: "## 2026-03-14", "Monday 3 May 2026"
    document   the date in its name: "2026-03-16.md", "2026/03/16.md"; else that which its own text
               states, as front matter and web pages do; else, where the caller wants it, the day in
               its properties, or the time of its file

The first of these that is there counts.

Knows: the forms of dates in labels and names. Does not know: questions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from crystalcli.datatypes import HEADING_JOINT, NOTES
from crystalcli.index import IndexReader, name_day
from crystalcli.recall.date_expressions import iso_date, parse_period
from crystalcli.storage import SourceRow, landmarks_of, landmarks_of_kind
from crystalcli.text import parse_front_matter

# Kinds that state the day of what they say at their beginning. The properties of other files may
# have the day of a later change.
_SAYS_ITS_DAY = frozenset(("markdown", "rst", "markup", "html", "notebook"))
_MATTER_LENGTH = 4000  # characters at the beginning of a Markdown document that have its front matter
# The label of a message: its day, and its time with the space before it.
MESSAGE_TIME = re.compile(r"(?:.*, )?(\d{4}-\d\d-\d\d)( \d\d:\d\d)?(?: UTC)?", re.DOTALL)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
_MONTH = r"[A-Za-z]{3,9}\.?"
_HEADING_DATE = re.compile(
    rf"{_WEEKDAY}((?:19|20)\d\d-\d\d-\d\d|\d{{1,2}}\.\d{{1,2}}\.(?:19|20)\d\d|"
    rf"\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? (?:19|20)\d\d)?|"
    rf"{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? (?:19|20)\d\d)?)(?=[\s,:.)–—-]|$)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")


class AuthorAndDate(NamedTuple):
    """The label of a message, taken apart.

    Attributes:
        author: The author; "" without one.
        day: The day; None without a date, and for a date in words.
    """

    author: str
    day: date | None


def message_of(label: str) -> AuthorAndDate:
    """Take the label of a message apart, `Ann, 2024-05-01 10:30`."""
    match = MESSAGE_TIME.fullmatch(label)
    if match is None:
        return AuthorAndDate(label.strip(), None)
    return AuthorAndDate(label[: match.start(1)].rstrip(", "), iso_date(match[1]))


def heading_day(label: str, source: SourceRow) -> date | None:
    """Read the date of a section in its headings, the innermost first.

    A heading that ends with a date is dated in notes alone: "Balance as of 31 May 2022" speaks of
    a day.

    Args:
        label: The headings, outermost first.
        source: The document, whose name may have the year that a heading lacks.

    Returns:
        The day; None without one.
    """
    if not any(letter.isdigit() for letter in label):
        return None
    for heading in reversed(label.split(HEADING_JOINT)):
        match = _HEADING_DATE.match(heading) or (_ending_date(heading) if source.kind in NOTES else None)
        if match is None:
            continue
        written = re.sub(r"\bof ", "", match[1])
        years = _YEAR.findall(written) or _YEAR.findall(label) or _YEAR.findall(source.path)
        if not years:
            continue
        if not _YEAR.search(written):
            written = f"{written} {years[-1]}"
        if (period := parse_period(written, date.max)) is not None:
            return period.since
    return None


def document_day(index: IndexReader, source: SourceRow, *, by_content: bool) -> date | None:
    """Find the date of a document as a whole.

    Args:
        index: The resident index.
        source: The document.
        by_content: Whether the time of its file is left out, and dates that may not be its own.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    if (day := name_day(source.path, source.kind, strict=by_content)) is not None:
        return day
    stated = stated_day(index, source) if source.kind in _SAYS_ITS_DAY or not by_content else None
    return stated if by_content else stated or file_day(source)


def stated_day(index: IndexReader, source: SourceRow) -> date | None:
    """Read the day that a document states of itself.

    A crystal from before such days were stored of Markdown has them in its text.
    """
    if label := index.store.landmark_before(source.id, "date", 0):
        return iso_date(label)
    if source.kind == "markdown" and not (source.reader or index.store.landmark_before(source.id, "reader", 0)):
        return iso_date(parse_front_matter(index.span_text(source, 0, _MATTER_LENGTH)).date)
    return None


def file_day(source: SourceRow) -> date | None:
    """Give the day on which a document's file was changed last; None where that is not known."""
    try:
        return datetime.fromtimestamp(source.mtime_ns / 1e9, UTC).date() if source.mtime_ns > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def day_at(index: IndexReader, source: SourceRow, position: int) -> date | None:
    """Find the date at a character of a document: of its message, section, name or front matter.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    if label := index.store.landmark_before(source.id, "message", position):
        return message_of(label).day
    if (label := index.store.landmark_before(source.id, "heading", position)) and (day := heading_day(label, source)):
        return day
    return document_day(index, source, by_content=True)


def has_dates(index: IndexReader, source: SourceRow) -> bool:
    """Tell whether a document may have dates: of messages, its name, its front matter, sections."""
    if index.store.landmark_count(source.id, "message") or document_day(index, source, by_content=True) is not None:
        return True
    return any(heading_day(label, source) for _, label in landmarks_of(index.store, source.id, "heading"))


def newest_day(index: IndexReader, *, by_content: bool = False) -> date | None:
    """Find the newest date that messages, sections and names of notes have.

    Args:
        index: The resident index.
        by_content: False: without a date there, the newest of files counts.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    sources = [source for source in index.store.sources() if source.chunks]
    known = list(_content_days(index, sources).values())
    if not known and not by_content:
        known = [day for day in map(file_day, sources) if day is not None]
    return max(known, default=None)


def newest_days(index: IndexReader, sources: Sequence[SourceRow]) -> dict[str, date]:
    """Find the newest date of each document, by its path: of its text, its name, else of its file.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    days = _content_days(index, sources)
    newest = {source.path: days.get(source.id) or document_day(index, source, by_content=False) for source in sources}
    return {path: day for path, day in newest.items() if day is not None}


def _content_days(index: IndexReader, sources: Sequence[SourceRow]) -> dict[int, date]:
    """Find the newest date of messages, sections and names, by the id of the document."""
    by_id = {source.id: source for source in sources}
    messages = landmarks_of_kind(index.store, list(by_id), "message")
    headings = landmarks_of_kind(index.store, list(by_id), "heading")
    days = [(number, message_of(label).day) for number, _, label in messages]
    days += [(number, heading_day(label, by_id[number])) for number, _, label in headings]
    days += [(source.id, name_day(source.path, source.kind, strict=True)) for source in sources]
    newest: dict[int, date] = {}
    for number, day in days:
        if day is not None:
            newest[number] = max(day, newest.get(number, day))
    return newest


def _ending_date(heading: str) -> re.Match[str] | None:
    """Match the date that a heading ends with, after other words."""
    matches = [match for match in _HEADING_DATE.finditer(heading) if match.end() == len(heading.rstrip())]
    return next((match for match in matches if match.start() == 0 or not heading[match.start() - 1].isalnum()), None)
