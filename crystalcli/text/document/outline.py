"""Path of the headings above a place, from their levels.

Knows that a heading ends those of its own level and below, and how landmarks are set into a text.
Does not know where headings come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from crystalcli.datatypes import HEADING_JOINT, Landmark

MAX_LABEL_LENGTH = 300  # characters of one heading

_Found = TypeVar("_Found")


class _Scan(Protocol[_Found]):
    """Finds headings in a text; gives them, and the characters that it could judge."""

    def __call__(self, text: str, *, final: bool) -> tuple[list[_Found], int]: ...


class Outline:
    """The path of headings down to the place that a document has come to."""

    def __init__(self, under: str = "") -> None:
        """Start without headings.

        Args:
            under: a path above all of them, or "".
        """
        self._under = under
        self._open: list[tuple[int, str]] = []

    @property
    def innermost(self) -> str:
        """The last heading of the path, or ""."""
        return self._open[-1][1] if self._open else self._under.rpartition(HEADING_JOINT)[2]

    def enter(self, level: int, label: str) -> str:
        """Begin a heading.

        Args:
            level: the lower, the further out.
            label: its text.

        Returns:
            Its path, the heading itself included.
        """
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._open.append((level, label))
        return HEADING_JOINT.join([*([self._under] if self._under else []), *(label for _, label in self._open)])


def scanned_parts(texts: Iterable[str], scan: _Scan[_Found]) -> Iterator[tuple[str, list[_Found], int]]:
    """Let a scanner pass through a document in pieces; what it cannot judge yet waits for more.

    Args:
        texts: the document in pieces.
        scan: called with the text that is not judged yet, and whether the document ends with it.

    Yields:
        A part of the text, what was found in it, and the characters of the document before it.
    """
    start, rest = 0, ""
    for text in texts:
        rest += text
        found, done = scan(rest, final=False)
        yield rest[:done], found, start
        start += done
        rest = rest[done:]
    found, _ = scan(rest, final=True)
    yield rest, found, start


def split_at_headings(text: str, headings: Iterable[tuple[int, str]], start: int) -> Iterator[str | Landmark]:
    """Split a text so that a Landmark stands at each heading.

    Args:
        text: a part of a document.
        headings: (offset in `text`, path) of each, in order.
        start: characters of the document before `text`.

    Yields:
        The pieces of the text, and the landmarks between them.
    """
    yield from split_at_landmarks(text, ((offset, "heading", path) for offset, path in headings), start)


def split_at_landmarks(text: str, marks: Iterable[tuple[int, str, str]], start: int) -> Iterator[str | Landmark]:
    """Split a text so that a Landmark stands at each place; otherwise as `split_at_headings`.

    Args:
        text: a part of a document.
        marks: (offset in `text`, kind, label) of each, in order.
        start: characters of the document before `text`.
    """
    position = 0
    for offset, kind, label in marks:
        if offset > position:
            yield text[position:offset]
        yield Landmark(start + offset, kind, label)
        position = offset
    if position < len(text):
        yield text[position:]


def heading_label(text: str) -> str:
    """Return the text of a heading on one line, cut at 300 characters."""
    return " ".join(text.split())[:MAX_LABEL_LENGTH].rstrip()
