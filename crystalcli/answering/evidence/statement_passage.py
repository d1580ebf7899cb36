"""The memory that a passage is of, and who told it; the passage of a statement for another one.

Knows: passages, documents. Does not know: why one statement takes the place of another.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from crystalcli.datatypes import MEMORY_KIND, Citation, Passage
from crystalcli.recall import CrystalReader
from crystalcli.text import author_of_label, is_chat_owner

if TYPE_CHECKING:
    from crystalcli.storage import MemoryRow, Store

DATED = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?")


def memory_of(store: Store, text: Passage | Citation) -> MemoryRow | None:
    """Find the memory that a text is of; None for a text of another document."""
    source = store.source_named(text.path) if text.place.kind == MEMORY_KIND else None
    return store.memory_of(source.id) if source is not None else None


def author_of_memory(passage: Passage) -> str:
    """Name who told the memory that a passage is of; "" where that is its owner."""
    label = passage.place.marks.get("message", "")
    author = "" if DATED.match(label) else author_of_label(label)
    return "" if is_chat_owner(author) else author


def passage_in_place_of(older: Passage, crystal: CrystalReader, path: str, start: int, end: int) -> Passage:
    """Make the passage of `[start, end)` of a document, with the score of the one it replaces.

    Args:
        older: The passage that it replaces.
        crystal: The crystal.
        path: The document.
        start: The first character.
        end: The character behind the last.

    Raises:
        NotFoundError: The crystal does not hold the document.
    """
    cited = crystal.cite(path, start, end)
    return replace(
        older,
        place=cited.place,
        text=cited.quote,
        date=cited.date,
        heading=cited.heading,
        allowed=(),
        best=(start, end),
    )
