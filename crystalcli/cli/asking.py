"""`crystal ask`: a question, its answer as it is written, and the sources; or a prompt for many of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crystalcli.answering.wishes import FLOOR
from crystalcli.cli import given
from crystalcli.cli.output import output
from crystalcli.cli.shared import (
    PATH,
    allow_remote_option,
    count_option,
    crystal_option,
    decay_option,
    depth_option,
    encoder_option,
    json_option,
    open_crystal,
)
from crystalcli.cli.speaking import chosen, model_option
from crystalcli.errors import NotFoundError, StoppedError, UsageError

if TYPE_CHECKING:
    from crystalcli.types import Answer


# An option that is a wish has the name of its field in `Wishes`, and needs nothing else here.
@click.command()
@click.argument("question", required=False)
@model_option
@allow_remote_option
@count_option
@depth_option
@decay_option
@click.option(
    "--max-tokens", metavar="N", default=128, show_default=True, help="The answer's longest length, in tokens."
)
@click.option(
    "--budget",
    metavar="N",
    type=int,
    help="How many tokens of passages the model is given at most; one is given in any case. Default: what the default model "
    "reads well.",
)
@click.option(
    "--seed",
    metavar="N",
    default=0,
    show_default=True,
    help="For sampling; the default is deterministic with any seed.",
)
@click.option(
    "--broad/--no-broad",
    default=None,
    help="From the whole of a document, or of all, part by part; or never so. Default: where the question asks for it.",
)
@click.option(
    "--extractive/--generate",
    default=None,
    help="Quote the best sentences, or let a language model put it in words. Default: quote, unless one is named.",
)
@click.option("--strict", is_flag=True, help="Quote instead of saying what the passages do not bear out.")
@click.option(
    "--floor",
    metavar="X",
    default=FLOOR,
    show_default=True,
    help="How much must speak for an answer, from 0 (answer always) to 1.",
)
@click.option(
    "--system",
    metavar="TEXT|@FILE",
    callback=given.text_or_file,
    help="What the model is told before all else, in place of the usual; an empty text leaves it out.",
)
@click.option(
    "--template",
    metavar="FILE",
    type=PATH,
    callback=given.text_of_file,
    help="What it is asked, in place of the usual: a text with {context} and {question} in it.",
)
@click.option("--context-only", is_flag=True, help="No answer: the passages that a model would be given, numbered.")
@click.option(
    "--format",
    "form",
    metavar="plain|markdown|json",
    type=click.Choice(("plain", "markdown", "json")),
    help="How the answer is written. Default: plain.",
)
@crystal_option
@encoder_option
@json_option
def ask(
    question: str | None,
    model: str | None,
    allow_remote: bool,
    context_only: bool,
    form: str | None,
    crystal: Path | None,
    encoder: Path | None,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Answer a question from the crystal, with numbered sources.

    The three sentences that answer best are quoted, each with its place. Where the crystal does not seem to hold an answer, it says
    so, shows the nearest it has, and the exit code is 7.

    With --generate, --strict, --system, --template or a model that is named (--model, $CRYSTAL_MODEL, `crystal models default`) a
    language model puts it in words. These sentences come first then, the model's words after them, last the sources: each sentence
    has the numbers of those that carry it, or a mark with the names, numbers and quotations that stand in none.

    Questions about the whole of something ("What is Emma about?", "Summarize the docs") are answered part by part, and lists ("Which
    chapters mention Ahab?", "In which files is open_source used?") exactly, from the index and without the language model. -k,
    --depth and --half-life are for all other questions.

    Ctrl-C stops the answer; what was said so far stays, with its sources (exit code 130), as it does where a model fails in the middle
    of a word (exit code 1). With - the question is read from standard input.

    A server (tried: llama.cpp, llama-cpp-python, transformers serve) is asked for the model named behind # in its URL, else for the
    first that is loaded. Where it does not say how long a context it takes, 4,096 tokens are assumed. $CRYSTAL_API_KEY is its key.

    Without a question, at a terminal, questions are asked at a prompt; /help there says how. Each stands alone: none refers to the
    one before. They are kept in a file that only you can read; an empty $CRYSTAL_HISTORY keeps none.

    --context-only prints what a model would be given, for use with any other one; the template, if there is one, around it. No
    language model is loaded for that; one that is named counts the tokens, and bounds them by its window.
    """
    from crystalcli.answering.broad_question import needs_no_model
    from crystalcli.answering.wishes import Wishes
    from crystalcli.cli.reply import Asker
    from crystalcli.cli.stopping import stoppable
    from crystalcli.language_models import is_model_named

    if as_json and form not in (None, "json"):
        raise UsageError(f"--json is --format json, which does not go with --format {form}")
    form = "json" if as_json else form or "plain"
    wanted = Wishes(stoppable=True, **wishes).settled(lambda: is_model_named(model))
    if question is None and (sys.stdin is None or not sys.stdin.isatty()):
        raise UsageError("give a question, or - to read it from standard input")
    try:
        asked = given.from_stdin() if question == "-" else question
        if asked is not None and wanted.broad is not False and needs_no_model(asked):
            wanted = replace(wanted, extractive=True)
        speaker = None if wanted.extractive or context_only else chosen(model, allow_remote)
        with open_crystal(crystal, own=encoder) as opened:
            asker = Asker(opened, wanted, model if context_only else speaker, allow_remote, form, context_only)
            if asked is not None:
                with stoppable():
                    _conclude(asker.reply(asked))
                return
            from crystalcli.cli.prompt import converse
            from crystalcli.cli.render import count

            asker.prepare()
            held = count(opened.stats().documents, "document")
            output.note(f"{opened.path}: {held}. A question, or /help; Ctrl-D leaves")
            converse(asker)
    except KeyboardInterrupt:
        raise StoppedError("stopped") from None


def _conclude(answer: Answer | None) -> None:
    """Raises what an answer that has been shown comes to, beside itself."""
    if answer is not None and answer.failure is not None:
        raise answer.failure
    if answer is not None and answer.stopped:
        raise StoppedError("stopped")
    if answer is not None and not answer.answered:
        raise click.exceptions.Exit(NotFoundError.exit_code)
