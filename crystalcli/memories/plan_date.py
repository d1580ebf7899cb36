"""Days that plans speak of: "tomorrow", "next Friday", "on 3 March", "in two weeks".

They are counted from the day on which the plan was told, and lie after it: "in March", told in May,
is next year's.

Knows: English, ISO 8601. Does not know: what is planned.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from crystalcli.recall import iso_date

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 - shorter
_WEEKDAYS = "mon tue wed thu fri sat sun".split()  # noqa: SIM905
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?(?![\d:%])"
_ISO = re.compile(r"\b(20\d\d-\d\d-\d\d)\b")
_DAY_MONTH = re.compile(rf"\b{_DAY}(?: of)? ({_MONTH})\b\.?(?:,? (20\d\d))?", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"\b({_MONTH})\.? {_DAY}(?:,? (20\d\d))?", re.IGNORECASE)
_NEAR = re.compile(r"\b(today|tonight|this (?:evening|afternoon)|tomorrow)\b", re.IGNORECASE)
_WEEKDAY = re.compile(r"\b(on|by|until|before|this|next) (mon|tue|wed|thu|fri|sat|sun)[a-z]*day\b", re.IGNORECASE)
_DISTANCE = re.compile(r"\bin (\d{1,3}|a|an|one|two|three|four|five|six) (day|week)s?\b", re.IGNORECASE)


def planned_day(text: str, told: date) -> date | None:
    """Find the first day that a plan names.

    Args:
        text: The plan.
        told: The day on which it was told.

    Returns:
        The day; None where it names none, or not exactly.
    """
    if match := _ISO.search(text):
        return iso_date(match[1])
    if match := _DAY_MONTH.search(text):
        return _day_of(int(match[1]), match[2], match[3], told)
    if match := _MONTH_DAY.search(text):
        return _day_of(int(match[2]), match[1], match[3], told)
    if match := _NEAR.search(text):
        return told + timedelta(match[1].lower() == "tomorrow")
    if match := _WEEKDAY.search(text):
        ahead = (_WEEKDAYS.index(match[2].lower()) - told.weekday() - 1) % 7 + 1
        # "Next Friday" told on a Monday may mean either one.
        return None if match[1].lower() == "next" and ahead > 2 else told + timedelta(ahead)
    if match := _DISTANCE.search(text):
        count = _COUNTS.get(match[1].lower()) or int(match[1])
        return told + timedelta(count * (7 if match[2].lower() == "week" else 1))
    return None


def _day_of(day: int, month: str, year: str | None, told: date) -> date | None:
    """Make a day; without a year the first from `told` on."""
    number = _MONTHS.index(month[:3].lower()) + 1
    for candidate in [int(year)] if year else [told.year, told.year + 1]:
        found = iso_date(f"{candidate:04}-{number:02}-{day:02}")
        if found is not None and (year or found >= told):
            return found
    return None
