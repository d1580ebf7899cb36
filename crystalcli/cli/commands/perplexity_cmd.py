"""`crystal perplexity`: the language model with memory and without."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crystalcli.cli.options.crystal_options import JsonOption, fetch_default_weights
from crystalcli.cli.options.model_options import LocalModelOption, open_local_model
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output

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
    from crystalcli.datatypes import Progress
    from crystalcli.errors import StoppedError
    from crystalcli.library import Crystal, expand_paths

    last: Progress | None = None
    try:
        # The crystal of the text is in a temporary folder, which is deleted on a signal, too.
        with stop_on_signals(), share_bar() as bar:
            sources = expand_paths(texts)

            def note_progress(state: Progress) -> None:
                nonlocal last
                last = state
                if bar is not None:
                    bar(state)

            report = Crystal.perplexity(
                sources,
                model=open_local_model(model),
                window=window,
                targets=targets,
                fetch=fetch_default_weights,
                progress=note_progress,
            )
    except KeyboardInterrupt:
        moment = "before the first target" if last is None else f"after {last.done} of {last.total} targets"
        raise StoppedError(f"stopped {moment}") from None
    if as_json:
        output.json("perplexity", perplexity_json(report))
    else:
        print_perplexity(report)
