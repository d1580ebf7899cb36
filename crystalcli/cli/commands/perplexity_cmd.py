"""`crystal perplexity`: the language model with memory and without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.cli.options.crystal_options import JsonOption, fetch_default_weights
from crystalcli.cli.options.model_options import LocalModelOption, open_local_model
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output

if TYPE_CHECKING:
    from crystalcli.memory.perplexity import Foreseen

app = command_app()


@app.command(
    "perplexity",
    cls=Command,
    rich_help_panel="Research",
    epilog="""
        crystal perplexity book.txt  # Measure the built-in model on a book.
        crystal perplexity ~/project --window 512 --targets 10  # Measure fewer places, with a small window.
        crystal perplexity book.txt --model ~/qwen.gguf --json  # Measure a model of your own.
    """,
)
def perplexity_command(
    texts: Annotated[list[Path], typer.Argument(metavar="TEXT...")],
    window: Annotated[
        int, typer.Option("--window", metavar="N", help="Tokens before each target, memory included.")
    ] = 1024,
    targets: Annotated[
        int, typer.Option("--targets", metavar="N", help="Number of pieces of 128 tokens to predict.")
    ] = 40,
    model: LocalModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well the language model predicts the end of a text, with memory and without.

    Files and folders are one text, in the order given. Pieces of its last 30 % are predicted from
    the N tokens before them, and from half as many with as many tokens recalled from all that
    stands before these. Nothing later is recalled, and no crystal is made or changed. Copying
    raises the probability of tokens that followed the same last few tokens earlier, in the N tokens
    or in recalled text; more is recalled for it than the model is shown.

    Bits per byte can be compared between models, perplexity only between models with the same
    tokens. Intervals hold the figure 95 times in 100. 40 targets take about five minutes on two
    cores.
    """
    from crystalcli.cli.render.perplexity_view import perplexity_json, print_perplexity
    from crystalcli.cli.terminal.progress import share_bar
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.errors import StoppedError
    from crystalcli.library import paths_of
    from crystalcli.memory.crystal import ENCODER
    from crystalcli.memory.past import Past
    from crystalcli.memory.perplexity import foreseen, held_back, text_of
    from crystalcli.memory.recalling import RecallingModel

    rows: list[dict[str, Foreseen]] = []
    starts: list[int] = []
    try:
        with stop_on_signals():  # the crystal of the text is in a temporary folder, which is deleted
            text = text_of(paths_of([str(path) for path in texts]))
            opened = open_local_model(model)
            ids = opened.ids(text.text)
            starts = held_back(len(ids), window, targets)
            encoder = fetch_default_weights(ENCODER)
            with Past(encoder, code=text.code) as past, share_bar() as progress:
                reader = RecallingModel(opened, past, window=window)
                for row in foreseen(reader, ids, starts):
                    rows.append(row)
                    if progress is not None:
                        progress(len(rows), len(starts))
    except KeyboardInterrupt:
        moment = f"after {len(rows)} of {len(starts)} targets" if starts else "before the first target"
        raise StoppedError(f"stopped {moment}") from None
    if as_json:
        output.json("perplexity", perplexity_json(rows, opened.name, window, len(ids)))
    else:
        print_perplexity(rows, opened.name, window, len(ids))
