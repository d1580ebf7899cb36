"""Lines that a text has of its own: rows, lists, fences and indented code.

Knows the look of a few lines. Does not know: which language the code is in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from crystalcli.datatypes import BOOKS, BY_LINES, Place
from crystalcli.text.chunking.line_shape import is_row

# Fences, directives, headings and what is below them, the end of a line before a literal block.
_MARKUP = re.compile(r"[ \t]*(?:```|~~~|\.\. [\w-]+::|#{1,6} \S)|([=~^#*\"'+.-])\1{3,}[ \t]*\Z|.*\S?::[ \t]*\Z")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S")
_FIGURE = re.compile(r"(?<![\w.,])\(?[$€£]? ?\d[\d.,]*\)?%?(?![\w])")
_WIDEST_ROW = 120  # characters: a paragraph may have two figures as well
_INDENTED = re.compile(r"(?: {4}|\t)")
_FLOWING = BOOKS - {"text"} | {"pdf"}  # their lines are a page's, or paragraphs


def stands_in_lines(text: str, place: Place) -> bool:
    """Tell whether the lines of a text must stay as they are when it is shown.

    Args:
        text: A text of a document.
        place: Where it stands; its kind, and the message that it is in.
    """
    lines = text.strip("\n").splitlines()
    if len(lines) < 2:
        return False
    if place.kind in BY_LINES or place.marks.get("message") or sum(map(_is_row, lines)) > 1:
        return True
    return not is_flowing(place) and _has_own_lines(lines)


def _is_row(line: str) -> bool:
    return is_row(line) or (len(line) < _WIDEST_ROW and len(_FIGURE.findall(line)) > 1)


def is_item(line: str) -> bool:
    """Tell whether a line begins an item of a list."""
    return _ITEM.match(line) is not None


def is_flowing(place: Place) -> bool:
    """Tell whether the lines of a document are those of its pages, or its paragraphs."""
    return place.kind in _FLOWING


def _has_own_lines(lines: Sequence[str]) -> bool:
    """Tell whether some lines have a fence, a list, or an indented block of code among them."""
    if any(map(_MARKUP.match, lines)) or sum(map(is_item, lines)) > 1:
        return True
    written = [line for line in lines if line.strip()]
    return any(_INDENTED.match(line) and _INDENTED.match(below) for line, below in pairwise(written))
