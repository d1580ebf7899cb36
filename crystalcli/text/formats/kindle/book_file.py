"""A Kindle book as a file: its headers, its fields, and its text unpacked.

A file may hold a book twice, once for old readers (MOBI 6) and once for new ones (KF8), which is
then read. The fields of the headers are those of MobileRead's wiki ("MOBI") and of KindleUnpack.

Knows headers and records. Does not know how the text is divided (book_parts).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property

from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.kindle.palm_records import PalmRecords
from crystalcli.text.formats.kindle.text_compression import PhraseDecoder, unpack_palmdoc

DRM = ("encrypted (copy protection)", Reason.CANNOT_DECRYPT)
_DAMAGED = ("damaged: its header cannot be read", Reason.DAMAGED)
_NONE = 0xFFFFFFFF
_MAX_TEXT = 64_000_000  # bytes; a long novel has a million
_MAX_FIELDS = 1000
_PLAIN, _PALMDOC, _PHRASES = 1, 2, 17480
# Numbers of fields (EXTH).
AUTHOR, SUBJECT, PUBLISHED, TITLE = 100, 105, 106, 503
_KF8 = 121


class BookFile:
    """A book in a Palm database.

    Attributes:
        records: its records.
        first: number of the record that holds its header.
        version: of the format: 8 for KF8, less for MOBI.
        encoding: a codec of Python.
        fields: values by number (EXTH).
        is_plain: whether its text has no markup, as in PalmDOC's own books.
    """

    def __init__(self, data: bytes) -> None:
        """Read the headers.

        Raises:
            SourceError: they are damaged, or the book is encrypted.
        """
        self.records = PalmRecords(data)
        self.is_plain = self.records.kind == b"TEXtREAd"
        self.fields: dict[int, list[bytes]] = {}
        try:
            self._read_header(0)
            kf8 = self.fields.get(_KF8, [b""])[0]
            if len(kf8) == 4 and self.version < 8 and (first := int.from_bytes(kf8, "big")) != _NONE:
                fields = self.fields
                self._read_header(first)
                self.fields = {**fields, **self.fields}
        except (struct.error, IndexError):
            raise SourceError(*_DAMAGED) from None

    def _read_header(self, first: int) -> None:
        head = self.records[first]
        self.first, self._head = first, head
        self._compression, _, self._length, self._count, _, encryption = struct.unpack_from(">HHLHHH", head)
        self.version, self.encoding = 0, "cp1252"
        self.fields = {}
        if encryption:
            raise SourceError(*DRM)
        if self.is_plain:
            return
        if head[16:20] != b"MOBI":
            raise SourceError(*_DAMAGED)
        self._header_length = self._number(20)
        self.encoding = "utf-8" if self._number(28) == 65001 else "cp1252"
        self.version = self._number(36)
        if self._number(128) & 0x40:
            self._read_fields(16 + self._header_length)

    def _number(self, offset: int) -> int:
        """Return the number in four bytes of the header; the greatest one where it ends before."""
        head = self._head
        end = min(len(head), 16 + int.from_bytes(head[20:24], "big"))
        return int.from_bytes(head[offset : offset + 4], "big") if offset + 4 <= end else _NONE

    def _read_fields(self, at: int) -> None:
        head = self._head
        if head[at : at + 4] != b"EXTH":
            return
        (count,) = struct.unpack_from(">L", head, at + 8)
        at += 12
        for _ in range(min(count, _MAX_FIELDS)):
            number, length = struct.unpack_from(">LL", head, at)
            if length < 8:
                return
            self.fields.setdefault(number, []).append(head[at + 8 : at + length])
            at += length

    def field(self, number: int) -> list[str]:
        """Return the values of a field as texts."""
        return [value.decode(self.encoding, "replace") for value in self.fields.get(number, ())]

    @property
    def title(self) -> str:
        """The title; "" without one."""
        if titles := self.field(TITLE):
            return titles[0]
        if self.is_plain:
            return self.records.name.decode(self.encoding, "replace")
        start, length = self._number(84), self._number(88)
        return (
            self._head[start : start + length].decode(self.encoding, "replace") if _NONE not in (start, length) else ""
        )

    def index(self, offset: int) -> int | None:
        """Return the record of an index that the header names at an offset; None without one."""
        number = self._number(offset)
        return None if number == _NONE else self.first + number

    @cached_property
    def _decoder(self) -> PhraseDecoder:
        first, count = self._number(112), self._number(116)
        if not 1 < count < 1000:
            raise SourceError(*_DAMAGED)
        records = [self.records[self.first + first + number] for number in range(count)]
        return PhraseDecoder(records[0], records[1:])

    def text_records(self) -> Iterator[bytes]:
        """Yield the text, record by record.

        Raises:
            SourceError: it is damaged, too large, or packed in an unknown way.
        """
        size = 0
        for number in range(self.first + 1, self.first + 1 + self._count):
            record = self._without_trailers(self.records[number])
            if self._compression == _PALMDOC:
                record = unpack_palmdoc(record)
            elif self._compression == _PHRASES:
                record = self._decoder.unpack(record)
            elif self._compression != _PLAIN:
                raise SourceError("packed in an unknown way", Reason.UNSUPPORTED)
            size += len(record)
            if size > _MAX_TEXT:
                raise SourceError(f"a book of more than {_MAX_TEXT // 1_000_000} MB of text", Reason.TOO_LARGE)
            yield record

    def _without_trailers(self, record: bytes) -> bytes:
        """Return a record of text without the entries behind it, each with its length last."""
        if self.is_plain or self._header_length < 228 or len(self._head) < 244:
            return record
        (flags,) = struct.unpack_from(">H", self._head, 242)
        for _ in range((flags >> 1).bit_count()):
            length = 0
            for byte in record[-4:]:
                length = byte & 0x7F if byte & 0x80 else length << 7 | byte & 0x7F
            record = record[: max(0, len(record) - length)]
        if flags & 1 and record:
            record = record[: max(0, len(record) - (record[-1] & 3) - 1)]
        return record
