"""A file's bytes: their fingerprint, and which encoding they are in.

Knows byte-order marks, UTF-8, UTF-16 by its zeros, and what bytes that are no text look like. Knows neither kinds of documents nor what
the text says. Reads in pieces and holds one at a time, so a file may be larger than memory.

A byte that is not UTF-8 does not spoil the file: where most of its other high bytes do form UTF-8 (a log with a
character cut in two, a file pasted together) the strays alone are read as Windows-1252; otherwise all of it is. Only where most of
the letters at its beginning would be accented ones then, it is held against other alphabets (alphabets).
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

from crystalcli.errors import Reason, Refusal, SourceError, UnsteadySourceError, refusal_of
from crystalcli.text.source.legacy_encodings import GUESSED, guess_encoding
from crystalcli.types import Fingerprint

PIECE = 1 << 18
HEAD = 4096
CHANGED = Refusal("changed while it was being read", Reason.CHANGED_WHILE_READ)
BINARY_FILE = Refusal("binary file", Reason.NOT_TEXT)

MARK = "\ufeff"
# The longer first: the mark of UTF-32 begins with that of UTF-16. The codecs of these names drop the mark.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Windows-1252 as browsers read it: the five bytes it leaves open stand for themselves, so that no byte is an error.
WINDOWS_1252 = "".join(
    bytes((byte,)).decode("latin-1" if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "cp1252") for byte in range(256)
)
STRAY = re.compile("[\udc80-\udcff]")  # what "surrogateescape" makes of a byte that is not UTF-8
# Bytes no one types: all controls but backspace, tab, newlines, form feed, the end mark of DOS, and escape.
CONTROLS = frozenset((*range(32), 127)) - frozenset(b"\b\t\n\v\f\r\x1a\x1b")
NOT_CONTROLS = bytes(byte for byte in range(256) if byte not in CONTROLS)
FEWEST_ZEROS = 0.02  # of the characters of UTF-16 without a mark: spaces, newlines, digits
MOST_PAIRS = 0.6  # of its other characters, that are two bytes of ASCII: in Chinese they are 0.2
CONTROLS_IN_TEXT = 0.02  # in compressed data a tenth of the bytes are controls, in text next to none


# What the first bytes say of a file that is no text, and what it is then.
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
    """What one pass over a file's bytes found.

    encoding: of a text, "utf-8", "utf-8 with strays", "utf-16", "utf-16-le" and "utf-16-be" without a mark,
    "utf-32", "windows-1252" or one of alphabets.GUESSED; of what is none, "pdf", "tar", or a name in MAGIC. head: its first 4 KB.
    """

    fingerprint: Fingerprint
    encoding: str
    head: bytes


def survey_file(path: Path, piece: int = PIECE, *, named_pdf: bool = False) -> FileSurvey:
    """One pass over the file. Raises SourceError when it cannot be read, is empty, or is neither text nor PDF."""
    with open_bytes(path) as (stream, mtime_ns):
        digest = hashlib.sha256()
        size = 0
        head = part = stream.read(HEAD)
        look = _Look(head, named_pdf)
        while part:
            digest.update(part)
            size += len(part)
            look.at(part)
            part = stream.read(piece)
    # The time is from before the first byte: a change during the pass leaves it older than the file's.
    return FileSurvey(Fingerprint(size, mtime_ns, digest.digest()), look.verdict(size), head)


def bytes_again(path: Path, fingerprint: Fingerprint, piece: int = PIECE) -> Iterator[bytes]:
    """The bytes in pieces. Raises UnsteadySourceError at the end if they are not those of the fingerprint."""
    with open_bytes(path) as (stream, _):
        yield from checked_pieces(stream, fingerprint, piece)


def checked_pieces(stream: BinaryIO, fingerprint: Fingerprint, piece: int = PIECE) -> Iterator[bytes]:
    """As `bytes_again`, of a file that is open already."""
    digest = hashlib.sha256()
    size = 0
    while part := stream.read(piece):
        digest.update(part)
        size += len(part)
        if size > fingerprint.size:  # at once: a log may grow as fast as it is read
            break
        yield part
    if size != fingerprint.size or digest.digest() != fingerprint.digest:
        raise UnsteadySourceError(*CHANGED)


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file opened for reading and its time of change; what the system refuses comes as UnsteadySourceError."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # to open a named pipe would wait for someone to write into it
            raise SourceError("a folder" if stat.S_ISDIR(mode) else "not a regular file", Reason.NOT_A_FILE)
        with path.open("rb") as stream:
            yield stream, os.fstat(stream.fileno()).st_mtime_ns
    except OSError as error:
        raise UnsteadySourceError(*refusal_of(error)) from error


class Decoder:
    """Turns a file's bytes into its text, however they are cut. A mark at the start is dropped."""

    def __init__(self, encoding: str) -> None:
        self._strays = encoding == "utf-8 with strays"
        self._at_start = encoding.startswith("utf-8")
        self._decoder: codecs.IncrementalDecoder | None = None
        if encoding != "windows-1252":
            codec = "utf-8" if self._strays else encoding
            errors = "surrogateescape" if self._strays else "replace" if encoding in GUESSED else "strict"
            self._decoder = codecs.getincrementaldecoder(codec)(errors)

    def decode(self, part: bytes, *, final: bool = False) -> str:
        """Raises UnicodeDecodeError where the bytes are not what the encoding says."""
        if self._decoder is None:
            return codecs.charmap_decode(part, "strict", WINDOWS_1252)[0]
        text = self._decoder.decode(part, final)
        if self._at_start and text:  # Python's own codec for this, "utf-8-sig", loses a file of one byte 0xEF
            self._at_start = False
            text = text.removeprefix(MARK)
        if self._strays and not text.isascii():
            return STRAY.sub(lambda stray: WINDOWS_1252[ord(stray[0]) - 0xDC00], text)
        return text


