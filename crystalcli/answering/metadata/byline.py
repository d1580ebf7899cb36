"""The author, the title and the date that the first page of a document states.

Knows: front matter, headers of mails and of Project Gutenberg, bylines, the names under the title
of a paper. Does not know: files, metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEAD_LENGTH = 3000  # characters of a document in which its author, title and date are looked for
# Kinds of documents whose first page may have names under the title, without a word for them.
PAGED = frozenset(("pdf", "docx", "odt"))
_MAX_LINE = 160  # characters of a line with a name; a longer one is prose
_MAX_DATE_WORDS = 9  # of a line that says of which date a document is; a longer one is prose
_MAX_NAMES_LINES = 6  # lines of names under a title
_FIELD = re.compile(
    r"^[ \t#*_>-]*(?:authors?|author\(s\)|written by|byline)[*_]*[ \t]*[:=][*_]*[ \t]*(?P<value>\S.*?)[ \t]*$",
    re.I | re.M,
)
_FIELD_LIST = re.compile(r"^authors?:[ \t]*\n(?P<value>(?:[ \t]*-[ \t]+\S.*\n)+)", re.I | re.M)
_SENDER = re.compile(r"^From: (?P<value>\S.*)$", re.M)
_BY_LINE = re.compile(r"^[ \t#*_]*(?:by|By|BY)[ \t]*\n?\s*(?P<value>[^\W\d_].*?)[*_ \t.]*$", re.M)
_BY_END = re.compile(r"^(?P<before>.*\S)\s(?:by|By|BY)\s(?P<value>[^\W\d_].*?)[*_ \t.]*$", re.M)
_NO_AUTHOR = re.compile(
    r"\b(?:produced|translated|edited|illustrated|transcribed|prepared|published|created|introduction|drawings)$", re.I
)
_PARTICLES = frozenset("de da do di del della der den van von la le el al bin ibn of y du st".split())  # noqa: SIM905
_NAME_WORD = re.compile(r"[^\W\d_](?:[\w’'.-]*)")
_INSTITUTION = re.compile(
    r"\b(?:universit\w+|institut\w*|departments?|dept|inc|ltd|corp|corporation|company|laborator\w+|labs?|school|college|center|centre|"
    r"faculty|research|press|journal|proceedings|volume|abstract|introduction|contents|version|draft|report|technical|group|"
    r"foundation|society|association|street|committee|agency|division|court|page|chapter|part|figure|table|the)\b",
    re.I,
)
_NAME_JOINTS = re.compile(r"\s*(?:,|;|&|\band\b|\bAND\b| {2,}|\t|·|•|\|)\s*")
_SEMICOLON = re.compile(r"\s*;\s*")  # between names that begin with the surname: "Lee, Ann; Fenn, Maud"
_MARKS = re.compile(r"[*†‡§¶∗⋆#^\d]+")
_ABSTRACT = re.compile(r"^[ \t]*(?:\d\.? )?(?:abstract|introduction|summary|contents|i\.? introduction)\b", re.I | re.M)
MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_MONTH = rf"(?:{MONTHS}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?)"
_YEAR = r"(?:1[4-9]|20)\d\d"
_DATE = (
    rf"(?:\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? {_YEAR}|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}|\b{_MONTH},? {_YEAR}|"
    rf"\b{_YEAR}-\d\d(?:-\d\d)?|\b\d{{1,2}}[./]\d{{1,2}}[./]{_YEAR}|\b{_YEAR})\b"
)
_PLAIN_DATE = re.compile(_DATE, re.I)
# Lines that say of which date a document is, the surest first.
_DATED = [
    re.compile(form, re.I | re.M)
    for form in (
        rf"^[ \t#*_>-]*(?:publication date|release date|first published|originally published|date of publication|"
        rf"published|released|issued|dated|date|"
        rf"date filed|posted|revised|pubdate)\b[*_]*[^\n\d:=]{{0,20}}[:=]?[*_ \t\"']*[^\n]{{0,24}}?{_DATE}[^\n]*$",
        r"^[^\n]{0,100}\b(?:first published|published|publication|released|issued|printed|dated|presented|received|"
        rf"submitted|accepted)\b[^\n]{{0,40}}?{_DATE}[^\n]*$",
        rf"^[^\n]{{0,60}}(?:copyright|©|\(c\))[^\n]{{0,30}}?{_DATE}[^\n]*$",
        rf"^[^\n]{{0,60}}?{_DATE}[.,]?[ \t]*$",
        rf"^[^\n]{{0,100}}\b(?:journal|proceedings|volume|vol\.|issue|conference|symposium|transactions|reprinted)\b[^\n]{{0,100}}?{_DATE}[^\n]*$",
        rf"^[^\n]{{0,100}}{_DATE}[^\n]{{0,60}}\b(?:journal|proceedings|volume|vol\.|issue|conference|symposium|transactions)\b[^\n]*$",
    )
]  # fmt: skip


class PageFact(NamedTuple):
    """What a text states, and where.

    Attributes:
        value: The name, the title, or the date.
        start: The first character of the words that state it.
        end: The character after the last.
    """

    value: str
    start: int
    end: int


def find_author(head: str, kind: str, title: str = "", name: str = "") -> PageFact | None:
    """Find the author that the beginning of a document states.

    Args:
        head: The first HEAD_LENGTH characters of the document.
        kind: Its kind.
        title: Its title, which the names of a paper follow; "" if it is not known.
        name: The name of its file, whose words are of the title.
    """
    if kind == "mail":
        return _stated(_SENDER.search(head))
    if (match := _FIELD_LIST.search(head)) is not None:
        names = [line.strip(" \t-'\"") for line in match["value"].splitlines()]
        return PageFact(", ".join(names), *_trim(head, match.start(), match.end()))
    if (match := _FIELD.search(head)) is not None:
        return _stated(match)
    for form in (_BY_LINE, _BY_END):
        for match in form.finditer(head):
            before = match["before"] if form is _BY_END else ""
            is_prose = len(match[0]) > _MAX_LINE or head.count("\n\n", 0, match.start()) > _MAX_NAMES_LINES
            is_prose = is_prose or not (form is _BY_LINE or _is_title(before))
            if not is_prose and not _NO_AUTHOR.search(before) and _is_names(match["value"]):
                return _stated(match)
    return _names_under_title(head, title, name) if kind in PAGED else None


def find_names(head: str, names: str) -> PageFact | None:
    """Find the line in which the beginning of a document writes the first of some names.

    Args:
        head: The first HEAD_LENGTH characters of the document.
        names: The names, with commas or "and" between them.
    """
    for name in split_names(names):
        words = [re.escape(word) for word in name.split()]
        if words and (match := re.search(r"(?<!\w)" + r"\W+".join(words) + r"(?!\w)", head, re.I)) is not None:
            return PageFact(names, *_line_around(head, match.start(), match.end()))
    return None


def find_title(head: str, title: str) -> PageFact | None:
    """Find where the beginning of a document writes its title."""
    words = [re.escape(word) for word in re.findall(r"\w+", title)]
    match = re.search(r"(?<!\w)" + r"\W+".join(words) + r"(?!\w)", head, re.I) if words else None
    return PageFact(title, match.start(), match.end()) if match is not None else None


def first_title(head: str) -> PageFact | None:
    """Find the title at the top of a page: its first paragraph, if it is short and no sentence."""
    match = re.search(r"\S.*(?:\n.*\S.*){0,2}(?=\n\s*\n)", head)
    if match is None or len(match[0]) > _MAX_LINE or match[0].rstrip().endswith((".", ",", ";", ":")):
        return None
    return PageFact(" ".join(match[0].split()), match.start(), match.end())


def find_date(head: str) -> PageFact | None:
    """Find the line in which the beginning of a document says of which date it is."""
    for form in _DATED:
        for match in form.finditer(head):
            date = _PLAIN_DATE.search(match[0])
            if date is not None and len(match[0].split()) <= _MAX_DATE_WORDS:
                return PageFact(" ".join(date[0].split()), *_trim(head, match.start(), match.end()))
    return None


def split_names(names: str) -> list[str]:
    """Split names at commas, "and" and the like; at semicolons alone where there are any."""
    joints = _SEMICOLON if ";" in names else _NAME_JOINTS
    return [name for name in joints.split(names.strip()) if name]


def _is_title(text: str) -> bool:
    """Tell whether most of the longer words of a text have a capital, as a title's have."""
    words = [word for word in re.findall(r"[^\W\d_]+", text) if len(word) > 3]
    capitals = sum(1 for word in words if word[0].isupper())
    return 2 * capitals > len(words)


