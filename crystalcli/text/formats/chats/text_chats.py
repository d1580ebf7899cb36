"""Messages in the text exports of LINE, KakaoTalk and iMessage.

Knows where a message begins and which day it is of. Does not know files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crystalcli.text.document.messages import Message, format_time, short_label
from crystalcli.text.source.text_logs import (
    IMESSAGE_TIME,
    KAKAO_DAY,
    KAKAO_LINE,
    KAKAO_MESSAGE,
    LINE_DAY,
    LINE_MESSAGE,
    hour_of_day,
)


def text_chat_messages(lines: Iterable[str], kind: str) -> Iterator[Message]:
    """Yield the messages of an export.

    Args:
        lines: of the file, without their ends.
        kind: "line", "kakao" or "imessage", as of `text_logs.text_log_kind`.
    """
    return _below_times(lines) if kind == "imessage" else _below_days(lines, kind)


def _below_days(lines: Iterable[str], kind: str) -> Iterator[Message]:
    """Yield messages that stand below lines with the day."""
    day = author = time = ""
    texts: list[str] = []
    for line in lines:
        start = (LINE_DAY if kind == "line" else KAKAO_DAY).fullmatch(line.strip("\ufeff "))
        if start is not None:
            yield from _message(author, time, texts)
            day, texts = _day(start), []
            continue
        message = LINE_MESSAGE.match(line) if kind == "line" else KAKAO_MESSAGE.match(line) or KAKAO_LINE.match(line)
        if message is None or not (day or message.re is KAKAO_LINE):
            if day or time:  # not the lines above the first day
                texts.append(line)
            continue
        yield from _message(author, time, texts)
        groups = message.groupdict()
        day = _day(message) if message.re is KAKAO_LINE else day
        time = f"{day} {hour_of_day(int(groups['hour']), groups['before'], groups.get('half')):02}:{groups['minute']}"
        author, text = groups.get("author", ""), groups["rest"]
        if kind == "line":
            author, tab, text = text.partition("\t")
            if not tab:  # of the program
                author, text = "", author
            text = text.removeprefix('"') if text.startswith('"') and not text.endswith('"') else text
        texts = [text]
    yield from _message(author, time, texts)


def _below_times(lines: Iterable[str]) -> Iterator[Message]:
    """Yield messages that stand below a line with the time and one with the author."""
    author = time = ""
    texts: list[str] = []
    waits_for_author = False
    for line in lines:
        start = IMESSAGE_TIME.fullmatch(line)
        if start is not None:
            yield from _message(author, time, texts)
            author, time, texts = "", format_time(start["time"]), []
            waits_for_author = True
        elif waits_for_author:
            author, waits_for_author = line.strip(), False
        else:
            texts.append(line)
    yield from _message(author, time, texts)


def _message(author: str, time: str, texts: list[str]) -> Iterator[Message]:
    text = "\n".join(texts).strip()
    if text:
        yield Message(short_label(author), time, text)


def _day(match: re.Match[str]) -> str:
    groups = match.groupdict()
    year, month, day = (groups[name] or groups[name[0]] for name in ("year", "month", "day"))
    return f"{int(year):04}-{int(month):02}-{int(day):02}"
