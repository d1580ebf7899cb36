"""`crystal ask`: a question on the command line, its answer as it is written, and the sources."""

from __future__ import annotations

from pathlib import Path

import click

from crystalcli.answering.wishes import FLOOR
from crystalcli.cli.output import output
from crystalcli.cli.shared import (
    count_option,
    crystal_option,
    depth_option,
    encoder_option,
    fetch,
    json_option,
    open_crystal,
)
from crystalcli.errors import NotFoundError


@click.command()
@click.argument("question")
@click.option("--model", metavar="FILE", help="A language model (GGUF). Default: SmolLM2-135M-Instruct.")
@count_option
@depth_option
@click.option(
    "--max-tokens", metavar="N", default=128, show_default=True, help="The answer's longest length, in tokens."
)
@click.option(
    "--seed",
    metavar="N",
    default=0,
    show_default=True,
    help="For sampling; the default is deterministic with any seed.",
)
@click.option("--extractive", is_flag=True, help="No language model: quote the best sentences.")
@click.option("--strict", is_flag=True, help="Quote instead of saying what the passages do not bear out.")
@click.option(
    "--floor",
    metavar="X",
    default=FLOOR,
    show_default=True,
    help="How much must speak for an answer, from 0 (answer always) to 1.",
)
@crystal_option
@encoder_option
@json_option
def ask(
    question: str,
    model: str | None,
    k: int,
    depth: int,
    max_tokens: int,
    seed: int,
    extractive: bool,
    strict: bool,
    floor: float,
    crystal: Path | None,
    encoder: Path | None,
    as_json: bool,
) -> None:
    """Answer a question from the crystal, with numbered sources.

    Each sentence is given the numbers of the sources that carry it, and marked where its names, numbers or quotations stand in none.
    Where the crystal does not seem to hold an answer, it says so, shows the nearest passages, and the exit code is 7.
    """
    from crystalcli.library import LANGUAGE_MODEL

    if not extractive and model in (None, LANGUAGE_MODEL):
        fetch(LANGUAGE_MODEL)
    with open_crystal(crystal, own=encoder) as opened:
        answer = opened.ask(
            question,
            k=k,
            depth=depth,
            model=model,
            max_tokens=max_tokens,
            seed=seed,
            extractive=extractive,
            strict=strict,
            floor=floor,
            on_text=None if as_json else _stream,
        )
    from crystalcli.cli import render

    if as_json:
        output.json("ask", render.answer_json(answer))
    elif answer.answered:
        output.write("\n\n")
        render.sources(answer.citations)
    else:
        output.write(f"{answer.text}; the nearest it has:\n\n")
        render.sources(answer.citations)
    if not answer.answered:
        raise click.exceptions.Exit(NotFoundError.exit_code)


def _stream(piece: str) -> None:
    from crystalcli.cli.output import harmless

    output.write(harmless(piece))
