"""Dates in words and figures: "2026-03", "last week", "since March", "2 weeks ago".

Relative dates are counted from a day that the caller gives. A month without a year is the last one
that has begun by then; "last week" and the like are whole calendar weeks, months and years.

Knows: English, ISO 8601, and days before months in figures. Does not know: times of day, questions.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from crystalcli.errors import UsageError

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 - shorter
_WEEKDAYS = "mon tue wed thu fri sat sun".split()  # noqa: SIM905
_COUNTS = {"a": 1, "an": 1, "one": 1, "couple of": 2, "few": 3} | {
    word: number
    for number, word in enumerate("two three four five six seven eight nine ten eleven twelve".split(), 2)  # noqa: SIM905
}
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_YEAR = r"(?P<{0}>(?:19|20)\d\d)(?![\d%.,]*\d|%)"
_DAY = r"(?P<{0}>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?![\d:])"
_WEEKDAY = r"(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?"
_COUNT = rf"(?:\d{{1,4}}|{'|'.join(sorted(_COUNTS, key=len, reverse=True))})"
# Written dates: the first form that matches is taken.
_WRITTEN = "|".join(
    (
        r"(?P<y1>(?:19|20)\d\d)-(?P<m1>0[1-9]|1[0-2])(?:-(?P<d1>0[1-9]|[12]\d|3[01]))?(?!\d)",
        r"(?P<d2>0?[1-9]|[12]\d|3[01])\.(?P<m2>0?[1-9]|1[0-2])\.(?P<y2>(?:19|20)\d\d)(?!\d)",
        rf"(?:the )?{_DAY.format('d3')} (?:of )?{_MONTH.format('m3')}(?:,? {_YEAR.format('y3')})?",
        rf"{_MONTH.format('m4')} (?:the )?{_DAY.format('d4')}(?:,? {_YEAR.format('y4')})?",
        rf"{_MONTH.format('m5')}(?:,? (?:of )?{_YEAR.format('y5')})?",
        rf"(?:the year )?{_YEAR.format('y6')}",
    )
)
_RELATIVE = "|".join(
    (
        r"(?P<day_name>the day before yesterday|yesterday|today)",
        rf"(?:the )?(?P<which>this|last|past|previous) (?P<unit>week|month|year|{_WEEKDAY}|{_MONTH.format('m7')})",
        rf"(?:in |over |within )?the (?:last|past) (?P<span>{_COUNT}) (?P<span_unit>day|week|month|year)s?",
        rf"(?:a )?(?P<ago>{_COUNT}) (?P<ago_unit>day|week|month|year)s? ago",
    )
)
_DATE = rf"(?:{_RELATIVE}|{_WRITTEN})"
_WHOLE = re.compile(_DATE, re.IGNORECASE)
_SHORT = re.compile(r"(\d{1,4}) ?([dwmy]|days?|weeks?|months?|years?)", re.IGNORECASE)
_LINK = re.compile(
    r"\b(?:(?P<range>between|from)|(?P<since>since|(?:ever )?since|starting (?:in|from))|(?P<after>after)|(?P<before>before)|"
    r"(?P<until>until|till|up to|through|as of)|(?P<inside>in|during|within|on|of|throughout|over))"
    r" (?:the (?:beginning|start|end|middle|month) of |about |around |early |late |mid-?)?$",
    re.IGNORECASE,
)  # fmt: skip
_UNNAMED_DATE = re.sub(r"[(][?]P<[a-z_0-9]+>", "(?:", _DATE)
_SECOND = re.compile(rf" (?:and|to|until|till|through|-|–) (?P<second>{_UNNAMED_DATE})", re.IGNORECASE)
_ONWARDS = re.compile(r" (?:on|onwards?|forward)\b", re.IGNORECASE)
_WEEKDAY_AFTER = re.compile(rf"\bon (?P<weekday>{_WEEKDAY})\b", re.IGNORECASE)
_PAST = re.compile(r"\b(?:did|was|were|happened|had)\b", re.IGNORECASE)


class Period(NamedTuple):
    """A period of days, both included; None: open on that side."""

    since: date | None
    until: date | None


class DateMention(NamedTuple):
    """A date in a text.

    Attributes:
        start: The first character of it, its preposition included.
        end: The character after its last.
        period: The days that it means.
        link: "since", "until", "inside" or "" for a date without a preposition.
        is_relative: Whether it is counted from today.
    """

    start: int
    end: int
    period: Period
    link: str
    is_relative: bool


def iso_date(written: str) -> date | None:
    """Read a day of ISO 8601, "2026-03-14"; None where it is none."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def parse_period(text: str, today: date) -> Period | None:
    """Read a date that stands alone, as in the value of an option.

    Args:
        text: A year, month or day, a date in words, or an age: "7d", "2 weeks".
        today: The day that relative dates are counted from.

    Returns:
        Its first and last day; None where it is not a date.
    """
    phrase = " ".join(text.split())
    if (short := _SHORT.fullmatch(phrase)) is not None:
        day = _before(today, int(short[1]), _unit(short[2]))
        return Period(day, day)
    phrase = re.sub(r"^(?:in|on) ", "", phrase, flags=re.IGNORECASE)
    if re.fullmatch(_WEEKDAY, phrase, re.IGNORECASE):
        phrase = f"last {phrase}"
    match = _WHOLE.fullmatch(phrase)
    period = None if match is None else _period_of(match, today)
    return Period(period.since, period.since) if match is not None and match["ago"] and period else period


