"""The page of a question: the evidence at once, then the answer as it is said.

Knows: answers and their events. Does not know: how they are made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from crystalcli.answering import without_source_end
from crystalcli.web_server.handling.answer_stream import AnswerEvent
from crystalcli.web_server.handling.page_request import PageRequest, PageSpec
from crystalcli.web_server.views.answer_text import answer_parts, source_views, verdict_line, whole_answer
from crystalcli.web_server.views.facets import make_facets
from crystalcli.web_server.views.filter_choice import filter_choice

if TYPE_CHECKING:
    from starlette.responses import Response

    from crystalcli.datatypes import Answer, Citation

_PING = 15  # seconds after which a silent stream says that it is there


async def _ask(page: PageRequest) -> Response:
    """Show a question with its answer if it was made before, else the page that listens for it."""
    question, choice = page.text("q"), filter_choice(page)
    if not question:
        return page.render("ask.html", query="", choice=choice, facets=[], answer=None)
    where = choice.recall_filter()
    rows = [row for row in await page.read(page.site.ledger.rows) if row.document.chunks]
    answer = page.site.answers.kept(question, where)
    values = _answer_values(answer) if answer is not None else {"answer": None}
    return page.render(
        "ask.html", query=question, choice=choice, facets=make_facets(rows, choice, "/ask", {"q": question}), **values
    )


def _answer_values(answer: Answer) -> dict[str, Any]:
    return {
        "answer": answer,
        "parts": whole_answer(answer),
        "verdict": verdict_line(answer),
        "sources": source_views(answer.citations),
    }


async def _events(page: PageRequest) -> Response:
    """Answer a question with server-sent events, whose data are parts of the page."""
    from sse_starlette import EventSourceResponse

    question, where = page.text("q"), filter_choice(page).recall_filter()

    async def events() -> AsyncIterator[dict[str, str]]:
        evidence: tuple[Citation, ...] = ()
        async for event in page.site.answers.stream(question, where):
            if event.kind == "evidence":
                evidence = event.citations
            for name, template, values in _shown(event, evidence):
                data = page.fill(template, **values)
                yield {"event": name, "data": data.encode("utf-8", "replace").decode()}
        yield {"event": "done", "data": "done"}

    return EventSourceResponse(events(), ping=_PING)


def _shown(event: AnswerEvent, evidence: tuple[Citation, ...]) -> list[tuple[str, str, dict[str, Any]]]:
    """Give the parts of the page that an event changes: the name of the event, template, values."""
    status = {
        "waiting": "Waiting: another question is being answered …",
        "begun": "Looking for passages …",
        "evidence": "Reading the passages …",
        "progress": f"Reading {event.text} …",
    }
    shown: list[tuple[str, str, dict[str, Any]]] = []
    if event.kind in status:
        shown.append(("status", "part_status.html", {"status": status[event.kind]}))
    if event.kind == "evidence":
        shown.append(("sources", "part_sources.html", {"sources": source_views(event.citations)}))
    elif event.kind == "text":
        parts = list(answer_parts(without_source_end(event.text, evidence), evidence))
        shown.append(("text", "part_answer_text.html", {"parts": parts}))
    elif event.kind == "answer" and event.answer is not None:
        values = _answer_values(event.answer)
        shown.append(("sources", "part_sources.html", values))
        shown.append(("answer", "part_answer.html", values))
        shown.append(("status", "part_status.html", {"status": ""}))
    elif event.kind == "failure":
        shown.append(("answer", "part_problem.html", {"message": event.text}))
        shown.append(("status", "part_status.html", {"status": ""}))
    return shown


ASK = PageSpec("/ask", _ask)
ASK_EVENTS = PageSpec("/ask/events", _events)
