"""Headers of a mail: their words decoded, their people and their time.

Knows encoded words (RFC 2047), also those that break its rules, and headers that are bytes in an
encoding that nothing names. Does not know bodies.
"""

from __future__ import annotations

import binascii
import re
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

from crystalcli.text.document.messages import short_label
from crystalcli.text.source.text_decoder import decode_labelled

CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SHOWN = ("Subject", "From", "To", "Cc", "Date")
_MAX_LENGTH = 2000  # characters of a header
# An encoded word; a program may have broken it with white space, or have forgotten it in quotes.
_WORD = re.compile(r"=\?([\w.:-]{1,40})(?:\*[\w-]*)?\?([bBqQ])\?([^\r\n]{0,2000}?)\?=")
_ADDRESS = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>")
_BRACKETED = re.compile(r"(?P<name>.*?)\s*<[^<>\s]*@[^<>\s]*>\s*")


def header_lines(message: Message, charset: str) -> list[str]:
    """Return the headers that a reader of the mail sees.

    Args:
        message: the mail.
        charset: label of the encoding of bytes that no header names, or "".
    """
    values = ((name, header(message, name, charset)) for name in _SHOWN)
    return [f"{name}: {value}" for name, value in values if value]


def header(message: Message, name: str, charset: str = "") -> str:
    """Return a header on one line, decoded; "" without it."""
    return decode_words(_raw(message, name), charset)


def author(message: Message, charset: str = "") -> str:
    """Return the name of the first author, or else the address."""
    raw = _raw(message, "From")[: 10 * _MAX_LENGTH]
    match = _ADDRESS.match(raw)
    # Taken apart first: the name may hold commas and brackets once it is decoded.
    name, address = (match["name"], match["address"]) if match and "@" not in match["name"] else _split(raw)
    name = _unquoted(decode_words(_unquoted(name), charset))
    shown = name or decode_words(address or raw, charset)
    if bracketed := _BRACKETED.fullmatch(shown):  # all of it was one encoded word
        shown = _unquoted(bracketed["name"])
    return short_label(shown)


def time(message: Message) -> str:
    """Return the time on the sender's clock, or the words of an invalid date."""
    value = header(message, "Date")
    try:
        return parsedate_to_datetime(value).strftime("%Y-%m-%d %H:%M")
    except (ValueError, TypeError, IndexError, OverflowError):
        return short_label(value)


def decode_words(raw: str, charset: str = "") -> str:
    """Return a header's text on one line.

    Args:
        raw: as the parser gives it, with surrogates for bytes beyond ASCII.
        charset: label of the encoding of these bytes, or "".
    """
    parts: list[tuple[bytes, str]] = []  # bytes with their charset; two halves of a letter join
    end = 0
    for match in _WORD.finditer(raw[: 10 * _MAX_LENGTH]):
        between = raw[end : match.start()]
        if between.strip() or not end:
            parts.append((between.encode("utf-8", "surrogateescape"), charset))
        data, label = _word_bytes(match[3], match[2]), match[1].lower()
        if parts and parts[-1][1] == label and not between.strip():
            parts[-1] = parts[-1][0] + data, label
        else:
            parts.append((data, label))
        end = match.end()
    parts.append((raw[end : 10 * _MAX_LENGTH].encode("utf-8", "surrogateescape"), charset))
    text = "".join(decode_labelled(data, label) for data, label in parts if data)
    return " ".join(CONTROLS.sub("", text).split())[:_MAX_LENGTH]


def _word_bytes(text: str, encoding: str) -> bytes:
    """Return the bytes of an encoded word, as far as they can be read."""
    data = text.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


def _raw(message: Message, name: str) -> str:
    """Return a header as the mail has it, with surrogates for bytes beyond ASCII."""
    wanted = name.lower()
    return next((str(value) for key, value in message.raw_items() if key.lower() == wanted), "")


def _split(raw: str) -> tuple[str, str]:
    """Return the name and the address of the first author, as Python's `email` tells them."""
    try:
        return parseaddr(raw)
    except (ValueError, IndexError, AttributeError, RecursionError):
        return "", ""


def _unquoted(name: str) -> str:
    name = name.strip()
    return re.sub(r"\\(.)", r"\1", name[1:-1]).strip() if name[:1] == name[-1:] == '"' and len(name) > 1 else name
