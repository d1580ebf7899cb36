"""Snippets of passages: the part around what answers, with words or a sentence marked.

Knows: words and their terms, passages. Does not know: ranking.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from crystalcli.datatypes import Passage, headings_of
from crystalcli.lexical import word_spans
from crystalcli.text import stands_in_lines
from crystalcli.web_server.views.text_blocks import TextPiece

_LENGTH = 420  # characters of a snippet
_BEFORE = 120  # of them before what is marked first


@dataclass(frozen=True, slots=True)
class Snippet:
    """A passage as a list of results shows it.

    Attributes:
        passage: The passage.
        span: The span that is marked in the document, in its characters.
        headings: The headings above it.
        pieces: The text, with what was found marked.
        in_lines: Whether its lines have to stay as they are.
    """

    passage: Passage
    span: tuple[int, int]
    headings: tuple[str, ...]
    pieces: tuple[TextPiece, ...]
    in_lines: bool


def sentence_snippet(passage: Passage) -> Snippet:
    """Show a passage with the sentence that answers best marked."""
    start, end = passage.best
    span = (start - passage.start, end - passage.start)
    return _snippet(passage, [span] if end > start else [], passage.best)


def word_snippet(passage: Passage, terms: Collection[str], prefix: str = "") -> Snippet:
    """Show a passage with words marked.

    Args:
        passage: The passage.
        terms: The terms of the words.
        prefix: The beginning of a word that is still typed, in lower case; "" for none.
    """
    spans = [
        (start, end)
        for start, end, term in word_spans(passage.text)
        if term in terms or (prefix and passage.text[start:end].casefold().startswith(prefix))
    ]
    first, last = (spans[0][0], spans[-1][1]) if spans else (0, 0)
    if last - first > _LENGTH:
        last = spans[0][1]
    return _snippet(passage, spans, (passage.start + first, passage.start + last))


def _snippet(passage: Passage, spans: Sequence[tuple[int, int]], target: tuple[int, int]) -> Snippet:
    """Cut the text around the first span, at white space."""
    text = passage.text
    first = spans[0][0] if spans else 0
    start = max(0, min(first - _BEFORE, len(text) - _LENGTH))
    if start:
        start = text.find(" ", start, first) + 1 or start
    end = min(len(text), start + _LENGTH)
    if end < len(text):
        end = max(text.rfind(" ", start, end), min(spans[0][1], end) if spans else start) or end
    pieces, position = [TextPiece("… ", False)] if start else [], start
    for low, high in spans:
        low, high = max(low, position), min(high, end)
        if low < high:
            pieces += [TextPiece(text[position:low], False), TextPiece(text[low:high], True)]
            position = high
    pieces += [TextPiece(text[position:end], False)] + ([TextPiece(" …", False)] if end < len(text) else [])
    in_lines = stands_in_lines(text[start:end], passage.place)
    return Snippet(passage, target, headings_of(passage), tuple(piece for piece in pieces if piece.text), in_lines)