def parse_days(text: str | None, name: str, today: date | None) -> Period:
    """Read the value of an option that is a date to its first and last day.

    Args:
        text: The value; None: open on both sides.
        name: The name of the option, for messages.
        today: The day that relative dates are counted from; None where no option has a date.

    Raises:
        UsageError: It is not a date.
    """
    if text is None or today is None:
        return Period(None, None)
    period = parse_period(text, today)
    if period is None:
        raise UsageError(
            f"invalid {name} {text!r}: expected a date such as 2026, 2026-03, 2026-03-14, March, 7d or 'last week'"
        )
    return period


def find_dates(question: str, today: date) -> list[DateMention]:
    """Find the dates in a question that say of which time it asks.

    A year or a month counts with a preposition, as in "in 2019" and "since March"; a relative date
    and a whole day count without.

    Args:
        question: The question.
        today: The day that relative dates are counted from.

    Returns:
        The dates, in order.
    """
    return list(_mentions(question, today))


def _mentions(question: str, today: date) -> Iterator[DateMention]:
    position = 0
    while (match := _word_match(question, position)) is not None:
        position = match.end()
        period = _period_of(match, today)
        if period is None:
            continue
        is_relative = any(match[name] for name in ("day_name", "which", "span", "ago"))
        link = _LINK.search(question, 0, match.start())
        name = "" if link is None else str(link.lastgroup)
        start = match.start() if link is None else link.start()
        if name == "range":
            second = _SECOND.match(question, match.end())
            last = _WHOLE.fullmatch(second["second"]) if second is not None else None
            end_period = _period_of(last, today) if last is not None else None
            if second is not None and end_period is not None:
                position = second.end()
                if period.since and end_period.until and period.since > end_period.until:  # from October to March
                    period = Period(_year_before(period.since), period.until)
                yield DateMention(start, position, Period(period.since, end_period.until), "inside", is_relative)
            elif (onwards := _ONWARDS.match(question, match.end())) is not None:
                yield DateMention(start, onwards.end(), Period(period.since, None), "since", is_relative)
            elif link is not None and link["range"].lower() == "from":
                yield DateMention(start, match.end(), period, "inside", is_relative)
        elif name == "since":
            yield DateMention(start, match.end(), Period(period.since, None), "since", is_relative)
        elif name == "after" and period.until is not None:
            yield DateMention(start, match.end(), Period(period.until + timedelta(1), None), "since", is_relative)
        elif name == "before" and period.since is not None:
            yield DateMention(start, match.end(), Period(None, period.since - timedelta(1)), "until", is_relative)
        elif name == "until":
            yield DateMention(start, match.end(), Period(None, period.until), "until", is_relative)
        elif name == "inside":
            yield DateMention(start, match.end(), period, "inside", is_relative)
        elif is_relative or any(match[day] for day in ("d1", "d2", "d3", "d4")):
            yield DateMention(match.start(), match.end(), period, "", is_relative)
    if _PAST.search(question):
        for weekday in _WEEKDAY_AFTER.finditer(question):
            day = _last_weekday(weekday["weekday"], today)
            yield DateMention(weekday.start(), weekday.end(), Period(day, day), "inside", True)


