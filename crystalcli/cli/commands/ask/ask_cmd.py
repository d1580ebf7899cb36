"""`crystal ask`: one question with its answer and sources, or a prompt for many."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.answering import DEFAULT_FLOOR
from crystalcli.cli.options.command_input import join_words, read_question, read_text_file, read_text_or_file
from crystalcli.cli.options.crystal_options import (
    AllowRemoteOption,
    CrystalsOption,
    DepthOption,
    EncoderOption,
    HalfLifeOption,
    JsonOption,
    PassagesOption,
    StrengthenOption,
    open_crystal,
    parse_half_life,
    preload_reranker,
)
from crystalcli.cli.options.model_options import ModelOption, resolve_language_model
from crystalcli.cli.options.where_options import (
    AsOfOption,
    ByOption,
    InOption,
    KindOption,
    SinceOption,
    TagOption,
    TodayOption,
    UntilOption,
    parse_today,
    recall_filter,
)
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.cpu import import_numpy
from crystalcli.errors import NotFoundError, StoppedError, UsageError

if TYPE_CHECKING:
    from crystalcli.cli.commands.ask.model_offer import ModelOffer
    from crystalcli.datatypes import Answer

app = command_app()


class AnswerFormat(StrEnum):
    """The form of an answer."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    JSON = "json"


