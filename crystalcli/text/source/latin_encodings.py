"""Detection of legacy encodings of Latin letters, where a few accents have to decide.

Knows the letters of languages, by their frequency, and the encodings in which they used to be
written. The letters are weighed one by one: a reading is as good as its best language explains it.
Does not guess where another encoding explains the letters not much better than Windows-1252.
"""

from __future__ import annotations

import codecs
import math
import re
from collections import Counter
from functools import cache

_LATIN_9 = "iso8859-15"
# Its € and œ, read as Windows-1252: `30 ¤`, `c½ur`, `½uvre`.
_LATIN_9_SIGNS = re.compile(r"\d[ \xa0]?¤|¤[ \xa0]?\d|(?<=[a-z])½(?=[a-z])|(?<![\d\w])[½¼](?=u[a-z]|il|di)")
_WINDOWS_SIGNS = re.compile(rb"[\x80-\x9f]")
_WEST = ("windows-1252", "cp850", "mac_roman")
_CENTRAL = ("cp1250", "iso8859-2", "cp852")
_TURKISH = ("cp1254", "cp857")
_BALTIC = ("cp1257", "iso8859-4")
# Letters beyond ASCII of languages in Latin script, the most frequent first.
_LATIN = (
    (_WEST, "éñïèêçüöàâôóíëûáîä"),  # English, which has them from others
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
ENCODINGS_OF_LATIN = tuple(dict.fromkeys(encoding for encodings, _ in _LATIN for encoding in encodings))
_PUNCTUATION = "„”“’‘‚–—…«»§°·• ­€£©®™±×½¼¾²³¹ºªµ¿¡†‡‹›´"
_LOG_LETTERS = math.log(0.9)  # of the characters beyond ASCII in words
_LOG_CAPITAL = math.log(0.08)  # of a letter's occurrences
_LOG_PUNCTUATION = math.log(0.004)  # of any one of _PUNCTUATION, outside of words
_LOG_OTHER = math.log(1e-5)
_LOG_CONTROL = math.log(1e-7)
_MIN_LATIN_LEAD = 6.0  # by which the log-likelihood is better than in Windows-1252
_MIN_LETTER_LEAD = 1.0  # the same for each letter that is read otherwise
_MIN_LATIN_LETTERS = 4  # in words, which Windows-1252 reads as other characters
_SURE_LEAD = 12.0  # with which fewer letters are enough
_MIN_SURE_LETTERS = 3
_MIN_LATIN_SHARE = 0.9  # of the characters beyond ASCII, which the language knows
_IN_WORD = re.compile("[\x80-\U0010ffff](?:(?<=[A-Za-z\u00c0-\u00ff].)|(?=[A-Za-z\u00c0-\u00ff]))", re.DOTALL)
_INSIDE_WORD = re.compile(r"(?<=[^\W\d_])[^\w\s'’·­-]+(?=[^\W\d_])")


def guess_latin(sample: bytes) -> str:
    """Guess the encoding of a text in Latin letters, by the letters of its language."""
    texts = {encoding: decoded_sample(sample, encoding) for encoding in ENCODINGS_OF_LATIN}
    scores = {encoding: _latin_score(text, encoding) for encoding, text in texts.items()}
    western, western_score = texts["windows-1252"], scores["windows-1252"][0]
    for encoding, (likelihood, share) in sorted(scores.items(), key=lambda item: -item[1][0]):
        lead = likelihood - western_score
        if share < _MIN_LATIN_SHARE or lead <= _MIN_LATIN_LEAD:
            continue
        others = [
            texts[encoding][match.start()]
            for match in _IN_WORD.finditer(western)
            if texts[encoding][match.start()] != match[0]
        ]
        least = _MIN_LATIN_LETTERS if lead < _SURE_LEAD else _MIN_SURE_LETTERS
        is_clear = len(others) >= least and len(set(others)) > 1 and lead >= _MIN_LETTER_LEAD * len(others)
        if is_clear:
            return encoding
        break  # where the likeliest is in doubt, others are all the more
    return _LATIN_9 if _LATIN_9_SIGNS.search(western) and not _WINDOWS_SIGNS.search(sample) else ""


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
    return encoding == "windows-1252" or not sample or bool(decoded_sample(sample, encoding))


def decoded_sample(sample: bytes, encoding: str) -> str:
    """Return a sample in an encoding; "" if it is not valid in it.

    Single bytes that an encoding of Latin letters leaves open become U+FFFD.
    """
    codec = "cp1252" if encoding == "windows-1252" else encoding
    errors = "replace" if encoding in ENCODINGS_OF_LATIN else "strict"
    try:
        # Incremental, since the sample may end in the middle of a character.
        return codecs.getincrementaldecoder(codec)(errors).decode(sample)
    except UnicodeDecodeError:
        return ""
