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
    return Decoder(codec, "replace").decode(data, final=True)


def _is_mostly_utf_8(data: bytes) -> bool:
    """Tell whether most bytes beyond ASCII form UTF-8.

    A character of UTF-8 beyond ASCII has one to three bytes more than characters; a stray has none.
    """
    text = data.decode("utf-8", "surrogateescape")
    return len(data) - len(text) > len(STRAY_BYTE.findall(text))
