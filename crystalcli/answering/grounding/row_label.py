"""The label of a row in a list, such as the name in "- Ann: birthday 4 October".

Knows: the marks of a list, and the words of a label. Does not know: people, passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ROW = re.compile(
    r"^[ \t]*[-*+•][ \t]+(?P<mark>\*\*|__|)(?P<label>[^\W\d_][^:\n]{0,40}?)(?:(?P=mark):|:(?P=mark))[ \t]+\S.*$",
    re.MULTILINE,
)


def labelled_rows(text: str) -> Iterator[tuple[int, int, str]]:
    """Find the rows of lists that begin with a label.

    Args:
        text: The text.

    Yields:
        The first character of the row, the character after its last, and its label.
    """
    for match in _ROW.finditer(text):
        yield match.start(), match.end(), match["label"]
