"""Reader of calendars (.ics): a paragraph for each event, task and entry of a journal.

Knows the properties of iCalendar (RFC 5545). Time zones stand beside the clock time; alarms and
zones' own definitions are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import LINE, Composer, one_line
from crystalcli.text.document.outline import heading_label
from crystalcli.text.formats.personal.content_lines import ContentLine, content_lines
from crystalcli.text.formats.plain import decode_lines
from crystalcli.text.source.read_request import ReadRequest

_ENTRIES = frozenset(("VEVENT", "VTODO", "VJOURNAL"))
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d{0,2}(Z)?)?")
_SHOWN = {
    "LOCATION": "Where", "ORGANIZER": "Organizer", "ATTENDEE": "With", "STATUS": "Status", "CATEGORIES": "Categories",
    "URL": "Link", "RRULE": "Repeats",
}  # fmt: skip
_UNITS = {"DAILY": "days", "WEEKLY": "weeks", "MONTHLY": "months", "YEARLY": "years"}
_WEEKDAY = re.compile(r"\+?(-?\d{0,2})(MO|TU|WE|TH|FR|SA|SU)")
_WEEKDAYS = {"MO": "Mon", "TU": "Tue", "WE": "Wed", "TH": "Thu", "FR": "Fri", "SA": "Sat", "SU": "Sun"}
_TEXTS = ("DESCRIPTION", "COMMENT")


class CalendarReading:
    """A calendar."""

    kind = "calendar"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield each entry: a "heading" landmark with its name, a "message" one with its time.

        Raises:
            SourceError: the calendar has no entries.
        """
        composer = Composer()
        for entry in _entries(content_lines(decode_lines(self._request))):
            _write(entry, composer)
            yield from composer.drain()
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)


def calendar_text(text: str) -> str:
    """Return the entries of a calendar as text, as for an invitation in a mail."""
    composer = Composer()
    for entry in _entries(content_lines(text.splitlines())):
        _write(entry, composer)
    return "".join(piece for piece in composer.drain() if isinstance(piece, str))


def _entries(properties: Iterable[ContentLine]) -> Iterator[list[ContentLine]]:
    """Yield the properties of each entry, without those of its alarms."""
    entry: list[ContentLine] = []
    inside: list[str] = []
    for line in properties:
        if line.name == "BEGIN":
            inside.append(line.value.strip().upper())
            if inside[-1] in _ENTRIES:
                entry = []
        elif line.name == "END":
            if inside and inside.pop() in _ENTRIES:
                yield entry
        elif inside and inside[-1] in _ENTRIES:
            entry.append(line)
    if not _ENTRIES.isdisjoint(inside):  # the file is cut off
        yield entry


def _write(entry: list[ContentLine], composer: Composer) -> None:
    first = {line.name: line for line in reversed(entry)}
    name = first["SUMMARY"].text if "SUMMARY" in first else ""
    start = first.get("DTSTART") or first.get("DUE")
    time = _shown_time(start) if start is not None else ""
    description = [line.text for line in entry if line.name in _TEXTS and line.text]
    if not (name or description):
        return
    composer.begin_block()
    composer.mark("heading", heading_label(one_line(name)))
    composer.mark("message", time)
    composer.write_block(one_line(name) or time)
    for shown in _facts(entry, first, time):
        composer.write_block(shown, LINE)
    for text in description:
        composer.write_block(text, LINE)


def _facts(entry: list[ContentLine], first: dict[str, ContentLine], time: str) -> Iterator[str]:
    """Yield a line for the time, and for each other property that people see."""
    if time:
        end = _shown_time(first["DTEND"]) if "DTEND" in first else ""
        same_day = end[:10] == time[:10] and len(end) > 10
        zone = first["DTSTART"].parameters.get("TZID", "") if "DTSTART" in first else ""
        shown = f"{time} to {end[11:] if same_day else end}" if end and end != time else time
        yield f"{'When' if 'DTSTART' in first else 'Due'}: {shown}{f' ({zone})' if zone else ''}"
    for name, label in _SHOWN.items():
        values = [_shown(line) for line in entry if line.name == name]
        if values := list(filter(None, dict.fromkeys(values))):
            yield f"{label}: {', '.join(values)}"


def _shown(line: ContentLine) -> str:
    """Return a property's value as people see it: a person's name rather than the address."""
    if line.name in ("ORGANIZER", "ATTENDEE"):
        return one_line(line.parameters.get("CN") or re.sub("^mailto:", "", line.text, flags=re.IGNORECASE))
    if line.name == "RRULE":
        rule = dict(part.partition("=")[::2] for part in line.value.upper().split(";"))
        count = f", {rule['COUNT']} times" if "COUNT" in rule else ""
        end = _TIME.match(rule.get("UNTIL", ""))
        until = f", until {end[1]}-{end[2]}-{end[3]}" if end else ""
        unit = _UNITS.get(rule.get("FREQ", ""), "")
        every = f", every {rule['INTERVAL']} {unit}".rstrip() if rule.get("INTERVAL", "1") != "1" else ""
        days = f", {', '.join(map(_shown_weekday, rule['BYDAY'].split(',')))}" if "BYDAY" in rule else ""
        return rule.get("FREQ", "").lower() + every + days + until + count
    if line.name == "CATEGORIES":
        return one_line(", ".join(filter(None, line.parts(","))))
    return one_line(line.text)


def _shown_weekday(day: str) -> str:
    """Return a weekday as people see it: `Tue`, and `last Fri` for `-1FR`."""
    match = _WEEKDAY.fullmatch(day)
    if match is None:
        return day
    which = {"": "", "1": "first ", "2": "second ", "3": "third ", "-1": "last "}.get(match[1], f"{match[1]}. ")
    return which + _WEEKDAYS[match[2]]


def _shown_time(line: ContentLine) -> str:
    """Return a day or a time, as in `messages.Message`; "" for another value."""
    match = _TIME.match(line.value.strip())
    if match is None:
        return ""
    day = f"{match[1]}-{match[2]}-{match[3]}"
    return f"{day} {match[4]}:{match[5]}{' UTC' if match[6] else ''}" if match[4] else day
