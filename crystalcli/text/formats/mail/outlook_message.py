"""One mail in a file of Outlook (.msg, MS-OXMSG), also one inside another.

Knows properties by their numbers. Does not know compound files (office.compound_file), nor how a
mail is written as text (mail_message).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesHeaderParser
from functools import partial

from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.messages import short_label
from crystalcli.text.formats.mail import mail_headers
from crystalcli.text.formats.mail.mail_body import mail_body_text
from crystalcli.text.formats.mail.mail_message import Attachment, Mail, clean_body, compose_mail
from crystalcli.text.formats.mail.outlook_rtf import outlook_rtf_text
from crystalcli.text.formats.office.compound_file import CompoundFile
from crystalcli.text.source.stated_encoding import stated_encoding
from crystalcli.text.source.text_decoder import decode_labelled

_SUBJECT, _HEADERS, _BODY, _HTML, _RTF = "0037", "007D", "1000", "1013", "1009"
_SENDER, _SENDER_ADDRESS, _SENDER_SMTP = "0C1A", "0C1F", "5D01"
_TO, _CC = "0E04", "0E03"
_SENT, _RECEIVED = 0x0039, 0x0E06
_LONG_NAME, _SHORT_NAME, _TITLE, _CONTENT_ID = "3707", "3704", "3001", "3712"
_CODE_PAGE, _MESSAGE_CODE_PAGE = 0x3FDE, 0x3FFD
_ATTACH = re.compile(r"__attach_version1\.0_#[0-9A-Fa-f]{8}")
_EMBEDDED = "__substg1.0_3701000D"
_PROPERTIES = "__properties_version1.0"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_MAX_DEPTH = 10  # mails in mails

Folder = tuple[str, ...]


def parse_outlook_message(file: CompoundFile, folder: Folder = (), depth: int = 0) -> Mail:
    """Parse a mail.

    Args:
        file: the compound file.
        folder: where the mail is in it; () for the outermost.
        depth: of mails around it.

    Raises:
        SourceError: It holds no mail.
    """
    if (*folder, _PROPERTIES) not in file.streams:
        raise SourceError("damaged", Reason.DAMAGED)
    properties = _OutlookProperties(file, folder)
    transport = BytesHeaderParser().parsebytes(properties.text(_HEADERS).encode("utf-8", "replace"))
    subject = properties.text(_SUBJECT) or mail_headers.header(transport, "Subject")
    name = properties.text(_SENDER)
    address = properties.text(_SENDER_SMTP) or properties.text(_SENDER_ADDRESS)
    address = address if "@" in address else ""
    sender = f"{name} <{address}>" if name and address and name != address else name or address
    time = _transport_time(transport) or properties.time(_SENT) or properties.time(_RECEIVED)
    values = {
        "Subject": subject,
        "From": sender or mail_headers.header(transport, "From"),
        "To": properties.text(_TO).rstrip("\0") or mail_headers.header(transport, "To"),
        "Cc": properties.text(_CC) or mail_headers.header(transport, "Cc"),
        "Date": mail_headers.header(transport, "Date") or time,
    }
    headers = [f"{name}: {' '.join(value.split())}" for name, value in values.items() if value.strip()]
    author = short_label(name or address) or mail_headers.author(transport)
    attached = list(_attachments(file, folder, depth))
    parts = [f"[Forwarded mail]\n{part.text}" if isinstance(part, Mail) else part for part in attached]
    mail = compose_mail(headers, subject, author, time, [clean_body(properties.body()), *parts])
    inner = (attachment for part in attached if isinstance(part, Mail) for attachment in part.attachments)
    return mail._replace(attachments=(*mail.attachments, *inner))


def _attachments(file: CompoundFile, folder: Folder, depth: int) -> Iterator[Mail | Attachment]:
    """Yield the attachments, and mails among them."""
    level = len(folder)
    names = {path[level] for path in file.streams if path[:level] == folder and len(path) > level + 1}
    for name in sorted(filter(_ATTACH.fullmatch, names)):
        inside = (*folder, name)
        properties = _OutlookProperties(file, inside)
        if (*inside, _EMBEDDED, _PROPERTIES) in file.streams:
            if depth < _MAX_DEPTH:
                yield parse_outlook_message(file, (*inside, _EMBEDDED), depth + 1)
            continue
        label = properties.text(_LONG_NAME) or properties.text(_SHORT_NAME) or properties.text(_TITLE)
        path = (*inside, "__substg1.0_37010102")
        is_picture = bool(properties.text(_CONTENT_ID)) and re.search(r"\.(?:png|jpe?g|gif|bmp)$", label, re.IGNORECASE)
        yield Attachment(short_label(label), "application/octet-stream", not is_picture, partial(file.read, path))


def _transport_time(transport: Message) -> str:
    return mail_headers.time(transport) if "Date" in transport else ""


class _OutlookProperties:
    """The properties of a mail or of an attachment.

    Args:
        file: the compound file.
        folder: where they are in it.
    """

    def __init__(self, file: CompoundFile, folder: Folder) -> None:
        self._file, self._folder = file, folder
        data = file.read((*folder, _PROPERTIES))
        is_attachment = bool(folder) and bool(_ATTACH.fullmatch(folder[-1]))
        start = 8 if is_attachment else 32 if not folder else 24
        self._fixed: dict[int, bytes] = {}
        for at in range(start, len(data) - 15, 16):
            (tag,) = struct.unpack_from("<I", data, at)
            self._fixed[tag >> 16] = data[at + 8 : at + 16]

    def text(self, number: str) -> str:
        """Return a text property, or ""."""
        if data := self._stream(f"{number}001F"):
            return data.decode("utf-16-le", "replace").replace("\0", "")
        if data := self._stream(f"{number}001E"):
            return decode_labelled(data, self._label(_MESSAGE_CODE_PAGE) or self._label(_CODE_PAGE)).replace("\0", "")
        return ""

    def body(self) -> str:
        """Return the text: the plain one, or that of the HTML or the RTF."""
        if (text := self.text(_BODY)).strip():
            return text
        if page := self.text(_HTML):
            return mail_body_text(page)
        if data := self._stream(f"{_HTML}0102"):
            return mail_body_text(decode_labelled(data, self._label(_CODE_PAGE) or stated_encoding(data[:4096])))
        data = self._stream(f"{_RTF}0102")
        return outlook_rtf_text(data) if data else ""

    def time(self, number: int) -> str:
        """Return a time in UTC, as in `messages.Message`, or ""."""
        ticks = int.from_bytes(self._fixed.get(number, b""), "little")
        try:
            return (_EPOCH + timedelta(microseconds=ticks // 10)).strftime("%Y-%m-%d %H:%M UTC") if ticks else ""
        except OverflowError:
            return ""

    def _label(self, number: int) -> str:
        page = int.from_bytes(self._fixed.get(number, b"")[:4], "little")
        return "utf-8" if page == 65001 else f"cp{page}" if page else ""

    def _stream(self, tag: str) -> bytes:
        return self._file.read((*self._folder, f"__substg1.0_{tag}"))
