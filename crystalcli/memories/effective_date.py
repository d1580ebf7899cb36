"""The day from which a memory holds, where it says so: "From 1 April my rent is 950 euros".

Told in February, it does not hold before April. Days are counted from the day on which it was told;
of a day without a year the nearest is meant, or the next one of what begins. A day that is the
value itself, "the concert is on 8 May", is none of these.

Knows: English forms, the aspects of claims. Does not know: what was told before.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from crystalcli.memories.claim import read_claim
from crystalcli.memories.plan_date import planned_day
from crystalcli.memories.value_type import MONTH, WEEKDAY
from crystalcli.recall import iso_date
from crystalcli.storage import Store

_NUMBERED = r"\d{1,2}(?:st|nd|rd|th)?"
_DAY = (
    rf"(?P<day>\d{{4}}-\d\d-\d\d|(?:the )?{_NUMBERED}(?: of)? {MONTH}(?:,? \d{{4}})?|{MONTH} {_NUMBERED}(?:,? \d{{4}})?|"
    rf"{MONTH}(?: \d{{4}})?|tomorrow|next (?:week|month|year)|{WEEKDAY}|in \w+ (?:days?|weeks?))"
)
_FROM = r"(?:from|as of|as from|starting|beginning|effective)(?: on| from)?"
_LEADS = re.compile(rf"^(?:(?:so|well|ok|update|news)[,:]? )?{_FROM} {_DAY}\b", re.IGNORECASE)
_TRAILS = re.compile(rf",? (?:{_FROM} {_DAY})(?: on(?:wards)?)?[.!]?$", re.IGNORECASE)
# "I start at the mill on 1 June", "We move to 3 Mill Lane next month".
_BEGINS = re.compile(
    rf"\b(?:starts?|starting|begins?|beginning|moves?|moving|joins?|joining)\b.*(?<! last),? (?:on |in )?{_DAY}[.!]?$",
    re.IGNORECASE,
)
_BEGUN = ("home", "work")  # aspects of claims that such a sentence makes
_HALF_A_YEAR = timedelta(183)
_MONTH_ALONE = re.compile(rf"({MONTH})((?: \d{{4}})?)", re.IGNORECASE)
_WEEKDAY_ALONE = re.compile(WEEKDAY, re.IGNORECASE)


def present_day(store: Store, as_of: str = "") -> str:
    """Give the day on which something has to hold: that of a question, else today.

    Where memories of later days are kept, as in what was made up, it is that of the newest one.
    """
    if as_of:
        return as_of
    newest = "".join(row.dated[:10] for row in store.memories(limit=1))
    return max(newest, datetime.now().astimezone().date().isoformat())


def effective_day(text: str, dated: str, aspect: str = "") -> str:
    """Find the day from which a memory holds.

    Args:
        text: The memory.
        dated: The day on which it was told, "2026-02-10", with or without a time.
        aspect: The aspect of its claim; a home or a job begins on a day that stands behind it.

    Returns:
        The day, as "2026-04-01"; that on which it was told where it names no later one.
    """
    told = iso_date(dated[:10])
    if told is None:
        return dated[:10]
    day = None
    if match := _LEADS.search(text.strip()) or _TRAILS.search(text.strip()):
        day = _day_named(match["day"], told, told - _HALF_A_YEAR)
    elif aspect.startswith(_BEGUN) and (match := _BEGINS.search(text.strip())):
        day = _day_named(match["day"], told, told)
    return dated[:10] if day is None or day <= told else day.isoformat()


def told_since(text: str, dated: str, author: str = "") -> str:
    """Find the day from which a memory holds, by its own claim where it makes one.

    Args:
        text: The memory.
        dated: The day on which it was told.
        author: Who told it; "" for the crystal's owner.
    """
    claim = read_claim(text, author)
    return effective_day(text, dated, "" if claim is None else claim.aspect)


def _day_named(words: str, told: date, earliest: date) -> date | None:
    """Give the day that some words name; None where they name none exactly.

    Args:
        words: The words.
        told: The day on which they were told.
        earliest: The first day that is meant by a day or a month without a year.
    """
    words = words.casefold()
    if words == "next week":
        return told + timedelta(7 - told.weekday())
    if words == "next month":
        return (told.replace(day=1) + timedelta(31)).replace(day=1)
    if words == "next year":
        return date(told.year + 1, 1, 1)
    if _WEEKDAY_ALONE.fullmatch(words):
        return planned_day(f"on {words}", told)
    if match := _MONTH_ALONE.fullmatch(words):
        words = f"1 {match[1]}{match[2]}"
    if words == "tomorrow" or words.startswith("in "):
        return planned_day(words, told)
    return planned_day(words, earliest)