@app.command(
    "ask",
    cls=Command,
    rich_help_panel="Ask",
    epilog="""
        crystal ask who keeps the ledgers  # Answer, after the passages that answer best.
        crystal ask "what did Ann say about the tent" --since 2026-03  # Look only at messages since then.
        crystal ask  # Ask many questions at a prompt.
    """,
)
def ask_command(
    words: Annotated[list[str] | None, typer.Argument(metavar="[QUESTION]...")] = None,
    model: ModelOption = None,
    allow_remote: AllowRemoteOption = False,
    k: PassagesOption = 5,
    depth: DepthOption = 3,
    half_life: HalfLifeOption = None,
    within: InOption = None,
    kind: KindOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    as_of: AsOfOption = None,
    by: ByOption = None,
    tag: TagOption = None,
    today: TodayOption = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", metavar="N", help="Length of the answer at most, in tokens.")
    ] = 128,
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget",
            metavar="N",
            help="Tokens of passages that the model is given at most; it gets one passage in any case. "
            "Default: as many as the built-in model reads well.",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option("--seed", metavar="N", help="Seed for sampling. The default 0 is deterministic, as any seed is."),
    ] = 0,
    broad: Annotated[
        bool | None,
        typer.Option(
            "--broad/--no-broad",
            help="Answer from whole documents, section by section. Default: decided by the question.",
        ),
    ] = None,
    time: Annotated[
        float | None,
        typer.Option(
            "--time",
            metavar="SECONDS",
            help="Time for an answer from whole documents; what the model has not summed up by then is quoted. "
            "Default: 60.",
        ),
    ] = None,
    extractive: Annotated[
        bool | None,
        typer.Option(
            "--quote/--generate",
            "--extractive",
            help="Only quote what answers best, or let a language model put the answer in words. "
            "Default: a model answers if one is named, or one that answers well enough is on this machine.",
        ),
    ] = None,
    fetch: Annotated[
        bool | None,
        typer.Option(
            "--fetch/--no-fetch",
            envvar="CRYSTAL_FETCH",
            show_envvar=False,
            help="Fetch a language model that answers, if none is here, without asking; or do not speak of it. "
            "Default: $CRYSTAL_FETCH, else it is offered once, on a terminal.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Quote instead of each generated sentence that the passages do not support."),
    ] = False,
    floor: Annotated[
        float,
        typer.Option(
            "--floor",
            metavar="X",
            help="Evidence that an answer needs, from 0 (always answer) to 1 (only if certain).",
        ),
    ] = DEFAULT_FLOOR,
    system: Annotated[
        str | None,
        typer.Option(
            "--system",
            metavar="TEXT|@FILE",
            help="System message for the model instead of the usual one; an empty text leaves it out.",
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--template",
            metavar="FILE",
            help="Message for the model instead of the usual one: a text with {context} and {question} in it.",
        ),
    ] = None,
    context_only: Annotated[
        bool,
        typer.Option("--context-only", help="Print the numbered passages that a model would be given; do not answer."),
    ] = False,
    form: Annotated[
        AnswerFormat | None,
        typer.Option("--format", metavar="plain|markdown|json", help="Format of the answer. Default: plain."),
    ] = None,
    store: Annotated[
        bool,
        typer.Option(
            "--store/--no-store", help="At a prompt, keep questions and answers in the crystal. Default: kept."
        ),
    ] = True,
    strengthen: StrengthenOption = True,
    crystal: CrystalsOption = None,
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the crystal, with numbered sources.

    The passage that answers best is quoted with its place, and others where they may add something,
    each with how sure it is. The verdict is one of three: an answer; "maybe; the nearest"; or "not
    in this crystal", with the nearest passages and exit code 7.

    A language model then puts the answer in words, if one that answers well enough is on this
    machine (`crystal models pull` lists them), or one is named (--model, $CRYSTAL_MODEL, `crystal
    models default`). --quote leaves it out; --generate, --strict, --system and --template ask for
    it in any case. The quoted sentences come first, the model's words after them, the sources last.
    Each sentence has the numbers of the sources that support it, or a mark with the names, numbers
    and quotations that no source has.

    Where there is no model yet, one is offered after the first answer on a terminal, and fetched
    unasked with --fetch or $CRYSTAL_FETCH=1; its answer then follows. Elsewhere answers are
    quotations, and one line says so, once for each folder of models.

    Questions about a whole ("What is Emma about?", "Summarize the docs", "Compare Emma and Faust")
    are answered part by part, within --time. What the model says of a part, in words that it bears
    out, is kept in the crystal, so that it is there at once the next time; other parts are quoted.
    Lists ("Which chapters mention Ahab?", "In which files is open_source used?") are exact: they
    come from the index, without the language model. So do answers about source code: the bare name
    of a function, "Where is X defined?", "What calls X?", "Which tests cover X?". -k, --depth and
    --half-life are for all other questions.

    The question may say where and when to look: "in August", "since March", "last week", "what did
    Ann say", "in Dracula". What was read is shown; where nothing there answers, it is dropped.

    Ctrl-C stops the answer; the text so far stays, with its sources (exit code 130). The same
    happens if a model fails in the middle (exit code 1). With - the question is read from standard
    input.

    A server (tried: llama.cpp, llama-cpp-python, transformers serve) is asked for the model behind
    # in its URL, else for the first one that is loaded. If it does not tell its context length,
    4,096 tokens are assumed. $CRYSTAL_API_KEY is its key.

    Without a question, on a terminal, questions are asked at a prompt, as by `crystal chat`.

    --context-only is for use with any other model: it prints the context, inside the template if
    there is one. No language model is loaded for it; one that is named counts the tokens, and its
    window bounds them.
    """
    import_numpy()
    from crystalcli.answering import AskOptions, broad_intent
    from crystalcli.cli.commands.ask.ask_session import AskSession
    from crystalcli.cli.terminal.stop_signals import stop_on_signals
    from crystalcli.language_models import is_model_named

    if as_json and form not in (None, AnswerFormat.JSON):
        raise UsageError(f"--json means --format json, which cannot be combined with --format {form}")
    form = AnswerFormat.JSON if as_json else form or AnswerFormat.PLAIN
    question = join_words(words)
    options = AskOptions(
        k=k,
        depth=depth,
        half_life=parse_half_life(half_life),
        max_tokens=max_tokens,
        seed=seed,
        extractive=extractive,
        strict=strict,
        floor=floor,
        budget=budget,
        system=read_text_or_file(system, "--system"),
        template=read_text_file(template, "--template"),
        stoppable=True,
        broad=broad,
        time=time,
        today=parse_today(today),
    ).with_defaults(lambda: is_model_named(model))
    if question is None and (sys.stdin is None or not sys.stdin.isatty()):
        raise UsageError("give a question, or - to read it from standard input")
    try:
        if question == "-":
            question = read_question()
        if question is not None and options.broad is not False:
            intent = broad_intent(question)
            if intent is not None and intent.needs_no_model:
                options, extractive = replace(options, extractive=True), True
        offer = None
        if extractive is None and options.extractive and not context_only:
            offer = _offer_model(fetch, form)
            if offer is not None and form is not AnswerFormat.PLAIN:  # the evidence is a part of the answer
                if offer.accept():
                    model, options = offer.name, replace(options, extractive=False)
                offer = None
        chat_model = None if options.extractive or context_only else resolve_language_model(model, allow_remote)
        with open_crystal(crystal, encoder_folder=encoder, keeps=True, strengthen=strengthen) as opened:
            preload_reranker(opened)
            where = recall_filter(opened, within, kind, since, until, by, tag, options.today, as_of)
            options = replace(options, where=where)
            asked_model = model if context_only else chat_model
            stores = store and question is None and not opened.read_only
            session = AskSession(opened, options, asked_model, allow_remote, form, context_only, offer, stores)
            if question is not None:
                with stop_on_signals():
                    answer = session.answer(question)
                if extractive is None and answer is not None and _is_quoted_summary(answer):
                    _tell_need()
                _conclude(answer)
                return
            from crystalcli.cli.commands.ask.repl import run_prompt
            from crystalcli.cli.render.memory_view import known_line

            session.prepare()
            output.note(known_line(str(opened.path), opened.stats().kinds, opened.last_conversation_day()))
            run_prompt(session)
    except KeyboardInterrupt:
        raise StoppedError("stopped") from None


def _offer_model(fetch: bool | None, form: AnswerFormat) -> ModelOffer | None:
    """Make the offer to fetch a language model, if one is due."""
    from crystalcli.cli.commands.ask.model_offer import can_ask_user, offer_model
    from crystalcli.language_models import recommended_model

    return offer_model(recommended_model(), fetch, form is AnswerFormat.PLAIN and can_ask_user())


def _is_quoted_summary(answer: Answer) -> bool:
    """Tell whether an answer is one from the whole, in quotations; not a list or a fact."""
    return answer.extractive and any(portion.text.startswith("“") for portion in answer.portions)


def _tell_need() -> None:
    """Say what a summary in words needs, below one in quotations."""
    from crystalcli.cli.terminal.humanize import format_size
    from crystalcli.language_models import recommended_model
    from crystalcli.models import catalogue_entry

    name = recommended_model()
    output.note(
        f"a summary in words needs a language model: `crystal models pull {name}` "
        f"({format_size(catalogue_entry(name).size)}), and then about a minute for each document, once"
    )


def _conclude(answer: Answer | None) -> None:
    """Raise what the exit code of a shown answer says beside it.

    Raises:
        CrystalError: the model failed.
        StoppedError: it was stopped.
        Exit: the crystal holds no answer.
    """
    if answer is not None and answer.failure is not None:
        raise answer.failure
    if answer is not None and answer.stopped:
        raise StoppedError("stopped")
    if answer is not None and not answer.answered:
        raise typer.Exit(NotFoundError.exit_code)
