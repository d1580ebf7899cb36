"""The two compressions of text in Kindle's books: PalmDOC and HUFF/CDIC.

PalmDOC is LZ77 with pairs of two bytes. HUFF/CDIC is a Huffman code over phrases, which are made of
other phrases; both as MobileRead's wiki ("PDB", "MOBI") and KindleUnpack describe them.

Knows bits and bounds. Does not know records.
"""

from __future__ import annotations

import struct

from crystalcli.errors import Reason, SourceError

_MAX_RECORD = 1 << 17  # bytes of text in a record; real ones have 4,096
_MAX_PHRASES = 1 << 18
_MAX_PHRASE = 1 << 13  # bytes; real ones have some dozens
_MAX_DEPTH = 32  # phrases in phrases
_DAMAGED = "damaged: its text cannot be unpacked"


def unpack_palmdoc(data: bytes) -> bytes:
    """Unpack a record of PalmDOC.

    Raises:
        SourceError: a pair leads before the beginning, or the text is too long.
    """
    out = bytearray()
    at, end = 0, len(data)
    while at < end:
        byte = data[at]
        at += 1
        if 1 <= byte <= 8:
            out += data[at : at + byte]
            at += byte
        elif byte < 0x80:
            out.append(byte)
        elif byte >= 0xC0:
            out.append(0x20)
            out.append(byte ^ 0x80)
        elif at < end:
            pair = byte << 8 | data[at]
            at += 1
            distance, length = pair >> 3 & 0x7FF, (pair & 7) + 3
            if not 0 < distance <= len(out):
                raise SourceError(_DAMAGED, Reason.DAMAGED)
            for _ in range(length):  # the copy may overlap itself
                out.append(out[-distance])
        if len(out) > _MAX_RECORD:
            raise SourceError(_DAMAGED, Reason.BOMB)
    return bytes(out)


class PhraseDecoder:
    """Decoder of HUFF/CDIC: a table of codes, and the phrases that they stand for."""

    def __init__(self, table: bytes, phrases: list[bytes]) -> None:
        """Read the records of the code.

        Args:
            table: the record HUFF.
            phrases: the records CDIC.

        Raises:
            SourceError: they are damaged.
        """
        try:
            self._read_table(table)
            self._phrases: list[tuple[bytes, bool] | None] = []
            for record in phrases:
                self._read_phrases(record)
        except struct.error:
            raise SourceError(_DAMAGED, Reason.DAMAGED) from None

    def _read_table(self, table: bytes) -> None:
        if table[:4] != b"HUFF":
            raise SourceError(_DAMAGED, Reason.DAMAGED)
        first, second = struct.unpack_from(">LL", table, 8)
        # By the first byte of a code: its length, whether that is certain, and the highest code.
        self._by_byte = []
        for value in struct.unpack_from(">256L", table, first):
            length, is_certain, highest = value & 0x1F, bool(value & 0x80), value >> 8
            self._by_byte.append((length, is_certain, ((highest + 1) << (32 - length)) - 1))
        bounds = struct.unpack_from(">64L", table, second)
        self._lowest = [0, *(low << (32 - length) for length, low in enumerate(bounds[::2], 1))]
        self._highest = [0, *(((high + 1) << (32 - length)) - 1 for length, high in enumerate(bounds[1::2], 1))]

    def _read_phrases(self, record: bytes) -> None:
        if record[:4] != b"CDIC":
            raise SourceError(_DAMAGED, Reason.DAMAGED)
        count, bits = struct.unpack_from(">LL", record, 8)
        here = min(1 << min(bits, 16), count - len(self._phrases))
        if here < 0 or len(self._phrases) + here > _MAX_PHRASES:
            raise SourceError(_DAMAGED, Reason.DAMAGED)
        for offset in struct.unpack_from(f">{here}H", record, 16):
            (length,) = struct.unpack_from(">H", record, 16 + offset)
            start = 18 + offset
            self._phrases.append((record[start : start + (length & 0x7FFF)], bool(length & 0x8000)))

    def unpack(self, data: bytes) -> bytes:
        """Unpack a record.

        Raises:
            SourceError: it is damaged, or unpacks to far more than a record.
        """
        return self._unpack(data, 0, _MAX_RECORD)

    def _unpack(self, data: bytes, depth: int, limit: int) -> bytes:
        if depth > _MAX_DEPTH:
            raise SourceError(_DAMAGED, Reason.NESTED_TOO_DEEPLY)
        at, end = 0, 8 * len(data)  # bits
        data += bytes(8)
        out = bytearray()
        while True:
            code = int.from_bytes(data[at >> 3 : (at >> 3) + 8], "big") >> (32 - (at & 7)) & 0xFFFFFFFF
            length, is_certain, highest = self._by_byte[code >> 24]
            if not is_certain:
                length = max(length, 1)
                while length <= 32 and code < self._lowest[length]:
                    length += 1
                if length > 32:
                    raise SourceError(_DAMAGED, Reason.DAMAGED)
                highest = self._highest[length]
            if not length:
                raise SourceError(_DAMAGED, Reason.DAMAGED)
            at += length
            if at > end:
                return bytes(out)
            out += self._phrase((highest - code) >> (32 - length), depth)
            if len(out) > limit:
                raise SourceError(_DAMAGED, Reason.BOMB)

    def _phrase(self, number: int, depth: int) -> bytes:
        """Return a phrase, unpacked the first time."""
        phrase = self._phrases[number] if 0 <= number < len(self._phrases) else None
        if phrase is None:  # it does not exist, or is a part of itself
            raise SourceError(_DAMAGED, Reason.DAMAGED)
        text, is_plain = phrase
        if not is_plain:
            self._phrases[number] = None
            text = self._unpack(text, depth + 1, _MAX_PHRASE)
            self._phrases[number] = text, True
        return text