def _is_names(text: str) -> bool:
    """Tell whether a text consists of people's names: two to five capitalised words each."""
    names = split_names(_MARKS.sub(" ", text))
    return bool(names) and all(map(_is_name, names))


def _is_name(name: str) -> bool:
    words = name.replace(", ", " ", 1).split()
    if not 2 <= len(words) <= 5 or _INSTITUTION.search(name):
        return False
    return all(_NAME_WORD.fullmatch(word) and (word[0].isupper() or word.lower() in _PARTICLES) for word in words)


def _names_under_title(head: str, title: str, name: str) -> PageFact | None:
    """Find the names between the title of a paper and its text."""
    title_words = set(re.findall(r"[^\W\d_]+", f"{title} {name}".lower()))
    at = find_title(head, title) or first_title(head)
    if at is None:
        return None
    abstract = _ABSTRACT.search(head, at.end)
    end = min(abstract.start() if abstract else len(head), at.end + HEAD_LENGTH // 3)
    found: list[tuple[int, int]] = []
    for start, stop in _lines(head, at.end, end):
        is_title = title_words.issuperset(re.findall(r"[^\W\d_]+", head[start:stop].lower()))
        if _is_names(head[start:stop]) and not is_title:
            found.append((start, stop))
        elif found or head[start:stop].count(" ") > 2 * _MAX_NAMES_LINES:
            break
        if len(found) == _MAX_NAMES_LINES:
            break
    if not found:
        return None
    names = [name for start, stop in found for name in split_names(_MARKS.sub(" ", head[start:stop]))]
    return PageFact(join_names(names), found[0][0], found[-1][1])


def join_names(names: Sequence[str]) -> str:
    """Join names as a sentence has them: "A, B and C"."""
    listed = [" ".join(name.split()) for name in names]
    return f"{', '.join(listed[:-1])} and {listed[-1]}" if len(listed) > 1 else "".join(listed)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the lines in `[start, end)` that are not empty."""
    for match in re.finditer(r"[^\s].*", text[start:end]):
        yield start + match.start(), start + match.start() + len(match[0].rstrip())


def _stated(match: re.Match[str] | None) -> PageFact | None:
    """Take the value of a match, and its whole line."""
    if match is None:
        return None
    value = " ".join(match["value"].split()).strip(" \"'*_")
    return PageFact(value, *_trim(match.string, match.start(), match.end()))


def _line_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Give the span of the line around a span, or the span itself if the line is prose."""
    low, high = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    high = len(text) if high < 0 else high
    return _trim(text, low, high) if high - low <= _MAX_LINE else (start, end)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Give a span without the white space around its text."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return start, start + len(piece.strip())
