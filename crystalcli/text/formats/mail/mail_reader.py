"""Reader of mails: one in a file (.eml, .emlx, .msg, a Maildir's), or many in a mailbox.

Knows where one mail of a mailbox ends and the next begins, and holds one at a time. Does not know
the inside of a mail (mail_message, outlook_message).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from itertools import islice

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.formats.archive.archive_reader import ArchiveMember, attached_members
from crystalcli.text.formats.mail.mail_message import Attachment, Mail, parse_mail
from crystalcli.text.formats.mail.outlook_message import parse_outlook_message
from crystalcli.text.formats.office.compound_file import CompoundFile
from crystalcli.text.source.file_bytes import bytes_again
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.sniff_messages import POSTMARK

_MAX_MAIL_BYTES = 64 << 20  # that are held in memory
_MAX_LINE_BYTES = 1 << 20  # a longer line is taken in parts
_MAX_OUTLOOK_BYTES = 256 << 20  # of a mail of Outlook, which is held whole
_MAX_ATTACHMENTS = 10_000  # of a mailbox that are read as files
# A mailbox quotes lines that begin with "From ", since that begins the next mail.
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_HEADER_LINE = re.compile(rb"[!-9;-~]{1,80}:|>From ")
# The size of the mail that follows; behind it stand notes of Apple Mail's own.
_EMLX_SIZE = re.compile(rb"\s*(\d{1,12})[ \t]*\r?\n")


class MailReading:
    """A mail, or a mailbox."""

    kind = "mail"

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        head = request.seen.head
        self._suffix = request.path.suffix.lower()
        self._is_box = self._suffix != ".emlx" and bool(POSTMARK.match(head.lstrip()))
        self._is_outlook = request.seen.encoding == "ole"
        self._outlook_mail: Mail | None = None
        self._attached: list[int] = []  # numbers of the mails with attachments

    @property
    def title(self) -> str:
        """The subject of the only mail, or ""."""
        if self._is_box:
            return ""
        if self._is_outlook:
            return self._outlook().subject
        return parse_mail(_without_notes(self._request.seen.head, self._suffix)).subject

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield each mail: a "heading" landmark with its subject, a "message" landmark, its text.

        Raises:
            SourceError: the file has no mail.
        """
        position, heading = 0, ""
        guessed: set[str] = set()
        for number, mail in enumerate(self._mails()):
            if not mail.text.strip():
                continue
            if not self._is_box:
                yield from StatedFields((mail.author,), mail.time).landmarks()
            if mail.subject != heading:
                yield Landmark(position, "heading", mail.subject)
                heading = mail.subject
            if mail.guessed and mail.guessed not in guessed:
                guessed.add(mail.guessed)
                which, whose = ("some mails read", "their") if self._is_box else ("read", "its")
                detail = f"{which} as {mail.guessed}, by {whose} letters"
                yield Landmark(position, "doubt", f"{Reason.GUESSED_ENCODING}: {detail}")
            yield Landmark(position, "message", ", ".join(filter(None, (mail.author, mail.time))))
            yield mail.text
            position += len(mail.text)
            if any(attachment.is_file for attachment in mail.attachments):
                self._attached.append(number)
        if not position:
            raise SourceError("no mail in it", Reason.NO_TEXT)

    def members(self) -> Generator[ArchiveMember, None, None]:
        """Yield the attachments of the mails that `pieces` has yielded, as files.

        A member's file exists until the next one is asked for.
        """
        if self._attached:
            attachments = islice(self._attachments(), _MAX_ATTACHMENTS)
            files = ((attachment.file_name, attachment.load) for attachment in attachments)
            yield from attached_members(files, pictures=self._request.options.ocr)

    def _attachments(self) -> Iterator[Attachment]:
        wanted = iter(self._attached)
        number = next(wanted)
        for index, data in enumerate(self._contents()):
            if index == number:
                mail = self._outlook() if self._is_outlook else parse_mail(data)
                yield from (attachment for attachment in mail.attachments if attachment.is_file)
                number = next(wanted, -1)
                if number < 0:
                    return

    def _mails(self) -> Iterator[Mail]:
        return (self._outlook() if self._is_outlook else parse_mail(data) for data in self._contents())

    def _contents(self) -> Iterator[bytes]:
        """Yield the bytes of each mail; a mail of Outlook is parsed elsewhere."""
        if self._is_outlook:
            yield b""
            return
        seen = self._request.seen.fingerprint
        lines = _lines(bytes_again(self._request.path, seen, self._request.options.piece))
        yield from (_without_notes(data, self._suffix) for data in _mails(lines, self._is_box))

    def _outlook(self) -> Mail:
        """Return the mail in a file of Outlook. Raises SourceError."""
        if self._outlook_mail is None:
            seen = self._request.seen.fingerprint
            if seen.size > _MAX_OUTLOOK_BYTES:
                raise SourceError(f"larger than {_MAX_OUTLOOK_BYTES >> 20} MB", Reason.TOO_LARGE)
            data = b"".join(bytes_again(self._request.path, seen, self._request.options.piece))
            self._outlook_mail = parse_outlook_message(CompoundFile(data))
        return self._outlook_mail


def _without_notes(data: bytes, suffix: str) -> bytes:
    """Return a mail without what Apple Mail writes before and behind it."""
    if suffix == ".emlx" and (size := _EMLX_SIZE.match(data)):
        return data[size.end() : size.end() + int(size[1])]
    return data


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
    """Yield the bytes of each mail, unquoted and without the postmark of a mailbox.

    A postmark counts where a header follows: mails quote mailboxes too.
    """
    mail: list[bytes] = []
    size = 0
    postmark = b""  # that waits for the line behind it
    may_begin = True  # a mail begins at the beginning of the file or after an empty line
    for line in lines:
        if postmark:
            if _HEADER_LINE.match(line):
                if mail:
                    yield _QUOTED_FROM.sub(rb"\1", b"".join(mail))
                mail, size = [], 0
            else:
                mail.append(postmark)
            postmark = b""
        if is_box and may_begin and line.startswith(b"From ") and POSTMARK.match(line):
            postmark = line
        elif size < _MAX_MAIL_BYTES:
            mail.append(line)
            size += len(line)
        may_begin = not line.strip()
    if mail:
        yield _QUOTED_FROM.sub(rb"\1", b"".join(mail)) if is_box else b"".join(mail)
