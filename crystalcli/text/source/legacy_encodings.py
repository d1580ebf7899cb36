"""Detection of legacy encodings by the letters of a text.

Knows the most frequent characters of some languages, and the encodings in which they used to be
written. In Latin letters a few accents decide, so the letters of each language are weighed one by
one: a reading is as good as its best language explains it. Does not guess where too little is
written, nor where a text fits no language well.
"""

from __future__ import annotations

import codecs
import math
import re
from collections import Counter
from functools import cache
from typing import NamedTuple

SAMPLE_BYTES = 4096  # of the lines that are looked at
_BYTES_BEFORE = 64  # of ASCII that are looked at before the first letter of a line
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
MIN_HIGH_SHARE = 0.5  # of bytes beyond ASCII in the words that have any: French has 0.2, Czech 0.25
MIN_HIGH_BYTES = 12  # beyond ASCII
MIN_DISTINCT = 7  # frequent characters of a language that occur at all
MIN_FIT = 0.6  # share of frequent characters, relative to the usual one of the language
MIN_LEAD = 1.1  # ratio of the best fit to that of any other reading
MIN_COMMON_SHARE = 0.95  # of the characters of a short text in Chinese, Japanese or Korean
MIN_COMMON = 6  # characters of that text


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
# Pairs of bytes for the common characters of an encoding, and for those of which a text in the
# language has some.
_COMMON = {
    "gb18030": (rb"[\xb0-\xd7][\xa1-\xfe]|[\xa1\xa3][\xa1-\xfe]", rb"[\xb0-\xd7][\xa1-\xfe]"),
    "big5": (rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]|\xa1[\x40-\x7e\xa1-\xfe]", rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]"),
    "cp949": (rb"[\xb0-\xc8][\xa1-\xfe]", rb"[\xb0-\xc8][\xa1-\xfe]"),
    "cp932": (rb"\x81[\x40-\xac]|[\x82\x83\x88-\x97][\x40-\x7e\x80-\xfc]", rb"[\x82\x83][\x40-\x7e\x80-\xfc]"),
    "euc_jp": (rb"[\xa1\xa4\xa5\xb0-\xcf][\xa1-\xfe]", rb"[\xa4\xa5][\xa1-\xfe]"),
}
_PAIR = rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]"

_WEST = ("windows-1252", "cp850", "mac_roman")
_CENTRAL = ("cp1250", "iso8859-2", "cp852")
_TURKISH = ("cp1254", "cp857")
_BALTIC = ("cp1257", "iso8859-4")
# Letters beyond ASCII of languages in Latin script, the most frequent first.
_LATIN = (
    (_WEST, "éèàêçùîôûâïëœ"),  # French
    (_WEST, "äüößé"),  # German
    (_WEST, "óíáéñúü¿¡"),  # Spanish
    (_WEST, "ãáçéóêíõâúàô"),  # Portuguese
    (_WEST, "àèùòéì"),  # Italian
    (_WEST, "äåöé"),  # Swedish and Finnish
    (_WEST, "åøæé"),  # Danish and Norwegian
    (_WEST, "ðáíþóæéöúý"),  # Icelandic
    (_WEST, "éëïöüèóáí"),  # Dutch
    (_WEST, "àéèíóòçúïü·"),  # Catalan
    (_WEST, "áéíóú"),  # Irish
    (_WEST, "éáàèóíöäüåçñøãæúëêôòìùîïâûõßœýðþšž"),  # several of them
    (_CENTRAL, "áíéěčřžýšůúťňóďľĺ"),  # Czech
    (_CENTRAL, "áíčéýžšúľťôňóďäĺŕ"),  # Slovak
    (_CENTRAL, "łęąóżśćńź"),  # Polish
    (_CENTRAL, "éáóöőíüúű"),  # Hungarian
    (_CENTRAL, "čšžćđ"),  # Croatian, Bosnian, Slovene
    (_CENTRAL, "ăîşţâ"),  # Romanian
    (_CENTRAL, "äöüß"),  # Sorbian and German among them
    (_TURKISH, "ışüğçöİâî"),
    (_BALTIC, "ėšųįūčžąę"),  # Lithuanian
    (_BALTIC, "āīēūšņļžķčģ"),  # Latvian
    (_BALTIC, "äõüöšž"),  # Estonian
)
_ENCODINGS_OF_LATIN = tuple(dict.fromkeys(encoding for encodings, _ in _LATIN for encoding in encodings))
_ENCODINGS_OF_ALPHABETS = tuple(encoding for alphabet in _ALPHABETS for encoding in alphabet.encodings)
GUESSED = frozenset((*_ENCODINGS_OF_ALPHABETS, *_ENCODINGS_OF_LATIN)) - {"windows-1252"}
_PUNCTUATION = "„”“’‘‚–—…«»§°·• ­€£©®™±×½¼¾²³¹ºªµ¿¡†‡‹›´"
_LOG_LETTERS = math.log(0.9)  # of the characters beyond ASCII in words
_LOG_CAPITAL = math.log(0.08)  # of a letter's occurrences
_LOG_PUNCTUATION = math.log(0.004)  # of any one of _PUNCTUATION, outside of words
_LOG_OTHER = math.log(1e-5)
_LOG_CONTROL = math.log(1e-7)
_MIN_LATIN_LEAD = 6.0  # by which the log-likelihood is better than in Windows-1252
_MIN_LATIN_LETTERS = 3  # in words, which Windows-1252 reads as other characters
_MIN_LATIN_SHARE = 0.9  # of the characters beyond ASCII, which the language knows
_HIGH_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_IN_WORD = re.compile("[\x80-\U0010ffff](?:(?<=[A-Za-z].)|(?=[A-Za-z]))", re.DOTALL)
_INSIDE_WORD = re.compile(r"(?<=[^\W\d_])[^\w\s'’·­-]+(?=[^\W\d_])")


