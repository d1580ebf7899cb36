"""Lines of source code, with the class of each word for its colour, and a part marked.

Knows: Pygments. Does not know: HTML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

_CLASSES = (  # of Pygments' tokens, the first that a token belongs to
    ("Comment", "comment"),
    ("String.Doc", "comment"),
    ("String", "string"),
    ("Number", "number"),
    ("Keyword", "keyword"),
    ("Name.Function", "name"),
    ("Name.Class", "name"),
    ("Name.Decorator", "keyword"),
    ("Operator.Word", "keyword"),
)
_LONGEST_LINE = 2_000  # characters; colours of a longer one would take long to find


class CodePiece(NamedTuple):
    """A stretch of code.

    Attributes:
        text: The text.
        style: The class of its colour; "" for none.
        marked: Whether it belongs to the passage that is looked at.
    """

    text: str
    style: str
    marked: bool


class CodeLine(NamedTuple):
    """A line of code.

    Attributes:
        number: Its number in the file.
        pieces: Its text.
        marked: Whether any of it is marked.
    """

    number: int
    pieces: tuple[CodePiece, ...]
    marked: bool


def code_lines(text: str, name: str, first: int, passage: tuple[int, int], before: str = "") -> list[CodeLine]:
    """Divide code into lines.

    Args:
        text: The code.
        name: The name of its file, which tells its language.
        first: The number of the first line.
        passage: The span to mark, in characters of the text; empty for none.
        before: What stands before the code in its file: it may begin amid a string or a comment.
    """
    lines: list[CodeLine] = []
    line: list[CodePiece] = []
    position = 0
    for style, part in _coloured_behind(before, text, name):
        for words in part.splitlines(keepends=True):
            end = position + len(words)
            low, high = (max(position, min(end, edge)) for edge in passage)
            for begin, stop, marked in ((position, low, False), (low, high, True), (high, end, False)):
                if begin < stop:
                    shown = text[begin:stop].rstrip("\r\n")
                    line.append(CodePiece(shown, style, marked))
            position = end
            if words.endswith("\n"):
                lines.append(_line_of(first + len(lines), line))
                line = []
    if line:
        lines.append(_line_of(first + len(lines), line))
    return lines


def _line_of(number: int, pieces: list[CodePiece]) -> CodeLine:
    marked = any(piece.marked for piece in pieces)
    return CodeLine(number, tuple(piece for piece in pieces if piece.text), marked)


def _coloured_behind(before: str, text: str, name: str) -> Iterator[tuple[str, str]]:
    """Divide code by colours, and leave out what stands before it."""
    left_out = len(before)
    for style, part in _coloured(before + text, name):
        if len(part) > left_out:
            yield style, part[left_out:]
        left_out = max(0, left_out - len(part))


def _coloured(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Divide code by colours; the parts, joined, are the code."""
    if max(map(len, text.split("\n"))) > _LONGEST_LINE:
        yield "", text
        return
    from pygments.lexers import get_lexer_for_filename
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(name.rpartition("/")[2], stripnl=False, ensurenl=False)
    except ClassNotFound:
        yield "", text
        return
    position = 0
    for index, token, part in lexer.get_tokens_unprocessed(text):
        if index != position or not part:  # a lexer that leaves something out
            continue
        position += len(part)
        yield _style_of(token), part
    if position < len(text):
        yield "", text[position:]


def _style_of(token: Any) -> str:
    name = str(token).removeprefix("Token.").replace("Literal.", "")
    return next((style for prefix, style in _CLASSES if name.startswith(prefix)), "")
