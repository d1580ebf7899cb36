"""Options that say where and when to look, for `recall` and `ask`.

Knows: the options and their syntax. Does not know: how a filter is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.cli.options.completion import complete_authors, complete_documents, complete_kinds, complete_tags
from crystalcli.datatypes import RecallFilter
from crystalcli.errors import UsageError

if TYPE_CHECKING:
    from crystalcli.library import Crystal

InOption = Annotated[
    list[str] | None,
    typer.Option(
        "--in",
        metavar="GLOB|DOCUMENT",
        autocompletion=complete_documents,
        help="Look only in this document, folder or glob. Can be repeated.",
    ),
]
KindOption = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="KIND",
        autocompletion=complete_kinds,
        help="Look only in documents of this kind: pdf, markdown, chat, mail, code, ... Can be repeated.",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DATE",
        help="Look only at messages, sections and documents of this day or later: 2026, 2026-03, 2026-03-14, March, "
        "7d, '2 weeks ago', 'last week'.",
    ),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Look only at those of this day or earlier.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Answer as of that day: nothing that is dated later counts."),
]
ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="PERSON",
        autocompletion=complete_authors,
        help="Look only at messages, mails and documents by this person. Can be repeated.",
    ),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="TAG",
        autocompletion=complete_tags,
        help="Look only in documents and memories with this tag, in Markdown or as a keyword. Can be repeated: "
        "all have to be there.",
    ),
]
TodayOption = Annotated[
    str | None,
    typer.Option(
        "--today",
        metavar="DATE",
        help="The day that 'last week' and the like are counted from. Default: the newest date in the crystal.",
    ),
]


def parse_today(text: str | None) -> date | None:
    """Parse the value of --today.

    Raises:
        UsageError: it is not a day.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"invalid --today {text!r}: expected a day such as 2026-03-14") from None


def parse_as_of(as_of: str | None) -> date | None:
    """Read the value of --as-of; None for None.

    Raises:
        UsageError: It is no date.
    """
    from crystalcli.recall import parse_days

    return None if as_of is None else parse_days(as_of, "--as-of", datetime.now(UTC).date())[1]


def recall_filter(
    crystal: Crystal,
    within: Sequence[str] | None,
    kinds: Sequence[str] | None,
    since: str | None,
    until: str | None,
    by: Sequence[str] | None,
    tags: Sequence[str] | None,
    today: date | None,
    as_of: str | None = None,
) -> RecallFilter | None:
    """Make the filter that the options describe.

    Args:
        crystal: the crystal, whose newest date is today where no other is given.
        within: values of --in.
        kinds: values of --kind.
        since: value of --since.
        until: value of --until.
        by: values of --by.
        tags: values of --tag.
        today: value of --today.
        as_of: value of --as-of.

    Returns:
        The filter; None if no option is set.

    Raises:
        UsageError: a date cannot be read.
    """
    from crystalcli.recall import parse_days

    if today is None and not (since is until is as_of is None):
        today = crystal.newest_day() or datetime.now(UTC).date()
    chosen = RecallFilter(
        within=tuple(within or ()),
        kinds=tuple(kinds or ()),
        since=parse_days(since, "--since", today)[0],
        until=parse_days(until, "--until", today)[1],
        as_of=parse_days(as_of, "--as-of", today)[1],
        people=tuple(by or ()),
        tags=tuple(tag.lstrip("#") for tag in tags or ()),
    )
    return chosen if chosen.selects else None
