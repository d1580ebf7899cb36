r"""Texts found as they stand: an error message, a quoted string.

In code a message is often cut into several strings (`"no secret " "key was set"`), and has
placeholders (`'{name}'`, `%s`) where a user sees values. Both are allowed for.

Knows: texts, the look of string literals. Does not know: questions, answers.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crystalcli.answering.exact.source_order import source_rank
from crystalcli.index import IndexReader
from crystalcli.overview import documents_with
from crystalcli.storage import SourceRow, landmarks_of

MAX_FOUND = 50  # places of one text
_LINES_ABOVE, _LINES_BELOW = 2, 8
_MIN_WORDS = 5  # of a text that is looked for in part
_MIN_FIXED_WORDS = 3  # of a text with values in it
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


def find_text(index: IndexReader, text: str, sources: Sequence[SourceRow], *, whole: bool = False) -> list[TextPlace]:
    """Find the places of a text, in source code before tests and prose.

    Args:
        index: The crystal's index.
        text: The text, as a user has seen it.
        sources: The documents to search.
        whole: Whether all of it has to stand there; otherwise values in it may differ.

    Returns:
        The places with the lines around them; empty where it does not stand.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    words = text.strip().rstrip(".!?:").split()
    if not words:
        return []
    finder = _TextFinder(index, sources)
    for part in (words,) if whole else (words, *_shorter(words)):
        if found := finder.places([part]):
            return found
    parts = [part.split() for part in _VALUE.split(text)]
    fixed = [part for part in parts if part]
    if whole or sum(map(len, fixed)) < _MIN_FIXED_WORDS or len(parts) < 2:
        return []
    return finder.places(fixed)


class _TextFinder:
    """Finds runs of words in documents, each of which is read once.

    Args:
        index: The crystal's index.
        sources: The documents to search.
    """

    def __init__(self, index: IndexReader, sources: Sequence[SourceRow]) -> None:
        self._index = index
        self._sources = sorted(sources, key=lambda source: (source_rank(source), source.path))
        self._texts: dict[int, tuple[str, str]] = {}

    def places(self, parts: Sequence[Sequence[str]]) -> list[TextPlace]:
        """Find runs of words that follow one another, with a value between each two."""
        pattern = re.compile(_PLACEHOLDER.join(map(_joined, parts)), re.IGNORECASE)
        letters = {run for part in parts for word in part for run in re.findall(r"[^\W_]+", word.lower())}
        found: list[TextPlace] = []
        longest: Sequence[str] = max(parts, key=len)
        for source in documents_with(self._index, " ".join(longest), self._sources):
            text, lowered = self._read(source)
            # Faster than the pattern, which tries every place of the text.
            if not all(run in lowered for run in letters):
                continue
            for match in pattern.finditer(text):
                found.append(_around(self._index, source, text, match.start(), match.end()))
                if len(found) >= MAX_FOUND:
                    return found
        return found

    def _read(self, source: SourceRow) -> tuple[str, str]:
        """Read a document, as it is and in lower case."""
        if source.id not in self._texts:
            text = self._index.span_text(source)
            self._texts[source.id] = text, text.lower()
        return self._texts[source.id]


def _shorter(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Generate a text without a value at its end or its beginning: a name, a path after a colon."""
    colons = [number for number, word in enumerate(words) if word.endswith(":")]
    ends = [colons[-1] + 1] if colons else []
    for low, high in [*((0, end) for end in ends), (0, -1), (0, -2), (1, len(words)), (2, len(words))]:
        part = words[low:high]
        if len(part) >= _MIN_WORDS and len(part) < len(words):
            yield part


def _joined(words: Sequence[str]) -> str:
    """Make the pattern of words with gaps between them, and with any quotation marks."""
    return _GAP.join(re.sub(r"\\?[\"'’]", r"\\\\?[\"'’]", re.escape(word)) for word in words)


def _around(index: IndexReader, source: SourceRow, text: str, start: int, end: int) -> TextPlace:
    """Widen a match to whole lines, with a few above and below in the same definition."""
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
