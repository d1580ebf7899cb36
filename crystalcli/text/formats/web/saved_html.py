"""The page inside a web page that was saved with its pictures in one file (MHTML, RFC 2557).

Knows which part of the file is the page. Does not know HTML.
"""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser

from crystalcli.text.source.stated_encoding import stated_encoding
from crystalcli.text.source.text_decoder import decode_labelled


def saved_html(data: bytes) -> str | None:
    """Return the page in the bytes of a file, or None without one."""
    message = BytesParser().parsebytes(data)
    start = str(message.get_param("start") or "").strip("<>")
    pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    page = next((part for part in pages if start and _identity(part) == start), pages[0] if pages else None)
    content = page.get_payload(decode=True) if page is not None else None
    if page is None or not isinstance(content, bytes):
        return None
    return decode_labelled(content, page.get_content_charset("") or stated_encoding(content[:4096]))


def _identity(part: Message) -> str:
    return str(part.get("Content-ID", "")).strip("<> ")
