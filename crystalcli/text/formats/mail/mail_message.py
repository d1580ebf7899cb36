"""One mail as text: its headers, what it says, and the names of what is attached.

Knows MIME as Python's `email` parses it. A mail may be broken in any way: what cannot be understood is left out, and never ends the
reading. Of a text in several forms the plain one is taken, else that in HTML without its tags. Quotations stay as they stand.
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
_LARGEST = 48 << 20  # bytes of a mail that are looked at: what is behind is attached
_MOST_PARTS = 40  # the parser takes as long for each line as parts are nested around it
_DEEPEST = 20
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_HEADER_LENGTH = 2000  # characters
_TROUBLE = (MessageError, LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)


class Mail(NamedTuple):
    """subject, and who wrote it when: as in `messages.Message`. text: all of it, headers first, ending in an empty line."""

    subject: str
    author: str
    time: str
    text: str


def parse_mail(data: bytes) -> Mail:
    """The mail that these bytes are, however broken."""
    data = data[:_LARGEST]
    try:
        is_flat = data.count(b"multipart/") + data.count(b"message/rfc822") <= _MOST_PARTS
        message = BytesParser().parsebytes(data) if is_flat else BytesHeaderParser().parsebytes(data)
    except _TROUBLE:
        message = BytesHeaderParser().parsebytes(data.partition(b"\n\n")[0][: 1 << 16])
    subject = _header(message, "Subject")
    name, address = _author(message)
    body = "\n\n".join(filter(None, (each.strip("\n") for each in _parts(message, 0))))
    text = "\n".join(_heads(message)) + "\n\n" + (f"{body.rstrip()}\n\n" if body.strip() else "")
    return Mail(short_label(subject), short_label(name or address), _time(message), text.lstrip("\n"))


def _heads(message: Message) -> Iterator[str]:
    for name in _HEADERS:
        if value := _header(message, name):
            yield f"{name}: {value}"


def _header(message: Message, name: str) -> str:
    """A header in one line, decoded."""
    try:
        value = message.get(name)
        text = "" if value is None else str(make_header(decode_header(str(value)[: 10 * _HEADER_LENGTH])))
    except _TROUBLE:
        text = str(message.get(name, ""))
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(_CONTROLS.sub("", text).split())[:_HEADER_LENGTH]


def _author(message: Message) -> tuple[str, str]:
    try:
        name, address = parseaddr(_header(message, "From"))
    except _TROUBLE:
        return "", _header(message, "From")
    return name, address


def _time(message: Message) -> str:
    """What the sender's clock said; where the date is none, what stands there."""
    value = _header(message, "Date")
    try:
        return parsedate_to_datetime(value).strftime("%Y-%m-%d %H:%M")
    except (ValueError, TypeError, IndexError, OverflowError):
        return short_label(value)


def _parts(message: Message, depth: int) -> Iterator[str]:
    """What it says, part by part, and a line for each attachment."""
    kind = message.get_content_type()
    inner = message.get_payload()
    if isinstance(inner, list) and depth < _DEEPEST:
        parts = [each for each in inner if isinstance(each, Message)]
        if kind == "multipart/alternative":
            parts = _preferred(parts)
        elif kind == "message/rfc822":
            for each in parts:
                yield "\n".join(("[Forwarded mail]", *_heads(each)))
        for each in parts:
            yield from _parts(each, depth + 1)
        return
    name = _filename(message)
    is_text = kind.startswith("text/") or (kind.startswith("multipart/") and isinstance(inner, str))
    if name or message.get_content_disposition() == "attachment" or not is_text:
        if kind not in ("application/pgp-signature", "application/pkcs7-signature") or name:
            yield f"[Attachment: {name or kind}]"
    elif text := _said(message):
        yield text


def _preferred(parts: list[Message]) -> list[Message]:
    """Of several forms of one text the plain one, if there is anything in it, else the last, which is the richest."""
    plain = [each for each in parts if each.get_content_type() == "text/plain" and _said(each).strip()]
    return plain[:1] or parts[-1:]


def _filename(message: Message) -> str:
    try:
        name = message.get_filename() or ""
        name = str(make_header(decode_header(name))) if "=?" in name else name
    except _TROUBLE:
        return ""
    return short_label(_CONTROLS.sub("", name))


def _said(message: Message) -> str:
    """The text of a part that is text."""
    try:
        data = message.get_payload(decode=True)
    except _TROUBLE:
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
