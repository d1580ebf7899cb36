"""The tool `search`: passages that answer a question, and whether they seem to answer it.

Knows: answers and their verdicts. Does not know: how they are made.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crystalcli.datatypes import Answer, AnswerVerdict, RecallFilter
from crystalcli.errors import UsageError
from crystalcli.mcp_server.place_line import passage_block, sources_block
from crystalcli.mcp_server.tool_spec import Arguments, Parameter, ToolSpec

if TYPE_CHECKING:
    from crystalcli.library import Crystal

_MAX_PASSAGES = 20
IN_PARAMETER = Parameter("in", "string", "Only this document, folder or glob.", "")


def _search(crystal: Crystal, arguments: Arguments) -> str:
    """Answer a question with passages, or with the exact answer that the crystal can give."""
    from crystalcli.answering import is_quotations

    question, k = arguments["question"], arguments["k"]
    if not 1 <= k <= _MAX_PASSAGES:
        raise UsageError(f"search: k has to be from 1 to {_MAX_PASSAGES}, got {k}")
    answer = crystal.ask(question, extractive=True, k=k, where=_filter_of(crystal, arguments))
    blocks = [_head(answer, _by_words(crystal))]
    if not answer.answered or is_quotations(answer):
        blocks += [passage_block(number, passage) for number, passage in enumerate(answer.passages, 1)]
    else:  # a definition, a list, a count: said exactly, with its quotations inside
        blocks += [answer.text, sources_block(answer.citations)]
    return "\n\n".join(filter(None, blocks))


def _filter_of(crystal: Crystal, arguments: Arguments) -> RecallFilter | None:
    """Make the filter that the arguments describe; None where they say nothing."""
    from crystalcli.recall import parse_days

    since, until = arguments["since"] or None, arguments["until"] or None
    today = (crystal.newest_day() or datetime.now(UTC).date()) if since or until else None
    chosen = RecallFilter(
        within=(arguments["in"],) if arguments["in"] else (),
        kinds=_split(arguments["kind"]),
        since=parse_days(since, "since", today)[0],
        until=parse_days(until, "until", today)[1],
        people=_split(arguments["person"]),
    )
    return chosen if chosen.selects else None


def _split(names: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, names.split(","))))


def _by_words(crystal: Crystal) -> str:
    """Say which text is found by words alone; "" where all is found by vectors, too."""
    if not crystal.has_weights:
        return "(Found by words alone: the encoder's weights are not here.)"
    share = crystal.layer_share
    return f"(Layers of {int(100 * share)} %: the rest is found by words alone.)" if share < 1.0 else ""


def _head(answer: Answer, by_words: str) -> str:
    """Say the verdict, what was read in the question, and what is missing here."""
    evidence = "" if answer.evidence is None else f" (evidence {answer.evidence:.2f} of 1)"
    verdict = {
        AnswerVerdict.ANSWERED: f"Answered{evidence}.",
        AnswerVerdict.MAYBE: f"Maybe{evidence}. The nearest passages:",
        AnswerVerdict.NOT_HERE: f"Not here{evidence}: the documents do not seem to answer it. The nearest passages:",
    }[answer.verdict]
    lines = [verdict, answer.reading.notice if answer.reading is not None else "", by_words]
    return "\n".join(filter(None, lines))


SEARCH = ToolSpec(
    "search",
    "Find the passages of the user's documents that answer a question, best first, each with its place. "
    "Ask one whole question in plain words. Says `Not here` where the documents do not seem to answer.",
    (
        Parameter("question", "string", "The question, in the user's words.", None),
        Parameter("k", "integer", "Number of passages, up to 20; 5 by default.", 5),
        IN_PARAMETER,
        Parameter("kind", "string", "Only these kinds: pdf, markdown, chat, mail, code, ...", ""),
        Parameter("since", "string", "First day: 2026, 2026-03-14, March, 'last week'.", ""),
        Parameter("until", "string", "Last day.", ""),
        Parameter("person", "string", "Only messages and mails by this person.", ""),
    ),
    _search,
)
