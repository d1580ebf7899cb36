"""Messages of a chat, and when they were written, in the form in which a crystal holds them.

Knows how a message is written down and how times are told. Does not know any program's export.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from crystalcli.types import Landmark

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d(?:\.\d*)?)? ?(Z|[+-]00:?00|UTC|GMT)?")
_EPOCH = re.compile(r"\d{9,16}(?:\.\d*)?")
_EARLIEST = 3e8  # seconds since 1970: smaller numbers tell no time of a message
_LONGEST = 100  # characters of a name or a time that is told in words


class Message(NamedTuple):
    """author: a name, or "" where the program speaks. time: `2024-05-01 10:30`, with " UTC" where that is what it is, or ""."""

    author: str
    time: str
    text: str


class ChatLog(NamedTuple):
    """Messages in order, under a title, which may be ""."""

    title: str
    messages: Iterable[Message]


def format_time(value: object) -> str:
    """A time as it is told: seconds or milliseconds since 1970 are UTC, ISO 8601 is what was on the clock, other words stay."""
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
    if told := _ISO.match(value.strip()):
        return f"{told[1]} {told[2]}" + (" UTC" if told[3] else "")
    return short_label(value)


def short_label(text: str) -> str:
    """A name or the like in one line."""
    return " ".join(text.split())[:_LONGEST]


def write_messages(conversations: Iterable[ChatLog]) -> Iterator[str | Landmark]:
    """The messages as text, a paragraph each, with a "message" landmark each, and a "heading" where there is a title."""
    position, headed = 0, ""
    for conversation in conversations:
        title = short_label(conversation.title)
        if title != headed:
            yield Landmark(position, "heading", title)
            headed = title
        for message in conversation.messages:
            text = format_message(message)
            yield Landmark(position, "message", ", ".join(filter(None, (message.author, message.time))))
            yield text
            position += len(text)


def format_message(message: Message) -> str:
    """`[2024-05-01 10:30] Ann: text` and an empty line."""
    author = f"{message.author}: " if message.author else ""
    return (f"[{message.time}] " if message.time else "") + author + message.text.strip() + "\n\n"
