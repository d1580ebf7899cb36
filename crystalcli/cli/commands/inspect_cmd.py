"""`crystal inspect`: the layers of a crystal, its documents, its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.cli.options.completion import complete_documents
from crystalcli.cli.options.crystal_options import CrystalsOption, EncoderOption, JsonOption, open_crystal
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
        crystal inspect --documents  # List all files that were looked at.
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
    crystal: CrystalsOption = None,
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the layers of a crystal, or one document from its atoms down to its text.

    `crystal list` is the same as `crystal inspect --documents`.
    """
    if sum((document is not None, documents, memory)) > 1:
        raise UsageError("give only one of DOCUMENT, --documents and --memory")
    from dataclasses import asdict

    from crystalcli.cli.render import inspect_view as view

    with open_crystal(crystal, encoder=memory, encoder_folder=encoder) as opened:
        path = str(opened.path)
        if memory:
            use = opened.memory_use()
            if as_json:
                output.json("inspect", view.memory_json(use, path))
            else:
                view.print_memory(use, path)
        elif document is not None:
            entry, views = opened.zoom(document)
            file = opened.find_file(entry.path)
            if as_json:
                output.json("inspect", view.document_json(entry, views, file))
            else:

                def place_of(start: int, end: int) -> Place:
                    return opened.cite(entry.path, start, end).place

                view.print_document(entry, views, chunks, file, place_of)
        elif documents:
            ledger = opened.documents()
            if as_json:
                output.json("inspect", {"documents": [asdict(entry) for entry in ledger]})
            else:
                view.print_documents(ledger)
        elif as_json:
            output.json("inspect", {"path": path, **view.stats_json(opened.stats())})
        else:
            view.print_stats(opened.stats(), path)
