"""Detection of legacy encodings by the letters of a text.

Knows the most frequent characters of some languages, and the encodings in which they used to be
written; those of Latin letters are in latin_encodings. Does not guess where too little is written,
nor where a text fits no language well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from crystalcli.text.source.latin_encodings import ENCODINGS_OF_LATIN, decoded_sample, guess_latin

MIN_HIGH_SHARE = 0.5  # of bytes beyond ASCII in the words that have any: French has 0.2, Czech 0.25
MIN_HIGH_BYTES = 12  # beyond ASCII
MIN_DISTINCT = 7  # frequent characters of a language that occur at all
MIN_FIT = 0.6  # share of frequent characters, relative to the usual one of the language
MIN_LEAD = 1.1  # ratio of the best fit to that of any other reading
MIN_COMMON_SHARE = 0.95  # of the characters of a short text in Chinese, Japanese or Korean
MIN_COMMON = 6  # characters of that text
MIN_NAME_FIT = 0.5  # of the letters of file names, as MIN_FIT
MIN_SHORT_BYTES = 6  # beyond ASCII, of words that have no letter in ASCII
MIN_SHORT_WORD = 3  # letters of one of them
MIN_SHORT_LEAD = 1.3  # as MIN_LEAD


class _Alphabet(NamedTuple):
    """A language's frequent characters and its legacy encodings.

    Attributes:
        encodings: Python's names, the likeliest first.
        frequent: the most frequent characters beyond ASCII.
        share: their share of the characters beyond ASCII in most texts.
    """

    encodings: tuple[str, ...]
    frequent: str
    share: float


_ALPHABETS = (
    _Alphabet(("cp1251", "koi8-u", "cp866", "iso8859-5"), "оеаинтсрвл", 0.62),
    _Alphabet(("cp1253", "iso8859-7"), "αοιετσνηυρ", 0.62),
    _Alphabet(("cp1255",), "יוהלארתבמש", 0.68),
    _Alphabet(("cp1256",), "اليمنوترب", 0.68),
    _Alphabet(("cp874",), "านรอกเงวมยลท่", 0.55),
    _Alphabet(("cp932", "euc_jp"), "のにはをたがでてとしれさいるあかなもっりうくけこんすまらおよ、。", 0.5),
    _Alphabet(("cp949",), "이다는의에을가고한지도를로하은기사자리인나어서시대해아그", 0.35),
    _Alphabet(("gb18030",), "的一是不了人在有我他这中大来上国个到说们为和你地出道也时年得就那要下以生会自着，。", 0.25),
    _Alphabet(("big5",), "的一是不了人在有我他這中大來上國個到說們為和你地出道也時年得就那要下以生會自著，。", 0.25),
)
_LETTER_ALPHABETS = 4  # of them, whose words are letters alone


class _Pairs(NamedTuple):
    """The pairs of bytes of an encoding.

    Attributes:
        all: those of common characters.
        own: those of which a text in the language has some.
    """

    all: re.Pattern[bytes]
    own: re.Pattern[bytes]


_COMMON = {
    encoding: _Pairs(re.compile(common), re.compile(own))
    for encoding, common, own in (
        ("gb18030", rb"[\xb0-\xd7][\xa1-\xfe]|[\xa1\xa3][\xa1-\xfe]", rb"[\xb0-\xd7][\xa1-\xfe]"),
        ("big5", rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]|\xa1[\x40-\x7e\xa1-\xfe]", rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]"),
        ("cp949", rb"[\xb0-\xc8][\xa1-\xfe]", rb"[\xb0-\xc8][\xa1-\xfe]"),
        (
            "cp932",
            rb"\x81[\x40-\xac]|[\x82\x83\x88-\x97][\x40-\x7e\x80-\xfc]|\x98[\x40-\x72]",
            rb"[\x82\x83].",
        ),
        ("euc_jp", rb"[\xa1\xa4\xa5\xb0-\xcf][\xa1-\xfe]", rb"[\xa4\xa5][\xa1-\xfe]"),
    )
}
_HIGH_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")

_ENCODINGS_OF_ALPHABETS = tuple(encoding for alphabet in _ALPHABETS for encoding in alphabet.encodings)
GUESSED = frozenset((*_ENCODINGS_OF_ALPHABETS, *ENCODINGS_OF_LATIN)) - {"windows-1252"}


def guess_encoding(sample: bytes) -> str:
    """Guess the encoding of a text.

    Args:
        sample: of its lines, as LetterSample gives them.

    Returns:
        One of GUESSED; "" where none is much likelier than Windows-1252 and than the others.
    """
    return guess_alphabet(sample) or guess_latin(sample)


def guess_alphabet(sample: bytes) -> str:
    """Guess the encoding of a text in another script than Latin; otherwise as `guess_encoding`."""
    high = sum(byte > 127 for byte in sample)
    letters = sum(map(len, _HIGH_WORD.findall(sample)))
    if high < MIN_HIGH_SHARE * letters:
        return ""
    if high < MIN_HIGH_BYTES:
        return _guess_words(sample)
    fits: dict[str, tuple[float, str]] = {}  # by decoded text: two encodings may give the same
    for alphabet in _ALPHABETS:
        for encoding in alphabet.encodings:
            text = decoded_sample(sample, encoding)
            counts = Counter(character for character in text if character > "\x7f")
            frequent = [counts[character] for character in alphabet.frequent if counts[character]]
            fit = sum(frequent) / max(1, counts.total()) / alphabet.share if len(frequent) >= MIN_DISTINCT else 0.0
            fits[text] = max(fits.get(text, (0.0, "")), (fit, encoding))
    best, *others = sorted(fits.values(), reverse=True) or [(0.0, "")]
    second = others[0][0] if others else 0.0
    if best[0] >= MIN_FIT and best[0] >= MIN_LEAD * second:
        return best[1]
    return _guess_words(sample) or _guess_pairs(sample)


def _guess_words(sample: bytes) -> str:
    """Guess the encoding of a few words in another alphabet, or of capitals, as of names.

    In Latin letters no longer word is without one in ASCII.
    """
    words = _HIGH_WORD.findall(sample)
    if sum(map(len, words)) < MIN_SHORT_BYTES or max(map(len, words), default=0) < MIN_SHORT_WORD:
        return ""
    most = max(Counter(b"".join(words)).values())
    if 2 * most > sum(map(len, words)) or any(re.search(rb"[A-Za-z]", word) for word in words):
        return ""  # lines of a frame, drawn with characters, or words in Latin letters
    fits: dict[str, tuple[float, str]] = {}
    for alphabet in _ALPHABETS[:_LETTER_ALPHABETS]:
        for encoding in alphabet.encodings:
            text = decoded_sample(sample, encoding)
            fits[text] = max(fits.get(text, (0.0, "")), (_name_fit(sample, encoding, alphabet), encoding))
    best, second = sorted([*fits.values(), (0.0, "")], reverse=True)[:2]
    return best[1] if best[0] >= max(MIN_NAME_FIT, MIN_SHORT_LEAD * second[0]) else ""


def _guess_pairs(sample: bytes) -> str:
    """Guess the encoding of a few words in Chinese, Japanese or Korean, by their pairs of bytes."""
    likely = _likely_pairs(sample, MIN_COMMON_SHARE)
    pairs = _PAIR.findall(sample)
    likely = [
        encoding
        for encoding in likely
        if len(pairs) >= MIN_COMMON and sum(map(bool, map(_COMMON[encoding].own.fullmatch, pairs))) >= len(pairs) / 4
    ]
    if len(likely) > 1 and _frequent_count(sample, likely[0]) == _frequent_count(sample, likely[1]):
        return ""
    return likely[0] if likely else ""


def _likely_pairs(sample: bytes, min_share: float) -> list[str]:
    """Return the encodings in which nearly all pairs of bytes are common characters, best first.

    The common characters stand together in each encoding; read in another one they are rare ones.
    """
    pairs = _PAIR.findall(sample)
    likely = [
        encoding
        for encoding, common in _COMMON.items()
        if pairs
        and sum(map(bool, map(common.all.fullmatch, pairs))) >= min_share * len(pairs)
        and decoded_sample(sample, encoding)
    ]
    return sorted(likely, key=lambda encoding: -_frequent_count(sample, encoding))


def _frequent_count(sample: bytes, encoding: str) -> int:
    """Count the frequent characters of the language of an encoding."""
    frequent = next(alphabet.frequent for alphabet in _ALPHABETS if encoding in alphabet.encodings)
    return sum(character in frequent for character in decoded_sample(sample, encoding))


def guess_name_encoding(names: Sequence[bytes]) -> str:
    """Guess the encoding of the names of files in an archive, of which each is only a word or two.

    Args:
        names: those with bytes beyond ASCII.

    Returns:
        A codec of Python, or "windows-1252"; "cp437" in doubt, the standard of archives.
    """
    data = b"\n".join(names)
    high = sum(byte > 127 for byte in data)
    if high >= MIN_HIGH_SHARE * sum(map(len, _HIGH_WORD.findall(data))):
        if likely := _likely_pairs(data, 1.0):
            return likely[0]
        fits = [
            (_name_fit(data, encoding, alphabet), encoding)
            for alphabet in _ALPHABETS
            for encoding in alphabet.encodings
        ]
        best = max(fits)
        if best[0] >= MIN_NAME_FIT:
            return best[1]
    # Of Western names the encoding in which letters are letters.
    return next(
        (encoding for encoding in ("cp437", "windows-1252", "cp852") if _has_letters_only(data, encoding)), "cp437"
    )


def _name_fit(data: bytes, encoding: str, alphabet: _Alphabet) -> float:
    """Return the share of frequent letters in names; 0.0 where they are no words."""
    text = decoded_sample(data, encoding)
    letters = [character for character in text if character > "\x7f"]
    if not letters or not all(character.isalpha() or character in "№«»–—" for character in letters):
        return 0.0
    words = re.findall(r"[^\W\d_]+", text)
    if any(word[1:] != word[1:].lower() and not word.isupper() for word in words):
        return 0.0
    return sum(character.lower() in alphabet.frequent for character in letters) / len(letters) / alphabet.share


def _has_letters_only(data: bytes, encoding: str) -> bool:
    """Tell whether the bytes beyond ASCII in words are letters."""
    text = decoded_sample(data, encoding)
    return bool(text) and all(character.isalpha() for character in text if character > "\x7f")
