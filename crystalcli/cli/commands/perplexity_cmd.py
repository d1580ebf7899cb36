"""`crystal perplexity`: how much better the language model foresees a text with what it recalls of it, and how that looks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crystalcli.cli.options.crystal_options import PATH, default_weights, json_option
from crystalcli.cli.terminal.output import output

if TYPE_CHECKING:
    from crystalcli.memory.perplexity import Estimate, Foreseen

_ARMS = {
    "window": "the last tokens alone",
    "window and copying": "  copying from them",
    "window and echoes": "  copying from what is recalled",
    "memory": "half as many, and as many recalled",
    "memory and copying": "  copying from the last tokens",
    "memory and echoes": "  copying from what is recalled",
}


@click.command()
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True, type=PATH)
@click.option(
    "--window", metavar="N", default=1024, show_default=True, help="Tokens before each target, memory included."
)
@click.option("--targets", metavar="N", default=40, show_default=True, help="How many pieces of 128 tokens to foresee.")
@click.option(
    "--model",
    metavar="NAME|FILE|DIR",
    help="The language model, as for `crystal ask`; one that says how likely tokens are, so no server.",
)
@json_option
def perplexity(texts: tuple[Path, ...], window: int, targets: int, model: str | None, as_json: bool) -> None:
    """Measure how well the language model foresees the end of a text, with memory and without.

    Files and folders are one text, in the order given. Pieces of its last 30 % are foreseen from the N tokens before them; and from
    half as many, with as many tokens recalled from all that stands before these. Nothing is recalled that comes later, and no crystal
    is made or changed. Copying raises what followed, in the N tokens or in what is recalled, where the
    last few tokens stood before; more is recalled for it than the model is shown.

    Bits per byte can be compared between models, perplexity only where tokens are the same. Intervals hold the figure 95 times in 100.
    40 targets take about five minutes on two cores.
    """
    from crystalcli.cli.options.model_options import judging
    from crystalcli.cli.terminal.progress import portion
    from crystalcli.cli.terminal.stop_signals import stoppable
    from crystalcli.errors import StoppedError
    from crystalcli.library import paths_of
    from crystalcli.memory.crystal import ENCODER
    from crystalcli.memory.past import Past
    from crystalcli.memory.perplexity import foreseen, held_back, text_of
    from crystalcli.memory.recalling import RecallingModel

    rows: list[dict[str, Foreseen]] = []
    starts: list[int] = []
    try:
        with stoppable():  # the crystal of what was read is in a temporary folder, which goes
            text = text_of(paths_of([str(path) for path in texts]))
            opened = judging(model)
            ids = opened.ids(text.text)
            starts = held_back(len(ids), window, targets)
            encoder = default_weights(ENCODER)
            with Past(encoder, code=text.code) as past, portion() as progress:
                reader = RecallingModel(opened, past, window=window)
                for row in foreseen(reader, ids, starts):
                    rows.append(row)
                    if progress is not None:
                        progress(len(rows), len(starts))
    except KeyboardInterrupt:
        said = f"after {len(rows)} of {len(starts)} targets" if starts else "before the first target"
        raise StoppedError(f"stopped {said}") from None
    if as_json:
        output.json("perplexity", perplexity_json(rows, opened.name, window, len(ids)))
    else:
        render(rows, opened.name, window, len(ids))


def render(rows: Sequence[Mapping[str, Foreseen]], model: str, window: int, tokens: int) -> None:
    """The figures for people."""
    from rich.table import Table
    from rich.text import Text

    from crystalcli.cli.render.inspect_view import count, one_line
    from crystalcli.memory.perplexity import results

    found = results(rows)
    head = f"{one_line(model)}, {count(len(rows), 'target')} among {tokens:,} tokens, {window:,} tokens before each"
    output.console.print(Text(head))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("before each target", "bits per byte", "perplexity", "of the first"):
        table.add_column(name, justify="left" if name.startswith("before") else "right", overflow="fold")
    for arm, said in _ARMS.items():
        figures, share = found.arms[arm], found.ratios.get(arm)
        table.add_row(said, _said(figures.bits_per_byte), _said(figures.perplexity), _said(share) if share else "")
    output.console.print(table)
    if found.repeated:
        output.console.print(
            Text(f"of {count(found.repeated, 'target')}, 13 tokens in a row stand in what was recalled")
        )


def _said(figure: Estimate) -> str:
    digits = 3 if figure.value < 10 else 1
    if math.isnan(figure.low):
        return f"{figure.value:.{digits}f}"
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def perplexity_json(rows: Sequence[Mapping[str, Foreseen]], model: str, window: int, tokens: int) -> dict[str, Any]:
    """The same for programs; of each figure the value, then the bounds of its interval, null where one target alone gives none."""
    from crystalcli.memory.perplexity import results

    def three(figure: Estimate) -> list[float | None]:
        return [None if math.isnan(each) else each for each in figure]

    found = results(rows)
    return {
        "model": model,
        "window": window,
        "tokens": tokens,
        "targets": len(rows),
        "repeated": found.repeated,
        "arms": {
            arm: {
                "bits_per_byte": three(figures.bits_per_byte),
                "perplexity": three(figures.perplexity),
                "of_window": three(found.ratios[arm]) if arm in found.ratios else None,
            }
            for arm, figures in found.arms.items()
        },
    }