def unmarked_utf_16(head: bytes) -> str:
    """ "utf-16-le" or "utf-16-be" for a file that begins as text in it, without a mark, else "".

    Of what is common to all scripts, spaces and newlines, and of ASCII one byte in two is zero, always the same one of the two; the
    other one is in few characters.
    """
    at = [head[start::2].count(0) for start in (0, 1)]
    if len(head) < 2 or 2 * min(at) > max(at) or max(at) < FEWEST_ZEROS * len(head) / 2:
        return ""
    encoding = "utf-16-be" if at[0] > at[1] else "utf-16-le"
    pairs = [pair for pair in zip(head[::2], head[1::2], strict=False) if 0 not in pair]
    upper = encoding == "utf-16-le"  # which of the two is the upper byte; 0x30 is that of kana
    if sum(min(pair) > 8 and max(pair) < 127 and pair[upper] != 0x30 for pair in pairs) > MOST_PAIRS * len(pairs):
        return ""  # ASCII, with zeros between fields
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return ""
    return encoding if all(each.isprintable() or each in "\t\n\r\f\u2028\u3000" for each in text) else ""


class _Look:
    """What the first pass has seen so far."""

    def __init__(self, head: bytes, named_pdf: bool) -> None:
        self.head = head
        # The header of a PDF may come after some junk; but a text that speaks of it is a text.
        self.is_pdf = bool(head) and (named_pdf or head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"%PDF-"))
        self.may_be_pdf = b"%PDF-" in head[:1024]
        self.is_binary = False
        self.magic = next((name for magic, name in MAGIC if head.startswith(magic)), "")
        if head[257:262] == b"ustar":
            self.magic = "tar"
        marks = (encoding for mark, encoding in MARKS if head.startswith(mark))
        self.mark = next(marks, "") or unmarked_utf_16(head)
        self.decoder = codecs.getincrementaldecoder(self.mark or "utf-8")("strict" if self.mark else "surrogateescape")
        self.characters = 0
        self.strays = 0
        self.controls = 0
        self.is_blank = True

    def at(self, part: bytes, *, final: bool = False) -> None:
        if self.is_pdf or self.is_binary or self.magic:
            return
        if not self.mark and b"\0" in part:
            self._is_binary()
            return
        try:
            text = self.decoder.decode(part, final)
        except UnicodeDecodeError:
            if self.mark.endswith("e"):  # nobody said that it was text
                raise SourceError(*BINARY_FILE) from None
            raise SourceError(f"not valid {self.mark.upper()} text", Reason.NOT_TEXT) from None
        if self.mark and "\0" in text:
            self._is_binary()
            return
        self.characters += len(text)
        self.is_blank = self.is_blank and not text.removeprefix(MARK).strip()
        if not self.mark:
            self.controls += len(part.translate(None, NOT_CONTROLS))
            try:
                text.encode("utf-8")  # five times as fast as looking for strays, which most files have none of
            except UnicodeEncodeError:
                self.strays += len(STRAY.findall(text))

    def _is_binary(self) -> None:
        if not self.may_be_pdf:
            raise SourceError(*BINARY_FILE)  # no need to read on
        self.is_binary = True

    def verdict(self, size: int) -> str:
        self.at(b"", final=True)
        if self.magic and not self.is_pdf:
            return self.magic
        if self.is_pdf or self.is_binary or (self.may_be_pdf and self.strays):
            return "pdf"
        if self.is_blank:
            raise SourceError("empty", Reason.EMPTY)
        if self.mark or not self.strays:
            return self.mark or "utf-8"
        if self.controls > CONTROLS_IN_TEXT * size:
            raise SourceError(*BINARY_FILE)
        # Every character of UTF-8 beyond ASCII has one to three bytes more than characters; strays have none.
        return (
            "utf-8 with strays" if size - self.characters > self.strays else guess_encoding(self.head) or "windows-1252"
        )
