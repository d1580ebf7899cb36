"""`crystal inspect`: the layers of a crystal, its documents, its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.cli.options.completion import complete_documents
from crystalcli.cli.options.crystal_options import CrystalsOption, EncoderOption, JsonOption, open_crystal
from crystalcli.cli.options.where_options import parse_as_of
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import UsageError

if TYPE_CHECKING:
    from crystalcli.datatypes import Place

app = command_app()


@app.command(
    "inspect",
    cls=Command,
    rich_help_panel="Look after",
    epilog="""
        crystal inspect  # Print the layers, their sizes, and what the file takes.
        crystal inspect --documents --as-of 2026-03-01  # List what was there on that day.
        crystal inspect notes.md --chunks 1  # Follow one chunk from its atoms down to its text.
    """,
)
def inspect_command(
    document: Annotated[str | None, typer.Argument(metavar="[DOCUMENT]", autocompletion=complete_documents)] = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="List every file of the ledger, whether it was read or not.")
    ] = False,
    chunks: Annotated[int, typer.Option("--chunks", metavar="N", help="Number of chunks of a document to print.")] = 3,
    memory: Annotated[
        bool, typer.Option("--memory", help="Print the memory that recall takes, measured by opening the crystal.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="DATE", help="With DOCUMENT or --documents, as of that day: nothing that is dated later."
        ),
    ] = None,
    crystal: CrystalsOption = None,
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the layers of a crystal, or one document from its atoms down to its text.

    Of a document of notes, chats or mail it says what it states that has changed, or changed what
    was stated before.

    `crystal list` is the same as `crystal inspect --documents`.
    """
    if sum((document is not None, documents, memory)) > 1:
        raise UsageError("give only one of DOCUMENT, --documents and --memory")
    if as_of is not None and document is None and not documents:
        raise UsageError("--as-of goes with DOCUMENT or --documents")
    from dataclasses import asdict

    from crystalcli.cli.render import inspect_view as view

    with open_crystal(crystal, encoder=memory, encoder_folder=encoder) as opened:
        path, day = str(opened.path), parse_as_of(as_of)
        if memory:
            use = opened.memory_use()
            if as_json:
                output.json("inspect", view.memory_json(use, path))
            else:
                view.print_memory(use, path)
        elif document is not None:
            entry, views = opened.zoom(document, as_of=day)
            file, changes = opened.find_file(entry.path), opened.changes(entry.path, as_of=day)
            if as_json:
                output.json("inspect", view.document_json(entry, views, file, changes))
            else:

                def place_of(start: int, end: int) -> Place:
                    return opened.cite(entry.path, start, end).place

                view.print_document(entry, views, chunks, file, place_of, changes)
        elif documents:
            ledger = opened.documents(as_of=day)
            if as_json:
                output.json("inspect", {"documents": [asdict(entry) for entry in ledger]})
            else:
                view.print_documents(ledger)
        elif as_json:
            output.json("inspect", {"path": path, **view.stats_json(opened.stats())})
        else:
            view.print_stats(opened.stats(), path)
