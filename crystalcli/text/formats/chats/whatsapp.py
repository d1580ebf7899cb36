"""Messages in WhatsApp's text exports: lines that begin with a date, and lines that continue them.

Knows the ways in which phones write dates. The whole file decides whether 1/5 is in May or in
January: by numbers above 12, else by the order in which the messages do not go back in time, else
by the mark between the numbers. Does not know files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from crystalcli.text.document.messages import Message, short_label
from crystalcli.text.source.text_logs import hour_of_day, whatsapp_start

_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_AUTHOR = re.compile(r"([^:\n\"“”„«»]{1,80}): ?(.*)", re.DOTALL)
_FIRST_BUDDHIST_YEAR = 2400  # phones in Thailand count 543 years more
_ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}  # positions of year, month and day
_AMERICAN = frozenset(("AM", "PM"))  # in India and Britain "pm", in Spanish "p. m."

Date = tuple[int, int, int]


def whatsapp_messages(lines: Callable[[], Iterable[str]]) -> Iterator[Message]:
    """Yield the messages of an export.

    Args:
        lines: returns the lines of the file, each time it is called.
    """
    order = _date_order(lines())
    texts: list[str] = []
    author = time = ""
    for line in lines():
        start = whatsapp_start(line)
        if start is None:
            texts.append(_DIRECTIONS.sub("", line))
            continue
        if any(texts):
            yield Message(author, time, "\n".join(texts))
        time = _time(start, order)
        rest = _DIRECTIONS.sub("", start["rest"])
        match = _AUTHOR.fullmatch(rest)
        author, text = (short_label(match[1]), match[2]) if match else ("", rest)
        texts = [text]
    if any(texts):
        yield Message(author, time, "\n".join(texts))


def _time(start: re.Match[str], order: str) -> str:
    """Return the time of a message, as in `messages.Message`."""
    year, month, day = _date(start, order)
    hour = hour_of_day(int(start["hour"]), start["before"], start["half"])
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{int(start['minute']):02}"


def _date(start: re.Match[str], order: str) -> Date:
    """Return year, month and day."""
    numbers = [int(start[name]) for name in "abc"]
    year, month, day = (numbers[index] for index in _ORDERS[order])
    if year > _FIRST_BUDDHIST_YEAR:
        year -= 543
    return year + 2000 if year < 100 else year, month, day


def _date_order(lines: Iterable[str]) -> str:
    """Return the order of the numbers in the dates of a file: a key of _ORDERS."""
    back = dict.fromkeys(("dmy", "mdy"), 0)  # how often time would go back
    previous: dict[str, Date] = {}
    highest = [0, 0]
    mark = half = ""
    is_latin = True
    for line in lines:
        start = whatsapp_start(line)
        if start is None:
            continue
        if len(start["a"]) == 4:
            return "ymd"
        mark, half = start["mark"], half or (start["half"] or "")
        is_latin = is_latin and start["a"].isascii()
        highest = [max(highest[0], int(start["a"])), max(highest[1], int(start["b"]))]
        for order in back:
            date = _date(start, order)
            back[order] += date < previous.get(order, date)
            previous[order] = date
    if (highest[0] > 12) != (highest[1] > 12):
        return "dmy" if highest[0] > 12 else "mdy"
    if back["dmy"] != back["mdy"]:
        return min(back, key=back.__getitem__)
    return "mdy" if is_latin and mark == "/" and half in _AMERICAN else "dmy"
