"""What WhatsApp exports as text: lines that begin with a date, and lines that go on with the message before.

Knows the ways in which phones write dates. Whether 1/5 is in May or in January is decided by the whole file: by numbers that no
month has, else by the order in which the messages do not go back in time, else by the mark between the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from crystalcli.text.document.messages import Message, short_label
from crystalcli.text.source.sniff_messages import whatsapp_start

_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_AUTHOR = re.compile(r"([^:\n\"“”„«»]{1,80}): ?(.*)", re.DOTALL)
_AFTERNOON = ("下午", "午後", "오후")
_ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}  # where year, month and day stand

Date = tuple[int, int, int]


def whatsapp_messages(lines: Callable[[], Iterable[str]]) -> Iterator[Message]:
    """The messages. lines: gives the file's lines, each time it is called."""
    order = _order_in(lines())
    held: list[str] = []
    author = time = ""
    for line in lines():
        start = whatsapp_start(line)
        if start is None:
            held.append(_DIRECTIONS.sub("", line))
            continue
        if any(held):
            yield Message(author, time, "\n".join(held))
        time = _time(start, order)
        rest = _DIRECTIONS.sub("", start["rest"])
        named = _AUTHOR.fullmatch(rest)
        author, text = (short_label(named[1]), named[2]) if named else ("", rest)
        held = [text]
    if any(held):
        yield Message(author, time, "\n".join(held))


def _time(start: re.Match[str], order: str) -> str:
    year, month, day = _date(start, order)
    hour, half = int(start["hour"]), (start["half"] or "").lower()
    if start["before"] and hour <= 12:
        half = "p" if start["before"] in _AFTERNOON else "a"
    if half[:1] in ("a", "p") and hour <= 12:
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{start['minute']}"


def _date(start: re.Match[str], order: str) -> Date:
    """Year, month and day."""
    numbers = [int(start[name]) for name in "abc"]
    year, month, day = (numbers[at] for at in _ORDERS[order])
    return year + 2000 if year < 100 else year, month, day


def _order_in(lines: Iterable[str]) -> str:
    back = dict.fromkeys(("dmy", "mdy"), 0)  # how often time would go back
    before: dict[str, Date] = {}
    highest = [0, 0]
    mark = half = ""
    for line in lines:
        start = whatsapp_start(line)
        if start is None:
            continue
        if len(start["a"]) == 4:
            return "ymd"
        mark, half = start["mark"], half or (start["half"] or "").lower()
        highest = [max(highest[0], int(start["a"])), max(highest[1], int(start["b"]))]
        for order in back:
            date = _date(start, order)
            back[order] += date < before.get(order, date)
            before[order] = date
    if (highest[0] > 12) != (highest[1] > 12):
        return "dmy" if highest[0] > 12 else "mdy"
    if back["dmy"] != back["mdy"]:
        return min(back, key=back.__getitem__)
    return "mdy" if mark == "/" and half[:1] in ("a", "p") else "dmy"
