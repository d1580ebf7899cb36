"""`crystal profile`: what people have said of themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from crystalcli.cli.options.command_input import join_words
from crystalcli.cli.options.completion import complete_authors
from crystalcli.cli.options.crystal_options import CrystalOption, JsonOption, open_memories
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import UsageError

app = command_app()


@app.command(
    "profile",
    cls=Command,
    rich_help_panel="Remember",
    epilog="""
        crystal profile  # What you have said of yourself.
        crystal profile Ann --limit 0  # All that Ann has said of herself.
        crystal profile --me "Sam Berg"  # Say whose "I" and "my" are in questions.
    """,
)
def profile_command(
    words: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", autocompletion=complete_authors)] = None,
    me: Annotated[
        str | None,
        typer.Option(
            "--me",
            metavar="NAME",
            help="Keep in the crystal that you are NAME in its chats and mails; '' for nobody.",
            autocompletion=complete_authors,
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", metavar="N", help="Lines of each group at most; 0 for all.")
    ] = 10,
    crystal: CrystalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what people have said of themselves, each line a quotation with its date and place.

    Facts, preferences, goals, plans with their days, and people are read from memories, chats,
    mails, sessions of agents and dated notes, by the forms of English sentences; nothing is put in
    other words, and no model is asked. What was said several times is one line, and what no longer
    holds is below what does.

    Without a name it is you: what is said in memories without --by, in dated notes, in chats with
    assistants, and by the person that --me names. Questions with "I" or "my" then prefer what that
    person said.
    """
    from crystalcli.cli.render.profile_view import print_profile, profile_json

    if limit < 0:
        raise UsageError(f"--limit: expected 0 or more, got {limit}")
    name = join_words(words) or ""
    if me is not None and name:
        raise UsageError("--me says who you are, and prints no profile: give either it or a name")
    with open_memories(crystal) as opened:
        if me is not None:
            opened.set_me(me)
            name = opened.me
            if as_json:
                output.json("profile", {"me": name or None})
            else:
                output.note(
                    f"“I” and “my” are {name} in questions" if name else "“I” and “my” are nobody's in questions"
                )
            return
        report = opened.profile(name)
    if as_json:
        output.json("profile", profile_json(report, limit))
    else:
        print_profile(report, limit)
