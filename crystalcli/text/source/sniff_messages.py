"""Detection of mail and chats by a file's name and its first bytes.

Knows how such files begin. Does not read them: a chat in JSON may still turn out to be other data,
which formats.chats.chat_reader finds out.
"""

from __future__ import annotations

import re
from pathlib import Path

from crystalcli.text.source.text_logs import text_log_kind

MAIL_SUFFIXES = (".eml", ".emlx", ".mbox", ".mbx")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
SLACK_USERS_FILE = "users.json"  # beside exported chats of Slack: the names of their users
# The line between the messages of a mailbox: From, an address, and a date in the form of C's
# asctime.
POSTMARK = re.compile(rb"From \S.{0,300}?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,30}\d\d:\d\d.{0,20}\d{4}")
_HEADER = re.compile(rb"[!-9;-~]{1,80}:[ \t]?[^\r\n]*\r?\n")
_MAIL_HEADER = re.compile(rb"^(?:received|return-path|from|message-id|delivered-to):", re.IGNORECASE | re.MULTILINE)
_MIME_HEADER = re.compile(rb"^(?:mime-version|content-type):", re.IGNORECASE | re.MULTILINE)
# Keys of authors and of texts, in the exports of chats.
_AUTHOR_KEY = re.compile(
    rb'"(?:author|from|sender|sender_?name|user|user_?name|user_?id|name|speaker|role|creator|displayname|mapping'
    rb'|chat_messages|timestamp|header)"\s*:',
    re.IGNORECASE,
)
_TEXT_KEY = re.compile(
    rb'"(?:text|content|contents|message|body|mapping|chat_messages|parts|safeHtmlItem|fragments)"\s*:', re.IGNORECASE
)


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
    """Tell whether a file may hold messages.

    A file of JSON may; the reader of chats finds out.

    Args:
        suffix: the file's suffix, in lower case.
        head: its first bytes.
    """
    if suffix == ".txt":
        return bool(text_log_kind([line for line in head.decode("utf-8", "ignore").splitlines() if line.strip()]))
    bracket = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return suffix in JSON_SUFFIXES and bracket in (b"[", b"{")


def has_message_keys(data: bytes) -> bool:
    """Tell whether JSON has the keys of a message: an author, and a text.

    Args:
        data: the beginning of the file.
    """
    return bool(_AUTHOR_KEY.search(data) and _TEXT_KEY.search(data))
