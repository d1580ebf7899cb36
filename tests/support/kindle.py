"""Books for Kindle and Mobipocket, made anew: Palm databases with MOBI 6 and KF8 in them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

NONE = 0xFFFFFFFF
RECORD = 4096


def palm(records: Sequence[bytes], kind: bytes = b"BOOKMOBI", name: bytes = b"Book") -> bytes:
    """Make a database of records."""
    start = 78 + 8 * len(records) + 2
    entries, at = [], start
    for number, record in enumerate(records):
        entries.append(struct.pack(">LL", at, number))
        at += len(record)
    head = name.ljust(32, b"\0") + bytes(28) + kind + bytes(8) + struct.pack(">H", len(records))
    return head + b"".join(entries) + b"\0\0" + b"".join(records)


def packed_palmdoc(data: bytes) -> bytes:
    """Pack with literals, spaces, and pairs that repeat what came at most 2,047 bytes before."""
    out = bytearray()
    at = 0
    while at < len(data):
        for length in range(10, 2, -1):
            start = data.rfind(data[at : at + length], max(0, at - 2047), at + length - 1)
            if 0 <= start < at and at + length <= len(data):
                pair = 0x8000 | (at - start) << 3 | (length - 3)
                out += struct.pack(">H", pair)
                at += length
                break
        else:
            byte = data[at]
            if byte == 0x20 and at + 1 < len(data) and 0x40 <= data[at + 1] < 0x80:
                out.append(data[at + 1] ^ 0x80)
                at += 2
            elif byte == 0 or 9 <= byte < 0x80:
                out.append(byte)
                at += 1
            else:
                out += bytes((1, byte))
                at += 1
    return bytes(out)


def phrase_records(phrases: Sequence[tuple[bytes, bool]]) -> list[bytes]:
    """Make the records HUFF and CDIC of a code with eight bits a phrase; the code of phrase n is 255 - n.

    Args:
        phrases: each with whether it is plain; others are packed with this very code.
    """
    table = b"".join(struct.pack(">L", 255 << 8 | 0x80 | 8) for _ in range(256))
    bounds = struct.pack(">64L", *([0, 0] * 7), 0, 255, *([0, 0] * 24))
    huff = b"HUFF\0\0\0\x18" + struct.pack(">LL", 24, 24 + len(table)) + bytes(8) + table + bounds
    body, offsets = b"", []
    for text, is_plain in phrases:
        offsets.append(2 * len(phrases) + len(body))
        body += struct.pack(">H", len(text) | (0x8000 if is_plain else 0)) + text
    cdic = b"CDIC\0\0\0\x10" + struct.pack(">LL", len(phrases), 8)
    return [huff, cdic + struct.pack(f">{len(offsets)}H", *offsets) + body]


def number(value: int) -> bytes:
    """Write a number of variable width, whose last byte has the highest bit set."""
    out = [value & 0x7F | 0x80]
    while value := value >> 7:
        out.append(value & 0x7F)
    return bytes(reversed(out))


def index_records(
    tags: Sequence[tuple[int, int, int]], rows: Sequence[tuple[bytes, int, Sequence[int]]], labels: bytes = b""
) -> list[bytes]:
    """Make an index.

    Args:
        tags: number, numbers a value, and mask of each.
        rows: name, control byte, and numbers of each.
        labels: the record of labels; b"" for none.
    """
    table = b"".join(struct.pack("4B", *tag, 0) for tag in tags) + b"\0\0\0\1"
    tagx = b"TAGX" + struct.pack(">LL", 12 + len(table), 1) + table
    head = _index_head(192, 0, 1, len(labels) > 0) + tagx
    body, starts = b"", []
    for name, control, numbers in rows:
        starts.append(192 + len(body))
        body += bytes((len(name),)) + name + bytes((control,)) + b"".join(map(number, numbers))
    entries = _index_head(192, 192 + len(body), len(rows), 0) + body
    entries += b"IDXT" + b"".join(struct.pack(">H", start) for start in starts)
    return [head, entries, *([labels] if labels else [])]


def _index_head(length: int, places: int, count: int, label_records: int) -> bytes:
    fields = (length, 0, 0, 0, places, count, 65001, 0, count, 0, 0, 0, label_records)
    return (b"INDX" + struct.pack(">13L", *fields)).ljust(length, b"\0")


def label_record(names: Sequence[str]) -> tuple[bytes, list[int]]:
    """Make a record of labels. Returns it, and the place of each."""
    out, places = b"", []
    for name in names:
        places.append(len(out))
        out += number(len(name.encode())) + name.encode()
    return out, places


def header(
    count: int,
    size: int,
    *,
    compression: int = 2,
    encryption: int = 0,
    version: int = 6,
    encoding: int = 65001,
    title: str = "",
    fields: Sequence[tuple[int, bytes]] = (),
    indexes: dict[int, int] | None = None,
    flags: int = 0,
) -> bytes:
    """Make the record of a book's headers. indexes: numbers of records, by where the header names them."""
    length = 264
    head = bytearray(16 + length)
    struct.pack_into(">HHLHHH", head, 0, compression, 0, size, count, RECORD, encryption)
    head[16:20] = b"MOBI"
    for at, value in ((20, length), (24, 2), (28, encoding), (36, version), (128, 0x40 if fields else 0)):
        struct.pack_into(">L", head, at, value)
    for at in (192, 244, 248, 252):
        struct.pack_into(">L", head, at, (indexes or {}).get(at, NONE))
    for at in (112, 116):
        struct.pack_into(">L", head, at, (indexes or {}).get(at, 0))
    struct.pack_into(">H", head, 242, flags)
    body = b"".join(struct.pack(">LL", kind, 8 + len(value)) + value for kind, value in fields)
    exth = b"EXTH" + struct.pack(">LL", 12 + len(body), len(fields)) + body if fields else b""
    struct.pack_into(">LL", head, 84, len(head) + len(exth), len(title.encode()))
    return bytes(head) + exth + title.encode()


