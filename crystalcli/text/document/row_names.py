"""Names of columns that stand in every row of a table: `Goodwill; 2022: $12,787; 2021: $12,668`.

A row says by itself what its values are. Counted in each row, the names would outnumber the words
by which the row is looked for.

Knows the form of a row. Does not know which names a header gave.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MAX_NAME = 81  # characters; a longer one is cut, with a mark behind it
_NAME = re.compile(rf"(?:\A|(?<=; ))([^;:\n]{{1,{_MAX_NAME}}})(?=: )")


def names_in_rows(text: str) -> Iterator[tuple[int, int]]:
    """Find the names of columns in rows.

    Args:
        text: any text; a row is a line of its own.

    Yields:
        The span `[start, end)` of each name, rising. Prose may have some, too: "He came; note: no".
    """
    if "; " not in text or ": " not in text:
        return
    start = 0
    for row in text.split("\n"):
        if "; " in row and ": " in row:
            yield from ((start + name.start(1), start + name.end(1)) for name in _NAME.finditer(row))
        start += len(row) + 1
