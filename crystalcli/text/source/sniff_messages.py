"""Detection of mail and chats by a file's name and its first bytes.

Knows how such files begin. Does not read them: a chat in JSON may still turn out to be other data,
which formats.chats.chat_reader finds out.
"""

from __future__ import annotations

import re
from pathlib import Path

MAIL_SUFFIXES = (".eml", ".emlx", ".mbox", ".mbx")
SLACK_USERS_FILE = "users.json"  # beside exported chats of Slack: the names of their users
# The line between the messages of a mailbox: From, an address, and a date in the form of C's
# asctime.
POSTMARK = re.compile(rb"From \S.{0,300}?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,30}\d\d:\d\d.{0,20}\d{4}")
_HEADER = re.compile(rb"[!-9;-~]{1,80}:[ \t]?[^\r\n]*\r?\n")
_MAIL_HEADER = re.compile(rb"^(?:received|return-path|from|message-id|delivered-to):", re.IGNORECASE | re.MULTILINE)
_MIME_HEADER = re.compile(rb"^(?:mime-version|content-type):", re.IGNORECASE | re.MULTILINE)
# The beginning of a message in an export of WhatsApp: [01.05.24, 10:30:12] Ann: or 5/1/24, 10:30 AM
# - Ann:
_WHATSAPP = re.compile(
    r"[\u200e\u200f\u202a-\u202e\ufeff]*(?P<open>\[)?"
    r"(?P<a>\d{1,4})(?P<mark>[./-]) ?(?P<b>\d{1,2})(?P=mark) ?(?P<c>\d{1,4})\.?"
    r"(?P<comma>,|،| à| um| at| kl\.?| klo)?[ \u00a0\u202f]"
    r"(?P<before>上午|下午|午前|午後|오전|오후)?[ \u00a0\u202f]?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    r"(?:[ \u00a0\u202f]?(?P<half>[AaPp]\.?[ \u00a0\u202f]?[Mm]\.?|[^\W\d_]{1,12}\.?))?"
    r"(?(open)\][ \u00a0]?|[ \u00a0]-[ \u00a0])(?P<rest>.*)",
    re.DOTALL,
)
# A program as the author of a line in a log: `worker: started`, `app.ERROR: the disk is full`.
_PROGRAM = re.compile(r"^[a-z0-9_.\-/\[\]]+$|\b(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|ALERT)\b")
_AUTHOR_KEY = rb'"(?:author|from|sender|sender_name|user|username|user_id|name|speaker|role|mapping|chat_messages)"\s*:'
_TEXT_KEY = rb'"(?:text|content|message|body|mapping|chat_messages|parts)"\s*:'


def whatsapp_start(line: str) -> re.Match[str] | None:
    """The date at the beginning of a message; None for a line that continues a message.

    Lines of logs begin with similar dates, without a comma and with seconds; WhatsApp writes
    seconds in brackets only.
    """
    start = _WHATSAPP.match(line)
    return None if start and _is_log_date(start) and start["second"] and not start["open"] else start


def _is_log_date(start: re.Match[str]) -> bool:
    return not start["comma"] and (start["mark"] == "-" or len(start["a"]) > 2)


def is_mail(path: Path, head: bytes) -> bool:
    """Tell whether a file is a mail or a mailbox.

    A Maildir's files have no suffix, but are in folders called `cur` and `new`.

    Args:
        path: the file.
        head: its first bytes.
    """
    suffix = path.suffix.lower()
    if suffix in MAIL_SUFFIXES:
        return True
    is_bare = not re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{0,7}", path.suffix)
    if is_bare and POSTMARK.match(head):
        return True
    # A Maildir's names begin with a time and end with a host's name, which may look like a suffix.
    is_bare = is_bare or bool(re.match(r"\d{6,}\.", path.name))
    return is_bare and path.parent.name in ("cur", "new") and bool(_HEADER.match(head) and _MAIL_HEADER.search(head))


def is_saved_page(suffix: str, head: bytes) -> bool:
    """Tell whether a file is a web page that was saved with its pictures (MHTML).

    Args:
        suffix: the file's suffix, in lower case.
        head: its first bytes.
    """
    return suffix in (".mht", ".mhtml", ".doc") and bool(_MIME_HEADER.search(head))


def may_be_chat(suffix: str, head: bytes) -> bool:
    """Tell whether a .json or .txt file may hold messages.

    Args:
        suffix: the file's suffix, in lower case.
        head: its first bytes.
    """
    if suffix == ".txt":
        lines = [line for line in head.decode("utf-8", "ignore").splitlines() if line.strip()]
        starts = [whatsapp_start(line) is not None for line in lines[:20]]
        return bool(starts) and starts[0] and (sum(starts) > 1 or len(lines) == 1) and _has_author(lines)
    if suffix == ".json":
        bracket = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        return bracket in (b"[", b"{") and bool(re.search(_AUTHOR_KEY, head) and re.search(_TEXT_KEY, head))
    return False


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