def _word_match(text: str, position: int) -> re.Match[str] | None:
    """Find the next date that begins and ends at the borders of words."""
    while (match := _WHOLE.search(text, position)) is not None:
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        # "$2019", "-2019" and "2019/20" are not years.
        if not (before.isalnum() or before in tuple("_$€£#/.-")) and not (after.isalnum() or after in tuple("_/%-")):
            return match
        position = match.start() + 1
    return None


def _period_of(match: re.Match[str], today: date) -> Period | None:
    """Give the days of a match of `_WHOLE`; None for a day that does not exist."""
    for number in "123456":
        groups = {name: match.groupdict().get(f"{name}{number}") for name in "ymd"}
        if any(groups.values()):
            return _written_period(groups["y"], groups["m"], groups["d"], today)
    if (name := match["day_name"]) is not None:
        day = today - timedelta({"today": 0, "yesterday": 1}.get(name.lower(), 2))
        return Period(day, day)
    if match["span"] is not None:
        return Period(_before(today, _count(match["span"]), _unit(match["span_unit"])), today)
    if match["ago"] is not None:
        unit = _unit(match["ago_unit"])
        first = _before(today, _count(match["ago"]), unit)
        return Period(first, min(today, {"d": first, "w": first + timedelta(6)}.get(unit, first + timedelta(30))))
    return _calendar_period(match["which"].lower(), match["unit"].lower(), today)


def _written_period(year: str | None, month: str | None, day: str | None, today: date) -> Period | None:
    number = 0 if month is None else int(month) if month.isdecimal() else _MONTHS.index(month[:3].lower()) + 1
    if not number:
        return Period(date(int(year or 1), 1, 1), date(int(year or 1), 12, 31))
    which_year = int(year) if year is not None else today.year
    try:
        if year is None and date(which_year, number, int(day or 1)) > today:
            which_year -= 1
        first = date(which_year, number, int(day or 1))
    except ValueError:
        return None
    return Period(first, first if day else _last_of_month(first))


def _calendar_period(which: str, unit: str, today: date) -> Period:
    back = 0 if which == "this" else 1
    if unit == "week":
        first = today - timedelta(today.weekday() + 7 * back)
        return Period(first, first + timedelta(6))
    if unit == "month":
        first = _before(today.replace(day=1), back, "m")
        return Period(first, _last_of_month(first))
    if unit == "year":
        return Period(date(today.year - back, 1, 1), date(today.year - back, 12, 31))
    if unit[:3] in _WEEKDAYS and not unit.startswith("mar"):
        day = _last_weekday(unit, today)
        return Period(day, day)
    month = _MONTHS.index(unit[:3]) + 1
    first = date(today.year - (month >= today.month and back == 1), month, 1)
    return Period(first, _last_of_month(first))


def _last_weekday(name: str, today: date) -> date:
    """Give the last day of that name before today."""
    return today - timedelta((today.weekday() - _WEEKDAYS.index(name[:3].lower()) - 1) % 7 + 1)


def _before(day: date, count: int, unit: str) -> date:
    """Go back by a number of days, weeks, months or years; not before the year 1."""
    if unit in "dw":
        return day - timedelta(min((day - date.min).days, count * (7 if unit == "w" else 1)))
    months = max(12, day.year * 12 + day.month - 1 - count * (12 if unit == "y" else 1))
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _year_before(day: date) -> date:
    return _before(day, 1, "y")


def _last_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _unit(word: str) -> str:
    return word[0].lower()


def _count(word: str) -> int:
    return int(word) if word.isdecimal() else _COUNTS[word.lower()]
