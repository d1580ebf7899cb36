"""Marks of notes, raised behind a word: `revenue¹²` becomes `revenue [12]`, as in other formats.

Knows: marks and the words that they stand behind. An exponent (`40 m²`, `10⁶`, `sin² x`) is none.
Does not know: places of letters.
"""

from __future__ import annotations

import re

RAISED = 0.15  # of the size of the letters before: how far a mark stands above their base line
SMALLER = 0.85  # than these
_MARK = re.compile(r"\d{1,3}(?:(?:, ?|[-–])\d{1,3})*|[a-h]")
_WORD = re.compile(r"([^\W\d_]{3,})[.,;:!?)\]”’»\"。，」』]{0,2}$")
_FUNCTION = re.compile(r"(?:arc)?(?:sin|cos|tan|cot|sec|csc|log|exp|det|max|min|dim|mod|arg|lim)h?")


def mark_behind(before: str, raised: str, after: str) -> str:
    """Return raised letters as the mark of a note, or as they are.

    Args:
        before: the text before them, on the same line.
        raised: the letters.
        after: the text behind them, as far as it touches them.
    """
    word = _WORD.search(before)
    if not word or word[1].isupper() or _FUNCTION.fullmatch(word[1]) or after[:1].isalnum():
        return raised
    return f" [{raised}]" if _MARK.fullmatch(raised) else raised
