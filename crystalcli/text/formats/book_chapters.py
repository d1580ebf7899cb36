"""Chapters of a book in plain text, and the header and licence that Project Gutenberg adds.

Knows headings without marks: paragraphs of one line that say "Chapter IV", a bare numeral, or,
after a wider gap than paragraphs have, a few words without the end of a sentence. Does not know
files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from crystalcli.datatypes import Landmark
from crystalcli.text.document.outline import Outline, heading_label, scanned_parts, split_at_headings
from crystalcli.text.formats.markdown import NEWLINE

HEADER, LICENCE = "Project Gutenberg header", "Project Gutenberg licence"
# Levels, outermost first. A bare numeral is a chapter after a wide gap, and a section otherwise.
_VOLUME, _BOOK, _PART, _CHAPTER, _SECTION = range(1, 6)
_LEVELS = {
    "volume": _VOLUME, "vol": _VOLUME, "book": _BOOK, "part": _PART, "act": _PART, "chapter": _CHAPTER, "letter": _CHAPTER,
    "canto": _CHAPTER, "scene": _CHAPTER, "stave": _CHAPTER, "appendix": _CHAPTER, "section": _SECTION,
}  # fmt: skip
_ROMAN = "(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})"
_WORD = (
    "(?:the )?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last)|ten|eleven|twelve|"
    "(?:thir|four|fif|six|seven|eigh|nine)teen|(?:(?:twen|thir|for|fif|six)ty[ -]?)?(?:one|two|three|four|five|six|seven|eight|nine)|"
    "(?:twen|thir|for|fif|six)ty"
)
_KEYED = re.compile(
    rf"(?P<key>(?i:{'|'.join(_LEVELS)}))\.? (?:{_ROMAN}|(?i:{_ROMAN}|{_WORD})|\d{{1,3}}|[A-Z])"
    r"(?:\.?|\.?(?:[.:—–-] ?| [—–-] ?| )(?P<title>[A-Z0-9“\"‘'(À-Þ].*))"
)
_NUMERAL = re.compile(rf"(?P<number>{_ROMAN}|\d{{1,3}})(?:\.?|(?:\.|:| ?[—–-]) ?(?P<title>[A-Z“\"‘À-Þ].*))")
_ALONE = re.compile(
    r"(?i:introduction|preface|foreword|prologue|epilogue|conclusion|contents|appendix|afterword|postscript|dedication|endnotes|"
    r"footnotes|notes|glossary|index|bibliography|acknowledge?ments|preamble|colophon)\.?"
)
_MARKER = re.compile(r"(?:\*\*\* ?)?(START|END) OF (?:THE |THIS )?PROJECT GUTENBERG", re.IGNORECASE)
_CREDIT = re.compile(
    r"(?:By(?! (?:the|an?) )|Produced by|Translated by|Edited by|Transcribed by|Illustrated by|With illustrations by)\b",
    re.IGNORECASE,
)
_PROJECT = re.compile(r"(?:\*+ ?)?(?:The |This )?Project Gutenberg", re.IGNORECASE)
_TITLE = re.compile(r"^Title:[ \t]*(\S[^\r\n]*)", re.MULTILINE)
_CLOSED = re.compile(r"[,;:.!?…—–-][\"'”’»)\]*_]*$")
_TITLE_LIKE = re.compile(r"[A-ZÀ-Þ0-9“\"‘'][^|=<>{}\\\t]*$")
_NUMERALS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_WIDE = 2  # blank lines before a chapter, where paragraphs have one between them
_BEFORE_ALL = 99
_MAX_HEADING_LENGTH = 90  # characters
_MAX_HEADING_WORDS = 14
_LOOKAHEAD = 2  # paragraphs that must follow before one is judged
_MAX_PENDING = 1 << 15  # characters that wait to be judged; a longer paragraph is not a heading


class _Paragraph(NamedTuple):
    """Lines without a blank one between them.

    Attributes:
        start: offset of its first line.
        end: offset behind its last line.
        gap: blank lines before it.
        lines: its first four at most, with single spaces.
    """

    start: int
    end: int
    gap: int
    lines: list[str]


def with_chapters(texts: Iterable[str]) -> Iterator[str | Landmark]:
    """Yield the same text, split so that a Landmark stands before the line of each heading."""
    for part, headings, start in scanned_parts(texts, _Scanner().scan):
        yield from split_at_headings(part, headings, start)


def gutenberg_title(head: str) -> str:
    """Return the title in the header of Project Gutenberg, or ""."""
    title = _TITLE.search(head) if _PROJECT.match(head.lstrip()) else None
    return heading_label(title[1]) if title is not None else ""


class _Scanner:
    """A pass through a text, paragraph by paragraph."""

    def __init__(self) -> None:
        self._outline = Outline()
        self._gap = _BEFORE_ALL  # blank lines at the end of the judged text
        self._is_first = True
        self._inside = True  # in the book, rather than in the header or the licence
        self._is_over = False  # the licence has begun
        self._number = 0  # of the last chapter or section that had one

    def scan(self, text: str, *, final: bool) -> tuple[list[tuple[int, str]], int]:
        """Find the headings among the paragraphs that can be judged.

        Args:
            text: the part of the document that is not judged yet.
            final: the document ends with it.

        Returns:
            (offset in `text`, path) of each heading, and the characters judged.
        """
        paragraphs, ended, gap = self._paragraphs(text, final)
        if not final and len(paragraphs) <= _LOOKAHEAD:
            if len(text) - (paragraphs[0].start if paragraphs else 0) <= _MAX_PENDING:
                return [], 0
            done = ended or len(text)
            self._gap = gap if ended else 0
            self._is_first = False
            return [], done
        judged = len(paragraphs) if final else len(paragraphs) - _LOOKAHEAD
        headings: list[tuple[int, str]] = []
        is_subtitle = False
        for index in range(judged):
            following = paragraphs[index + 1] if index + 1 < len(paragraphs) else None
            is_subtitle = False if is_subtitle else self._judge(paragraphs[index], following, headings)
            self._is_first = False
        if final:
            return headings, len(text)
        if is_subtitle:
            judged += 1
        self._gap = 0
        return headings, paragraphs[judged - 1].end

    def _paragraphs(self, text: str, final: bool) -> tuple[list[_Paragraph], int, int]:
        """Return the paragraphs, the end of the last whole line, and the blank lines there."""
        paragraphs: list[_Paragraph] = []
        ends = [newline.end() for newline in NEWLINE.finditer(text)]
        ended = ends[-1] if ends else 0
        if final and ended < len(text):
            ends.append(len(text))
        gap, start = self._gap, 0
        for end in ends:
            longest = 2 * _MAX_HEADING_LENGTH
            line = text[start : min(end, start + longest + 2)] if end - start > longest else text[start:end]
            if not line.strip() and not text[start:end].strip():
                gap += 1
            elif gap or not paragraphs:
                paragraphs.append(_Paragraph(start, end, gap, [" ".join(line.split())]))
                gap = 0
            else:
                last = paragraphs[-1]
                if len(last.lines) < 4:
                    last.lines.append(" ".join(line.split()))
                paragraphs[-1] = last._replace(end=end)
            start = end
        return paragraphs, ended, gap

    def _judge(self, paragraph: _Paragraph, following: _Paragraph | None, headings: list[tuple[int, str]]) -> bool:
        """Add the paragraph to the headings, if it is one.

        Args:
            paragraph: the one to judge.
            following: the next one, which may be its subtitle.
            headings: (offset, path) of each heading so far; this one is added.

        Returns:
            True if `following` is a part of the heading.
        """
        line = paragraph.lines[0]
        if self._is_first and _PROJECT.match(line):
            self._inside = False
            headings.append((paragraph.start, HEADER))
            return False
        marker = next((match for text in paragraph.lines if (match := _MARKER.match(text)) is not None), None)
        if marker is not None:
            if self._is_over:
                return False
            self._inside = marker[1].upper() == "START"
            self._is_over = not self._inside
            headings.append((paragraph.end, "") if self._inside else (paragraph.start, LICENCE))
            return False
        if self._is_over or not paragraph.gap or len(line) > _MAX_HEADING_LENGTH or len(paragraph.lines) > 3:
            return False
        level, label, has_title = self._heading(paragraph)
        if not level:
            return False
        label = label.rstrip(". ")
        has_subtitle = not has_title and following is not None and _is_subtitle(following)
        if has_subtitle and following is not None:
            label = f"{label}. {' '.join(following.lines)}"
        self._inside = True
        headings.append((paragraph.start, self._outline.enter(level, heading_label(label))))
        return has_subtitle

    def _heading(self, paragraph: _Paragraph) -> tuple[int, str, bool]:
        """Return the level of a heading (0: plain text), its text, and whether it has a title."""
        line, is_wide = paragraph.lines[0], paragraph.gap >= _WIDE
        if (keyed := _KEYED.fullmatch(line)) is not None and (line[0].isupper()):
            title = keyed["title"] or " ".join(paragraph.lines[1:])
            if (not title or _is_title(title)) and (len(paragraph.lines) == 1 or not keyed["title"]):
                return _LEVELS[keyed["key"].lower()], " ".join(paragraph.lines), bool(title)
            return 0, "", False
        if not self._inside or len(paragraph.lines) > 1:
            return 0, "", False
        if (numeral := _NUMERAL.fullmatch(line)) is not None:
            number = _numeral_value(numeral["number"])
            title = numeral["title"] or ""
            follows = not title and not line[0].isdigit() and number in (1, self._number + 1)
            if (is_wide or follows) and (not title or _is_title(title)):
                self._number = number
                return _CHAPTER if is_wide else _SECTION, line, bool(title)
            return 0, "", False
        if is_wide and (_ALONE.fullmatch(line) or (_is_title(line) and not line[0].isdigit())):
            self._number = 0
            return _CHAPTER, line, True
        return 0, "", False


def _is_title(line: str) -> bool:
    """Tell whether a line reads as a title: few words, most of them capitalised, no full stop."""
    words = [word.strip("“”\"‘’'()[]_*") for word in line.replace("—", " ").split()]
    longer = [word for word in words if len(word) > 3 and word[0].isalpha()]
    if len(line) > _MAX_HEADING_LENGTH or len(words) > _MAX_HEADING_WORDS:
        return False
    if not _TITLE_LIKE.match(line) or _CREDIT.match(line):
        return False
    if line.endswith((".", ",", ";", ":")) and not line.isupper():
        return False
    return any(word[:1].isalpha() for word in words) and sum(word[0].isupper() for word in longer) >= 0.5 * len(longer)


def _is_subtitle(paragraph: _Paragraph) -> bool:
    """Tell whether a paragraph is the title of the chapter whose number stands above it."""
    line = paragraph.lines[0]
    if paragraph.gap >= _WIDE or len(paragraph.lines) > 1 or _KEYED.fullmatch(line) or _NUMERAL.fullmatch(line):
        return False
    return _is_title(line) and not _CLOSED.search(line) and line[0] not in "“\"‘'"


def _numeral_value(numeral: str) -> int:
    if numeral.isdigit():
        return int(numeral)
    values = [_NUMERALS[letter] for letter in numeral]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))
