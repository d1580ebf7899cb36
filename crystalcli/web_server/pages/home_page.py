"""The first page: the question, and what the crystal holds.

Knows: the ledger's counts. Does not know: how questions are answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from crystalcli.errors import CrystalError
from crystalcli.index import LedgerSummary, summarize_ledger
from crystalcli.web_server.handling.page_request import PageRequest, PageSpec
from crystalcli.web_server.views.filter_choice import FilterChoice

if TYPE_CHECKING:
    from starlette.responses import Response


async def _home(page: PageRequest) -> Response:
    """Show the question and the kinds and folders of documents."""
    summary, problem = LedgerSummary(0, {}, {}), ""
    try:
        summary = await run_in_threadpool(summarize_ledger, page.site.path)
    except CrystalError as error:
        problem = str(error)
    page.site.answerer.warm_up()  # while the question is typed
    return page.render("home.html", summary=summary, problem=problem, choice=FilterChoice())


HOME = PageSpec("/", _home, "Ask")
