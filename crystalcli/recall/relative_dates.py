"""Relative dates in dated texts, resolved: "yesterday" of 3 May 2026 is 2 May 2026.

A language model is given a note or a message long after it was written, and small ones do not count
days. The day is put behind the words, in brackets; the words stay.

Knows: the dates of messages and of notes. Does not know: questions, other texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from crystalcli.recall.date_expressions import find_dates, iso_date

_MESSAGE_DAY = re.compile(r"^\[(\d{4}-\d\d-\d\d)\b", re.MULTILINE)
_NEAR_DAYS = {"last night": -1, "tomorrow": 1, "tonight": 0, "this morning": 0, "this afternoon": 0, "this evening": 0}
_NEAR_DAY = re.compile(rf"\b(?:{'|'.join(_NEAR_DAYS)})\b", re.IGNORECASE)


def format_day(day: date) -> str:
    """Format a day as people write it, which models read better than figures: `2 May 2026`."""
    return f"{day.day} {day:%B %Y}"


def with_resolved_dates(text: str, day: date) -> str:
    """Put the day behind each relative date of a text.

    Args:
        text: The text. A message that begins with its own date counts from that.
        day: The day that it was written.
    """
    heads = [(match.start(), match[1]) for match in _MESSAGE_DAY.finditer(text)]
    ends = [start for start, _ in heads[1:]] + [len(text)]
    parts = [_resolved(text[: heads[0][0]] if heads else text, day)]
    for (start, written), end in zip(heads, ends, strict=False):
        parts.append(_resolved(text[start:end], iso_date(written) or day))
    return "".join(parts)


def _resolved(text: str, day: date) -> str:
    """Resolve the relative dates of a text that was written on one day."""
    notes = dict([*_near_days(text, day), *_mentioned(text, day)])
    for end in sorted(notes, reverse=True):
        text = f"{text[:end]} ({notes[end]}){text[end:]}"
    return text


def _near_days(text: str, day: date) -> Iterator[tuple[int, str]]:
    for match in _NEAR_DAY.finditer(text):
        yield match.end(), format_day(day + timedelta(_NEAR_DAYS[match[0].lower()]))


def _mentioned(text: str, day: date) -> Iterator[tuple[int, str]]:
    """Give the end of each relative date, and its days in words."""
    for mention in find_dates(text, day):
        since, until = mention.period
        if not mention.is_relative or mention.link not in ("", "inside") or since is None or until is None:
            continue
        if since == until:
            yield mention.end, format_day(since)
        elif (until - since).days > 300:
            yield mention.end, f"{since.year}"
        elif (until - since).days > 26 and since.day == 1:
            yield mention.end, f"{since:%B %Y}"
        else:
            yield mention.end, f"{format_day(since)} to {format_day(until)}"
