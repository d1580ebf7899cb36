"""Lines of chats that are exported as text: WhatsApp, LINE, KakaoTalk, iMessage.

Knows how phones in many languages write the date and the time before a message, and tells such an
export from a log. Does not know authors nor texts (formats.chats).
"""

from __future__ import annotations

import re

_MARKS = "[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]*"  # directions, which may stand anywhere
_SPACE = "[ \u00a0\u202f]"
_WORD = rf"[^\W\d_][^\s\d:,،\]()-]{{0,11}}(?:{_SPACE}[^\W\d_][^\s\d:,\]-]{{0,8}})?"
# The beginning of a message in an export of WhatsApp: [01.05.24, 10:30:12] Ann: or 5/1/24, 10:30 AM
# - Ann: with digits of any script.
_WHATSAPP = re.compile(
    rf"{_MARKS}(?P<open>\[)?{_MARKS}"
    rf"(?P<a>\d{{1,4}}){_MARKS}(?P<mark>[./-]){_MARKS}{_SPACE}?(?P<b>\d{{1,2}}){_MARKS}(?P=mark){_MARKS}{_SPACE}?"
    rf"(?P<c>\d{{1,4}}){_MARKS}\.?(?P<comma>(?:{_SPACE}?[^\W\d_]{{1,3}}\.?)?[,،]|{_SPACE}(?:à|um|at|om|às|kl\.?|klo|ob|o))?{_MARKS}"
    rf"{_SPACE}{_MARKS}(?:(?P<before>[^\W\d_a-zA-Z][^\s\d:,]{{0,11}}){_SPACE}?)?"
    rf"(?P<hour>\d{{1,2}})(?:[:.]|{_SPACE}?h{_SPACE}?)(?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?{_MARKS}"
    rf"(?:{_SPACE}?{_MARKS}(?P<half>{_WORD}))?{_MARKS}"
    rf"(?(open)\][ \u00a0]?|{_SPACE}[-–]{_SPACE})(?P<rest>.*)",
    re.DOTALL,
)
# The same in Vietnam, with the time first: 22:30, 1/3/2025 - Lan:
_TIME_FIRST = re.compile(
    rf"{_MARKS}(?P<open>\[)?{_MARKS}(?P<before>)(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}))?"
    rf"(?:{_SPACE}(?P<half>[AaPp][Mm]|SA|CH))?(?P<comma>,){_SPACE}"
    rf"(?P<a>\d{{1,2}})(?P<mark>[./-])(?P<b>\d{{1,2}})(?P=mark)(?P<c>\d{{2,4}}){_MARKS}"
    rf"(?(open)\][ \u00a0]?|{_SPACE}[-–]{_SPACE})(?P<rest>.*)",
    re.DOTALL,
)
# A program as the author of a line in a log: `worker: started`, `app.ERROR: the disk is full`.
_PROGRAM = re.compile(r"^[a-z0-9_.\-/\[\]]+$|\b(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|ALERT)\b")

# LINE: a day, and below it 10:30, a name and a text, with tabs between.
LINE_DAY = re.compile(
    r"(?P<year>\d{4})[/.](?P<month>\d{1,2})[/.](?P<day>\d{1,2})\s?(?:[(（][^()（）\d]{1,12}[)）]|[^\W\d]{1,12})"
    r"|[^\W\d]{2,9}\.?, (?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})"
)
LINE_MESSAGE = re.compile(
    r"(?P<before>[^\W\d_]{2,4}\.?)? ?(?P<hour>\d{1,2}):(?P<minute>\d{2}) ?(?P<half>[AaPp][Mm])?\t(?P<rest>.*)",
    re.DOTALL,
)
# KakaoTalk: --- 2024년 3월 12일 ---, and below it [Ann] [오후 10:00] text; or all in one line.
KAKAO_DAY = re.compile(r"-{3,} .*?(?P<year>\d{4})년 (?P<month>\d{1,2})월 (?P<day>\d{1,2})일.* -{3,}")
KAKAO_MESSAGE = re.compile(
    r"\[(?P<author>[^\]\n]{1,80})\] \[(?P<before>오전|오후) (?P<hour>\d{1,2}):(?P<minute>\d{2})\] (?P<rest>.*)",
    re.DOTALL,
)
KAKAO_LINE = re.compile(
    r"(?P<year>\d{4})년 (?P<month>\d{1,2})월 (?P<day>\d{1,2})일 (?P<before>오전|오후) (?P<hour>\d{1,2}):(?P<minute>\d{2}), "
    r"(?P<author>[^:\n]{1,80}) : (?P<rest>.*)",
    re.DOTALL,
)
# iMessage, as imessage-exporter writes it: the time, and below it the name, and then the text.
IMESSAGE_TIME = re.compile(
    r"\s*(?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} {1,2}\d{1,2}:\d{2}:\d{2} [AP]M)(?: \([^()]{1,80}\))?\s*"
)

