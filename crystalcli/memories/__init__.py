"""Memories: what a person told, dated, tagged, pinned, changed and forgotten.

The question it answers: what was told, when, by whom, and does it still hold?

claim.py                Claims: what a memory says of something that has one value at a time, by its
                        form.
conflict.py             Conflicts: two statements about the same thing with different values, each
                        with its place.
conversation_turn.py    A turn of a conversation as it is kept: the question, and the answer with
                        its sources.
dated_statement.py      Statements with their dates, of memories and of documents, and what
                        supersedes what among them.
document_statements.py  Statements of dated documents: sentences of notes, diaries, chats and mail
                        that make a claim.
effective_date.py       The day from which a memory holds, where it says so: "From 1 April my rent
                        is 950 euros".
faded.py                Faded memories: those of which less than a half is left, and that are not
                        pinned.
memory.py               A memory as callers see it.
person_profile.py       Profiles: what people have said of themselves, each line a quotation with
                        its date and place.
plan_date.py            Days that plans speak of: "tomorrow", "next Friday", "on 3 March", "in two
                        weeks".
present_state.py        What holds of the thing that a question asks for, and what held before,
                        among what was told.
self_statement.py       Statements that people make of themselves, by their form, and the group that
                        each belongs to.
state.py                Sentences that say how things are, apart from those that tell what happened
                        once.
state_end.py            What ends a state: a later sentence after which something is no longer so.
state_kind.py           Kinds of states, each with the words that say it and the words that end it.
supersession.py         Supersession: of memories that claim the same with different values the
                        newest holds.
telling.py              Memories told, edited, pinned and forgotten: each in one short transaction.
thing_words.py          The words of a sentence that name a thing, apart from those of owners and of
                        other things.
value_type.py           Types of values in a sentence: times, days, dates, addresses, numbers and
                        units, codes, names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.memories.claim import PERSON
    from crystalcli.memories.conflict import (
        Conflict,
        ConflictSide,
        changes_of_document,
        list_conflicts,
        uphold_statement,
    )
    from crystalcli.memories.conversation_turn import last_conversation_day, turn_messages
    from crystalcli.memories.dated_statement import (
        DatedStatement,
        coming_after,
        holding_of,
        line_of_change,
        statement_of_memory,
        statement_of_row,
        statements_on,
        superseded_by,
    )
    from crystalcli.memories.document_statements import read_new_statements
    from crystalcli.memories.effective_date import effective_day, present_day, told_since
    from crystalcli.memories.faded import FadedMemory, faded_memories
    from crystalcli.memories.memory import Memory, describe_memory
    from crystalcli.memories.person_profile import ProfileLine, ProfileReport, make_profile
    from crystalcli.memories.present_state import (
        Candidate,
        asks_for_state,
        select_states,
        state_value,
        states_another_thing,
    )
    from crystalcli.memories.self_statement import StatementGroup, read_self_statement
    from crystalcli.memories.state import tells_change
    from crystalcli.memories.state_end import NamedState, ends_state, read_state, renews_state, tells_of_thing
    from crystalcli.memories.supersession import (
        change_line,
        current_of,
        history_of,
        list_changes,
        may_be_of_one_thing,
        settle_all_claims,
    )
    from crystalcli.memories.telling import (
        MAX_MEMORY_CHARACTERS,
        check_author,
        edit_memory,
        find_memory,
        forget_memories,
        pin_memories,
        tell_memory,
        tell_turn,
        uphold_memories,
    )
    from crystalcli.memories.value_type import value_types
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "claim": ("PERSON",),
            "conflict": ("Conflict", "ConflictSide", "changes_of_document", "list_conflicts", "uphold_statement"),
            "conversation_turn": ("last_conversation_day", "turn_messages"),
            "dated_statement": (
                "DatedStatement",
                "coming_after",
                "holding_of",
                "line_of_change",
                "statement_of_memory",
                "statement_of_row",
                "statements_on",
                "superseded_by",
            ),
            "document_statements": ("read_new_statements",),
            "effective_date": ("effective_day", "present_day", "told_since"),
            "faded": ("FadedMemory", "faded_memories"),
            "memory": ("Memory", "describe_memory"),
            "present_state": (
                "Candidate",
                "asks_for_state",
                "select_states",
                "state_value",
                "states_another_thing",
            ),
            "person_profile": ("ProfileLine", "ProfileReport", "make_profile"),
            "self_statement": ("StatementGroup", "read_self_statement"),
            "state": ("tells_change",),
            "state_end": ("NamedState", "ends_state", "read_state", "renews_state", "tells_of_thing"),
            "supersession": (
                "change_line",
                "current_of",
                "history_of",
                "list_changes",
                "may_be_of_one_thing",
                "settle_all_claims",
            ),
            "telling": (
                "MAX_MEMORY_CHARACTERS",
                "check_author",
                "edit_memory",
                "find_memory",
                "forget_memories",
                "pin_memories",
                "tell_memory",
                "tell_turn",
                "uphold_memories",
            ),
            "value_type": ("value_types",),
        },
    )

__all__ = [
    "MAX_MEMORY_CHARACTERS",
    "PERSON",
    "Candidate",
    "Conflict",
    "ConflictSide",
    "DatedStatement",
    "FadedMemory",
    "Memory",
    "NamedState",
    "ProfileLine",
    "ProfileReport",
    "StatementGroup",
    "asks_for_state",
    "change_line",
    "changes_of_document",
    "check_author",
    "coming_after",
    "current_of",
    "describe_memory",
    "edit_memory",
    "effective_day",
    "ends_state",
    "faded_memories",
    "find_memory",
    "forget_memories",
    "history_of",
    "holding_of",
    "last_conversation_day",
    "line_of_change",
    "list_changes",
    "list_conflicts",
    "make_profile",
    "may_be_of_one_thing",
    "pin_memories",
    "present_day",
    "read_new_statements",
    "read_self_statement",
    "read_state",
    "renews_state",
    "select_states",
    "settle_all_claims",
    "state_value",
    "statement_of_memory",
    "statement_of_row",
    "statements_on",
    "states_another_thing",
    "superseded_by",
    "tell_memory",
    "tell_turn",
    "tells_change",
    "tells_of_thing",
    "told_since",
    "turn_messages",
    "uphold_memories",
    "uphold_statement",
    "value_types",
]
