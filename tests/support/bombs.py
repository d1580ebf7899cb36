"""Small files that would like to become large: more than memory, or more than an evening.

Each maker gives a file's bytes, in a second or so. What they unpack to is never made here.
"""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

from support import packed_formats as packed

_GIGABYTE = 1 << 30
_BLOCK = 1 << 20


def _deflated(size: int, fill: bytes = b"\0") -> bytes:
    """A raw deflate stream of `size` times one byte: one block of it, written again and again."""
    first = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = first.compress(fill * _BLOCK) + first.flush(zlib.Z_FULL_FLUSH)
    return block * (size // _BLOCK) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()


def _crc(size: int, fill: bytes) -> int:
    found, block = 0, fill * _BLOCK
    for _ in range(size // _BLOCK):
        found = zlib.crc32(block, found)
    return found


def with_large_member(data: bytes, name: str, fill: bytes = b" ", size: int = _GIGABYTE) -> bytes:
    """A zip in which the member `name` is so many times one byte, and says so truly; every other one stays as it is."""
    inside, out = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    names = [*inside.namelist(), *([] if name in inside.namelist() else [name])]
    listed, crc = b"", _crc(size, fill)
    for each in names:
        raw = inside.read(each) if each != name else b""
        method = 8 if each == name else 0
        packed_data = _deflated(size, fill) if each == name else raw
        sums = (crc, len(packed_data), size) if each == name else (zlib.crc32(raw), len(raw), len(raw))
        where, encoded = out.tell(), each.encode()
        common = struct.pack("<HHHHH", 20, 0, method, 0, 0x58A1) + struct.pack("<LLL", *sums)
        out.write(b"PK\x03\x04" + common + struct.pack("<HH", len(encoded), 0) + encoded + packed_data)
        rest = struct.pack("<HHHHHLL", len(encoded), 0, 0, 0, 0, 0, where)
        listed += b"PK\x01\x02" + struct.pack("<H", 20) + common + rest + encoded
    start = out.tell()
    out.write(listed + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, len(names), len(names), len(listed), start, 0))
    return out.getvalue()


def _replaced(data: bytes, name: str, change: Callable[[str], str]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return packed.zipped(
            {
                each: change(archive.read(each).decode()) if each == name else archive.read(each)
                for each in archive.namelist()
            }
        )


_LAUGHS = (
    "<!DOCTYPE x ["
    + '<!ENTITY l0 "ha ha ha ha ha ">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


def _laughing(text: str, into: str) -> str:
    """An XML text with a definition of a billion laughs, called after the first `into`."""
    declared = text.split("?>", 1)
    start = declared[0] + "?>" + _LAUGHS + declared[1] if len(declared) == 2 else _LAUGHS + text
    return start.replace("<!DOCTYPE html>", "").replace(into, into + "&l9;", 1)


def _docx() -> bytes:
    return packed.docx([(1, "Harbour"), (0, "Rope.")], "Report")


def _xlsx() -> bytes:
    return packed.xlsx({"Ships": [["Ship"], ["Petrel"]]}, "Ships")


def _epub() -> bytes:
    return packed.epub([("One", ["Rope."])], "Book", "A", 3)


def _pdf(objects: list[bytes], root: int = 1) -> bytes:
    """A PDF of numbered objects."""
    out, places = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    rest = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + rest % (len(places) + 1, table, len(places) + 1, root, len(out))


def _stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), more, data)


def _zlib_zeros(size: int) -> bytes:
    return b"\x78\xda" + _deflated(size) + b"\0\0\0\0"


def _pdf_pages(kids: bytes, count: int, contents: bytes) -> bytes:
    return _pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count %d /Kids [%s] /MediaBox [0 0 200 200] >>" % (count, kids),
            b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
            contents,
        ]
    )


def _nested(depth: int) -> bytes:
    """Ten archives in an archive, so many times, with zeros at the bottom."""
    made = with_large_member(packed.zipped({}), "zeros.txt", b"\0", 100 << 20)
    for _ in range(depth):
        made = packed.zipped({f"{n}.zip": made for n in range(10)})
    return made


