"""`crystal recall`: the passages that answer a question best, for one question or many."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.cli.options.command_input import join_words
from crystalcli.cli.options.crystal_options import (
    CrystalOption,
    DepthOption,
    EncoderOption,
    HalfLifeOption,
    JsonOption,
    PassagesOption,
    open_crystal,
    parse_half_life,
)
from crystalcli.cli.parsing.command_group import Command, command_app
from crystalcli.cli.terminal.output import output
from crystalcli.datatypes import HalfLife
from crystalcli.errors import NotFoundError, SourceError, UsageError

if TYPE_CHECKING:
    from crystalcli.library import Crystal

app = command_app()


@app.command(
    "recall",
    cls=Command,
    rich_help_panel="Ask",
    epilog="""
        crystal recall who keeps the ledgers  # Print the five best passages.
        crystal recall "tide tables" -k 20 --json  # Print twenty as JSON.
        crystal recall "what did Anna promise" --half-life 30  # Prefer messages of the last weeks.
    """,
)
def recall_command(
    words: Annotated[list[str] | None, typer.Argument(metavar="[QUESTION]...")] = None,
    k: PassagesOption = 5,
    depth: DepthOption = 3,
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
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the share of each layer and of BM25 in a passage's score.")
    ] = False,
    crystal: CrystalOption = None,
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the passages that answer a question best, each with its place.

    The best sentence of each passage is marked. `crystal search` is the same command.
    """
    question, days = join_words(words), parse_half_life(half_life)
    if (question is None) == (questions is None):
        raise UsageError("give one question, or --questions FILE")
    if explain and questions is not None:
        raise UsageError("--explain is for one question; --questions prints every passage's shares anyway")
    with open_crystal(crystal, encoder_folder=encoder) as opened:
        if questions is not None:
            _recall_many(opened, questions, k, depth, reencode, days, rerank)
            return
        from crystalcli.cli.render.recall_view import explanation_json, passage_json, print_passages

        assert question is not None
        passages = opened.recall(question, k, depth=depth, reencode=reencode, half_life=days, rerank=rerank)
        if as_json:
            rows = [passage_json(passage) for passage in passages]
            if explain:
                for row, passage in zip(rows, passages, strict=True):
                    row["explanation"] = explanation_json(passage)
            output.json("recall", {"question": question, "depth": depth, "passages": rows})
        elif passages:
            print_passages(passages, explain)
        if not passages:
            raise NotFoundError("nothing in this crystal answers to that question")


def _recall_many(
    crystal: Crystal, path: Path, k: int, depth: int, reencode: int, half_life: HalfLife, rerank: bool
) -> None:
    """Print for each line `{"qid", "question"}` of a file one line `{"qid", "passages"}`.

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
            passages = crystal.recall(question, k, depth=depth, reencode=reencode, half_life=half_life, rerank=rerank)
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
        rows = [passage_json(passage) for passage in passages]
        output.write(json.dumps({"qid": qid, "passages": rows}, ensure_ascii=True) + "\n")
