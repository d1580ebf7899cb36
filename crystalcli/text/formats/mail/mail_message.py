"""One mail as text: its headers, its body, and the names of its attachments.

Knows MIME as Python's `email` parses it. A mail may be malformed in any way: unreadable parts are
left out, and never end the reading. Of a text in several forms the plain one is taken, or else the
HTML without its tags. Quotations stay as they are. Does not know mailboxes (mail_reader).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parseaddr, parsedate_to_datetime
from typing import NamedTuple

from crystalcli.text.document.messages import short_label
from crystalcli.text.formats.mail.mail_body import mail_body_text

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_MAX_MAIL_BYTES = 48 << 20  # that are parsed; attachments stand behind
_MAX_PARTS = 40  # the parser's time for each line grows with the parts nested around it
_MAX_DEPTH = 20  # nested parts
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MAX_HEADER_LENGTH = 2000  # characters
# Errors that `email` raises on malformed mails.
_EMAIL_ERRORS = (MessageError, LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)


class Mail(NamedTuple):
    """One mail.

    Attributes:
        subject: on one line, or "".
        author: as in `messages.Message`.
        time: as in `messages.Message`.
        text: all of it, headers first, ending in an empty line.
    """

    subject: str
    author: str
    time: str
    text: str


def parse_mail(data: bytes) -> Mail:
    """Parse a mail, however malformed."""
    data = data[:_MAX_MAIL_BYTES]
    try:
        is_flat = data.count(b"multipart/") + data.count(b"message/rfc822") <= _MAX_PARTS
        message = BytesParser().parsebytes(data) if is_flat else BytesHeaderParser().parsebytes(data)
    except _EMAIL_ERRORS:
        message = BytesHeaderParser().parsebytes(data.partition(b"\n\n")[0][: 1 << 16])
    subject = _header(message, "Subject")
    name, address = _author(message)
    body = "\n\n".join(filter(None, (part.strip("\n") for part in _parts(message, 0))))
    text = "\n".join(_header_lines(message)) + "\n\n" + (f"{body.rstrip()}\n\n" if body.strip() else "")
    return Mail(short_label(subject), short_label(name or address), _time(message), text.lstrip("\n"))


def _header_lines(message: Message) -> Iterator[str]:
    for name in _HEADERS:
        if value := _header(message, name):
            yield f"{name}: {value}"


def _header(message: Message, name: str) -> str:
    """Return a header on one line, decoded."""
    try:
        value = message.get(name)
        text = "" if value is None else str(make_header(decode_header(str(value)[: 10 * _MAX_HEADER_LENGTH])))
    except _EMAIL_ERRORS:
        text = str(message.get(name, ""))
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(_CONTROLS.sub("", text).split())[:_MAX_HEADER_LENGTH]


def _author(message: Message) -> tuple[str, str]:
    """Return the author's name and address."""
    try:
        name, address = parseaddr(_header(message, "From"))
    except _EMAIL_ERRORS:
        return "", _header(message, "From")
    return name, address


def _time(message: Message) -> str:
    """Return the time on the sender's clock, or the words of an invalid date."""
    value = _header(message, "Date")
    try:
        return parsedate_to_datetime(value).strftime("%Y-%m-%d %H:%M")
    except (ValueError, TypeError, IndexError, OverflowError):
        return short_label(value)


def _parts(message: Message, depth: int) -> Iterator[str]:
    """Yield the text of each part, and a line for each attachment."""
    kind = message.get_content_type()
    payload = message.get_payload()
    if isinstance(payload, list) and depth < _MAX_DEPTH:
        parts = [part for part in payload if isinstance(part, Message)]
        if kind == "multipart/alternative":
            parts = _preferred(parts)
        elif kind == "message/rfc822":
            for part in parts:
                yield "\n".join(("[Forwarded mail]", *_header_lines(part)))
        for part in parts:
            yield from _parts(part, depth + 1)
        return
    name = _filename(message)
    is_text = kind.startswith("text/") or (kind.startswith("multipart/") and isinstance(payload, str))
    if name or message.get_content_disposition() == "attachment" or not is_text:
        if kind not in ("application/pgp-signature", "application/pkcs7-signature") or name:
            yield f"[Attachment: {name or kind}]"
    elif text := _part_text(message):
        yield text


def _preferred(parts: list[Message]) -> list[Message]:
    """Choose the plain form of a text, unless it is empty, or else the last form, the richest."""
    plain = [part for part in parts if part.get_content_type() == "text/plain" and _part_text(part).strip()]
    return plain[:1] or parts[-1:]


def _filename(message: Message) -> str:
    try:
        name = message.get_filename() or ""
        name = str(make_header(decode_header(name))) if "=?" in name else name
    except _EMAIL_ERRORS:
        return ""
    return short_label(_CONTROLS.sub("", name))


def _part_text(message: Message) -> str:
    """Return the text of a part, decoded and without HTML's tags."""
    try:
        data = message.get_payload(decode=True)
    except _EMAIL_ERRORS:
        return ""
    if not isinstance(data, bytes):
        return ""
    try:
        text = data.decode(message.get_content_charset("utf-8"))
    except (LookupError, ValueError):
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    if message.get_content_type() == "text/html":
        text = mail_body_text(text)
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
