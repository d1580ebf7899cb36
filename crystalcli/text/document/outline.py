"""The headings above a place, from their levels.

Knows that a heading ends those of its own level and below, and how landmarks are set into a text. Does not know where
headings come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crystalcli.types import HEADING_JOINT, Landmark

MAX_LABEL_LENGTH = 300  # characters of one heading


class Outline:
    """The path of headings to where a document has come. under: a path that stands above all of them, or ""."""

    def __init__(self, under: str = "") -> None:
        self._under = under
        self._open: list[tuple[int, str]] = []

    @property
    def innermost(self) -> str:
        """The last heading of the path, or ""."""
        return self._open[-1][1] if self._open else self._under.rpartition(HEADING_JOINT)[2]

    def enter(self, level: int, label: str) -> str:
        """The path of a heading of `level` (the lower, the further out), itself included."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._open.append((level, label))
        return HEADING_JOINT.join([*([self._under] if self._under else []), *(label for _, label in self._open)])


def split_at_headings(text: str, headings: Iterable[tuple[int, str]], given: int) -> Iterator[str | Landmark]:
    """A text, cut so that a Landmark can stand at each heading: (offset in the text, path). given: characters before the text."""
    start = 0
    for offset, path in headings:
        if offset > start:
            yield text[start:offset]
        yield Landmark(given + offset, "heading", path)
        start = offset
    if start < len(text):
        yield text[start:]


def heading_label(text: str) -> str:
    """A heading's text as a label: on one line, and not too long."""
    return " ".join(text.split())[:MAX_LABEL_LENGTH].rstrip()
