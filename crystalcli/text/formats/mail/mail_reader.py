"""Mails: one in a file (.eml, a Maildir's), or many in a mailbox, one after the other.

Knows where one mail of a mailbox ends and the next begins, and holds one at a time. Does not know what is in a mail
(mail_message does).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.mail.mail_message import parse_mail
from crystalcli.text.source.file_bytes import bytes_again
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.sniff_messages import POSTMARK
from crystalcli.types import Landmark

_LARGEST = 64 << 20  # bytes of a mail that are held
_LONGEST = 1 << 20  # bytes of a line: what is longer is taken in parts
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)  # so that a line of a mail is not taken for the next mail


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
        """For each mail a "heading" landmark with its subject, a "message" landmark with who wrote it when, and its text."""
        seen = self._request.seen.fingerprint
        position, headed = 0, ""
        for data in _mails(_lines(bytes_again(self._request.path, seen, self._request.options.piece)), self._is_box):
            mail = parse_mail(data)
            if not mail.text.strip():
                continue
            if mail.subject != headed:
                yield Landmark(position, "heading", mail.subject)
                headed = mail.subject
            yield Landmark(position, "message", ", ".join(filter(None, (mail.author, mail.time))))
            yield mail.text
            position += len(mail.text)
        if not position:
            raise SourceError("no mail in it", Reason.NO_TEXT)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines with their ends."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        for part in piece.splitlines(keepends=True):
            held.append(part)
            size += len(part)
            if part.endswith(b"\n") or size > _LONGEST:
                yield b"".join(held)
                held, size = [], 0
    if held:
        yield b"".join(held)


def _mails(lines: Iterable[bytes], is_box: bool) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    is_start = True  # whether a mail may begin here: at the beginning, or after an empty line
    for line in lines:
        if is_box and is_start and line.startswith(b"From ") and POSTMARK.match(line):
            if held:
                yield _QUOTED.sub(rb"\1", b"".join(held))
            held, size = [], 0
        elif size < _LARGEST:
            held.append(line)
            size += len(line)
        is_start = not line.strip()
    if held:
        yield _QUOTED.sub(rb"\1", b"".join(held)) if is_box else b"".join(held)
