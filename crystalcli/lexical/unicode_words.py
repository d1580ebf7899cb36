"""Words of text that is not ASCII: by letters with their marks, in one form of Unicode.

Words are in the form NFKC with their case folded, so that one word has one spelling: `Größe` typed
with a combining mark, `ＡＢＣ` in full width, half-width katakana. Scripts that write no spaces
between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) are indexed by pairs of neighbouring
letters, and so is Korean, whose words end in particles; Chinese characters also one by one.

Knows: letters, marks, scripts. Does not know: stop words, stems, postings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

# Joiners and the soft hyphen are inside words and not part of their spelling.
_IGNORED = "\u00ad\u200c\u200d\u2060"
# Parts of a letter that Unicode counts as letters: sound marks in half width, jamo after the first.
_LETTER_PARTS = "\uff9e\uff9f\u1160-\u11ff"
# Where marks are: not among Chinese characters, Hangul and letters for private use.
_WITH_MARKS = (range(0x300, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x17000), range(0x1BC00, 0x1E94B))
_HAN = "々〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_OTHER_WITHOUT_SPACES = (
    "\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff\uac00-\ud7af"  # kana, Hangul
    "\u0e01-\u0e4f\u0e80-\u0edf\u1000-\u109f\u1780-\u17d3"  # Thai, Lao, Burmese, Khmer
)
_ASCII_WORD = re.compile(r"\w+")
_IS_HAN = re.compile(f"[{_HAN}]")
_WITHOUT_SPACES = re.compile(f"[{_HAN}{_OTHER_WITHOUT_SPACES}]")
_IGNORED_LETTER = re.compile(f"[{_IGNORED}]")


class Piece(NamedTuple):
    """A word, or a pair of letters of a script without spaces.

    Attributes:
        text: it in NFKC, its case not folded; scripts without spaces have none.
        start: offset of its first character in the text.
        is_word: whether it is a word.
    """

    text: str
    start: int
    is_word: bool


def fold(text: str) -> str:
    """Return a text in the spelling by which it is compared: NFKC, case folded."""
    return text.lower() if text.isascii() else _compose(_compose(text).casefold())


def word_matches(text: str) -> Iterator[re.Match[str]]:
    """Yield the runs of letters, digits and underscores of a text, with their marks."""
    return (_ASCII_WORD if text.isascii() else _patterns()[0]).finditer(text)


def split_word(word: str, start: int) -> list[Piece]:
    """Split a run of letters into words, and into pairs of letters where words have no spaces.

    Args:
        word: the run, as of `word_matches`.
        start: its offset in the text.
    """
    is_composed = unicodedata.is_normalized("NFKC", word) and not _IGNORED_LETTER.search(word)
    if is_composed and not _WITHOUT_SPACES.search(word):
        return [Piece(word, start, True)]
    letters = [
        (match[0] if is_composed else _compose(match[0]), start + match.start())
        for match in _patterns()[1].finditer(word)
    ]
    pieces: list[Piece] = []
    low = 0
    while low < len(letters):
        is_dense = _WITHOUT_SPACES.match(letters[low][0]) is not None
        high = low + 1
        while high < len(letters) and (_WITHOUT_SPACES.match(letters[high][0]) is not None) == is_dense:
            high += 1
        run = letters[low:high]
        if is_dense:
            pieces += _pairs(run)
        else:
            composed = "".join(letter for letter, _ in run)
            # One letter may stand for several, not all of them letters: ½ is 1⁄2.
            pieces += [Piece(match[0], run[0][1], True) for match in word_matches(composed)]
        low = high
    return pieces


def fold_with_offsets(text: str, ignore_case: bool = True) -> tuple[str, Sequence[int]]:
    """Return a text in one form of Unicode, and where its characters come from.

    Args:
        text: the text.
        ignore_case: whether its case is folded, too.

    Returns:
        The folded text; for each of its characters the offset in `text`, and at last the length.
    """
    if text.isascii():
        return (text.lower() if ignore_case else text), range(len(text) + 1)
    parts: list[str] = []
    offsets: list[int] = []
    for match in _patterns()[1].finditer(text):
        part = _compose(match[0])
        parts.append(_compose(part.casefold()) if ignore_case else part)
        offsets += [match.start()] * len(parts[-1])
    return "".join(parts), [*offsets, len(text)]


def needs_no_boundary(letter: str) -> bool:
    """Tell whether words may begin and end at any side of a letter, as in Chinese."""
    return _WITHOUT_SPACES.match(letter) is not None


def _pairs(letters: list[tuple[str, int]]) -> Iterator[Piece]:
    for index, (letter, start) in enumerate(letters):
        if _IS_HAN.match(letter) or len(letters) == 1:
            yield Piece(letter, start, False)
        if index + 1 < len(letters):
            yield Piece(letter + letters[index + 1][0], start, False)


def _compose(text: str) -> str:
    """Return a text in NFKC, without characters that are not part of its spelling."""
    return unicodedata.normalize("NFKC", _IGNORED_LETTER.sub("", text))


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a word with its marks, and of one letter with its marks."""
    letters = map(chr, chain(*_WITH_MARKS))
    marks = [ord(letter) for letter in letters if unicodedata.category(letter)[0] == "M"]
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    joined = "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges) + _IGNORED
    return re.compile(rf"\w[\w{joined}]*"), re.compile(rf"(?s:.)[{joined}{_LETTER_PARTS}]*")
