"""Views of memories: text for people, dictionaries for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import format_count, single_line
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.datatypes import CONVERSATION_KIND, MEMORY_KIND

if TYPE_CHECKING:
    from datetime import date

    from crystalcli.datatypes import Answer, Turn
    from crystalcli.memories import Conflict, ConflictSide, FadedMemory, Memory

_MAX_LINE = 100  # characters of a memory that is said in one line


def print_told(memory: Memory) -> None:
    """Print that a memory was told or edited, with its id."""
    output.write(f"{memory.id}  {memory_line(memory)}\n")
    if memory.waits:
        output.note("another program writes this crystal, and indexes the memory at its next commit")


def print_memories(memories: Sequence[Memory], count: int, *, is_filtered: bool) -> None:
    """Print memories as a table: id, date, who, text with tags.

    Args:
        memories: the memories.
        count: all memories of the crystal.
        is_filtered: whether only some were asked for.
    """
    if not memories:
        none = "no memory is like that" if is_filtered and count else "nothing was told yet: `crystal remember TEXT`"
        output.note(none)
        return
    table = plain_table()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for memory in memories:
        text = Text(sanitize(_said(memory)))
        marks = ["pinned"] * memory.pinned + [f"#{tag}" for tag in memory.tags] + ["not indexed yet"] * memory.waits
        marks += [f"superseded by {memory.successor}"] * bool(memory.successor) + ["upheld"] * memory.upheld
        if marks:
            text.append("  " + " ".join(marks), style="dim")
        table.add_row(memory.id, memory.dated[:10], text)
    output.console.print(table)
    if len(memories) < count and not is_filtered:
        output.note(
            f"{len(memories)} of {format_count(count, 'memory').replace('memorys', 'memories')}; --limit 0 for all"
        )


def print_context(turns: Sequence[Turn], pinned: Sequence[Memory], answer: Answer | None) -> None:
    """Print what the context of a turn at the prompt is made of.

    Args:
        turns: the last turns, oldest first, which a follow-up is read by.
        pinned: the pinned memories, which a language model is always given.
        answer: the last answer, with what was recalled; None before the first.
    """
    lines = [f"last turns: {len(turns)}", *(f"  {single_line(turn.question)}" for turn in turns)]
    lines += [f"pinned: {len(pinned)}", *(f"  {memory_line(memory)}" for memory in pinned)]
    passages = answer.passages if answer is not None else ()
    lines.append(f"recalled: {len(passages)}")
    lines += [f"  {single_line(f'{passage.path} {passage.place}')}" for passage in passages]
    if answer is not None and answer.tokens.get("context"):
        lines.append(f"given to {answer.model}: {answer.tokens['context']:,} tokens of passages")
    output.write("\n".join(lines) + "\n")


def known_line(path: str, kinds: Mapping[str, int], last: date | None) -> str:
    """Say in one line what a crystal knows.

    Args:
        path: its file.
        kinds: its documents by kind.
        last: the day of the last conversation.
    """
    memories, conversations = kinds.get(MEMORY_KIND, 0), kinds.get(CONVERSATION_KIND, 0)
    parts = [format_count(sum(kinds.values()) - memories - conversations, "document")]
    parts += [f"{memories:,} {'memory' if memories == 1 else 'memories'}"] * (memories > 0)
    if conversations:
        parts.append(f"{format_count(conversations, 'conversation')}, the last on {last}")
    return f"{path}: {', '.join(parts)}. A question, or /help; Ctrl-D leaves"


def print_conflicts(conflicts: Sequence[Conflict]) -> None:
    """Print what contradicts: the side that holds, and below it the one that it superseded."""
    if not conflicts:
        output.note("nothing that was told or noted has changed")
    for conflict in conflicts:
        subject = single_line(conflict.subject)
        output.write(f"{subject}: {_side_line(conflict.newer)}\n    before: {_side_line(conflict.older)}\n")


def _side_line(side: ConflictSide) -> str:
    author = f", {side.author}" if side.author else ""
    return single_line(f"{side.value} ({side.dated[:10]}{author})  {side.handle}")


def conflict_json(conflict: Conflict) -> dict[str, Any]:
    """Make the same for programs."""
    return {"subject": conflict.subject, "older": _side_json(conflict.older), "newer": _side_json(conflict.newer)}


def _side_json(side: ConflictSide) -> dict[str, Any]:
    return {
        "value": side.value,
        "dated": side.dated,
        "by": side.author or None,
        "document": side.path or None,
        "start": side.start,
        "memory": side.memory or None,
        "handle": side.handle,
    }


def print_faded(memories: Sequence[FadedMemory], half_life: float) -> None:
    """Print the memories that have faded, each with the share that is left."""
    if not memories:
        output.note(f"nothing that was told has faded, at a half-life of {half_life:g} days")
    for memory, retained in memories:
        output.write(f"{memory.id}  {retained:.2f}  {memory_line(memory)}\n")


def faded_json(faded: FadedMemory) -> dict[str, Any]:
    """Make the same for programs."""
    return {**told_json(faded.memory), "retained": round(faded.retained, 4)}


def memory_line(memory: Memory) -> str:
    """Say a memory in one line: its date, who told it, and its first words."""
    said = " ".join(_said(memory).split())
    short = said if len(said) <= _MAX_LINE else f"{said[:_MAX_LINE].rstrip()}…"
    return single_line(f"{memory.dated[:10]}  {short}")


def told_json(memory: Memory) -> dict[str, Any]:
    """Make the same for programs."""
    return {
        "id": memory.id,
        "text": memory.text,
        "dated": memory.dated,
        "told": memory.told.isoformat(),
        "by": memory.author or None,
        "tags": list(memory.tags),
        "pinned": memory.pinned,
        "document": memory.document or None,
        "superseded_by": memory.successor or None,
        "upheld": memory.upheld,
    }


def _said(memory: Memory) -> str:
    return f"{memory.author}: {memory.text}" if memory.author else memory.text
