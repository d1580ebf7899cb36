"""`crystal memories`: what was told, listed, edited, pinned and forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from crystalcli.cli.options.command_input import read_told_text
from crystalcli.cli.options.completion import complete_memories
from crystalcli.cli.options.crystal_options import CrystalOption, JsonOption, open_memories
from crystalcli.cli.parsing.command_group import Command, CommandGroup, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import UsageError

if TYPE_CHECKING:
    from crystalcli.memories import Memory


class MemoryCommands(CommandGroup):
    """The commands of `crystal memories`; without one it lists."""

    default: ClassVar = "list"


app = command_app(
    cls=MemoryCommands,
    epilog="""
        crystal memories  # List what was told last.
        crystal memories list --tag home --by Ann  # List what Ann told about home.
        crystal memories forget 3f9a1c2b  # Forget one.
    """,
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", autocompletion=complete_memories)]
IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...", autocompletion=complete_memories)]


@app.callback(rich_help_panel="Remember")
def memories_group() -> None:
    """List what was told, and edit, pin, unpin or forget it.

    Without a command memories are listed, with the options of `crystal memories list`.
    """


_PLACE = re.compile(r".+:\d+")  # a statement of a document


@app.command(
    "list",
    cls=Command,
    epilog="""
        crystal memories list  # List the 20 newest.
        crystal memories list --pinned  # List those that are pinned.
        crystal memories list --tag home --limit 0 --json  # Print all with a tag, as JSON.
    """,
)
def memories_list_command(
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Only those with this tag. Can be repeated: all have to be there."),
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="PERSON", help="Only what this person told.")] = "",
    pinned: Annotated[bool, typer.Option("--pinned", help="Only those that are pinned.")] = False,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Only those that a newer one has superseded.")
    ] = False,
    conflicts: Annotated[
        bool,
        typer.Option(
            "--conflicts",
            help="What contradicts, in memories and in dated documents: each statement with the one that superseded it.",
        ),
    ] = False,
    limit: Annotated[
        int, typer.Option("-n", "--limit", metavar="N", help="Number of memories at most; 0 for all.")
    ] = 20,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was told, the newest date first, each with its id.

    Of two memories that say the same of something with another value ("The office is at 3 Mill
    Lane", "The office moved to 7 Ropewalk") the newer holds, and the older is superseded; both
    stay. So it is with sentences of notes, chats and mail that have dates. --conflicts lists all,
    each side with its place; `crystal memories uphold ID` decides that an older one still holds.

    `crystal recall --kind memory` finds memories by what they say.
    """
    from crystalcli.cli.render.memory_view import conflict_json, print_conflicts, print_memories, told_json

    if limit < 0:
        raise UsageError(f"--limit: expected 0 or more, got {limit}")
    with open_memories(crystal) as opened:
        if conflicts:
            found = opened.conflicts()[: limit or None]
            if as_json:
                changes = opened.memory_changes()[: limit or None]
                rows = [{"older": told_json(older), "newer": told_json(newer)} for older, newer in changes]
                output.json("memories list", {"changes": rows, "conflicts": [conflict_json(each) for each in found]})
            else:
                print_conflicts(found)
            return
        only = True if superseded else None
        memories = opened.memories(tags=tag or (), by=by, pinned=pinned, superseded=only, limit=limit or None)
        count = opened.memory_count()
    if as_json:
        output.json("memories list", {"count": count, "memories": [told_json(memory) for memory in memories]})
    else:
        is_filtered = bool(tag or by or pinned or superseded)
        print_memories(memories, count, is_filtered=is_filtered)