def _notebook(cell: dict[str, object]) -> bytes:
    held = {"cell_type": "code", "metadata": {}, "source": "1", "execution_count": 1, **cell}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [held]}).encode()


def _canvas() -> bytes:
    """As many groups as cards, none of which is in one."""
    place = {"width": 1, "height": 1}
    nodes = [{"type": "text", "text": "Rope.", "x": 9 * n, "y": 0, **place} for n in range(10_000)]
    nodes += [{"type": "group", "label": "a", "x": 9 * n, "y": 9, **place} for n in range(10_000)]
    return json.dumps({"nodes": nodes, "edges": []}).encode()


def _picture() -> bytes:
    data = base64.b64encode(bytes(range(256)) * 150_000).decode()
    return _notebook({"outputs": [{"output_type": "display_data", "metadata": {}, "data": {"image/png": data}}]})


BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros.zip": lambda: with_large_member(packed.zipped({"a.txt": "Rope."}), "zeros.txt", b"\0", 3 * _GIGABYTE),
    "nested.zip": lambda: _nested(4),
    "zeros.gz": lambda: packed.gzipped(bytes(16 * _BLOCK)) * 64,
    "zeros.tar.gz": lambda: packed.gzipped(bytes(16 * _BLOCK)) * 64,
    "large.docx": lambda: with_large_member(_docx(), "word/document.xml"),
    "large.xlsx": lambda: with_large_member(_xlsx(), "xl/sharedStrings.xml"),
    "large.epub": lambda: with_large_member(_epub(), "OEBPS/text/z.xhtml"),
    "large.odt": lambda: with_large_member(packed.odt([(0, "Rope.")], ""), "content.xml"),
    "laughs.docx": lambda: _replaced(
        _docx(), "word/document.xml", lambda text: _laughing(text, '<w:t xml:space="preserve">')
    ),
    "laughs.xlsx": lambda: _replaced(_xlsx(), "xl/sharedStrings.xml", lambda text: _laughing(text, "<t>")),
    "laughs.epub": lambda: _replaced(_epub(), "OEBPS/text/z.xhtml", lambda text: _laughing(text, "<p>")),
    "laughs.odt": lambda: _replaced(
        packed.odt([(0, "Rope.")], ""), "content.xml", lambda text: _laughing(text, "<text:p>")
    ),
    "laughs.html": lambda: (_LAUGHS + "<html><body><p>&l9;</p><p>Rope.</p></body></html>").encode(),
    "repeated.ods": lambda: _replaced(
        packed.ods({"Ships": [["Petrel"]]}, ""),
        "content.xml",
        lambda text: text.replace(
            "<table:table-cell office", '<table:table-cell table:number-columns-repeated="2000000000" office'
        ).replace("<table:table-row>", '<table:table-row table:number-rows-repeated="2000000000">'),
    ),
    "far.xlsx": lambda: _replaced(
        _xlsx(),
        "xl/worksheets/sheet1.xml",
        lambda text: re.sub('r="(A?)2"', r'r="\g<1>1048576"', text),
    ),
    "pages.pdf": lambda: _pdf_pages(b"3 0 R " * 6_000, 6_000, _stream(b"BT (x) Tj ET")),
    "count.pdf": lambda: _pdf_pages(b"3 0 R", 2_000_000_000, _stream(b"BT (x) Tj ET")),
    "circle.pdf": lambda: _pdf_pages(b"2 0 R 2 0 R 3 0 R", 3, _stream(b"BT (x) Tj ET")),
    "zeros.pdf": lambda: _pdf_pages(b"3 0 R", 1, _stream(_zlib_zeros(_GIGABYTE), b"/Filter /FlateDecode")),
    "twice.pdf": lambda: _pdf_pages(
        b"3 0 R", 1, _stream(zlib.compress(_zlib_zeros(4 * _GIGABYTE), 9), b"/Filter [/FlateDecode /FlateDecode]")
    ),
    "objects.pdf": lambda: _pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            _stream(_zlib_zeros(_GIGABYTE), b"/Type /ObjStm /N 100000000 /First 10 /Filter /FlateDecode"),
        ]
    ),
    "brackets.pdf": lambda: _pdf([b"[" * 500_000]),
    "deep.json": lambda: b"[" * 200_000,
    "deep-closed.json": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep.html": lambda: b"<!DOCTYPE html><body>" + b"<div><b>" * 60_000 + b"Rope.",
    "deep.xml": lambda: b"<?xml version='1.0'?>" + b"<a>" * 100_000,
    "deep.docx": lambda: _replaced(
        _docx(),
        "word/document.xml",
        lambda text: text.replace("<w:body>", "<w:body>" + "<w:sdt>" * 50_000 + "</w:sdt>" * 50_000),
    ),
    "deep.py": lambda: b"x = " + b"(" * 150_000,
    "deep.js": lambda: b"f(" * 100_000 + b"{" * 100_000,
    "deep.c": lambda: b"int a" + b"[1]" * 100_000 + b" = " + b"{" * 100_000,
    "deep.cpp": lambda: b"A<" * 100_000,
    "deep.md": lambda: b">" * 100_000 + b" Rope.\n" + b"* " * 100_000 + b"\n" + b"[" * 100_000,
    "deep.ipynb": lambda: b'{"cells":' + b"[" * 150_000,
    "deep.eml": lambda: b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(5_000)
    ),
    "line.txt": lambda: b"rope and tar " * 150_000,
    "word.txt": lambda: b"r" * 3_000_000,
    "line.py": lambda: b"x = [" + b"1234, " * 150_000,
    "line.csv": lambda: b"a," * 400_000 + b"\n1,2\n",
    "quote.csv": lambda: b'a,b\n1,"' + b"rope,\n" * 40_000,
    "combining.txt": lambda: b"A" + "\u0301\u0302\u0323".encode() * 170_000,
    "newlines.md": lambda: b"# a\n" + b"\n" * 400_000,
    "headings.md": lambda: b"# a\n" * 20_000,
    "empty.mbox": lambda: b"From a@example.org Wed May  1 10:30:00 2024\n\n\n" * 40_000,
    "headers.eml": lambda: b"".join(b"X-%d: a\n" % n for n in range(20_000)) + b"\nRope.\n",
    "folded.eml": lambda: b"Subject: a\n" + b" b\n" * 50_000 + b"\nRope.\n",
    "encoded.eml": lambda: b"Subject: " + b"=?utf-8?q?=41?= " * 30_000 + b"\n\nRope.\n",
    "picture.ipynb": _picture,
    "output.ipynb": lambda: _notebook(
        {"outputs": [{"output_type": "stream", "name": "stdout", "text": "rope and tar\n" * 300_000}]}
    ),
    "heads.html": lambda: b"<title>x</title>" + b"<my-rope>x</my-rope>" * 100_000,
    "groups.rtf": lambda: b"{\\rtf1 " + b"{\\b " * 300_000 + b"x",
    "dates.rtf": lambda: b"{\\rtf1{\\info{\\revtim" + b"\\yr99999999\\mo3" * 100_000 + b"}}x}",
    "folded.vcf": lambda: b"BEGIN:VCARD\nFN:a\n" + b" b\n" * 300_000 + b"END:VCARD\n",
    "groups.canvas": _canvas,
    "cues.srt": lambda: b"".join(b"%d\n00:00:01,000 --> 00:00:02,000\n\n" % n for n in range(10_000)),
    "messages.json": lambda: json.dumps([{"author": "A", "time": "2024-05-01", "text": ""}] * 10_000).encode(),
    "number.json": lambda: b'{"messages": [{"author": "A", "time": ' + b"9" * 1_000_000 + b', "text": "Rope."}]}',
}
