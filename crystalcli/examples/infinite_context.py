"""A book read through a window of 512 tokens, and asked about later.

    python -m crystalcli.examples.infinite_context [BOOK] [--out PNG] [--tokens N] [--seed N]

Text that leaves the window is remembered, and a sentence of it is asked for 100,000 tokens later.

Knows: the order of the steps. The text is in `books` and `story`, the reading in `reading`, the
planted sentence in `planted`, the question in `asking`; `board` and `picture` show the reading.
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
        Path, typer.Option("--out", metavar="PICTURE.png", help="File of the picture; an existing one is replaced.")
    ] = Path("infinite_context.png"),
    tokens: Annotated[
        int,
        typer.Option(
            "--tokens",
            metavar="N",
            min=1,
            help="Tokens between the sentence and its question; fewer if the text ends sooner.",
        ),
    ] = 100_000,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Seed that selects the sentence to put into the text.")
    ] = 0,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes",
            metavar="N",
            min=0.0,
            help="Approximate run time; a slow machine measures the model less often.",
        ),
    ] = 2.0,
    model: LocalModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a book through a window of 512 tokens, and ask for a sentence 100,000 tokens later.

    A sentence that no model can know is put into the text near its beginning. Then the text is
    read: every token goes through the window, and from there into a crystal. In up to 24 places,
    spread evenly, the language model predicts the next 128 tokens, with and without recalled
    passages. It does not read the text between these places, which would take many minutes. At the
    end the model is asked for the sentence: from its window alone, and from the recalled passage.

    BOOK is a file or a folder of any kind that crystal reads; several are read one after the other.
    Without BOOK, an installed program reads the story that ships with it, which has fewer than
    100,000 tokens, and then its own code. In the source tree it reads the samples, the
    documentation and the code.

    The picture needs matplotlib: pip install 'crystalcli[examples]'.
    """
    start_time = time.monotonic()
    from crystalcli.cli.options.model_options import open_local_model
    from crystalcli.cli.terminal.humanize import single_line
    from crystalcli.cli.terminal.progress import StatusLine
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.examples import picture, results
    from crystalcli.examples.asking import ask_three_ways
    from crystalcli.examples.board import show_progress
    from crystalcli.examples.books import own_texts, prepare
    from crystalcli.examples.reading import WINDOW, State, check, read, warm_up
    from crystalcli.index import ENCODER
    from crystalcli.library import expand_paths
    from crystalcli.retrieval_lm import RecallingModel, TextMemory, read_text

    can_draw = picture.is_available()
    if can_draw and (reason := unwritable(out)):
        raise CrystalError(f"cannot write the picture to {out}: {reason}")
    if not can_draw:
        output.note("no picture will be drawn, matplotlib is missing; install it: pip install 'crystalcli[examples]'")
    state, status = State(0), StatusLine()
    try:
        with stop_on_signals():
            texts = [(path.name, read_text(expand_paths([str(path)])).text) for path in book or ()] or own_texts()
            language_model = open_local_model(model)
            encoder = fetch_weights(ENCODER)
            prepared = prepare(texts, language_model, tokens, seed)
            check(prepared.ids, tokens if prepared.behind == tokens else None)
            with TextMemory(encoder) as memory:
                reader = RecallingModel(language_model, memory, window=WINDOW)
                if not as_json:
                    results.print_plan(prepared, language_model.name)
                status.show("loading the models …")
                cost = warm_up(reader, prepared.ids)
                status.clear()
                with show_progress() as show:
                    for state in read(reader, prepared.ids, 60 * minutes, start_time, cost):
                        show(state)
                status.show("asking …")
                window = language_model.data(prepared.ids[-WINDOW:]).decode("utf-8", "ignore")
                replies = ask_three_ways(language_model, prepared.fact, window, memory.path, encoder, prepared.text)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped after {state.tokens:,} tokens; nothing was kept") from None
    finally:
        status.clear()
    failure, drawn = None, None
    if can_draw:
        try:
            picture.draw(state, list(zip(prepared.names, prepared.starts, strict=True)), out)
            drawn = out
        except CrystalError as error:  # show the measurements all the same, then report it
            failure = error
    if as_json:
        output.json("infinite_context", results.as_json(prepared, state, replies, language_model.name, drawn))
    else:
        results.print_results(prepared, state, replies, language_model.name)
        output.write(f"{time.monotonic() - start_time:.0f} s, {time.process_time():.0f} s of processor time\n")
        if drawn is not None:
            output.write(f"{single_line(str(drawn))}\n")
    if failure is not None:
        raise failure


if __name__ == "__main__":
    sys.exit(run(program=app, name=NAME))
