"""The page of documents: what the crystal holds, in which state, and why files were left out.

Knows: the ledger. Does not know: the text of documents.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crystalcli.datatypes import DocumentState
from crystalcli.web_server.handling.ledger_cache import LedgerRow
from crystalcli.web_server.handling.page_request import PageRequest, PageSpec
from crystalcli.web_server.handling.page_templates import page_address
from crystalcli.web_server.views.facets import make_facets
from crystalcli.web_server.views.filter_choice import FilterChoice, filter_choice

if TYPE_CHECKING:
    from starlette.responses import Response

_ROWS = 200  # of a page
_NAMES = {
    DocumentState.DONE: "Read",
    DocumentState.PARTIAL: "Read in part",
    DocumentState.GONE: "File gone",
    DocumentState.FAILED: "Not read again",
    DocumentState.SKIPPED: "Left out",
}


@dataclass(frozen=True, slots=True)
class StateTab:
    """A state of documents.

    Attributes:
        name: Its name.
        count: The documents in it.
        address: The address that lists them.
        chosen: Whether they are listed.
    """

    name: str
    count: int
    address: str
    chosen: bool


def _tabs(rows: list[LedgerRow], choice: FilterChoice, state: str) -> list[StateTab]:
    """Count documents by state; the first tab has all."""
    counts = Counter(row.document.state for row in rows)
    tabs = [StateTab("All", len(rows), page_address("/documents", **choice.parameters), not state)]
    tabs += [
        StateTab(label, counts[name], page_address("/documents", state=str(name), **choice.parameters), state == name)
        for name, label in _NAMES.items()
        if counts[name]
    ]
    return tabs if len(tabs) > 2 or state else []


async def _documents(page: PageRequest) -> Response:
    """List the documents of the ledger, a page at a time."""
    choice, state, first = filter_choice(page), page.text("state"), page.number("from")
    rows = await page.read(page.site.ledger.rows)
    chosen = [row for row in rows if choice.admits(row)]
    listed = [row for row in chosen if row.document.state == state] if state else chosen
    first = min(first, max(0, len(listed) - 1)) // _ROWS * _ROWS
    kept = {"state": state}
    parameters = {**kept, **choice.parameters}
    reasons = Counter(row.document.reason for row in listed if row.document.reason)
    return page.render(
        "documents.html",
        total=len(rows),
        listed=listed[first : first + _ROWS],
        count=len(listed),
        size=sum(row.document.size for row in listed),
        first=first,
        before=page_address("/documents", **parameters, from_=first - _ROWS) if first else "",
        after=page_address("/documents", **parameters, from_=first + _ROWS) if first + _ROWS < len(listed) else "",
        tabs=_tabs(chosen, choice, state),
        states=_NAMES,
        reasons=reasons.most_common(8) if len(reasons) > 1 else [],
        choice=choice,
        kept=kept,
        facets=make_facets(
            [row for row in rows if not state or row.document.state == state], choice, "/documents", kept
        ),
    )


DOCUMENTS = PageSpec("/documents", _documents, "Documents")
