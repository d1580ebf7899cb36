"""Whether a file looks like mail or like a chat, from its name and its first bytes.

Knows what such files begin with. Does not read them: a chat in JSON may still turn out to be other data (reader_chat says).
"""

from __future__ import annotations

import re
from pathlib import Path

MAIL = (".eml", ".mbox", ".mbx")
# The line between the messages of a mailbox: From, an address, and a date in the form of C's asctime.
POSTMARK = re.compile(rb"From \S.{0,300}?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,30}\d\d:\d\d.{0,20}\d{4}")
_HEADER = re.compile(rb"[!-9;-~]{1,80}:[ \t]?[^\r\n]*\r?\n")
_MAIL_HEADER = re.compile(rb"^(?:received|return-path|from|message-id|delivered-to):", re.IGNORECASE | re.MULTILINE)
# How a message begins in what WhatsApp exports: [01.05.24, 10:30:12] Ann: or 5/1/24, 10:30 AM - Ann:
_WHATSAPP = re.compile(
    r"[\u200e\u200f\u202a-\u202e\ufeff]*(?P<open>\[)?"
    r"(?P<a>\d{1,4})(?P<mark>[./-]) ?(?P<b>\d{1,2})(?P=mark) ?(?P<c>\d{1,4})\.?"
    r"(?P<comma>,|،| à| um| at| kl\.?| klo)?[ \u00a0\u202f]"
    r"(?P<before>上午|下午|午前|午後|오전|오후)?[ \u00a0\u202f]?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    r"(?:[ \u00a0\u202f]?(?P<half>[AaPp]\.?[ \u00a0\u202f]?[Mm]\.?|[^\W\d_]{1,12}\.?))?"
    r"(?(open)\][ \u00a0]?|[ \u00a0]-[ \u00a0])(?P<rest>.*)",
    re.DOTALL,
)
# Who seems to write in a log: `worker: started`, `app.ERROR: the disk is full`.
_PROGRAM = re.compile(r"^[a-z0-9_.\-/\[\]]+$|\b(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|ALERT)\b")
_AUTHOR = rb'"(?:author|from|sender|sender_name|user|username|user_id|name|speaker|role|mapping|chat_messages)"\s*:'
_SAID = rb'"(?:text|content|message|body|mapping|chat_messages|parts)"\s*:'


def whatsapp_start(line: str) -> re.Match[str] | None:
    """The date at the beginning of a message; None for a line that goes on with one.

    Logs write such dates too: without a comma, and with seconds, which WhatsApp has in brackets alone.
    """
    start = _WHATSAPP.match(line)
    return None if start and _is_as_in_logs(start) and start["second"] and not start["open"] else start


def _is_as_in_logs(start: re.Match[str]) -> bool:
    return not start["comma"] and (start["mark"] == "-" or len(start["a"]) > 2)


def is_mail(path: Path, head: bytes) -> bool:
    """Whether it is a mail, or a box of them. A Maildir's files have no ending, but stand in folders called `cur` and `new`."""
    suffix = path.suffix.lower()
    if suffix in MAIL:
        return True
    is_bare = not re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{0,7}", path.suffix)
    if is_bare and POSTMARK.match(head):
        return True
    is_bare = is_bare or bool(
        re.match(r"\d{6,}\.", path.name)
    )  # a Maildir's names begin with a time and end in a host's
    return is_bare and path.parent.name in ("cur", "new") and bool(_HEADER.match(head) and _MAIL_HEADER.search(head))


def may_be_chat(suffix: str, head: bytes) -> bool:
    """Whether a .json or .txt file begins as one that holds messages."""
    if suffix == ".txt":
        lines = [line for line in head.decode("utf-8", "ignore").splitlines() if line.strip()]
        begins = [whatsapp_start(line) is not None for line in lines[:20]]
        return bool(begins) and begins[0] and (sum(begins) > 1 or len(lines) == 1) and _has_author(lines)
    if suffix == ".json":
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        return start in (b"[", b"{") and bool(re.search(_AUTHOR, head) and re.search(_SAID, head))
    return False


def _has_author(lines: list[str]) -> bool:
    """Whether the lines name who wrote: a log has dates like these, but no names before what it says, or those of programs."""
    starts = [start for line in lines[:100] if (start := whatsapp_start(line)) is not None]
    named = (re.match(r"([^:\n]{1,80}): ", start["rest"]) for start in starts)
    authors = {match[1] for match in named if match is not None}
    if not any(map(_is_as_in_logs, starts)):
        return bool(authors)
    return len(authors) > 1 and not any(map(_PROGRAM.search, authors))
