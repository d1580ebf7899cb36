"""The signatures under a document, such as "By: /s/ Ann Marl" with the name and office below it.

    SIGNATURES                                   the document's own, under this heading
    ... signed on its behalf by the undersigned
    MARL PLC
    By: /s/ Ann Marl                             the signature
    Ann Marl
    Chief Financial Officer                      the office, quoted with it
    ... has been signed below by the following persons     counted where an office is asked for

Auditors sign inside of a document, others sign its exhibits; the heading tells which are its own.

Knows: marks of signatures in English documents. Does not know: files, questions.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SIGNED = re.compile(
    r"(?<![^\s(])(?:/s/|\(signed\)|signed(?: by)?:|signature:)[ \t]*(?P<name>[^\W\d_][^\n]*?)[ \t]*"
    r"(?=\n|\Z| {2,}|\t|(?:\b(?:by|and):?[ \t]*)?/s/|\(signed\)|\b(?:date[d:]|on)\b)",
    re.IGNORECASE,
)
_SECTION = re.compile(r"^[ \t#*]*signatures?[ \t*:]*$|\bsigned on its\s+behalf\b", re.IGNORECASE | re.MULTILINE)
_OTHERS = re.compile(r"\bsigned\s+below\b|\bpower of attorney\b", re.IGNORECASE)
_EXHIBIT = re.compile(r"^[ \t]*(?:exhibit|annex|appendix|schedule)\b", re.IGNORECASE | re.MULTILINE)
_DATE = re.compile(r",? +(?:\w+ \d{1,2}, \d{4}|\d{1,2} \w+ \d{4}|\d{4}-\d\d-\d\d)\W*$")
_SECTION_LENGTH = 8000  # characters of a page of signatures, at most
_MOST_LINES, _LONGEST_LINE = 4, 160  # lines below a signature that say who it is; a longer one is prose
_COLUMNS = re.compile(r"\t| {2,}")
_WORD = re.compile(r"[^\W\d_]+")
# Words of an office that titles leave out.
_SMALL = frozenset(("of", "the", "and", "for", "a", "an"))


class Signature(NamedTuple):
    """A signature under a document.

    Attributes:
        name: The name, as signed.
        start: The first character of its line.
        end: The character after the last line that says who it is.
        stated: The words of these lines that are about the signer, in columns those below the name.
        is_own: Whether it is for the document as a whole, before those of further persons.
    """

    name: str
    start: int
    end: int
    stated: str
    is_own: bool


def find_signatures(text: str) -> list[Signature]:
    """Find the signatures under a document, in their order.

    Args:
        text: The text of the document.
    """
    low, high = signature_section(text)
    others = _OTHERS.search(text, low, high)
    found: list[Signature] = []
    for match in _SIGNED.finditer(text, low, high):
        start = text.rfind("\n", 0, match.start()) + 1
        end = _end_of_block(text, match.end(), high)
        name = _DATE.sub("", match["name"]).strip(" ,;:_*")
        if not name:
            continue
        column = sum(signature.start == start for signature in found)
        stated = _stated(text[match.start() : end] if column == 0 else text[start:end], column)
        is_own = others is None or start < others.start()
        found.append(Signature(_as_printed(name, stated), start, end, stated, is_own))
    return found


def signature_section(text: str) -> tuple[int, int]:
    """Give the span of the document's own signatures: under their heading, else the whole text."""
    for heading in _SECTION.finditer(text):
        high = min(len(text), heading.end() + _SECTION_LENGTH)
        exhibit = _EXHIBIT.search(text, heading.end(), high)
        high = exhibit.start() if exhibit is not None else high
        if _SIGNED.search(text, heading.end(), high) is not None:
            return heading.end(), high
    return 0, len(text)


def signed_in_office(signatures: list[Signature], office: str) -> list[Signature]:
    """Choose the signatures of those who hold an office, such as "chief financial officers"."""
    words = _office_words(office)
    return [signature for signature in signatures if words and words <= _office_words(signature.stated)]


def _office_words(text: str) -> set[str]:
    """Give the words of an office, of several as of one."""
    return {word.lower().removesuffix("s") for word in _WORD.findall(text)} - _SMALL


def _stated(block: str, column: int) -> str:
    """Take what the lines of a block say in one of its columns."""
    lines = block.splitlines()
    rows = [_COLUMNS.split(line.strip()) for line in lines[1:]]
    are_columns = len(_SIGNED.findall(lines[0])) > 1 or column
    if not are_columns:
        return block
    cells = [row[column] if column < len(row) else "" for row in rows]
    return "\n".join(cell for cell in cells if cell)


def _as_printed(name: str, stated: str) -> str:
    """Give a name as it is printed below the signature, where that is the same in other letters."""
    printed = re.search(re.escape(name), stated.partition("\n")[2], re.IGNORECASE) if name.isupper() else None
    return printed[0] if printed is not None else name


def _end_of_block(text: str, position: int, high: int) -> int:
    """Find the end of the lines below a signature, which say the name, the office and the day."""
    end = text.find("\n", position, high)
    end = high if end < 0 else end
    for _ in range(_MOST_LINES):
        following = text.find("\n", end + 1, high)
        following = high if following < 0 else following
        line = text[end + 1 : following]
        if not line.strip() or len(line) > _LONGEST_LINE or _SIGNED.search(line) or _OTHERS.search(line):
            break
        end = following
    return end