# Words for the half of the day, as phones write them, without dots and spaces.
_AFTERNOON = frozenset((
    "pm", "p", "μμ", "下午", "晚上", "傍晚", "午後", "오후", "م", "مساء", "مساءً", "بظ", "بعدازظهر", "अपराह्न", "शाम", "दोपहर",
    "मउ", "ös", "öğledensonra", "ch", "ptg", "em", "ip", "du", "odp", "pop", "nachm", "пп", "слоб", "אחהצ", "หลังเที่ยง",
    "অপরাহ্ণ", "பிற்பகல்",
))  # fmt: skip
_MORNING = frozenset((
    "am", "a", "πμ", "上午", "早上", "凌晨", "清晨", "午前", "오전", "ص", "صباحا", "صباحًا", "قظ", "पूर्वाह्न", "सुबह", "मपू", "öö",
    "sa", "pg", "fm", "ap", "de", "dop", "vorm", "дп", "проб", "לפנהצ", "ก่อนเที่ยง", "পূর্বাহ্ণ", "முற்பகல்",
))  # fmt: skip
_NOON, _NIGHT = frozenset(("中午",)), frozenset(("रात",))
_NO_LETTERS = re.compile(r"[^\w\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff]+")


def whatsapp_start(line: str) -> re.Match[str] | None:
    """The date at the beginning of a message; None for a line that continues a message.

    Lines of logs begin with similar dates, without a comma and with seconds; WhatsApp writes
    seconds in brackets only.
    """
    start = _WHATSAPP.match(line) or _TIME_FIRST.match(line)
    return None if start and _is_log_date(start) and start["second"] and not start["open"] else start


def hour_of_day(hour: int, *words: str | None) -> int:
    """Return an hour from 0 to 23.

    Args:
        hour: as it is written.
        words: around it, of which one may name the half of the day.
    """
    for word in words:
        half = _NO_LETTERS.sub("", word or "").casefold()
        if hour > 12 or not half:
            continue
        if half in _AFTERNOON or (half in _NIGHT and hour >= 6):
            return hour % 12 + 12
        if half in _NOON:
            return hour if hour > 9 else hour + 12
        if half in _MORNING or half in _NIGHT:
            return hour % 12
    return hour


def names_half(word: str) -> bool:
    """Tell whether a word names a half of the day that is counted in twelve hours."""
    return _NO_LETTERS.sub("", word).casefold() in _AFTERNOON | _MORNING | _NOON | _NIGHT


def text_log_kind(lines: list[str]) -> str:
    """Tell which program's chat some lines are.

    Args:
        lines: the first lines of a text that are not blank.

    Returns:
        "whatsapp", "line", "kakao" or "imessage"; "" for other texts.
    """
    starts = [whatsapp_start(line) is not None for line in lines[:20]]
    if starts and starts[0] and (sum(starts) > 1 or len(lines) == 1) and _has_author(lines):
        return "whatsapp"
    if lines and IMESSAGE_TIME.fullmatch(lines[0]) and len(lines) > 2:
        return "imessage"
    head = [line.strip("\ufeff\r") for line in lines[:40]]
    for kind, day, message in (("line", LINE_DAY, LINE_MESSAGE), ("kakao", KAKAO_DAY, KAKAO_MESSAGE)):
        days = [number for number, line in enumerate(head[:8]) if day.fullmatch(line)]
        if days and days[0] + 1 < len(head) and message.match(head[days[0] + 1]):
            return kind
    return "kakao" if sum(bool(KAKAO_LINE.match(line)) for line in head) > 1 else ""


def _is_log_date(start: re.Match[str]) -> bool:
    return not start["comma"] and (start["mark"] == "-" or len(start["a"]) > 2)


def _has_author(lines: list[str]) -> bool:
    """Tell whether the lines name authors.

    A log has dates like these, but before its messages no names, or those of programs.
    """
    starts = [start for line in lines[:100] if (start := whatsapp_start(line)) is not None]
    names = (re.match(r"([^:\n]{1,80}): ", start["rest"]) for start in starts)
    authors = {match[1] for match in names if match is not None}
    if not any(map(_is_log_date, starts)):
        return bool(authors)
    return len(authors) > 1 and not any(map(_PROGRAM.search, authors))