@app.command(
    "edit",
    cls=Command,
    epilog="""
        crystal memories edit 3f9a1c2b The office is at 8 Ropewalk  # Give one another text.
        crystal memories edit 3f9a - < note.md  # Take the text from standard input.
        crystal memories edit 3f9a "Closed on Mondays" --json  # Print the result as JSON.
    """,
)
def memories_edit_command(
    number: IdArgument,
    words: Annotated[list[str] | None, typer.Argument(metavar="TEXT...|-")] = None,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a memory another text; its date, its tags and its id stay.

    For what has changed in the world tell it anew with `crystal remember`: then both are kept.
    """
    from crystalcli.cli.render.memory_view import print_told, told_json

    text = read_told_text(words)
    with open_memories(crystal) as opened:
        memory = opened.edit_memory(number, text)
    if as_json:
        output.json("memories edit", {"memory": told_json(memory)})
    else:
        print_told(memory)


@app.command(
    "pin",
    cls=Command,
    epilog="""
        crystal memories pin 3f9a1c2b  # Pin a memory.
        crystal memories pin 3f9a 77c0  # Pin two, by the beginnings of their ids.
        crystal memories list --pinned  # List what is pinned.
    """,
)
def memories_pin_command(numbers: IdsArgument, crystal: CrystalOption = None, as_json: JsonOption = False) -> None:
    """Pin memories: `crystal chat` then has them always in mind."""
    _pin(numbers, crystal, as_json, pinned=True)


@app.command(
    "unpin",
    cls=Command,
    epilog="""
        crystal memories unpin 3f9a1c2b  # Take the pin away.
        crystal memories unpin 3f9a 77c0  # Take two pins away.
        crystal memories unpin 3f9a --json  # Print the result as JSON.
    """,
)
def memories_unpin_command(numbers: IdsArgument, crystal: CrystalOption = None, as_json: JsonOption = False) -> None:
    """Take the pins of memories away; the memories stay."""
    _pin(numbers, crystal, as_json, pinned=False)


def _pin(numbers: list[str], crystal: CrystalOption, as_json: bool, *, pinned: bool) -> None:
    with open_memories(crystal) as opened:
        memories = opened.pin_memories(numbers, pinned=pinned)
    _say(memories, "pin" if pinned else "unpin", as_json, lambda _: "pinned" if pinned else "no longer pinned")


def _say(memories: Sequence[Memory], command: str, as_json: bool, state: Callable[[Memory], str]) -> None:
    """Say of memories what they are now, each in a line; or give them as JSON."""
    from crystalcli.cli.render.memory_view import memory_line, told_json

    if as_json:
        output.json(f"memories {command}", {"memories": [told_json(memory) for memory in memories]})
        return
    for memory in memories:
        output.note(f"{state(memory)}: {memory_line(memory)}")


@app.command(
    "uphold",
    cls=Command,
    epilog="""
        crystal memories list --conflicts  # See what superseded what.
        crystal memories uphold 3f9a1c2b  # Decide that a memory still holds.
        crystal memories uphold 3f9a1c2b --undo  # Leave it to what was told since.
    """,
)
def memories_uphold_command(
    numbers: IdsArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Leave it to what was told since.")] = False,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide that memories still hold, whatever was told since.

    A statement of a document is named by its document and its first character, `DOCUMENT:START`, as
    `crystal memories list --conflicts` shows it.
    """
    places = [number.rpartition(":") for number in numbers if _PLACE.fullmatch(number)]
    told = [number for number in numbers if not _PLACE.fullmatch(number)]
    with open_memories(crystal) as opened:
        memories = opened.uphold_memories(told, holds=not undo) if told else []
        for path, _, start in places:
            opened.uphold_statement(path, int(start), holds=not undo)
    if places and not as_json:
        output.note(
            f"{'left to what was stated since' if undo else 'holds'}: {', '.join(f'{p}:{s}' for p, _, s in places)}"
        )
    _say(memories, "uphold", as_json, lambda each: f"superseded by {each.successor}" if each.successor else "holds")


@app.command(
    "forget",
    cls=Command,
    epilog="""
        crystal memories forget 3f9a1c2b  # Forget a memory.
        crystal memories forget 3f9a 77c0  # Forget two, both or neither.
        crystal compact  # Remove the text of all that is forgotten from the file.
    """,
)
def memories_forget_command(numbers: IdsArgument, crystal: CrystalOption = None, as_json: JsonOption = False) -> None:
    """Forget memories. They are not found any more.

    All are forgotten in one step, or none if an id does not exist (exit code 7). The text stays in
    the bytes of the file until `crystal compact`.
    """
    with open_memories(crystal) as opened:
        memories = opened.forget_memories(numbers)
    _say(memories, "forget", as_json, lambda _: "forgotten")
