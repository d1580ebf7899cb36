r"""Texts found as they stand: an error message, a quoted string.

In code a message is often cut into several strings (`"no secret " "key was set"`), and has
placeholders (`'{name}'`, `%s`) where a user sees values. Both are allowed for.

Knows: texts, the look of string literals. Does not know: questions, answers.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from crystalcli.answering.code.source_order import source_rank
from crystalcli.index import IndexReader
from crystalcli.overview import documents_with
from crystalcli.storage import SourceRow, landmarks_of

MAX_FOUND = 50  # places of one text
_LINES_ABOVE, _LINES_BELOW = 2, 8
_MIN_FIXED_WORDS = 4  # of a text with values in it
# Between two words: white space, the ends of string literals, escaped newlines, placeholders that a
# user left out.
_GAP = r"(?:[\s\"'`+\\]|\\n|(?<=[\s(+])[frbuFRBU]{1,2}(?=[\"'])|\{[^{}\n]{0,60}\}|%[sdrif])+"
_VALUE = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`|<[^<>]*>|\S*[\d/_=]\S*")
_PLACEHOLDER = r"[^\n]{0,80}?"


@dataclass(frozen=True, slots=True)
class TextPlace:
    """A place of a text.

    Attributes:
        source: The document.
        start: The first character of the lines around it.
        end: The character after their last.
    """

    source: SourceRow
    start: int
    end: int


def find_text(index: IndexReader, text: str, sources: Sequence[SourceRow]) -> list[TextPlace]:
    """Find the places of a text, in source code before tests and prose.

    Args:
        index: The crystal's index.
        text: The text, as a user has seen it.
        sources: The documents to search.

    Returns:
        The places with the lines around them; empty where it does not stand.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    words = text.strip().rstrip(".!?:").split()
    if not words:
        return []
    exact = re.compile(_joined(words), re.IGNORECASE)
    ordered = sorted(sources, key=lambda source: (source_rank(source), source.path))
    if found := _matching(index, exact, documents_with(index, text, ordered)):
        return found
    parts = [part.split() for part in _VALUE.split(text)]
    fixed = [part for part in parts if part]
    if sum(map(len, fixed)) < _MIN_FIXED_WORDS or len(parts) < 2:
        return []
    loose = re.compile(_PLACEHOLDER.join(map(_joined, fixed)), re.IGNORECASE)
    return _matching(index, loose, documents_with(index, " ".join(max(fixed, key=len)), ordered))


def _joined(words: Sequence[str]) -> str:
    """Make the pattern of words with gaps between them, and with any quotation marks."""
    return _GAP.join(re.sub(r"\\?[\"'’]", r"\\\\?[\"'’]", re.escape(word)) for word in words)


def _matching(index: IndexReader, pattern: re.Pattern[str], sources: Sequence[SourceRow]) -> list[TextPlace]:
    """Find a pattern in documents; those of the first rank that has any, then the others."""
    places: list[TextPlace] = []
    for source in sources:
        text = index.span_text(source)
        for match in pattern.finditer(text):
            places.append(_around(index, source, text, match.start(), match.end()))
            if len(places) >= MAX_FOUND:
                return places
    return places


def _around(index: IndexReader, source: SourceRow, text: str, start: int, end: int) -> TextPlace:
    """Widen a match to whole lines, with a few above and below in the same definition or paragraph."""
    low_limit, high_limit = 0, len(text)
    if source.kind == "code":
        starts = [at for at, _ in landmarks_of(index.store, source.id, "definition")]
        position = bisect_right(starts, start)
        low_limit = starts[position - 1] if position else 0
        high_limit = starts[position] if position < len(starts) else len(text)
    low = text.rfind("\n", 0, start) + 1
    for _ in range(_LINES_ABOVE):
        above = text.rfind("\n", 0, max(0, low - 1)) + 1
        if low == 0 or above < low_limit or not text[above:low].strip():
            break
        low = above
    high = end
    for number in range(_LINES_BELOW):
        newline = text.find("\n", high + (number > 0))
        if newline < 0 or newline > max(high_limit, end):
            break
        high = newline
    return TextPlace(source, low, max(end, low + len(text[low:high].rstrip())))
