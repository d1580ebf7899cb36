"""Superseded memories behind those that hold, and what has changed in the words of an answer.

Asked how things are, a superseded memory gives way to the one that holds, which takes its place;
asked how they were, passages keep their order. Both are shown with both dates.

Knows: what supersedes what. Does not know: how that was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crystalcli.datatypes import MEMORY_KIND, Citation, Passage
from crystalcli.memories import change_line, current_of, history_of
from crystalcli.recall import CrystalReader

if TYPE_CHECKING:
    from crystalcli.storage import MemoryRow, Store

_COST = 0.5  # on the scale of scores
_BEFORE = re.compile(
    r"\b(?:before|previous\w*|former\w*|used to|earlier|originally|first|was|were|did|had|changed?|history|old)\b",
    re.IGNORECASE,
)


def holding_first(crystal: CrystalReader, question: str, passages: Sequence[Passage], as_of: str = "") -> list[Passage]:
    """Put the memories that hold before those that they supersede.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages, best first.
        as_of: The day after which nothing counts; "" for now.
    """
    if _BEFORE.search(question) or not any(passage.place.kind == MEMORY_KIND for passage in passages):
        return list(passages)
    best = {passage.path: passage for passage in reversed(passages)}
    ordered: dict[str, Passage] = {}
    with crystal.snapshot():
        store = crystal.shelf.store
        for passage in passages:
            row = _memory_of(store, passage)
            current = current_of(store, row, as_of) if row is not None else None
            if row is not None and current is not None and current.id != row.id and current.source:
                path = store.source(current.source).path
                document = crystal.cite(path, 0, store.source(current.source).characters)
                newer = best.get(path, replace(passage, place=document.place, text=document.quote, date=document.date))
                newer = replace(newer, score=max(newer.score, passage.score), best=(document.start, document.end))
                ordered[f"{path}:{newer.start}"] = newer
                passage = replace(passage, score=passage.score - _COST)
            ordered.setdefault(f"{passage.path}:{passage.start}", passage)
    return sorted(ordered.values(), key=lambda passage: -passage.score)


def changes_cited(crystal: CrystalReader, citations: Iterable[Citation], as_of: str = "") -> tuple[str, ...]:
    """Say of each memory that is cited what it has changed, with both dates.

    Args:
        crystal: The crystal.
        citations: The citations of an answer.
        as_of: The day after which nothing counts; "" for now.
    """
    lines: dict[str, None] = {}
    with crystal.snapshot():
        store = crystal.shelf.store
        for citation in citations:
            row = _memory_of(store, citation)
            if row is not None:
                current = current_of(store, row, as_of)
                if history := history_of(store, current):
                    lines[change_line(current, history)] = None
    return tuple(lines)


def _memory_of(store: Store, text: Passage | Citation) -> MemoryRow | None:
    """Find the memory that a text is of; None for a text of another document."""
    source = store.source_named(text.path) if text.place.kind == MEMORY_KIND else None
    return store.memory_of(source.id) if source is not None else None
