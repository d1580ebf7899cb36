"""Memories: what a person told, dated, tagged, pinned, changed and forgotten.

The question it answers: what was told, when, by whom, and does it still hold?

claim.py              Claims: what a memory says of something that has one value at a time, by its
                      form.
conversation_turn.py  A turn of a conversation as it is kept: the question, and the answer with its
                      sources.
memory.py             A memory as callers see it.
supersession.py       Supersession: of memories that claim the same with different values the newest
                      holds.
telling.py            Memories told, edited, pinned and forgotten: each in one short transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.memories.conversation_turn import last_conversation_day, turn_messages
    from crystalcli.memories.memory import Memory, describe_memory
    from crystalcli.memories.supersession import (
        change_line,
        current_of,
        history_of,
        list_changes,
        settle_all_claims,
    )
    from crystalcli.memories.telling import (
        MAX_MEMORY_CHARACTERS,
        edit_memory,
        find_memory,
        forget_memories,
        pin_memories,
        tell_memory,
        tell_turn,
        uphold_memories,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "conversation_turn": ("last_conversation_day", "turn_messages"),
            "memory": ("Memory", "describe_memory"),
            "supersession": ("change_line", "current_of", "history_of", "list_changes", "settle_all_claims"),
            "telling": (
                "MAX_MEMORY_CHARACTERS",
                "edit_memory",
                "find_memory",
                "forget_memories",
                "pin_memories",
                "tell_memory",
                "tell_turn",
                "uphold_memories",
            ),
        },
    )

__all__ = [
    "MAX_MEMORY_CHARACTERS",
    "Memory",
    "change_line",
    "current_of",
    "describe_memory",
    "edit_memory",
    "find_memory",
    "forget_memories",
    "history_of",
    "last_conversation_day",
    "list_changes",
    "pin_memories",
    "settle_all_claims",
    "tell_memory",
    "tell_turn",
    "turn_messages",
    "uphold_memories",
]
