"""The passage of a statement that is shown in the place of another one.

Knows: passages, documents. Does not know: why one statement takes the place of another.
"""

from __future__ import annotations

from dataclasses import replace

from crystalcli.datatypes import Passage
from crystalcli.recall import CrystalReader


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
