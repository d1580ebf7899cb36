"""Pieces of text as lines, whatever ends them, one held at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LONGEST = 1 << 20  # characters: what is longer is given in parts, so that a file without newlines is not held whole


def piece_lines(pieces: Iterable[str]) -> Iterator[str]:
    """The lines without their ends: `\\n`, `\\r\\n` or `\\r`, which no piece may end between."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        first, *rest = piece.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        held.append(first)
        size += len(first)
        for line in rest:
            yield "".join(held)
            held, size = [line], len(line)
        if size > LONGEST:
            yield "".join(held)
            held, size = [], 0
    if any(held):
        yield "".join(held)
