"""`crystal perplexity`: how much better the language model foresees a text with what it recalls of it, and how that looks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crystalcli.cli.output import output
from crystalcli.cli.shared import PATH, default_weights, json_option

if TYPE_CHECKING:
    from crystalcli.memory.perplexity import Estimate, PerplexityReport

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
    from crystalcli.cli.progress import portion
    from crystalcli.cli.speaking import judging
    from crystalcli.cli.stopping import stoppable
    from crystalcli.errors import StoppedError
    from crystalcli.library import Crystal, paths_of
    from crystalcli.types import Progress

    last: Progress | None = None
    try:
        with stoppable(), portion() as bar:  # the crystal of what was read is in a temporary folder, which goes
            sources = paths_of(texts)

            def progress(now: Progress) -> None:
                nonlocal last
                last = now
                if bar is not None:
                    bar(now)

            report = Crystal.perplexity(
                sources, model=judging(model), window=window, targets=targets, fetch=default_weights, progress=progress
            )
    except KeyboardInterrupt:
        said = "before the first target" if last is None else f"after {last.done} of {last.total} targets"
        raise StoppedError(f"stopped {said}") from None
    if as_json:
        output.json("perplexity", perplexity_json(report))
    else:
        render(report)


def render(found: PerplexityReport) -> None:
    """The figures for people."""
    from rich.table import Table
    from rich.text import Text

    from crystalcli.cli.render import count, one_line

    targets = count(found.targets, "target")
    head = f"{one_line(found.model)}, {targets} among {found.tokens:,} tokens, {found.window:,} tokens before each"
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


def perplexity_json(found: PerplexityReport) -> dict[str, Any]:
    """The same for programs; of each figure the value, then the bounds of its interval, null where one target alone gives none."""

    def three(figure: Estimate) -> list[float | None]:
        return [None if math.isnan(each) else each for each in figure]

    return {
        "model": found.model,
        "window": found.window,
        "tokens": found.tokens,
        "targets": found.targets,
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
