"""`crystal recall`: the passages that answer a question best, for one question or many."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.cli.options.command_input import join_words
from crystalcli.cli.options.crystal_options import (
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
from crystalcli.cli.options.user_files import keep_sources
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
from crystalcli.cli.terminal.humanize import single_line
from crystalcli.cli.terminal.output import output
from crystalcli.errors import NotFoundError, SourceError, UsageError

if TYPE_CHECKING:
    from crystalcli.recall import Results

app = command_app()


class RecallFormat(StrEnum):
    """The form of recalled passages."""

    PLAIN = "plain"
    VIMGREP = "vimgrep"
    JSON = "json"


@app.command(
    "recall",
    cls=Command,
    rich_help_panel="Ask",
    epilog="""
        crystal recall who keeps the ledgers  # Print the five best passages.
        crystal recall "what did Anna promise" --half-life 30  # Prefer messages of the last weeks.
        crystal recall rent --in notes --since "last month"  # Look only there and then.
    """,
)
def recall_command(
    words: Annotated[list[str] | None, typer.Argument(metavar="[QUESTION]...")] = None,
    k: PassagesOption = 5,
    depth: DepthOption = 3,
    within: InOption = None,
    kind: KindOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    as_of: AsOfOption = None,
    by: ByOption = None,
    tag: TagOption = None,
    today: TodayOption = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            metavar="FILE",
            help="Read many questions from a file, - for stdin: JSON lines with qid and question. Prints JSON lines.",
        ),
    ] = None,
    reencode: Annotated[
        int,
        typer.Option(
            "--reencode",
            metavar="N",
            help="Encode the N best candidates again from their text: exacter, and a second or two slower.",
        ),
    ] = 0,
    rerank: Annotated[
        bool,
        typer.Option("--rerank/--no-rerank", help="Let the reranker read the best passages: 0.5 s, and better."),
    ] = True,
    half_life: HalfLifeOption = None,
    strengthen: StrengthenOption = True,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the share of each layer and of BM25 in a passage's score.")
    ] = False,
    form: Annotated[
        RecallFormat | None,
        typer.Option(
            "--format",
            metavar="plain|vimgrep|json",
            help="Format of the passages; vimgrep is path:line:column:sentence, for editors. Default: plain.",
        ),
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="Print only the names of the files, best first.")] = False,
    crystal: CrystalsOption = None,
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the passages that answer a question best, each with its place.

    The best sentence of each passage is marked. `crystal search` is the same command.

    The question may say where to look: "in August", "since March", "last week", "what did Ann say",
    "in Dracula". What was read is printed first, and dropped where it leaves nothing.

    Asked for the order of events in chats and mails ("the order in which I brought up ..."), it
    gives four times as many short quotations, 16 at most, in order of time.

    `crystal open N` opens the N-th passage. In Vim `:cexpr system("crystal recall --format vimgrep
    ...")` makes a list of them, in an editor's terminal the lines can be clicked on.
    """
    question, days, day = join_words(words), parse_half_life(half_life), parse_today(today)
    if (question is None) == (questions is None):
        raise UsageError("give one question, or --questions FILE")
    if explain and questions is not None:
        raise UsageError("--explain is for one question; --questions prints every passage's shares anyway")
    if as_json and form not in (None, RecallFormat.JSON):
        raise UsageError(f"--json means --format json, which cannot be combined with --format {form}")
    form = RecallFormat.JSON if as_json else form or RecallFormat.PLAIN
    if files and (form is not RecallFormat.PLAIN or explain or questions is not None):
        raise UsageError("--files prints names alone: it goes without --format, --json, --explain and --questions")
    if explain and form is RecallFormat.VIMGREP:
        raise UsageError("--explain goes with plain passages and with JSON")
    keeps = strengthen and questions is None  # many questions are a test, and no use
    with open_crystal(crystal, encoder_folder=encoder, strengthen=keeps) as opened:
        if rerank:
            preload_reranker(opened)
        where = recall_filter(opened, within, kind, since, until, by, tag, day, as_of)
        find = partial(
            opened.recall,
            k=k,
            depth=depth,
            reencode=reencode,
            half_life=days,
            where=where,
            today=day,
            rerank=rerank,
        )
        if questions is not None:
            _recall_many(find, questions)
            return
        from crystalcli.cli.render.reading_view import print_reading, reading_json
        from crystalcli.cli.render.recall_view import (
            explanation_json,
            passage_json,
            print_files,
            print_passages,
            vimgrep_line,
        )

        assert question is not None
        passages = find(question)
        keep_sources(enumerate(passages, 1))
        if files:
            print_files(passages)
        elif form is RecallFormat.VIMGREP:
            for passage in passages:
                output.write(vimgrep_line(opened, passage) + "\n")
        elif form is RecallFormat.JSON:
            rows = [passage_json(passage) for passage in passages]
            if explain:
                for row, passage in zip(rows, passages, strict=True):
                    row["explanation"] = explanation_json(passage)
            reading = reading_json(passages.reading)
            answer = {"question": question, "depth": depth, "filter": reading, "layer_share": opened.layer_share}
            changes = opened.changes_recalled(question, passages, where.as_of if where is not None else None)
            output.json("recall", {**answer, "passages": rows, "changes": list(changes)})
        elif passages:
            print_reading(passages.reading)
            print_passages(passages, explain)
            for line in opened.changes_recalled(question, passages, where.as_of if where is not None else None):
                output.write(f"changed: {single_line(line)}\n")
        if not passages:
            raise NotFoundError("nothing in this crystal answers to that question")


def _recall_many(find: Callable[[str], Results], path: Path) -> None:
    """Print for each line `{"qid", "question"}` of a file one line `{"qid", "passages"}`.

    Args:
        find: recalls the passages for a question.
        path: the file.

    Raises:
        SourceError: the file cannot be read.
        UsageError: a line is not such an object, or its question is empty.
    """
    from crystalcli.cli.render.recall_view import passage_json

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        lines = text.splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            qid, question = row["qid"], str(row["question"])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path}, line {number}: not a JSON object with qid and question") from error
        try:
            passages = find(question)
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
        rows = [passage_json(passage) for passage in passages]
        output.write(json.dumps({"qid": qid, "passages": rows}, ensure_ascii=True) + "\n")
