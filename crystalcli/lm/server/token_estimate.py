"""How many tokens a text has for a model that keeps its vocabulary to itself: rather too many than too few.

Knows: what vocabularies have in common. Does not know: any of them.

Letters and white space are reckoned at three bytes a token, though English has four and more; digits and signs at one each, as
in vocabularies that keep numbers apart; beyond ASCII two bytes make one, between vocabularies that know a script (Chinese in
Qwen's: four) and those that do not (in SmolLM2's: one).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123)) + b" \t\n\r"
_OTHERS = bytes(byte for byte in range(128) if byte not in _LETTERS)
_WIDE = bytes(range(128, 256))
_MESSAGE = 8  # tokens that a template puts around a message
_TEMPLATE = 48  # and around them all: some write a date and a few words of their own


def count(text: str) -> int:
    """About how many tokens, and hardly ever fewer than there are."""
    data = text.encode("utf-8", "surrogatepass")
    wide = len(data) - len(data.translate(None, _WIDE))
    signs = len(data) - wide - len(data.translate(None, _OTHERS + _WIDE))
    sixths = 6 * signs + 3 * wide + 2 * (len(data) - wide - signs)
    return -(-sixths // 6)


def truncate(text: str, tokens: int) -> str:
    """The longest beginning of `text` that counts at most `tokens`, at least 0."""
    low, high = 0, min(len(text), 3 * tokens)  # nothing is reckoned at less than a third
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(text[:middle]) <= tokens else (low, middle - 1)
    return text[:low]


def conversation(messages: Sequence[Mapping[str, str]]) -> int:
    """About how many tokens a conversation has, with the template that nobody here has seen."""
    return _TEMPLATE + sum(_MESSAGE + count(message["content"]) for message in messages)
