"""Boundaries at which text may be cut: sentence, line, paragraph and definition ends, with ranks.

Knows the look of prose and of code. Does not know tokens, chunks or files. A boundary depends on
the lines around it only, so an edit elsewhere moves no boundary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from crystalcli.text.chunking.line_shape import find_signs, is_row, stands_alone

# Ranks of a boundary as the end of a chunk, worst first. MEMBER and DEFINITION are not found here:
# they come from landmarks of definitions.
WORD, HEADING, WRAPPED, SENTENCE, LINE, BLOCK, PARAGRAPH, SECTION, MEMBER, DEFINITION = range(10)


class Boundary(NamedTuple):
    """A place where text may be cut.

    Attributes:
        end: the offset after the last character, trailing white space included.
        rank: one of WORD to DEFINITION.
    """

    end: int
    rank: int


_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
# Marks that end a sentence with or without white space after them: of Chinese and Japanese, Hindi
# and its neighbours, Urdu and Arabic, Armenian, Ethiopic, Burmese, Khmer, Tibetan, Mongolian, and
# of scripts with fewer readers, from Syriac to Javanese.
FULL_STOPS = "。！？｡।॥۔؟։።፧፨။។៕༎᠃᠉‼⁇⁈⁉།෴܀܁܂߹᙮᥄᥅᭚᭛᭞᭟᰻᰼᱾᱿꓿꘎꘏꛳꛷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫"
_CLOSING = "\"'”’»)\\]*_」』）】〉》〕］"
_SENTENCE_END = re.compile(
    rf"[.!?…．]+[{_CLOSING}]*(\s+)|[{FULL_STOPS}](?:[{FULL_STOPS}.!?…]|[”’»)\]」』）】〉》〕］]|[\"'](?!\w))*\s*"
)
_CLOSED = re.compile(rf"[.!?…:;．：；{FULL_STOPS}][{_CLOSING}]*\s*\Z")
# A Japanese quotation goes on in its sentence by these: 「はい。」と言った。
_GOES_ON = "とっはがをにのもで、"
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Rev|Hon|Gen|Col|Capt|Lt|Sgt|Gov|Sen|Rep|Mt|No|Nos|vs|cf|al|Fig|Figs|Eq|Sec|Ch|Vol|vol|"
    r"pp?|ed|eds|approx|dept|est|Inc|Ltd|Co|Corp|Messrs|Mme|Mlle|M|e\.g|i\.e|a\.m|p\.m|U\.S|U\.K)|\b[A-Z]|\b(?:[A-Z]\.)+[A-Z])\.\Z"
)
_BULLET = re.compile(r"\s*(?:[-*+•]\s|\d{1,3}[.)]\s|[A-Za-z][.)]\s|\|)")
_TURN = re.compile(r"\s*[\w][\w .'-]{0,30}:\s")
_HEADING = re.compile(
    r"#{1,6}\s|(?:chapter|part|book|section|appendix)\s+[\divxlc]+\b|={3,}|[IVXLC]+\.?\s*$", re.IGNORECASE
)
_DEFINITION = re.compile(
    r"(?:@|#\[|(?:export\s+|default\s+|async\s+|pub(?:\([^)]*\))?\s+|public\s+|private\s+|protected\s+|static\s+|abstract\s+|final\s+|"
    r"unsafe\s+|inline\s+|extern\s+|const\s+)*(?:def|class|fn|func|function|interface|enum|struct|impl|trait|type|module|namespace|"
    r"template|typedef|union|object|record|package)\b|/\*\*|[\w*:<>&~\[\] ]+\([^;]*$)"
)


def find_boundaries(text: str, code: bool = False) -> list[Boundary]:
    """Every boundary of `text`, in order; the last is its end.

    Prose is cut at sentences, lines that are not merely wrapped, and paragraphs; code at lines,
    blank lines and definitions. The text between two boundaries is one piece; joined, the pieces
    are the text.

    Args:
        text: the text.
        code: whether it is code.
    """
    return list(_code_boundaries(text) if code else _prose_boundaries(text))


def _prose_boundaries(text: str) -> Iterator[Boundary]:
    lines = _lines(text)
    signs = find_signs(text)
    for index, (start, end, blank_after) in enumerate(lines):
        line = text[start:end]
        following = text[lines[index + 1][0] : lines[index + 1][1]] if index + 1 < len(lines) else ""
        for match in () if is_row(line) else _SENTENCE_END.finditer(line):
            if match.end() < len(line) and _is_sentence_end(line, match):
                yield Boundary(start + match.end(), SENTENCE)
        is_heading = bool(_HEADING.match(line)) and len(line) < 120
        end += blank_after
        if not following:
            yield Boundary(len(text), SECTION)
        elif is_heading:
            yield Boundary(end, HEADING)
        elif _HEADING.match(following) and blank_after:
            yield Boundary(end, SECTION)
        elif blank_after:
            yield Boundary(end, PARAGRAPH)
        elif _is_wrapped(line, following) and (
            (b"\1" not in signs[start : end + len(following)] and "  " not in line and "--" not in line)
            or not stands_alone(line, following)
        ):
            if _CLOSED.search(line):
                yield Boundary(end, SENTENCE)
        else:
            yield Boundary(end, LINE)


def _is_sentence_end(line: str, match: re.Match[str]) -> bool:
    following = line[match.end()]
    if match[0][0] in FULL_STOPS:
        return not (match[0][-1] in "」』）" and following in _GOES_ON)
    if following.islower() or following in ",;)":
        return False
    return not (match[0][0] == "." and _ABBREVIATION.search(line, max(0, match.start() - 12), match.start() + 1))


def _is_wrapped(line: str, following: str) -> bool:
    """Tell whether the newline after `line` only ends a full column, as in hard-wrapped text."""
    width = len(line.rstrip())
    if not 45 <= width <= 100 or _BULLET.match(following) or _TURN.match(following):
        return False
    room = len(following.rstrip()) - width
    if room <= 8:
        return True
    # The line below may be longer by far, so that its first word would have fitted.
    return room <= len(following) // 5 + len(following.split(None, 1)[0])


def _code_boundaries(text: str) -> Iterator[Boundary]:
    lines = _lines(text)
    for index, (start, end, blank_after) in enumerate(lines):
        if index + 1 == len(lines):
            yield Boundary(len(text), SECTION)
            return
        line, following = text[start:end], text[lines[index + 1][0] : lines[index + 1][1]]
        indent, next_indent = _indent(line), _indent(following)
        is_definition = bool(_DEFINITION.match(following.lstrip()))
        is_decorator = line.lstrip().startswith(("@", "#[", "///", "/**", "*", "//")) and not blank_after
        if is_decorator:
            rank = HEADING
        elif is_definition and next_indent == 0:
            rank = SECTION
        elif (blank_after and next_indent == 0) or (is_definition and blank_after):
            rank = PARAGRAPH
        elif blank_after:
            rank = BLOCK
        elif next_indent < indent:
            rank = LINE
        else:
            rank = SENTENCE
        yield Boundary(end + blank_after, rank)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _lines(text: str) -> list[tuple[int, int, int]]:
    """Lines that are not blank: (start, end with newline, length of the blank lines after it)."""
    lines: list[tuple[int, int, int]] = []
    leading = 0
    for match in _LINE.finditer(text):
        if match[0].isspace():
            if lines:
                start, end, blank = lines[-1]
                lines[-1] = (start, end, blank + len(match[0]))
            else:
                leading += len(match[0])
        else:
            lines.append((match.start(), match.end(), 0))
    if leading and lines:
        lines[0] = (0, lines[0][1], lines[0][2])
    return lines or ([(0, len(text), 0)] if text else [])


def sentence_spans(text: str, code: bool = False) -> list[tuple[int, int]]:
    """Spans of the sentences of prose, or of the lines of code.

    Args:
        text: the text.
        code: whether it is code.

    Returns:
        (start, end) of each, without the white space around it.
    """
    spans = []
    start = 0
    for boundary in find_boundaries(text, code):
        piece = text[start : boundary.end]
        stripped = piece.strip()
        if stripped:
            low = start + len(piece) - len(piece.lstrip())
            spans.append((low, low + len(stripped)))
        start = boundary.end
    return spans
