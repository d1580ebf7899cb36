"""Messages of a chat, in the form in which a crystal stores them.

Knows how a message and its time are written. Does not know the export of any program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from crystalcli.datatypes import Landmark

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d(?:\.\d*)?)? ?(Z|[+-]00:?00|UTC|GMT)?")
# As Google Chat and iMessage write it: Tuesday, January 14, 2025 at 3:04:05 PM UTC.
_LONG_TIME = re.compile(
    r"(?:[A-Z][a-z]+day, )?([A-Z][a-z]{2})[a-z]* (\d{1,2}), (\d{4}),?(?: at)? {1,2}"
    r"(\d{1,2}):(\d\d)(?::\d\d)?[ \u202f]([AP])M( UTC| GMT)?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LABEL = re.compile(r"\[[^\]\n]{1,100}\] (?:[^:\n]{1,100}: )?|[^:\n\[\]]{1,100}: ")  # see format_message
_EPOCH = re.compile(r"\d{9,16}(?:\.\d*)?")
_EARLIEST = 3e8  # seconds since 1970: a smaller number is not the time of a message
_MAX_LABEL_LENGTH = 100  # characters of a name, or of a time in words


class Message(NamedTuple):
    """One message.

    Attributes:
        author: a name, or "" for the program itself.
        time: `2024-05-01 10:30`, with " UTC" if it is known to be UTC, or "".
        text: what was written.
    """

    author: str
    time: str
    text: str


class ChatLog(NamedTuple):
    """A conversation.

    Attributes:
        title: its name, or "".
        messages: in order.
    """

    title: str
    messages: Iterable[Message]


def format_time(value: object) -> str:
    """Return the time of a message as it is written down.

    Args:
        value: seconds or milliseconds since 1970, which become UTC; ISO 8601 or English words,
            whose clock time is kept; or other words, which are kept as they are.

    Returns:
        `2024-05-01 10:30`, with " UTC" where it is UTC; "" for a value that is not a time.
    """
    if isinstance(value, str) and _EPOCH.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
        while abs(seconds) > 1e11:  # milliseconds, or less
            seconds /= 1000
        if seconds < _EARLIEST:
            return ""
        try:
            return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
        except (ValueError, OverflowError, OSError):
            return ""
    if not isinstance(value, str):
        return ""
    if match := _ISO.match(value.strip()):
        return f"{match[1]} {match[2]}" + (" UTC" if match[3] else "")
    match = _LONG_TIME.fullmatch(value.strip())
    if match and match[1] in _MONTHS:
        hour = int(match[4]) % 12 + (12 if match[6] == "P" else 0)
        month = _MONTHS.index(match[1]) + 1
        return f"{match[3]}-{month:02}-{int(match[2]):02} {hour:02}:{match[5]}" + (" UTC" if match[7] else "")
    return short_label(value)


def short_label(text: str) -> str:
    """Return a name on one line, cut at 100 characters."""
    return " ".join(text.split())[:_MAX_LABEL_LENGTH]


def write_messages(conversations: Iterable[ChatLog]) -> Iterator[str | Landmark]:
    """Yield messages as text, a paragraph each.

    Yields:
        A "heading" landmark where a title begins, a "message" landmark before each message, and
        its paragraph.
    """
    position, heading = 0, ""
    for conversation in conversations:
        title = short_label(conversation.title)
        if title != heading:
            yield Landmark(position, "heading", title)
            heading = title
        for message in conversation.messages:
            text = format_message(message)
            yield Landmark(position, "message", ", ".join(filter(None, (message.author, message.time))))
            yield text
            position += len(text)


def format_message(message: Message) -> str:
    """Return `[2024-05-01 10:30] Ann: text` and an empty line."""
    author = f"{message.author}: " if message.author else ""
    return (f"[{message.time}] " if message.time else "") + author + message.text.strip() + "\n\n"


def label_length(text: str) -> int:
    """Count the characters of the time and author that a formatted message begins with."""
    match = _LABEL.match(text)
    return match.end() if match is not None else 0
