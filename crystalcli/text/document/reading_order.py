"""Reading order of things on a plane: from the top, and column by column where there are columns.

By recursive X-Y cuts (Nagy and Seth, "Hierarchical representation of optically scanned documents",
1984). Knows rectangles. Does not know slides nor canvases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

_Item = TypeVar("_Item")
_MAX_DEPTH = 100  # cuts within cuts
_MAX_ITEMS = 5_000  # more of them are read line by line


class Box(NamedTuple):
    """A rectangle, in any unit from the upper left corner."""

    left: int
    top: int
    right: int
    bottom: int


def order_on_plane(placed: Sequence[tuple[Box, _Item]], depth: int = 0) -> Iterator[_Item]:
    """Yield items in the order in which they are read.

    They are cut along the widest gap that goes through all of them; along a gap between columns
    rather than between rows, if both are as wide.

    Args:
        placed: the items, each with its place.
        depth: of the cuts so far.
    """
    column_gap, column = _widest_gap([(box.left, box.right) for box, _ in placed])
    row_gap, row = _widest_gap([(box.top, box.bottom) for box, _ in placed])
    if not 2 <= len(placed) <= _MAX_ITEMS or max(column_gap, row_gap) < 0 or depth > _MAX_DEPTH:
        yield from (item for _, item in sorted(placed, key=lambda each: (each[0].top, each[0].left)))
        return
    is_column = column_gap >= row_gap
    before = [each for each in placed if (each[0].left < column if is_column else each[0].top < row)]
    after = [each for each in placed if not (each[0].left < column if is_column else each[0].top < row)]
    yield from order_on_plane(before, depth + 1)
    yield from order_on_plane(after, depth + 1)


def _widest_gap(spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the width of the widest gap between spans, -1 without one, and where it ends."""
    best, position = -1, 0
    end: int | None = None
    for low, high in sorted(spans):
        if end is not None and low >= end and low - end > best:
            best, position = low - end, low
        end = high if end is None else max(end, high)
    return best, position
