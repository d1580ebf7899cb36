"""A book streams through a window of 512 tokens: what leaves it is remembered, and asked for 100,000 tokens later.

    python -m crystalcli.examples.infinite_context [BOOK] [--out PICTURE.png] [--tokens N] [--seed N]

Knows: the order of things. The text is in `books` and `story`, the reading in `reading`, the sentence that is put in in `planted`, the
question in `asking`; `board` and `picture` show it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from crystalcli.cli.app import run
from crystalcli.cli.options.crystal_options import JsonOption, fetch_weights
from crystalcli.cli.options.model_options import LocalModelOption
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import CrystalError, StoppedError
from crystalcli.paths import unwritable

NAME = "python -m crystalcli.examples.infinite_context"
app = command_app()


@app.command(
    cls=Command,
    epilog=f"""
        {NAME}  # Read the samples.
        {NAME} moby-dick.txt --out whale.png  # Read a book, and draw a picture.
        {NAME} ~/books --tokens 50000 --json  # Read a folder, and print JSON.
    """,
)
def infinite_context(
    book: Annotated[list[Path] | None, typer.Argument(metavar="[BOOK]...")] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="PICTURE.png", help="File of the picture; one that exists is replaced.")
    ] = Path("infinite_context.png"),
    tokens: Annotated[
        int,
        typer.Option(
            "--tokens",
            metavar="N",
            min=1,
            help="Tokens between the sentence and the question for it; fewer if the text ends sooner.",
        ),
    ] = 100_000,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Selects the sentence that is put into the text.")
    ] = 0,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes",
            metavar="N",
            min=0.0,
            help="Time it may take, about: on a slow machine the model is measured less often.",
        ),
    ] = 2.0,
    model: LocalModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a book through a window of 512 tokens, remember what leaves it, and ask for a sentence 100,000 tokens later.

    A sentence that no model can know is put into the text near its beginning. Then the text is read: every token of it goes through
    the window and, behind it, into a crystal. In up to 24 places, spread evenly, the language model foresees the next 128 tokens, with
    what is recalled and without; it does not read the text between them, which would take it many minutes. At the end it is asked
    for the sentence: with its window alone, and with what is recalled.

    BOOK is a file or a folder of any kind that crystal reads; several are read one after the other. Without one the story that ships
    with the program is read, and behind it the program's own code, since the story has fewer than 100,000 tokens; in the source tree,
    the samples, the documentation and the code.

    The picture needs matplotlib: pip install 'crystalcli[examples]'.
    """
    began = time.monotonic()
    from crystalcli.cli.options.model_options import open_local_model
    from crystalcli.cli.terminal.humanize import single_line
    from crystalcli.cli.terminal.progress import StatusLine
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.examples import picture, results
    from crystalcli.examples.asking import ask_three_ways
    from crystalcli.examples.board import watching
    from crystalcli.examples.books import own_texts, prepare
    from crystalcli.examples.reading import WINDOW, State, check, read, warmed
    from crystalcli.index import ENCODER
    from crystalcli.library import expand_paths
    from crystalcli.retrieval_lm import RecallingModel, TextMemory, read_text

    drawing = picture.drawable()
    if drawing and (reason := unwritable(out)):
        raise CrystalError(f"cannot write the picture to {out}: {reason}")
    if not drawing:
        output.note("there will be no picture: pip install 'crystalcli[examples]' brings what draws it")
    state, waiting = State(0), StatusLine()
    try:
        with stop_on_signals():
            texts = [(path.name, read_text(expand_paths([str(path)])).text) for path in book or ()] or own_texts()
            opened = open_local_model(model)
            encoder = fetch_weights(ENCODER)
            prepared = prepare(texts, opened, tokens, seed)
            check(prepared.ids, tokens if prepared.behind == tokens else None)
            with TextMemory(encoder) as past:
                reader = RecallingModel(opened, past, window=WINDOW)
                if not as_json:
                    results.beginning(prepared, opened.name)
                waiting.show("loading the models …")
                cost = warmed(reader, prepared.ids)
                waiting.clear()
                with watching() as show:
                    for state in read(reader, prepared.ids, 60 * minutes, began, cost):
                        show(state)
                waiting.show("asking …")
                window = opened.data(prepared.ids[-WINDOW:]).decode("utf-8", "ignore")
                answered = ask_three_ways(opened, prepared.fact, window, past.path, encoder, prepared.text)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped after {state.tokens:,} tokens; nothing is kept of them") from None
    finally:
        waiting.clear()
    failure, drawn = None, None
    if drawing:
        try:
            picture.draw(state, list(zip(prepared.names, prepared.starts, strict=True)), out)
            drawn = out
        except CrystalError as error:  # the disk is full: what was measured is told all the same
            failure = error
    if as_json:
        output.json("infinite_context", results.as_json(prepared, state, answered, opened.name, drawn))
    else:
        results.ending(prepared, state, answered, opened.name)
        output.write(f"{time.monotonic() - began:.0f} s, {time.process_time():.0f} s of processors\n")
        if drawn is not None:
            output.write(f"{single_line(str(drawn))}\n")
    if failure is not None:
        raise failure


if __name__ == "__main__":
    sys.exit(run(program=app, name=NAME))
