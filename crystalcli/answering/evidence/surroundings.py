"""Surroundings: in running text a short quotation is given with the sentences around it.

A question about a story names what leads to the answer, or what follows from it: the passage that
is nearest to its words is often the one before or after the one that answers.

Knows: sentences, chapters. Does not know: questions, scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crystalcli.storage import landmark_span
from crystalcli.text import sentence_spans

if TYPE_CHECKING:
    from crystalcli.recall import CrystalReader

_BEHIND = 2 / 3  # the part of the room that is behind the quotation, where both sides have enough
_LEAST = 40  # characters of room that are worth filling


def with_surroundings(
    crystal: CrystalReader,
    path: str,
    span: tuple[int, int],
    longest: int,
    taken: Iterable[tuple[int, int]],
) -> tuple[int, int]:
    """Widen a quotation by whole sentences of its chapter.

    Args:
        crystal: The crystal.
        path: The document.
        span: The quotation, in characters of the document.
        longest: Characters of the widened quotation, at most.
        taken: Spans of the document that are not entered.

    Returns:
        The widened span; the same one where there is no room.
    """
    low, high = span
    source = crystal.shelf.store.source_named(path)
    if source is None or longest - (high - low) < _LEAST:
        return span
    _, start, end = landmark_span(crystal.shelf.store, source.id, "heading", low)
    end = source.characters if end is None else end
    for other_start, other_end in taken:
        if other_end <= low:
            start = max(start, other_end)
        elif other_start >= high:
            end = min(end, other_start)
    room = longest - (high - low)
    before = min(room, low - start)
    behind = min(max(round(_BEHIND * room), room - before), end - high)
    if behind >= _LEAST:
        high = _sentence_end(crystal.quote(path, high, high + behind), high, is_all=high + behind == end)
    before = min(longest - (high - low), low - start)
    if before >= _LEAST:
        low = _sentence_start(crystal.quote(path, low - before, low), low - before, is_all=low - before == start)
    return low, high


def _sentence_end(text: str, position: int, *, is_all: bool) -> int:
    """Find the end of the last whole sentence of a text that stands at a position."""
    spans = sentence_spans(text, False)
    spans = spans if is_all else spans[:-1]
    return position + (spans[-1][1] if spans else 0)


def _sentence_start(text: str, position: int, *, is_all: bool) -> int:
    """Find the start of the first whole sentence of a text that stands at a position."""
    spans = sentence_spans(text, False)
    spans = spans if is_all else spans[1:]
    return position + (spans[0][0] if spans else len(text))
