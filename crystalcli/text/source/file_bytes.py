"""A file's bytes: their fingerprint and their encoding.

Knows byte-order marks, UTF-8, UTF-16 by its zeros, and the look of bytes that are not text. Does
not know kinds of documents, nor the content of the text. Reads in pieces and holds one at a time,
so a file may be larger than memory.

A byte that is not UTF-8 does not spoil the file. Where most of its other high bytes do form UTF-8
(a log with a character cut in two, a file pasted together), only the stray bytes are read as
Windows-1252; otherwise the whole file is. Where most letters at its beginning would then be
accented, legacy_encodings compares it with other alphabets first.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from crystalcli.datatypes import Fingerprint
from crystalcli.errors import Reason, Refusal, SourceError, UnsteadySourceError, refusal_of
from crystalcli.text.source.legacy_encodings import GUESSED, guess_encoding

PIECE_BYTES = 1 << 18
HEAD_BYTES = 4096
CHANGED = Refusal("changed while it was being read", Reason.CHANGED_WHILE_READ)
BINARY_FILE = Refusal("binary file", Reason.NOT_TEXT)

BYTE_ORDER_MARK = "\ufeff"
# The longer first: the mark of UTF-32 begins with that of UTF-16. The codecs of these names drop
# the mark.
ENCODINGS_BY_MARK = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Windows-1252 as browsers read it: the five bytes that it leaves open map to themselves, so that no
# byte is an error.
WINDOWS_1252 = "".join(
    bytes((byte,)).decode("latin-1" if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "cp1252") for byte in range(256)
)
STRAY_BYTE = re.compile("[\udc80-\udcff]")  # as "surrogateescape" decodes a byte that is not UTF-8
# Controls that are not typed: all but backspace, tab, newlines, form feed, the end mark of DOS, and
# escape.
CONTROLS = frozenset((*range(32), 127)) - frozenset(b"\b\t\n\v\f\r\x1a\x1b")
NOT_CONTROLS = bytes(byte for byte in range(256) if byte not in CONTROLS)
# UTF-16 without a mark: the share of characters with a zero byte, which are spaces, newlines and
# digits, and the share of the others that look like two bytes of ASCII; in Chinese it is 0.2.
MIN_ZERO_SHARE = 0.02
MAX_ASCII_PAIR_SHARE = 0.6
# Share of control bytes in a text: in compressed data it is 0.1, in most texts 0.
MAX_CONTROL_SHARE = 0.02

# First bytes of files that are not text, and the name of their format.
MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)


@dataclass(frozen=True, slots=True)
class FileSurvey:
    """Result of one pass over a file's bytes.

    Attributes:
        fingerprint: size, time of change, and digest.
        encoding: of a text, "utf-8", "utf-8 with strays", "utf-16", "utf-16-le" and "utf-16-be"
            without a mark, "utf-32", "windows-1252" or one of legacy_encodings.GUESSED; of any
            other file, "pdf", "tar", or a name in MAGIC.
        head: the first 4 KB.
    """

    fingerprint: Fingerprint
    encoding: str
    head: bytes


def survey_file(path: Path, piece: int = PIECE_BYTES, *, named_pdf: bool = False) -> FileSurvey:
    """Read a file once from end to end.

    Args:
        path: the file.
        piece: bytes to hold at a time.
        named_pdf: whether its name is that of a PDF.

    Raises:
        SourceError: It cannot be read, is empty, or is of an unknown format.
    """
    with open_bytes(path) as (stream, mtime_ns):
        digest = hashlib.sha256()
        size = 0
        head = part = stream.read(HEAD_BYTES)
        detector = _EncodingDetector(head, named_pdf)
        while part:
            digest.update(part)
            size += len(part)
            detector.feed(part)
            part = stream.read(piece)
    # The time is from before the first byte: a change during the pass leaves it older than the
    # file's.
    return FileSurvey(Fingerprint(size, mtime_ns, digest.digest()), detector.encoding(size), head)


def bytes_again(path: Path, fingerprint: Fingerprint, piece: int = PIECE_BYTES) -> Iterator[bytes]:
    """Read a file again, in pieces.

    Args:
        path: the file.
        fingerprint: of its bytes, when they were surveyed.
        piece: bytes of a piece at most.

    Raises:
        UnsteadySourceError: The bytes have changed; raised after the last piece.
    """
    with open_bytes(path) as (stream, _):
        yield from checked_pieces(stream, fingerprint, piece)


def checked_pieces(stream: BinaryIO, fingerprint: Fingerprint, piece: int = PIECE_BYTES) -> Iterator[bytes]:
    """The pieces of an open file from its current position on; otherwise as `bytes_again`."""
    digest = hashlib.sha256()
    size = 0
    while part := stream.read(piece):
        digest.update(part)
        size += len(part)
        if size > fingerprint.size:  # no reading to the end: a log may grow as fast as it is read
            break
        yield part
    if size != fingerprint.size or digest.digest() != fingerprint.digest:
        raise UnsteadySourceError(*CHANGED)


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file for reading.

    Yields:
        The stream, and the time of the file's last change in nanoseconds.

    Raises:
        SourceError: The path is not that of a regular file.
        UnsteadySourceError: The system refuses to open or to read it.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a named pipe would wait for a writer
            raise SourceError("a folder" if stat.S_ISDIR(mode) else "not a regular file", Reason.NOT_A_FILE)
        with path.open("rb") as stream:
            yield stream, os.fstat(stream.fileno()).st_mtime_ns
    except OSError as error:
        raise UnsteadySourceError(*refusal_of(error)) from error


class Decoder:
    """Decode a file's bytes piece by piece, without the byte-order mark at the start.

    Args:
        encoding: as in FileSurvey, of a text.
    """

    def __init__(self, encoding: str) -> None:
        self._has_strays = encoding == "utf-8 with strays"
        self._at_start = encoding.startswith("utf-8")
        self._decoder: codecs.IncrementalDecoder | None = None
        if encoding != "windows-1252":
            codec = "utf-8" if self._has_strays else encoding
            errors = "surrogateescape" if self._has_strays else "replace" if encoding in GUESSED else "strict"
            self._decoder = codecs.getincrementaldecoder(codec)(errors)

    def decode(self, part: bytes, *, final: bool = False) -> str:
        """Decode the next bytes.

        Args:
            part: the bytes, which may begin and end in the middle of a character.
            final: whether they are the last.

        Raises:
            UnicodeDecodeError: The bytes are not valid in the encoding.
        """
        if self._decoder is None:
            return codecs.charmap_decode(part, "strict", WINDOWS_1252)[0]
        text = self._decoder.decode(part, final)
        if self._at_start and text:  # the codec "utf-8-sig" would lose a file of one byte 0xEF
            self._at_start = False
            text = text.removeprefix(BYTE_ORDER_MARK)
        if self._has_strays and not text.isascii():
            return STRAY_BYTE.sub(lambda stray: WINDOWS_1252[ord(stray[0]) - 0xDC00], text)
        return text


def unmarked_utf_16(head: bytes) -> str:
    """Detect UTF-16 without a byte-order mark.

    In ASCII, spaces and newlines, which all scripts share, one of the two bytes is zero, always the
    same one; the other byte is zero in few characters.

    Args:
        head: the first bytes of a file.

    Returns:
        "utf-16-le" or "utf-16-be"; "" when the file does not begin as text in either.
    """
    zeros = [head[start::2].count(0) for start in (0, 1)]
    if len(head) < 2 or 2 * min(zeros) > max(zeros) or max(zeros) < MIN_ZERO_SHARE * len(head) / 2:
        return ""
    encoding = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    pairs = [pair for pair in zip(head[::2], head[1::2], strict=False) if 0 not in pair]
    upper = encoding == "utf-16-le"  # index of the upper byte; 0x30 is that of kana
    ascii_pairs = sum(min(pair) > 8 and max(pair) < 127 and pair[upper] != 0x30 for pair in pairs)
    if ascii_pairs > MAX_ASCII_PAIR_SHARE * len(pairs):
        return ""  # ASCII, with zeros between fields
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return ""
    is_text = all(character.isprintable() or character in "\t\n\r\f\u2028\u3000" for character in text)
    return encoding if is_text else ""


class _EncodingDetector:
    """Detect the encoding of a file during the first pass over its bytes.

    Args:
        head: the first bytes.
        named_pdf: whether the file's name is that of a PDF.
    """

    def __init__(self, head: bytes, named_pdf: bool) -> None:
        self.head = head
        # The header of a PDF may come after some junk; but a text that mentions it is a text.
        self.is_pdf = bool(head) and (named_pdf or head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"%PDF-"))
        self.may_be_pdf = b"%PDF-" in head[:1024]
        self.is_binary = False
        self.magic = next((name for magic, name in MAGIC if head.startswith(magic)), "")
        if head[257:262] == b"ustar":
            self.magic = "tar"
        encodings = (encoding for mark, encoding in ENCODINGS_BY_MARK if head.startswith(mark))
        self.utf = next(encodings, "") or unmarked_utf_16(head)  # UTF-16 or UTF-32; "" for neither
        self.decoder = codecs.getincrementaldecoder(self.utf or "utf-8")("strict" if self.utf else "surrogateescape")
        self.characters = 0
        self.strays = 0
        self.controls = 0
        self.is_blank = True

    def feed(self, part: bytes, *, final: bool = False) -> None:
        """Look at the next bytes. Raises SourceError once they show that the file is not text."""
        if self.is_pdf or self.is_binary or self.magic:
            return
        if not self.utf and b"\0" in part:
            self._mark_binary()
            return
        try:
            text = self.decoder.decode(part, final)
        except UnicodeDecodeError:
            if self.utf.endswith("e"):  # a guess: the file has no mark that says it is text
                raise SourceError(*BINARY_FILE) from None
            raise SourceError(f"not valid {self.utf.upper()} text", Reason.NOT_TEXT) from None
        if self.utf and "\0" in text:
            self._mark_binary()
            return
        self.characters += len(text)
        self.is_blank = self.is_blank and not text.removeprefix(BYTE_ORDER_MARK).strip()
        if not self.utf:
            self.controls += len(part.translate(None, NOT_CONTROLS))
            try:
                text.encode("utf-8")  # five times as fast as a search for strays, which are rare
            except UnicodeEncodeError:
                self.strays += len(STRAY_BYTE.findall(text))

    def _mark_binary(self) -> None:
        if not self.may_be_pdf:
            raise SourceError(*BINARY_FILE)  # no need to read on
        self.is_binary = True

    def encoding(self, size: int) -> str:
        """The encoding as in FileSurvey, after the last of `size` bytes. Raises SourceError."""
        self.feed(b"", final=True)
        if self.magic and not self.is_pdf:
            return self.magic
        if self.is_pdf or self.is_binary or (self.may_be_pdf and self.strays):
            return "pdf"
        if self.is_blank:
            raise SourceError("empty", Reason.EMPTY)
        if self.utf or not self.strays:
            return self.utf or "utf-8"
        if self.controls > MAX_CONTROL_SHARE * size:
            raise SourceError(*BINARY_FILE)
        # A character of UTF-8 beyond ASCII has one to three bytes more than characters; a stray has
        # none.
        if size - self.characters > self.strays:
            return "utf-8 with strays"
        return guess_encoding(self.head) or "windows-1252"
