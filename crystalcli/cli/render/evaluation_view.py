"""View of the figures of `crystal eval`: text for people, a dictionary for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from crystalcli.cli.render.place_text import format_location
from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import format_count
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.evaluation import RANKED, TOKEN_BUDGET

if TYPE_CHECKING:
    from crystalcli.datatypes import Citation
    from crystalcli.evaluation import EvaluationReport, Measure, QuestionResult

_SYSTEMS = {"crystal": "crystal", "bm25": "BM25", "vectors": "flat vectors"}
_NARROW = 92  # columns under which an interval stands below its figure
_LONGEST = 300  # characters of a quotation or a question in the list of failures


def print_evaluation(report: EvaluationReport) -> None:
    """Print the figures, then the questions that failed."""
    console = output.console
    console.print(
        Text(
            f"{format_count(report.answerable, 'question')} with an answer, {report.unanswerable:,} without",
            style="bold",
        )
    )
    if report.answerable:
        console.print()
        _print_recall(report)
    if report.answers is not None:
        console.print()
        _print_answers(report)
    if not report.failures:
        return
    console.print()
    console.print(Text(format_count(len(report.failures), "question") + " failed", style="bold"))
    for result in report.failures:
        console.print()
        _print_failure(result, report)


def _print_recall(report: EvaluationReport) -> None:
    systems = [name for name in _SYSTEMS if name in report.recall]
    titles = [_SYSTEMS[name] for name in systems]
    table = plain_table("right passage found", *titles)
    measures = {
        "first": "first",
        f"among the first {report.k}": "within_k",
        f"in {TOKEN_BUDGET:,} tokens": "coverage",
        "1 / rank, mean": "mrr",
    }
    for label, measure in measures.items():
        table.add_row(label, *(format_measure(getattr(report.recall[name], measure)) for name in systems))
    table.add_row("seconds, median", *(f"{report.recall[name].seconds:.2f}" for name in systems))
    output.console.print(table)


def _print_answers(report: EvaluationReport) -> None:
    answers = report.answers
    assert answers is not None
    table = plain_table("answers", "")
    if report.answerable:
        table.add_row("right in the first source", format_measure(answers.first))
        table.add_row("right in any source", format_measure(answers.any))
        table.add_row("refused, and there is one", f"{answers.refused_wrongly:,} of {report.answerable:,}")
    if report.unanswerable:
        table.add_row("refused, and there is none", f"{answers.refused_rightly:,} of {report.unanswerable:,}")
        table.add_row("right, all questions", format_measure(answers.right))
    table.add_row("seconds, median", f"{answers.seconds:.2f}")
    output.console.print(table)


def format_measure(measure: Measure) -> str:
    """Format a mean with its interval, which is on a line of its own in a narrow terminal."""
    if math.isnan(measure.value):
        return ""
    gap = "\n" if output.console.width < _NARROW else " "
    return f"{measure.value:.2f}{gap}[{measure.low:.2f}, {measure.high:.2f}]"


def _print_failure(result: QuestionResult, report: EvaluationReport) -> None:
    line = f"line {result.question.line}  " if result.question.line else ""
    head = Text(line, style="dim")
    head.append(_shorten(result.question.question), style="bold")
    output.console.print(head)
    for name, text in _failure_lines(result, report):
        row = Text(f"{name}  ", style="dim")
        row.append(text)
        if output.console.is_terminal:
            output.console.print(Padding(row, (0, 0, 0, 4)))
        else:
            output.write(f"    {row.plain}\n")


def _failure_lines(result: QuestionResult, report: EvaluationReport) -> list[tuple[str, str]]:
    """Tell what was said, what was wanted, and where recall had it."""
    lines = []
    if report.answers is not None:
        lines.append(("said", _said(result)))
        if not result.first and result.any:
            lines.append(("", "a later source is right"))
    lines.append(("wanted", _wanted(result)))
    if not result.question.refuse:
        rank = result.ranks["crystal"]
        place = f"not among the first {max(RANKED, report.k)} passages" if rank is None else f"passage {rank}"
        lines.append(("recalled", place))
    return [(name or "    ", text) for name, text in lines]


def _said(result: QuestionResult) -> str:
    answer = result.answer
    if answer is None:
        return "nothing: no passage was recalled"
    if not answer.extractive and answer.answered:
        return _shorten(answer.text)
    nearest = _source(answer.citations[0]) if answer.citations else ""
    if answer.answered:
        return nearest or _shorten(answer.text)
    return f"not in this crystal; nearest: {nearest}" if nearest else "not in this crystal"


def _source(citation: Citation) -> str:
    return f"“{_shorten(citation.quote)}” {sanitize(format_location(citation))}"


def _wanted(result: QuestionResult) -> str:
    question = result.question
    if question.refuse:
        return "a refusal: the crystal holds no answer"
    texts = [*question.answers, *(f"/{pattern}/" for pattern in question.patterns), *map(str, question.places)]
    return "; ".join(map(_shorten, texts))


def _shorten(text: str) -> str:
    line = " ".join(sanitize(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST].rsplit(' ', 1)[0]} …"


def evaluation_json(report: EvaluationReport) -> dict[str, Any]:
    """Make the same for programs; each measure is its value and the bounds of its interval."""

    def finite(numbers: Measure) -> list[float] | None:
        return None if math.isnan(numbers.value) else [round(number, 4) for number in numbers]

    answers = report.answers
    failures = {id(result) for result in report.failures}
    return {
        "k": report.k,
        "token_budget": TOKEN_BUDGET,
        "answerable": report.answerable,
        "unanswerable": report.unanswerable,
        "recall": {
            name: {
                "first": finite(measures.first),
                "within_k": finite(measures.within_k),
                "coverage": finite(measures.coverage),
                "mrr": finite(measures.mrr),
                "seconds": None if math.isnan(measures.seconds) else round(measures.seconds, 4),
            }
            for name, measures in report.recall.items()
        },
        "answers": None
        if answers is None
        else {
            "first": finite(answers.first),
            "any": finite(answers.any),
            "right": finite(answers.right),
            "refused_rightly": answers.refused_rightly,
            "refused_wrongly": answers.refused_wrongly,
            "seconds": round(answers.seconds, 4),
        },
        "results": [_result_json(result, id(result) in failures) for result in report.results],
    }


def _result_json(result: QuestionResult, failed: bool) -> dict[str, Any]:
    question, answer = result.question, result.answer
    return {
        "line": question.line,
        "question": question.question,
        "failed": failed,
        "wanted": {
            "refuse": question.refuse,
            "answers": list(question.answers),
            "patterns": list(question.patterns),
            "places": [asdict(place) for place in question.places],
        },
        "answer": None
        if answer is None
        else {
            "text": answer.text,
            "sources": [
                {
                    "path": citation.path,
                    "source": citation.source,
                    "place": str(citation.place),
                    "quote": citation.quote,
                }
                for citation in answer.citations
            ],
        },
        "refused": result.refused,
        "first": result.first,
        "any": result.any,
        "ranks": dict(result.ranks),
        "coverage": {name: round(share, 4) for name, share in result.coverage.items()},
        "seconds": round(result.seconds, 4),
    }
