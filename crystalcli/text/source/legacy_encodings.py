"""Detection of legacy encodings in texts whose letters are mostly not those of Western Europe.

Knows the most frequent characters of some languages, and the encodings in which they used to be
written. Does not guess for a text in Latin letters, where a few accents would have to decide, nor
for one that fits no language well.
"""

from __future__ import annotations

import codecs
from collections import Counter
from typing import NamedTuple

MIN_HIGH_SHARE = 0.35  # of bytes beyond ASCII among the letters: French has 0.05, Czech 0.15
MIN_HIGH_BYTES = 12  # beyond ASCII
MIN_DISTINCT = 7  # frequent characters of a language that occur at all
MIN_FIT = 0.6  # share of frequent characters, relative to the usual one of the language
MIN_LEAD = 1.1  # ratio of the best fit to that of any other reading


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
GUESSED = frozenset(encoding for alphabet in _ALPHABETS for encoding in alphabet.encodings)


def guess_encoding(sample: bytes) -> str:
    """Guess the encoding of a text from its beginning.

    Args:
        sample: the first bytes of the text.

    Returns:
        One of GUESSED; "" where none is much likelier than the others.
    """
    high = sum(byte > 127 for byte in sample)
    letters = sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in sample)
    if high < MIN_HIGH_BYTES or high < MIN_HIGH_SHARE * (high + letters):
        return ""
    fits: dict[str, tuple[float, str]] = {}  # by decoded text: two encodings may give the same
    for alphabet in _ALPHABETS:
        for encoding in alphabet.encodings:
            try:
                # Incremental, since the sample may end in the middle of a character.
                text = codecs.getincrementaldecoder(encoding)().decode(sample)
            except UnicodeDecodeError:
                continue
            counts = Counter(character for character in text if character > "\x7f")
            frequent = [counts[character] for character in alphabet.frequent if counts[character]]
            fit = sum(frequent) / max(1, counts.total()) / alphabet.share if len(frequent) >= MIN_DISTINCT else 0.0
            fits[text] = max(fits.get(text, (0.0, "")), (fit, encoding))
    best, *others = sorted(fits.values(), reverse=True) or [(0.0, "")]
    second = others[0][0] if others else 0.0
    return best[1] if best[0] >= MIN_FIT and best[0] >= MIN_LEAD * second else ""
