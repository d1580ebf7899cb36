"""The end of an answer in a model's words: its first paragraph, with its code or list.

A small model that has answered goes on to the next question. A blank line ends the answer, but in a
fence of code, behind a colon, and before code or the item of a list.

Knows: blank lines, fences, items. Does not know: sentences, sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

FENCE = "```"
_BREAK = re.compile(r"[ \t]*\n[ \t]*\n\s*(?=\S)")
_ITEM = re.compile(r"(?:[-*•+]|\d{1,2}[.)])\s")
_UNCLEAR = re.compile(r"`{1,2}|[-*•+]|\d{1,2}[.)]?")  # the beginning of a fence or an item, so far


def until_answer_ends(pieces: Iterable[str]) -> Iterator[str]:
    """Give the pieces of a model's words up to the end of the answer.

    Args:
        pieces: The pieces, as they come.

    Yields:
        The same text, until a blank line ends the answer. White space waits for what follows it.
    """
    text, shown = "", 0
    for piece in pieces:
        text += piece
        end, is_over = _end_so_far(text)
        yield text[shown:end]
        shown = max(shown, end)
        if is_over:
            return
    yield text[shown:]


def _end_so_far(text: str) -> tuple[int, bool]:
    """Find how much of a text is clearly the answer's, and whether it ends there."""
    for match in _BREAK.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if before.count(FENCE) % 2 or before.endswith(":") or after.startswith(FENCE) or _ITEM.match(after):
            continue
        return match.start(), not _UNCLEAR.fullmatch(after)
    return len(text.rstrip()), False
