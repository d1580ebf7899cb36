"""`crystal eval`: recall and answers measured on one's own questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.cli.options.crystal_options import (
    AllowRemoteOption,
    CrystalsOption,
    EncoderOption,
    JsonOption,
    PassagesOption,
    open_crystal,
)
from crystalcli.cli.options.model_options import ModelOption, resolve_language_model
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output

if TYPE_CHECKING:
    from crystalcli.datatypes import Progress

app = command_app()


@app.command(
    "eval",
    cls=Command,
    rich_help_panel="Ask",
    epilog="""
        crystal eval questions.jsonl  # Measure recall and quoted answers, and list what failed.
        crystal eval questions.jsonl --only-recall -k 10  # Measure recall alone, with ten passages.
        crystal eval questions.jsonl --model ~/qwen.gguf --limit 20 --json  # Measure a model's answers to twenty.
    """,
)
def eval_command(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    k: PassagesOption = 5,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Take the first N questions. Default: all.")
    ] = None,
    only_recall: Annotated[bool, typer.Option("--only-recall", help="Measure passages alone, no answers.")] = False,
    model: ModelOption = None,
    allow_remote: AllowRemoteOption = False,
    extractive: Annotated[
        bool | None,
        typer.Option(
            "--extractive/--generate",
            help="Measure quotations, or the answers of a language model. Default: quotations, unless a model is named.",
        ),
    ] = None,
    crystal: CrystalsOption = None,
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure recall and answers on your own questions, and list what failed.

    FILE has a JSON object a line: `question`, and how an answer to it is known:

    `answers`: a list of texts. A source is right if the words of one stand in it in a row; case and
    punctuation do not count.

    `patterns`: a list of regular expressions (Python's), searched without regard to case.

    `places`: a list of objects with `path`, and maybe `line`, `page`, or `start` and `end`
    (characters of the document's text). Recall is measured by them where they are given, else by
    answers. The end of a path is enough.

    `"refuse": true` or `"answers": []`: the crystal holds no answer, and it is right to say so.

    BM25 and flat vectors (the cosine of the same vectors, without layers) are measured beside the
    crystal. Figures in brackets are intervals that hold the figure 95 times in 100.
    """
    from crystalcli.cli.render.evaluation_view import evaluation_json, print_evaluation
    from crystalcli.cli.terminal.progress import share_bar
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.errors import StoppedError, UsageError
    from crystalcli.evaluation import read_questions
    from crystalcli.language_models import is_model_named
    from crystalcli.paths import expanded

    if only_recall and (model is not None or extractive is not None):
        raise UsageError("--only-recall measures no answers: it goes with neither --model nor --extractive/--generate")
    questions = read_questions(expanded(file))
    quotes = extractive if extractive is not None else not is_model_named(model)
    chat_model = None if only_recall or quotes else resolve_language_model(model, allow_remote)
    last: Progress | None = None
    try:
        with open_crystal(crystal, encoder_folder=encoder) as opened, stop_on_signals(), share_bar() as bar:

            def note_progress(state: Progress) -> None:
                nonlocal last
                last = state
                if bar is not None:
                    bar(state)

            report = opened.evaluate(
                questions,
                model=chat_model,
                limit=limit,
                only_recall=only_recall,
                progress=note_progress,
                k=k,
                extractive=quotes,
            )
    except KeyboardInterrupt:
        moment = "before the first question" if last is None else f"after {last.done} of {last.total} questions"
        raise StoppedError(f"stopped {moment}") from None
    if as_json:
        output.json("eval", evaluation_json(report))
    else:
        print_evaluation(report)
