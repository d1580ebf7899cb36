"""Decoding of bytes into text, piece by piece or whole.

Knows how bytes that are not valid are read. Does not know how an encoding is found
(encoding_detector, legacy_encodings, stated_encoding).
"""

from __future__ import annotations

import codecs
import re
from codecs import charmap_decode

from crystalcli.text.source.legacy_encodings import guess_alphabet, guess_encoding
from crystalcli.text.source.letter_sample import LetterSample
from crystalcli.text.source.stated_encoding import codec_of_label

BYTE_ORDER_MARK = "\ufeff"
# Windows-1252 as browsers read it: the five bytes that it leaves open map to themselves, so that no
# byte is an error.
WINDOWS_1252 = "".join(
    bytes((byte,)).decode("latin-1" if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "cp1252") for byte in range(256)
)
_JAPANESE_SHIFT = re.compile(rb"(\x1b\$[B@]|\x1b\([BJI]|\x1b\$\(D)")
STRAY_BYTE = re.compile("[\udc80-\udcff]")  # as "surrogateescape" decodes a byte that is not UTF-8


class Decoder:
    """Decode a file's bytes piece by piece, without the byte-order mark at the start.

    NUL characters, of which a text has few, are left out.

    Args:
        encoding: as in FileSurvey, of a text.
        errors: "strict" or "replace", for bytes that are not valid in the encoding; "": "strict"
            for UTF-8, 16 and 32, "replace" for encodings that were guessed.
    """

    def __init__(self, encoding: str, errors: str = "") -> None:
        self._has_strays = encoding == "utf-8 with strays"
        self._at_start = encoding.startswith("utf-8")
        self._decoder: codecs.IncrementalDecoder | None = None
        if encoding != "windows-1252":
            codec = "utf-8" if self._has_strays else encoding
            errors = errors or ("strict" if encoding.startswith("utf") else "replace")
            self._decoder = codecs.getincrementaldecoder(codec)("surrogateescape" if self._has_strays else errors)

    def decode(self, part: bytes, *, final: bool = False) -> str:
        """Decode the next bytes.

        Args:
            part: the bytes, which may begin and end in the middle of a character.
            final: whether they are the last.

        Raises:
            UnicodeDecodeError: The bytes are not valid in the encoding, and errors are "strict".
        """
        text = self._decoder.decode(part, final) if self._decoder else charmap_decode(part, "strict", WINDOWS_1252)[0]
        if self._at_start and text:  # the codec "utf-8-sig" would lose a file of one byte 0xEF
            self._at_start = False
            text = text.removeprefix(BYTE_ORDER_MARK)
        if self._has_strays and not text.isascii():
            text = STRAY_BYTE.sub(lambda stray: WINDOWS_1252[ord(stray[0]) - 0xDC00], text)
        return text.replace("\0", "") if "\0" in text else text


def decode_labelled(data: bytes, label: str = "") -> str:
    """Decode a text that comes with a label of its encoding, as a part of a mail does.

    Bytes that do not fit the label are replaced one by one. Where the label is missing, not known,
    or one that programs write without knowing, the bytes decide.

    Args:
        data: the whole text.
        label: of its encoding, as it was given, or "".
    """
    codec = codec_of_label(label) if label else ""
    if codec.replace("_", "-").startswith("iso2022") and not data.isascii():
        codec = ""  # such an encoding has no bytes beyond ASCII
    if codec in ("", "utf-8", "windows-1252"):
        try:
            return data.decode("utf-8").removeprefix(BYTE_ORDER_MARK).replace("\0", "")
        except UnicodeDecodeError:
            pass
        if _is_mostly_utf_8(data):
            codec = codec if codec == "utf-8" else "utf-8 with strays"
        else:
            sample = LetterSample()
            sample.feed(data)
            guess = guess_alphabet if codec == "windows-1252" else guess_encoding
            codec = guess(sample.lines()) or "windows-1252"
    if codec == "utf-8":
        return data.decode(codec, "replace").removeprefix(BYTE_ORDER_MARK).replace("\0", "")
    if codec.replace("-", "_") == "iso2022_jp":
        return decode_iso_2022_jp(data)
    return Decoder(codec, "replace").decode(data, final=True)


def decode_iso_2022_jp(data: bytes) -> str:
    """Decode Japanese as mails have it: with the signs that Windows added, `①`, and half-wide kana.

    Python's codec knows the letters of JIS X 0208 alone, and browsers those of Windows as well.
    """
    parts = _JAPANESE_SHIFT.split(data)
    texts = [parts[0].decode("ascii", "replace")]
    for shift, part in zip(parts[1::2], parts[2::2], strict=True):
        if shift in (b"\x1b(B", b"\x1b(J"):
            texts.append(part.decode("ascii", "replace"))
        elif shift == b"\x1b(I":
            texts.append(bytes(byte | 0x80 for byte in part).decode("cp932", "replace"))
        else:
            # A line ends in ASCII, whatever its last shift says.
            double, end, rest = part.partition(b"\n")
            texts += [_double_bytes(double, shift), (end + rest).decode("ascii", "replace")]
    return "".join(texts)


def _double_bytes(data: bytes, shift: bytes) -> str:
    """Return the letters of two bytes each that stand behind a shift."""
    mark = b"\x8f" if shift == b"\x1b$(D" else b""
    return "".join(_double_byte(data[at : at + 2], mark) for at in range(0, len(data), 2))


def _double_byte(pair: bytes, mark: bytes) -> str:
    if len(pair) < 2 or not all(0x20 < byte < 0x7F for byte in pair):
        return pair.decode("ascii", "replace")
    try:
        return (mark + bytes(byte | 0x80 for byte in pair)).decode("euc_jp")
    except UnicodeDecodeError:
        row, cell = pair[0] - 0x20, pair[1] - 0x20
        first = (row - 1) // 2 + (0x81 if row < 63 else 0xC1)
        second = cell + (0x9E if row % 2 == 0 else 0x3F + (cell > 63))
        return bytes((first, second)).decode("cp932", "replace")


def _is_mostly_utf_8(data: bytes) -> bool:
    """Tell whether most bytes beyond ASCII form UTF-8.

    A character of UTF-8 beyond ASCII has one to three bytes more than characters; a stray has none.
    """
    text = data.decode("utf-8", "surrogateescape")
    return len(data) - len(text) > len(STRAY_BYTE.findall(text))
