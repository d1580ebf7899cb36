"""Which of the older encodings a text is in whose letters are mostly not those of Western Europe.

Knows the most frequent characters of some languages, and in which encodings they used to be written. A text in Latin letters is not
looked at: there a few accents would have to decide. What fits no language well stays without a guess.
"""

from __future__ import annotations

import codecs
from collections import Counter
from typing import NamedTuple

FEWEST = 0.35  # of the letters, those beyond ASCII: in French they are 0.05, in Czech 0.15
SHORTEST = 12  # bytes beyond ASCII
VARIED = 7  # of the frequent characters, that are there at all
FIT = 0.6  # of what is usual for a language
AHEAD = 1.1  # times as well as any other reading


class _Alphabet(NamedTuple):
    """frequent: characters that make up `share` of what is not ASCII in most texts. encodings: the likelier first."""

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
    """The encoding of a text that begins with `sample`, one of GUESSED, or "" where none is much likelier than the others."""
    high = sum(byte > 127 for byte in sample)
    letters = sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in sample)
    if high < SHORTEST or high < FEWEST * (high + letters):
        return ""
    fits: dict[str, tuple[float, str]] = {}  # by the text that comes out: two encodings may give the same
    for alphabet in _ALPHABETS:
        for encoding in alphabet.encodings:
            try:
                text = codecs.getincrementaldecoder(encoding)().decode(sample)  # the last character may be cut
            except UnicodeDecodeError:
                continue
            counts = Counter(character for character in text if character > "\x7f")
            frequent = [counts[character] for character in alphabet.frequent if counts[character]]
            fit = sum(frequent) / max(1, counts.total()) / alphabet.share if len(frequent) >= VARIED else 0.0
            fits[text] = max(fits.get(text, (0.0, "")), (fit, encoding))
    best, *others = sorted(fits.values(), reverse=True) or [(0.0, "")]
    second = others[0][0] if others else 0.0
    return best[1] if best[0] >= FIT and best[0] >= AHEAD * second else ""
