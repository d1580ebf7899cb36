"""Reader of mails: one in a file (.eml, a Maildir's), or many in a mailbox, one after the other.

Knows where one mail of a mailbox ends and the next begins, and holds one at a time. Does not know
the inside of a mail (mail_message).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.mail.mail_message import parse_mail
from crystalcli.text.source.file_bytes import bytes_again
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.sniff_messages import POSTMARK

_MAX_MAIL_BYTES = 64 << 20  # that are held in memory
_MAX_LINE_BYTES = 1 << 20  # a longer line is taken in parts
# A mailbox quotes lines that begin with "From ", since that begins the next mail.
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


class MailReading:
    """A mail, or a mailbox."""

    kind = "mail"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        head = request.seen.head
        self._is_box = bool(POSTMARK.match(head.lstrip()))
        if not self._is_box:
            self.title = parse_mail(head).subject

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield each mail: a "heading" landmark with its subject, a "message" landmark, its text.

        Raises:
            SourceError: the file has no mail.
        """
        seen = self._request.seen.fingerprint
        position, heading = 0, ""
        for data in _mails(_lines(bytes_again(self._request.path, seen, self._request.options.piece)), self._is_box):
            mail = parse_mail(data)
            if not mail.text.strip():
                continue
            if mail.subject != heading:
                yield Landmark(position, "heading", mail.subject)
                heading = mail.subject
            yield Landmark(position, "message", ", ".join(filter(None, (mail.author, mail.time))))
            yield mail.text
            position += len(mail.text)
        if not position:
            raise SourceError("no mail in it", Reason.NO_TEXT)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines with their ends."""
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        for part in piece.splitlines(keepends=True):
            parts.append(part)
            size += len(part)
            if part.endswith(b"\n") or size > _MAX_LINE_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
    if parts:
        yield b"".join(parts)


def _mails(lines: Iterable[bytes], is_box: bool) -> Iterator[bytes]:
    """Yield the bytes of each mail, unquoted and without the postmark of a mailbox."""
    mail: list[bytes] = []
    size = 0
    may_begin = True  # a mail begins at the beginning of the file or after an empty line
    for line in lines:
        if is_box and may_begin and line.startswith(b"From ") and POSTMARK.match(line):
            if mail:
                yield _QUOTED_FROM.sub(rb"\1", b"".join(mail))
            mail, size = [], 0
        elif size < _MAX_MAIL_BYTES:
            mail.append(line)
            size += len(line)
        may_begin = not line.strip()
    if mail:
        yield _QUOTED_FROM.sub(rb"\1", b"".join(mail)) if is_box else b"".join(mail)
