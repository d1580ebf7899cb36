"""Headings of plain-text markups besides Markdown and reStructuredText.

Knows how Org, AsciiDoc, LaTeX, Typst, MediaWiki, Textile, man pages and Pod write headings, titles,
and blocks in which a line only looks like a heading. Does not know files, and does not render.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from crystalcli.datatypes import Landmark
from crystalcli.text.document.outline import Outline, heading_label, scanned_parts, split_at_headings
from crystalcli.text.formats.markdown import MAX_LINE_LENGTH, NEWLINE

_ACCENTS = dict(zip("\"'`^~", "\u0308\u0301\u0300\u0302\u0303", strict=True))
_TEX_ACCENT = re.compile(r"\\([\"'`^~])\{?([A-Za-z])\}?")
_TEX_GONE = re.compile(r"\\(?:label|cite\w*|ref|index|footnote|thanks)\s*(?:\[[^\]]*\])?\{[^{}]*\}")
_TEX_COMMAND = re.compile(r"\\[A-Za-z]+\*?\s?|[{}$]|\\(?=[&%#_])")
_WIKI_LINK = re.compile(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]")
_ORG_COOKIE = re.compile(r"\s*\[(?:\d*/\d*|\d*%)\]")  # how much of a task is done
_ORG_LINK = re.compile(r"\[\[[^\]]*\]\[([^\]]*)\]\]")
_ROFF = re.compile(r"\\f(?:\[\w*\]|\(..|.)|\\&")
_POD = re.compile(r"[A-Z]<+ ?([^<>]*?) ?>+")


class _Markup(NamedTuple):
    """A markup.

    Attributes:
        heading: matches a line that is a heading; its group `title`, and `mark` for the level.
        levels: the level of a mark; without one it is the mark's length.
        title: matches the line with the document's title, its group 1.
        block: matches a line that begins a block of exact text.
        block_end: of a match of `block`, the pattern of the line that ends it.
        clean: of a heading's text, the words.
        underlines: marks of which a line below makes a heading, the highest level first.
    """

    heading: re.Pattern[str]
    levels: Mapping[str, int] = {}
    title: re.Pattern[str] | None = None
    block: re.Pattern[str] | None = None
    block_end: Callable[[re.Match[str]], str] = lambda match: re.escape(match[0].strip())
    clean: Callable[[str], str] = str
    underlines: str = ""


def tex_words(text: str) -> str:
    """Return the words of an argument of TeX, up to the brace that ends it."""
    depth = 0
    for offset, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if depth < 0:
            text = text[:offset]
            break
    text = _TEX_GONE.sub("", text)
    text = _TEX_ACCENT.sub(lambda match: unicodedata.normalize("NFC", match[2] + _ACCENTS[match[1]]), text)
    return _TEX_COMMAND.sub("", text).replace("~", " ").replace(r"\\", " ")


_ORG = _Markup(
    re.compile(
        r"(?P<mark>\*+)\s+(?:(?:TODO|DONE|NEXT|WAITING|WAIT|HOLD|CANCELL?ED|STARTED|STRT|PROJ|SOMEDAY|IDEA|KILL)\s+)?"
        r"(?:\[#\w\]\s*)?(?P<title>\S.*?)(?:\s+:[\w@#%:]+:)?\s*\Z"
    ),
    title=re.compile(r"#\+TITLE:\s*(\S.*)", re.IGNORECASE),
    block=re.compile(r"\s*#\+BEGIN_(\w+)", re.IGNORECASE),
    block_end=lambda match: rf"(?i:\s*#\+END_{match[1]}\b)",
    clean=lambda text: _ORG_COOKIE.sub("", _ORG_LINK.sub(r"\1", text)),
)
_ASCIIDOC = _Markup(
    re.compile(r"(?P<mark>={1,6}|#{1,6})\s+(?P<title>\S.*?)(?:\s+(?P=mark))?\s*\Z"),
    block=re.compile(r"(?:-{4,}|\.{4,}|\+{4,}|/{4,}|```.*)\s*\Z"),
    block_end=lambda match: re.escape(match[0].strip()[:4] if match[0][0] != "`" else "```"),
    clean=lambda text: re.sub(r"\[\[[^\]]*\]\]|[*_`]{1,2}(?=\S)|(?<=\S)[*_`]{1,2}", "", text),
    underlines="=-~^+",
)
_TEX = _Markup(
    re.compile(
        r"\s*(?:\\(?P<mark>part|chapter|section|subsection|subsubsection|paragraph|frametitle)\*?\s*(?:\[[^\]]*\]\s*)?"
        r"|\\begin\{frame\}(?:\[[^\]]*\])?)\{(?P<title>.*)"
    ),
    {
        "part": 0,
        "chapter": 1,
        "section": 2,
        "subsection": 3,
        "subsubsection": 4,
        "paragraph": 5,
        "frametitle": 6,
        "": 6,
    },
    re.compile(r"\s*\\title\s*(?:\[[^\]]*\]\s*)?\{(.*)"),
    re.compile(r"\s*\\begin\{(verbatim|lstlisting|minted|comment|filecontents)\*?\}"),
    lambda match: rf".*\\end\{{{match[1]}\*?\}}",
    tex_words,
)
_TYPST = _Markup(
    re.compile(r"(?P<mark>=+)\s+(?P<title>\S.*?)(?:\s*<[\w:.-]+>)?\s*\Z"),
    title=re.compile(r"#set document\(.*?title:\s*[\"\[]([^\"\]]+)"),
    block=re.compile(r"\s*```"),
    block_end=lambda _: r"\s*```",
)
_WIKI = _Markup(
    re.compile(r"(?P<mark>={1,6})\s*(?P<title>[^=\s].*?)\s*(?P=mark)\s*(?:<!--.*)?\Z"),
    block=re.compile(r"\s*<(nowiki|pre|syntaxhighlight|source)\b[^<>]*>(?!.*</\1>)"),
    block_end=lambda match: rf".*</{match[1]}>",
    clean=lambda text: re.sub(r"'{2,}", "", _WIKI_LINK.sub(r"\1", text)),
)
_TEXTILE = _Markup(
    re.compile(r"h(?P<mark>[1-6])(?:\([^)]*\)|\{[^}]*\}|\[[^\]]*\]|[<>=]+)*\.\s+(?P<title>\S.*)"),
    {str(level): level for level in range(1, 7)},
    block=re.compile(r"\s*<(pre|code|notextile)\b[^<>]*>(?!.*</\1>)"),
    block_end=lambda match: rf".*</{match[1]}>",
)
_MAN = _Markup(
    re.compile(r"[.']\s*(?P<mark>SH|SS|Sh|Ss)\s+(?P<title>\S.*)"),
    {"SH": 1, "Sh": 1, "SS": 2, "Ss": 2},
    re.compile(r"[.']\s*(?:TH|Dt)\s+(\S+\s+\S+)"),
    clean=lambda text: _ROFF.sub("", text).replace(r"\-", "-").replace('"', ""),
)
_POD_MARKUP = _Markup(
    re.compile(r"=head(?P<mark>[1-6])\s+(?P<title>\S.*)"),
    {str(level): level for level in range(1, 7)},
    block=re.compile(r"=begin\s+(\w+)"),
    block_end=lambda match: rf"=end\s+{match[1]}",
    clean=lambda text: _POD.sub(r"\1", text),
)
_MARKUPS = {
    **dict.fromkeys((".org",), _ORG),
    **dict.fromkeys((".adoc", ".asciidoc"), _ASCIIDOC),
    **dict.fromkeys((".tex", ".latex", ".ltx", ".rnw"), _TEX),
    ".typ": _TYPST,
    **dict.fromkeys((".wiki", ".mediawiki"), _WIKI),
    ".textile": _TEXTILE,
    ".pod": _POD_MARKUP,
}
MARKUP_SUFFIXES = frozenset(_MARKUPS)
_MAN_SUFFIX = re.compile(r"\.[1-9](?:[a-z]{1,4})?|\.(?:man|mdoc|roff)")
_MAN_HEAD = re.compile(rb"^[.']\s*(?:TH|Dd|Dt|SH|Sh)\b", re.MULTILINE)


def is_man_page(suffix: str, head: bytes) -> bool:
    """Tell whether a file is a page of the manual, by its suffix (`.1`) and its first bytes."""
    return _MAN_SUFFIX.fullmatch(suffix) is not None and _MAN_HEAD.search(head) is not None


def with_markup_headings(texts: Iterable[str], suffix: str) -> Iterator[str | Landmark]:
    """Yield the same text, split so that a Landmark stands before the line of each heading.

    Args:
        texts: a document in pieces.
        suffix: of its file, in lower case.
    """
    for part, headings, start in scanned_parts(texts, _Scanner(_MARKUPS.get(suffix, _MAN)).scan):
        yield from split_at_headings(part, headings, start)


def markup_title(head: str, suffix: str) -> str:
    """Return the title that the beginning of a document states, or else its first heading."""
    markup = _MARKUPS.get(suffix, _MAN)
    for line in head.splitlines():
        if markup.title is not None and (match := markup.title.match(line)) is not None:
            title = heading_label(markup.clean(match[1]))
            return re.sub(r"(\S+)\s+(\S+)", r"\1(\2)", title) if markup is _MAN else title
    first = next((piece for piece in with_markup_headings([head], suffix) if isinstance(piece, Landmark)), None)
    return first.label if first is not None else ""


class _Scanner:
    """A pass through a text, line by line, that remembers the block around each line."""

    def __init__(self, markup: _Markup) -> None:
        self._markup = markup
        self._outline = Outline()
        self._block_end: re.Pattern[str] | None = None
        self._is_blank_above = True
        self._in_long_line = False

    def scan(self, text: str, *, final: bool) -> tuple[list[tuple[int, str]], int]:
        """Find the headings in the lines that can be judged: those above another line, or the end.

        Args:
            text: the part of the document that is not judged yet.
            final: the document ends with it.

        Returns:
            (offset in `text`, path) of each heading, and the characters judged.
        """
        ends = [newline.end() for newline in NEWLINE.finditer(text)]
        starts = [0, *ends]
        lines = [text[a:b].rstrip("\r\n") for a, b in zip(starts, [*ends, len(text)], strict=True)]
        headings: list[tuple[int, str]] = []
        count = len(lines) if final else max(0, len(lines) - 2)
        for index, line in enumerate(lines[:count]):
            if self._in_long_line:  # this is its end
                self._in_long_line = False
                continue
            found = self._heading(line, lines[index + 1] if index + 1 < len(lines) else "")
            if found is not None:
                headings.append((starts[index], self._outline.enter(*found)))
            self._is_blank_above = not line.strip()
        done = len(text) if final else starts[count]
        if not final and len(text) - done > 2 * MAX_LINE_LENGTH:
            self._in_long_line = bool(lines[-1])
            return headings, len(text)
        return headings, done

    def _heading(self, line: str, following: str) -> tuple[int, str] | None:
        """Return the level and the words of a heading, or None for another line."""
        markup = self._markup
        if self._block_end is not None:
            if self._block_end.match(line):
                self._block_end = None
            return None
        if (match := markup.heading.match(line)) is not None:
            mark = match["mark"] or ""
            label = heading_label(markup.clean(match["title"]))
            return (markup.levels.get(mark, len(mark)), label) if label else None
        if markup.underlines and (level := self._underlined(line, following)):
            return level, heading_label(markup.clean(line))
        if markup.block is not None and (match := markup.block.match(line)) is not None:
            self._block_end = re.compile(markup.block_end(match))
        return None

    def _underlined(self, line: str, following: str) -> int:
        """Return the level of a title that is underlined, 0 for another line."""
        mark = following[:1]
        if not mark or mark not in self._markup.underlines or not self._is_blank_above or not re.match(r"\w", line):
            return 0
        under = following.rstrip()
        is_rule = len(under) > 2 and not under.strip(mark) and abs(len(under) - len(line.rstrip())) <= 2
        return self._markup.underlines.index(mark) + 1 if is_rule else 0