class LetterSample:
    """The lines of a text that have bytes beyond ASCII, from the first such byte on.

    They decide about the encoding wherever they are: a log or a source file may begin with pages of
    ASCII. It does not matter in which pieces the text comes.
    """

    def __init__(self) -> None:
        self._sample = bytearray()
        self._before = b""  # the last bytes of the line so far, all of them ASCII
        self._is_taking = False

    def feed(self, part: bytes) -> None:
        """Look at the next bytes."""
        position = 0
        while position < len(part) and len(self._sample) < SAMPLE_BYTES:
            if self._is_taking:
                end = part.find(b"\n", position) + 1 or len(part)
                self._sample += part[position:end]
                self._is_taking = part[end - 1] != 10
                position = end
                continue
            rest = part[position:] if position else part
            high = None if rest.isascii() else _HIGH_BYTE.search(rest)
            ascii_end = high.start() if high else len(rest)
            line = rest.rfind(b"\n", 0, ascii_end) + 1
            self._before = ((b"" if line else self._before) + rest[line:ascii_end])[-_BYTES_BEFORE:]
            if high:
                self._sample += self._before
                self._before, self._is_taking = b"", True
            position += ascii_end

    def lines(self) -> bytes:
        """At most SAMPLE_BYTES of the lines."""
        return bytes(self._sample[:SAMPLE_BYTES])


def guess_encoding(sample: bytes) -> str:
    """Guess the encoding of a text.

    Args:
        sample: of its lines, as LetterSample gives them.

    Returns:
        One of GUESSED; "" where none is much likelier than Windows-1252 and than the others.
    """
    return guess_alphabet(sample) or _guess_latin(sample)


def guess_alphabet(sample: bytes) -> str:
    """Guess the encoding of a text in another script than Latin; otherwise as `guess_encoding`."""
    high = sum(byte > 127 for byte in sample)
    letters = sum(map(len, _HIGH_WORD.findall(sample)))
    if high < MIN_HIGH_BYTES or high < MIN_HIGH_SHARE * letters:
        return ""
    fits: dict[str, tuple[float, str]] = {}  # by decoded text: two encodings may give the same
    for alphabet in _ALPHABETS:
        for encoding in alphabet.encodings:
            text = _decoded(sample, encoding)
            counts = Counter(character for character in text if character > "\x7f")
            frequent = [counts[character] for character in alphabet.frequent if counts[character]]
            fit = sum(frequent) / max(1, counts.total()) / alphabet.share if len(frequent) >= MIN_DISTINCT else 0.0
            fits[text] = max(fits.get(text, (0.0, "")), (fit, encoding))
    best, *others = sorted(fits.values(), reverse=True) or [(0.0, "")]
    second = others[0][0] if others else 0.0
    if best[0] >= MIN_FIT and best[0] >= MIN_LEAD * second:
        return best[1]
    return _guess_pairs(sample)


