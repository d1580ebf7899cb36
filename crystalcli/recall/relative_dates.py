"""Relative dates in dated texts, resolved: "yesterday" of 3 May 2026 is 2 May 2026.

A language model is given a note or a message long after it was written, and small ones do not count
days; nor do people who read a quotation. The day is put behind the words, in brackets, or told
beside the text; the words stay.

Knows: the dates of messages and of notes. Does not know: questions, other texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from crystalcli.recall.date_expressions import DateMention, find_dates, iso_date

_MESSAGE_DAY = re.compile(r"^\[(\d{4}-\d\d-\d\d)\b", re.MULTILINE)
_NEAR_DAYS = {"last night": -1, "tomorrow": 1, "tonight": 0, "this morning": 0, "this afternoon": 0, "this evening": 0}
_NEAR_DAY = re.compile(rf"\b(?:{'|'.join(_NEAR_DAYS)})\b", re.IGNORECASE)


class RelativeDay(NamedTuple):
    """A relative date in a text, resolved.

    Attributes:
        start: The first character of its words.
        end: The character after their last.
        days: The days that it means, in words: `2 May 2026`, `April 2026`.
    """

    start: int
    end: int
    days: str


def format_day(day: date) -> str:
    """Format a day as people write it, which models read better than figures: `2 May 2026`."""
    return f"{day.day} {day:%B %Y}"


def with_resolved_dates(text: str, day: date) -> str:
    """Put the day behind each relative date of a text.

    Args:
        text: The text. A message that begins with its own date counts from that.
        day: The day that it was written.
    """
    for mention in reversed(relative_days(text, day)):
        text = f"{text[: mention.end]} ({mention.days}){text[mention.end :]}"
    return text


def relative_days(text: str, day: date) -> list[RelativeDay]:
    """Find the relative dates of a text, in order of their place.

    Args:
        text: The text. A message that begins with its own date counts from that.
        day: The day that it was written.
    """
    heads = [(match.start(), match[1]) for match in _MESSAGE_DAY.finditer(text)]
    starts, ends = [0, *(start for start, _ in heads)], [*(start for start, _ in heads), len(text)]
    days = [day, *(iso_date(written) or day for _, written in heads)]
    found: dict[int, RelativeDay] = {}
    for start, end, written in zip(starts, ends, days, strict=True):
        part = text[start:end]
        for mention in (*_near_days(part, written), *_mentioned(part, written)):
            found[start + mention.end] = RelativeDay(start + mention.start, start + mention.end, mention.days)
    return [found[end] for end in sorted(found)]


def _near_days(text: str, day: date) -> Iterator[RelativeDay]:
    for match in _NEAR_DAY.finditer(text):
        yield RelativeDay(*match.span(), format_day(day + timedelta(_NEAR_DAYS[match[0].lower()])))


def _mentioned(text: str, day: date) -> Iterator[RelativeDay]:
    for mention in find_dates(text, day):
        if (days := _days_of(mention)) is not None:
            yield RelativeDay(mention.start, mention.end, days)


def _days_of(mention: DateMention) -> str | None:
    """Say the days of a date in words; None of one that is open, or not relative."""
    since, until = mention.period
    if not mention.is_relative or mention.link not in ("", "inside") or since is None or until is None:
        return None
    if since == until:
        return format_day(since)
    if (until - since).days > 300:
        return f"{since.year}"
    if (until - since).days > 26 and since.day == 1:
        return f"{since:%B %Y}"
    return f"{format_day(since)} to {format_day(until)}"
