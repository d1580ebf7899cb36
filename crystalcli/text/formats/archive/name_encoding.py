"""Encoding of names in a zip archive that does not say it: that of the machine which wrote it.

Knows the code pages of Windows for Japanese, Chinese, Korean and Russian, and by which bytes their
usual characters are written. Does not know archives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

DOS = "cp437"  # in which a name is that says nothing else
# Of each encoding: the pairs of bytes of its usual characters, and any of its characters.
_PAIRS = {
    "cp932": (rb"\x81[\x40-\xac]|[\x82\x83\x88-\x98][\x40-\x7e\x80-\xfc]", rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|[\xa1-\xdf]"),
    "gb18030": (rb"[\xb0-\xd7\xa3][\xa1-\xfe]", rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]"),
    "cp949": (rb"[\xb0-\xc8][\xa1-\xfe]", rb"[\x81-\xfe][\x41-\x5a\x61-\x7a\x81-\xfe]"),
    "big5": (rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]", rb"[\xa1-\xf9][\x40-\x7e\xa1-\xfe]"),
}  # fmt: skip
_CYRILLIC = ("cp866", "cp1251")
_WORDS = re.compile(
    r"(?:[\0-\x7f№]|(?<![^\W\d_])[А-ЯЁЇІЄ]?[а-яёїіє]+(?![^\W\d_])|(?<![^\W\d_])[А-ЯЁЇІЄ]+(?![^\W\d_]))*"
)
# Syllables and characters that Korean and Chinese names have more often than by chance.
_FREQUENT = {
    "cp949": "이다는의에을가고한지도를로하은기사자리인나어서시대해아그보계획서류문안용전일회",
    "gb18030": "的一是不了人在有我这中大来上国个到说们为和地出道时年生会文件报告表图片资料新建名单合同通知",
}
_ACCENT = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_HIGH = re.compile(rb"[\x80-\xff]")
_MIN_SHARE = 0.8  # of usual characters


def guess_name_encoding(names: Sequence[bytes]) -> str:
    """Guess the encoding of an archive's names that are not UTF-8.

    Args:
        names: all of them.

    Returns:
        Python's name of it; that of DOS where no other is likely.
    """
    joined = b"\n".join(names)
    if len(_ACCENT.findall(joined)) == len(_HIGH.findall(joined)):  # single letters with accents
        return DOS
    for encoding in _CYRILLIC:
        if (text := _decoded(joined, encoding)) and _WORDS.fullmatch(text):
            return encoding
    scores = {encoding: _score(joined, encoding) for encoding in _PAIRS}
    best = max(scores, key=lambda encoding: scores[encoding])
    return best if scores[best] >= _MIN_SHARE else DOS


def _score(names: bytes, encoding: str) -> float:
    """Return the share of usual characters in an encoding, and a little for frequent ones."""
    text = _decoded(names, encoding)
    if not text:
        return 0.0
    usual, any_pair = _PAIRS[encoding]
    pairs = re.findall(any_pair, names)
    frequent = sum(map(text.count, _FREQUENT.get(encoding, "")))
    return (sum(re.fullmatch(usual, pair) is not None for pair in pairs) + 0.3 * frequent) / max(1, len(pairs))


def _decoded(names: bytes, encoding: str) -> str:
    try:
        return names.decode(encoding)
    except UnicodeDecodeError:
        return ""