def _guess_pairs(sample: bytes) -> str:
    """Guess the encoding of a few words in Chinese, Japanese or Korean, by their pairs of bytes.

    Nearly all characters of a text are of the common ones, which stand together in each encoding;
    read in another one they are rare ones.
    """
    likely = []
    for encoding, (common, own) in _COMMON.items():
        if not _decoded(sample, encoding):
            continue
        pairs = re.findall(_PAIR, sample)
        count = sum(re.fullmatch(common, pair) is not None for pair in pairs)
        own_count = sum(re.fullmatch(own, pair) is not None for pair in pairs)
        if count >= MIN_COMMON and count >= MIN_COMMON_SHARE * len(pairs) and own_count >= len(pairs) / 4:
            likely.append(encoding)
    return likely[0] if len(likely) == 1 else ""


def _guess_latin(sample: bytes) -> str:
    """Guess the encoding of a text in Latin letters, by the letters of its language."""
    texts = {encoding: _decoded(sample, encoding) for encoding in _ENCODINGS_OF_LATIN}
    scores = {encoding: _latin_score(text, encoding) for encoding, text in texts.items()}
    western, western_score = texts["windows-1252"], scores["windows-1252"][0]
    best = (0.0, "")
    for encoding, (likelihood, share) in scores.items():
        if share >= _MIN_LATIN_SHARE and likelihood - western_score > max(best[0], _MIN_LATIN_LEAD):
            others = [
                texts[encoding][match.start()]
                for match in _IN_WORD.finditer(western)
                if texts[encoding][match.start()] != match[0]
            ]
            if len(others) >= _MIN_LATIN_LETTERS and len(set(others)) > 1:
                best = likelihood - western_score, encoding
    return best[1]


def _latin_score(text: str, encoding: str) -> tuple[float, float]:
    """Weigh the characters beyond ASCII in a reading, by the language that fits best.

    Returns:
        Their log-likelihood, and the share of those that the language knows.
    """
    inside = Counter(character for match in _INSIDE_WORD.finditer(text) for character in match[0])
    counts = Counter(character for character in text if character > "\x7f")
    best = (-math.inf, 0.0)
    for encodings, letters in _LATIN:
        if encoding in encodings:
            score, known = 0.0, 0
            for character, count in counts.items():
                share = _log_share(character, letters)
                score += inside[character] * _LOG_OTHER + (count - inside[character]) * share
                known += (count - inside[character]) * (share > _LOG_OTHER)
            best = max(best, (score, known / max(1, counts.total())))
    return best


@cache
def _log_share(character: str, letters: str) -> float:
    """Return the logarithm of a character's share in a language.

    Frequencies of letters fall with their rank.

    Args:
        character: beyond ASCII.
        letters: of the language, the most frequent first.
    """
    lower = character.lower() if character != "İ" else character
    rank = letters.find(lower)
    if rank >= 0:
        total = sum(1 / (index + 1) for index in range(len(letters)))
        share = _LOG_LETTERS - math.log((rank + 1) * total)
        return share if lower == character or character == "İ" else share + _LOG_CAPITAL
    if character in _PUNCTUATION:
        return _LOG_PUNCTUATION
    return _LOG_CONTROL if "\x7f" < character < "\xa0" or character == "\ufffd" else _LOG_OTHER


def is_valid_in(sample: bytes, encoding: str) -> bool:
    """Tell whether a sample is valid in an encoding; its last character may be cut."""
    return encoding == "windows-1252" or not sample or bool(_decoded(sample, encoding))


def _decoded(sample: bytes, encoding: str) -> str:
    """Return a sample in an encoding; "" if it is not valid in it.

    Single bytes that an encoding of Latin letters leaves open become U+FFFD.
    """
    codec = "cp1252" if encoding == "windows-1252" else encoding
    errors = "replace" if encoding in _ENCODINGS_OF_LATIN else "strict"
    try:
        # Incremental, since the sample may end in the middle of a character.
        return codecs.getincrementaldecoder(codec)(errors).decode(sample)
    except UnicodeDecodeError:
        return ""