def text_records(text: bytes) -> list[bytes]:
    return [text[at : at + RECORD] for at in range(0, len(text), RECORD)]


AUTHOR, SUBJECT, PUBLISHED = 100, 105, 106
CONTENTS = [(1, 1, 1), (2, 1, 2), (3, 1, 4), (4, 1, 8), (6, 2, 16)]


def mobi(
    chapters: Sequence[tuple[str, str]], title: str = "", *, levels: Sequence[int] = (), **options: object
) -> bytes:
    """Make a book in MOBI 6 of (heading, paragraph), with contents that name the chapters."""
    text, places = b"<html><head><guide></guide></head><body>", []
    for _, paragraph in chapters:
        places.append(len(text))
        text += f"<p>{paragraph}</p><mbp:pagebreak/>".encode()
    text += b"</body></html>"
    records = [packed_palmdoc(record) for record in text_records(text)]
    labels, label_places = label_record([name for name, _ in chapters])
    depths = levels or [0] * len(chapters)
    rows = [(b"%03d" % n, 15, (place, 10, label_places[n], depths[n])) for n, place in enumerate(places)]
    index = index_records(CONTENTS, rows, labels)
    head = header(len(records), len(text), title=title, indexes={244: len(records) + 1}, **options)  # type: ignore[arg-type]
    return palm([head, *records, *index])


def kf8(chapters: Sequence[tuple[str, str]], title: str = "", *, fields: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """Make a book in KF8: a page for each (heading, paragraph), of a skeleton and two fragments."""
    text, skeletons, fragments = b"", [], []
    for heading, paragraph in chapters:
        start = len(text)
        before = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>'
        skeleton = before + b"</body></html>"
        pieces = [f"<h2>{heading}</h2>".encode(), f"<p>{paragraph}</p>".encode()]
        text += skeleton + b"".join(pieces)
        skeletons.append((b"SKEL%010d" % len(skeletons), 0x0A, (2, 2, start, len(skeleton), start, len(skeleton))))
        at, sequence = start + len(before), 0
        for piece in pieces:
            fragments.append((b"%010d" % at, 15, (0, len(skeletons) - 1, sequence, 0, len(piece))))
            at, sequence = at + len(piece), sequence + 1
    pages = len(text)
    text += b"p { margin: 0 }"  # a style sheet
    records = [packed_palmdoc(record) for record in text_records(text)]
    labels, label_places = label_record([heading for heading, _ in chapters])
    contents = [(b"%03d" % n, 31, (0, 10, label_places[n], 0, 2 * n, 0)) for n in range(len(chapters))]
    first = 1 + len(records)
    parts = [
        index_records([(1, 1, 3), (6, 2, 12)], skeletons),
        index_records([(2, 1, 1), (3, 1, 2), (4, 1, 4), (6, 2, 8)], fragments, label_record(["P-//*"])[0]),
        index_records(CONTENTS, contents, labels),
        [b"FDST" + struct.pack(">LL4L", 12, 2, 0, pages, pages, len(text))],
    ]
    numbers = [first + sum(map(len, parts[:n])) for n in range(4)]
    indexes = dict(zip((252, 248, 244, 192), numbers, strict=True))
    head = header(len(records), len(text), version=8, title=title, fields=fields, indexes=indexes)
    return palm([head, *records, *(record for part in parts for record in part)])
