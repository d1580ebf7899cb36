"""Detection of a file's encoding during the first pass over its bytes.

Knows byte-order marks, UTF-8, UTF-16 by its zeros, and the look of bytes that are not text.

A byte that is not UTF-8 does not spoil the file. Where most of its other high bytes do form UTF-8
(a log with a character cut in two, a file pasted together), only the stray bytes are read as
Windows-1252. Otherwise the file is read as it states itself, or as its letters look
(legacy_encodings), or else as Windows-1252.
"""

from __future__ import annotations

import codecs
import re

from crystalcli.errors import Reason, Refusal, SourceError
from crystalcli.text.source.latin_encodings import is_valid_in
from crystalcli.text.source.legacy_encodings import guess_encoding
from crystalcli.text.source.letter_sample import LetterSample
from crystalcli.text.source.stated_encoding import stated_encoding
from crystalcli.text.source.text_decoder import BYTE_ORDER_MARK, STRAY_BYTE

BINARY_FILE = Refusal("binary file", Reason.NOT_TEXT)

# The longer first: the mark of UTF-32 begins with that of UTF-16. The codecs of these names drop
# the mark.
ENCODINGS_BY_MARK = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Controls that are not typed: all but backspace, tab, newlines, form feed, the end mark of DOS, and
# escape.
CONTROLS = frozenset((*range(32), 127)) - frozenset(b"\b\t\n\v\f\r\x1a\x1b")
NOT_CONTROLS = bytes(byte for byte in range(256) if byte not in CONTROLS)
# UTF-16 without a mark: the share of characters with a zero byte, which are spaces, newlines and
# digits, and the share of the others that look like two bytes of ASCII; in Chinese it is 0.2.
MIN_ZERO_SHARE = 0.02
MAX_ASCII_PAIR_SHARE = 0.6
# Other bytes for each run of NULs in a text; fewer are enough where there are few runs.
MIN_BYTES_BY_ZEROS = 100
MAX_FEW_RUNS, MIN_BYTES_BY_FEW = 3, 16
_ZEROS = re.compile(rb"\0+")
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
    (b"{\\rtf", "rtf"),
)
PICTURE = "picture"
PALM = "palm"  # a Palm database that holds a book
_PALM_BOOKS = (b"BOOKMOBI", b"TEXtREAd")  # type and creator, behind its name
# First bytes of pictures; those of the second kind may begin a text, too, unless zeros follow.
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
_PICTURES_WITH_ZEROS = (b"GIF87a", b"GIF89a", b"BM", b"RIFF")


def is_picture(head: bytes) -> bool:
    """Tell whether a file is a picture in PNG, JPEG, TIFF, GIF, BMP or WebP, by its first bytes."""
    if head.startswith(b"RIFF") and head[8:12] != b"WEBP":
        return False
    return head.startswith(_PICTURES) or (head.startswith(_PICTURES_WITH_ZEROS) and b"\0" in head[:32])


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


class EncodingDetector:
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
        if is_picture(head):
            self.magic = PICTURE
        if head[60:68] in _PALM_BOOKS and b"\0" in head[:60]:
            self.magic = PALM
        if head[257:262] == b"ustar":
            self.magic = "tar"
        encodings = (encoding for mark, encoding in ENCODINGS_BY_MARK if head.startswith(mark))
        self.utf = next(encodings, "") or unmarked_utf_16(head)  # UTF-16 or UTF-32; "" for neither
        self.decoder = codecs.getincrementaldecoder(self.utf or "utf-8")("strict" if self.utf else "surrogateescape")
        self.characters = 0
        self.strays = 0
        self.controls = 0
        self.zeros = self.zero_runs = 0
        self.after_zero = False
        self.sample = LetterSample()
        self.is_blank = True

    def feed(self, part: bytes, *, final: bool = False) -> None:
        """Look at the next bytes. Raises SourceError once they show that the file is not text."""
        if self.is_pdf or self.is_binary or self.magic:
            return
        if not self.utf and b"\0" in part and not self._may_be_text_with_zeros(part):
            self._mark_binary()
            return
        self.after_zero = part.endswith(b"\0")
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
        self.is_blank = self.is_blank and not text.removeprefix(BYTE_ORDER_MARK).strip("\0").strip()
        if not self.utf:
            self.sample.feed(part)
            self.controls += len(part.translate(None, NOT_CONTROLS))
            try:
                text.encode("utf-8")  # five times as fast as a search for strays, which are rare
            except UnicodeEncodeError:
                self.strays += len(STRAY_BYTE.findall(text))
            if self.zeros and (self.strays or self.controls > self.zeros):
                self._mark_binary()

    def _may_be_text_with_zeros(self, part: bytes) -> bool:
        """Count the NULs of a part, and tell whether the rest of it may be a text.

        A log has runs of NULs where a system went down, or where it was cut while it was written.
        """
        if self.may_be_pdf:
            return False
        self.zeros += part.count(0)
        self.zero_runs += len(_ZEROS.findall(part)) - (self.after_zero and part[0] == 0)
        return True

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
        least = MIN_BYTES_BY_FEW if self.zero_runs <= MAX_FEW_RUNS else MIN_BYTES_BY_ZEROS
        if size - self.zeros < least * self.zero_runs:
            raise SourceError(*BINARY_FILE)
        if self.is_blank:
            raise SourceError("empty", Reason.EMPTY)
        if self.utf:
            return self.utf
        if not self.strays:
            stated = stated_encoding(self.head) if b"\x1b" in self.head else ""
            return stated if stated.startswith("iso2022") else "utf-8"
        if self.controls > MAX_CONTROL_SHARE * size:
            raise SourceError(*BINARY_FILE)
        stated, lines = stated_encoding(self.head), self.sample.lines()
        if stated and is_valid_in(lines, stated):
            return stated
        # A character of UTF-8 beyond ASCII has one to three bytes more than characters; a stray has
        # none.
        if size - self.characters > self.strays:
            return "utf-8 with strays"
        return guess_encoding(lines) or "windows-1252"
