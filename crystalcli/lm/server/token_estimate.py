"""An estimate of a text's tokens for an unknown vocabulary: too many rather than too few.

Knows: what vocabularies have in common. Does not know: any of them.

Letters and white space count at three bytes a token, though English has four and more; digits and
signs at one each, as in vocabularies that keep numbers apart. Beyond ASCII two bytes make one
token, between vocabularies that know a script (Chinese in Qwen's: four) and those that do not (in
SmolLM2's: one). Over 607 stretches of 800 characters of prose, code and tables, the estimate was
1.49 times SmolLM2's count in the median, and less than 1.18 times in one of a hundred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123)) + b" \t\n\r"
_SIGNS = bytes(byte for byte in range(128) if byte not in _LETTERS)
_WIDE = bytes(range(128, 256))
_MESSAGE_TOKENS = 8  # that a template puts around a message
_TEMPLATE_TOKENS = 48  # and around the conversation: some write a date and a few words of their own


def estimate_tokens(text: str) -> int:
    """Estimate the number of tokens of a text; hardly ever fewer than there are."""
    data = text.encode("utf-8", "surrogatepass")
    wide = len(data) - len(data.translate(None, _WIDE))
    signs = len(data) - wide - len(data.translate(None, _SIGNS + _WIDE))
    letters = len(data) - wide - signs
    return -(-(6 * signs + 3 * wide + 2 * letters) // 6)


def truncate_by_estimate(text: str, tokens: int) -> str:
    """Cut a text to its longest beginning that is estimated at `tokens` or fewer.

    `tokens` is at least 0.
    """
    low, high = 0, min(len(text), 3 * tokens)  # a character counts for at least a third
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimate_tokens(text[:middle]) <= tokens else (low, middle - 1)
    return text[:low]


def estimate_prompt_tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """Estimate the number of tokens of a conversation, with an unknown template."""
    return _TEMPLATE_TOKENS + sum(_MESSAGE_TOKENS + estimate_tokens(message["content"]) for message in messages)
