"""`crystal ask`: a question on the command line, its answer as it is written, and the sources."""

from __future__ import annotations

from pathlib import Path

import click

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
@click.option(
    "--broad/--no-broad",
    default=None,
    help="From the whole of a document, or of all, part by part; or never so. Default: where the question asks for it.",
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
    broad: bool | None,
    crystal: Path | None,
    encoder: Path | None,
    as_json: bool,
) -> None:
    """Answer a question from the crystal, with numbered sources.

    Questions about the whole of something ("What is Emma about?", "Summarize the docs") are answered part by part, and lists ("Which
    chapters mention Ahab?", "In which files is open_source used?") exactly, from the index and without the language model. -k and
    --depth are for all other questions.
    """
    from crystalcli.answering.broad_question import needs_no_model
    from crystalcli.answering.broad_said import Stopped
    from crystalcli.library import LANGUAGE_MODEL

    lists = broad is not False and needs_no_model(question)
    if not extractive and not lists and model in (None, LANGUAGE_MODEL):
        fetch(LANGUAGE_MODEL)
    stopped: Stopped | None = None
    with open_crystal(crystal, own=encoder) as opened:
        try:
            answer = opened.ask(
                question,
                k=k,
                depth=depth,
                model=model,
                max_tokens=max_tokens,
                seed=seed,
                extractive=extractive,
                broad=broad,
                on_text=None if as_json else _stream,
            )
        except Stopped as error:  # what was said so far is shown with its sources
            answer, stopped = error.answer, error
    from crystalcli.cli import render

    if as_json:
        output.json("ask", render.answer_json(answer))
    else:
        output.write("\n\n")
        render.sources(answer.citations)
    if stopped is not None:
        raise stopped


def _stream(piece: str) -> None:
    from crystalcli.cli.output import harmless

    output.write(harmless(piece))
