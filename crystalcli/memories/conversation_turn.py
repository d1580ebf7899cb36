"""A turn of a conversation as it is kept: the question, and the answer with its sources.

Knows: answers and citations, rows of conversations. Does not know: how a turn is kept.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from crystalcli.datatypes import CONVERSATION_KIND, Answer
from crystalcli.storage import Store

ANSWERER = "Crystal"  # the author of answers
_MAX_ANSWER = 2_000  # characters that are kept of an answer
_MAX_SOURCES = 5


def turn_messages(answer: Answer) -> list[tuple[str, str]]:
    """Write a turn as messages, each with its author; "" is the person at the prompt."""
    text = answer.text.strip()
    if len(text) > _MAX_ANSWER:
        text = f"{text[:_MAX_ANSWER].rstrip()}…"
    places = list(dict.fromkeys(f"{each.path} {each.place}".strip() for each in answer.citations))[:_MAX_SOURCES]
    if places and answer.answered:
        text = f"{text}\n(from {'; '.join(places)})"
    read_as = f" (read as: {answer.read_as})" if answer.read_as else ""
    return [("", f"{answer.question}{read_as}"), (ANSWERER, text or "no answer")]


def last_conversation_day(store: Store) -> date | None:
    """Find the day of the last turn that is kept; None without any."""
    rows = store.rows("SELECT max(mtime_ns) FROM source WHERE kind = ? AND chunks > 0", (CONVERSATION_KIND,))
    newest = rows[0][0]
    return datetime.fromtimestamp(newest / 1e9, UTC).astimezone().date() if isinstance(newest, int) else None
