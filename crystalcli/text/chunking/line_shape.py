"""Shape of lines: rows of tables and logs, and lines of code, which end where they mean to.

A line of hard-wrapped prose ends only because a column was full; these do not, whatever their
length. Knows two lines at a time. Does not know the document.
"""

from __future__ import annotations

import re

# A row of a table, with bars between cells or a name before each: `a | b`, `Year: 2020; Fare: 5`,
# `Net sales; 2023: 3,540; 2022: 3,393`.
_CELLS = re.compile(
    r"[^|\n]*\S \| |\s*\|.*\||[^;\n]{1,90}: [^;\n]*; [^;\n]{1,90}: |[^;\n]{1,200}; [^;:\n]{1,90}: [^\w\s]{0,2} ?[\d—–-]"
)
_IS_SIGN = bytes(chr(byte) in "|\t=<>{}[]@#_+*&\\/(;0123456789" for byte in range(256))
_STAMP = re.compile(
    r"\W{0,3}(?:[A-Z]+\W{1,3})?(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{2,4}|\d\d?:\d\d[:.]\d\d"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*\.? +\d\d? +\d\d:)"
)
_COLUMNS = re.compile(r"\S(?: {3,}|\t)\S")
_GAP = re.compile(r"(?<=[^\s.!?:;,]) {2,}(?=\S)")
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")
# A number or a code, but not a word with a note behind it at the end of a sentence.
_NUMBERED = re.compile(r"(?=\D*\d)(?![^\W\d_]\S*[.,;:!?]\Z)")
_CODE_LETTERS = frozenset("=<>{}[]@#_+*&\\/(;")
# Signs of code: operators between spaces, calls, ends of statements, comments, tags.
_CODE = re.compile(
    r"\s(?:[-+*/%|&:.?]?=|[=!<>]=|=>|->|<-|&&|\|\||\+|\*)\s|\w\((?:\)|[^()\s]*[,.=_\"'])|\w\([^()]*\)\s*[:;{]\s*\Z"
    r"|[{};]\s*\Z|\A\s*(?:[@<\[#{}]|//|/\*|--|::)|_\w+_\w"
)


def find_signs(text: str) -> bytes:
    """Mark the characters of a text that prose seldom has, with a byte of 1 for each.

    Lines without any, and without two spaces or dashes together, do not stand alone.
    """
    return text.encode("ascii", "replace").translate(_IS_SIGN)


def is_row(line: str) -> bool:
    """Tell whether a line is a row of a table: cells with bars between them, or with names."""
    return ("|" in line or ("; " in line and ": " in line)) and _CELLS.match(line) is not None


def stands_alone(line: str, following: str) -> bool:
    """Tell whether a newline between two lines is meant, since they are rows or code."""
    if is_row(line) or are_entries(line, following) or _has_columns(line) or _has_columns(following):
        return True
    return not _gaps(line).isdisjoint(_gaps(following)) or (_is_code(line) and _is_code(following))


def are_entries(line: str, following: str) -> bool:
    """Tell whether two lines are entries of one table or log: the lower one begins as such."""
    return is_row(following) or _STAMP.match(following) is not None or _are_alike(line, following)


def _is_code(line: str) -> bool:
    return not _CODE_LETTERS.isdisjoint(line) and _CODE.search(line) is not None


def _has_columns(line: str) -> bool:
    return ("\t" in line or "   " in line) and _COLUMNS.search(line) is not None


def _are_alike(line: str, following: str) -> bool:
    """Tell whether two lines begin alike: `W7 ...` and `W8 ...`, `step 4 ...` and `step 5 ...`."""
    head, other = line.split(None, 2)[:2], following.split(None, 2)[:2]
    return any(
        _NUMBERED.match(word) is not None and head[:index] == other[:index] and _skeleton(word) == _skeleton(below)
        for index, (word, below) in enumerate(zip(head, other, strict=False))
    )


def _skeleton(word: str) -> str:
    return _LETTERS.sub("a", _DIGITS.sub("0", word))


def _gaps(line: str) -> frozenset[int]:
    """Return the columns at which cells begin, two spaces or more behind the one before."""
    return frozenset(match.end() for match in _GAP.finditer(line)) if "  " in line else frozenset()
