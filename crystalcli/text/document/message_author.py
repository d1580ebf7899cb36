"""Author of a message: a person, or a program that answers people.

Knows the names that exports of chats with language models give to the two sides. Does not know the
exports.
"""

from __future__ import annotations

# As exports and logs of language models call the side that answers. A first name such as Claude is
# not here: a person may have it.
_ASSISTANTS = frozenset((
    "assistant", "ai", "bot", "chatbot", "chatgpt", "copilot", "function", "gemini", "gpt", "model", "subagent", "tool",
    "assistant to subagent",
))  # fmt: skip
# The side that asks, as the same exports call it.
_OWNERS = frozenset(("user", "human", "me"))
# Behind the names of tools, and of models that think, see `formats.chats.chat_json.speaker`.
_PARTS = ("(tool call)", "(tool result)", "(thoughts)")


def is_assistant(author: str) -> bool:
    """Tell whether the author of a message is a program that answers people, or a tool of it."""
    name = author.strip().lower()
    return name in _ASSISTANTS or name.endswith(_PARTS)


def is_chat_owner(author: str) -> bool:
    """Tell whether the author of a message is the person who talks with a program."""
    return author.strip().lower() in _OWNERS


def author_of_label(label: str) -> str:
    """Give the author in the label of a message, `Ann, 2024-05-01 10:30`; "" without one.

    A time in words may hold commas; an author's name that does is cut at the first.
    """
    return label.partition(", ")[0]
