"""One mail as text: its headers, its body, and its attachments by name.

Knows MIME as Python's `email` parses it. A mail may be malformed in any way: unreadable parts are
left out, and never end the reading. Of a text in several forms the plain one is taken, unless it
only says that the text is elsewhere. Quotations stay as they are. Does not know mailboxes
(mail_reader), nor what is inside an attachment.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Iterator
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from functools import partial
from typing import NamedTuple

from crystalcli.text.document.messages import short_label
from crystalcli.text.formats.mail import mail_headers, tnef
from crystalcli.text.formats.mail.mail_body import mail_body_text
from crystalcli.text.formats.mail.mail_headers import CONTROLS, decode_words, header_lines
from crystalcli.text.formats.mail.outlook_rtf import outlook_rtf_text
from crystalcli.text.formats.mail.signed_mail import is_encrypted, signed_content
from crystalcli.text.formats.personal.calendar_reader import calendar_text
from crystalcli.text.source.legacy_encodings import guess_encoding
from crystalcli.text.source.letter_sample import LetterSample
from crystalcli.text.source.stated_encoding import stated_encoding
from crystalcli.text.source.text_decoder import decode_labelled

_MAX_MAIL_BYTES = 48 << 20  # that are parsed; attachments stand behind
_MAX_PARTS = 40  # the parser's time for each line grows with the parts nested around it
_MAX_DEPTH = 20  # nested parts
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_SIGNED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")
_NO_KIND = "application/octet-stream"
# Errors that `email` raises on malformed mails.
_EMAIL_ERRORS = (MessageError, LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)
_MAX_STUB_LENGTH = 2000  # characters of a plain text that may only stand for the one in HTML
_TAG = re.compile(r"<[^<>]*>")
_PLACEHOLDER = re.compile(r"\bHTML\b|\bbrowser\b", re.IGNORECASE)


class Attachment(NamedTuple):
    """An attachment of a mail.

    Attributes:
        name: its name, or "".
        kind: its type, as MIME names it.
        is_file: whether it is a file of its own, rather than a picture in the text.
        load: returns its bytes.
    """

    name: str
    kind: str
    is_file: bool
    load: Callable[[], bytes]

    @property
    def file_name(self) -> str:
        """The name as that of a file, with the ending of its type where it has none."""
        name = self.name.replace("/", "_").replace("\\", "_").strip(". ")
        return name or "attachment" + (mimetypes.guess_extension(self.kind) or "")


class Mail(NamedTuple):
    """One mail.

    Attributes:
        subject: on one line, or "".
        author: as in `messages.Message`.
        time: as in `messages.Message`.
        text: all of it, headers first, ending in an empty line.
        attachments: in order, also those of mails inside it.
        guessed: the encoding of its text, where nothing in it says which; "" otherwise.
    """

    subject: str
    author: str
    time: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    guessed: str = ""


def parse_mail(data: bytes) -> Mail:
    """Parse a mail, however malformed."""
    data = data[:_MAX_MAIL_BYTES]
    message = _parse(data)
    charset, is_guess = _charset(message, data)
    parts = list(_parts(message, charset, 0))
    mail = compose_mail(
        header_lines(message, charset),
        mail_headers.header(message, "Subject", charset),
        mail_headers.author(message, charset),
        mail_headers.time(message),
        parts,
    )
    return mail._replace(guessed=charset) if is_guess else mail


def compose_mail(headers: list[str], subject: str, author: str, time: str, parts: list[str | Attachment]) -> Mail:
    """Write a mail as text.

    Args:
        headers: lines such as `Subject: Ferry`.
        subject: as in Mail.
        author: as in Mail.
        time: as in Mail.
        parts: its texts and attachments, in order.
    """
    texts = (part if isinstance(part, str) else f"[Attachment: {part.name or part.kind}]" for part in parts)
    body = "\n\n".join(filter(None, (text.strip("\n") for text in texts)))
    text = "\n".join(headers) + "\n\n" + (f"{body.rstrip()}\n\n" if body.strip() else "")
    attachments = tuple(part for part in parts if isinstance(part, Attachment))
    return Mail(short_label(subject), author, time, text.lstrip("\n"), attachments)


def _parse(data: bytes) -> Message:
    try:
        is_flat = data.count(b"multipart/") + data.count(b"message/rfc822") <= _MAX_PARTS
        return BytesParser().parsebytes(data) if is_flat else BytesHeaderParser().parsebytes(data)
    except _EMAIL_ERRORS:
        return BytesHeaderParser().parsebytes(data.partition(b"\n\n")[0][: 1 << 16])


def _charset(message: Message, data: bytes) -> tuple[str, bool]:
    """Return a label for texts of the mail that have none, and whether it is a guess.

    It is that of another part, or "" for UTF-8, or else goes by the letters.
    """
    if data.isascii():
        return "", False
    for part in message.walk():
        try:
            if part.get_content_maintype() == "text" and (charset := part.get_content_charset()):
                return charset, False
        except _EMAIL_ERRORS:
            continue
    try:
        data.decode("utf-8")
        return "", False
    except UnicodeDecodeError:
        sample = LetterSample()
        sample.feed(data)
        return guess_encoding(sample.lines()) or "windows-1252", True


def _parts(message: Message, charset: str, depth: int, *, has_text: bool = False) -> Iterator[str | Attachment]:
    """Yield the texts and the attachments of a mail or of a part.

    Args:
        message: the mail or the part.
        charset: label of the encoding of texts without one.
        depth: of the part.
        has_text: whether a part beside it is a text.
    """
    kind = message.get_content_type()
    payload = message.get_payload()
    if isinstance(payload, list) and depth < _MAX_DEPTH:
        parts = [part for part in payload if isinstance(part, Message)]
        if kind == "multipart/alternative":
            parts = _preferred(parts, charset)
        elif kind == "message/rfc822":
            for part in parts:
                yield "\n".join(("[Forwarded mail]", *header_lines(part, charset)))
        has_text = has_text or any(part.get_content_maintype() == "text" for part in parts)
        for part in parts:
            yield from _parts(part, charset, depth + 1, has_text=has_text)
        return
    name = _filename(message, charset)
    is_text = kind.startswith("text/") or (kind.startswith("multipart/") and isinstance(payload, str))
    is_attached = bool(name) or message.get_content_disposition() == "attachment" or not is_text
    if kind in _SIGNED and depth < _MAX_DEPTH:
        data = _decoded(message)
        if content := signed_content(data):
            inner = _parse(content)
            yield from _parts(inner, _charset(inner, content)[0] or charset, depth + 1)
        else:
            yield "[Encrypted mail]" if is_encrypted(data) else f"[Attachment: {name or kind}]"
    elif kind in _TNEF or name.lower() == "winmail.dat":
        parts_inside = list(_tnef(_decoded(message), charset, has_text=has_text))
        yield from parts_inside or (f"[Attachment: {name or kind}]",)
    elif is_attached:
        if kind not in _SIGNATURES:
            # Gmail gives attached files an id too; Apple Mail shows them in the text without one.
            is_shown = message.get_content_disposition() != "attachment" and "content-id" in message
            is_file = not (is_shown and kind.startswith("image/"))
            yield Attachment(name, kind, is_file, partial(_decoded, message))
        elif name:
            yield f"[Attachment: {name}]"
    elif text := _part_text(message, charset):
        yield text


def _preferred(parts: list[Message], charset: str) -> list[Message]:
    """Choose the plain form of a text, or else the last form, the richest.

    A plain form that says little of the text in HTML only stands for it. An invitation is kept with
    its text.
    """
    kinds = [part.get_content_type() for part in parts]
    plain = parts[kinds.index("text/plain")] if "text/plain" in kinds else None
    rich = [part for part, kind in zip(parts, kinds, strict=True) if kind != "text/calendar"][-1:]
    calendar = [part for part, kind in zip(parts, kinds, strict=True) if kind == "text/calendar"][:1]
    text = _part_text(plain, charset) if plain is not None else ""
    if plain is None or not text.strip():
        return (rich or parts[-1:]) + (calendar if rich else [])
    if len(text) <= _MAX_STUB_LENGTH and rich and rich[0] is not plain and _is_stub(text, rich[0], charset):
        return rich + calendar
    return [plain, *calendar]


def _is_stub(text: str, rich: Message, charset: str) -> bool:
    """Tell whether a plain text says less than half of what the text in HTML says, or else."""
    page = next((part for part in rich.walk() if part.get_content_type() == "text/html"), None)
    if page is None:
        return False
    # Without tags, at a fraction of the time that a full reading takes.
    rich_words = _TAG.sub(" ", _without_styles(_raw_text(page, charset))).lower().split()
    words = [word for word in text.lower().split() if "://" not in word]
    if len(rich_words) > 2 * len(words):
        return True
    shared = len(words) - len(set(words).difference(rich_words))
    return shared < len(words) / 2 and (len(rich_words) >= len(words) or bool(_PLACEHOLDER.search(text)))


def _without_styles(page: str) -> str:
    """Return a page without its head, styles and scripts, which may lack their end."""
    for name in ("head", "style", "script"):
        lower, parts, position = page.lower(), [], 0
        while (start := lower.find(f"<{name}", position)) >= 0:
            parts.append(page[position:start])
            position = lower.find(f"</{name}", start)
            if position < 0:
                position = len(page)
        page = "".join(parts) + page[position:]
    return page


def _tnef(data: bytes, charset: str, *, has_text: bool) -> Iterator[str | Attachment]:
    """Yield the parts of a winmail.dat.

    Args:
        data: the file.
        charset: label of the encoding of a plain text.
        has_text: whether the mail has a text of its own, which the body here repeats.
    """
    parts = tnef.tnef_parts(data)
    bodies = {part.kind: part.data for part in reversed(parts) if part.kind != "file"}
    if bodies and not has_text:
        text = decode_labelled(bodies["text"], charset) if "text" in bodies else ""
        if not text.strip() and "html" in bodies:
            text = mail_body_text(decode_labelled(bodies["html"], stated_encoding(bodies["html"][:4096])))
        if not text.strip() and "rtf" in bodies:
            text = outlook_rtf_text(bodies["rtf"])
        yield clean_body(text)
    for part in parts:
        if part.kind == "file":
            yield Attachment(short_label(CONTROLS.sub("", part.name)), _NO_KIND, True, partial(bytes, part.data))


def _filename(message: Message, charset: str) -> str:
    try:
        name = message.get_filename() or ""
        name = decode_words(name, charset) if "=?" in name or not name.isascii() else name
    except _EMAIL_ERRORS:
        return ""
    return short_label(CONTROLS.sub("", name))


def _part_text(message: Message, charset: str) -> str:
    """Return the text of a part, decoded and without HTML's tags."""
    text = _raw_text(message, charset)
    if message.get_content_type() == "text/html":
        text = mail_body_text(text)
    elif message.get_content_type() == "text/calendar":
        text = calendar_text(text) or text
    return clean_body(text)


def _raw_text(message: Message, charset: str) -> str:
    """Return the text of a part, decoded."""
    data = _decoded(message)
    try:
        label = message.get_content_charset("")
    except _EMAIL_ERRORS:
        label = ""
    if message.get_content_type() == "text/html" and label in ("", "us-ascii"):
        label = stated_encoding(data[:4096]) or label
    return decode_labelled(data, label or charset)


def _decoded(message: Message) -> bytes:
    """Return the bytes of a part."""
    try:
        data = message.get_payload(decode=True)
    except _EMAIL_ERRORS:
        return b""
    return data if isinstance(data, bytes) else b""


def clean_body(text: str) -> str:
    """Return a text with plain newlines and without controls."""
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
