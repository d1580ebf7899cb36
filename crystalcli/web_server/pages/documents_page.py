"""The page of documents: what the crystal holds, in which state, and why files were left out.

Knows: the ledger. Does not know: the text of documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.web_server.handling.page_request import PageRequest, PageSpec

if TYPE_CHECKING:
    from starlette.responses import Response


async def _documents(page: PageRequest) -> Response:
    """List the documents of the ledger."""
    documents = await page.read(lambda crystal: crystal.documents())
    return page.render("documents.html", documents=sorted(documents, key=lambda item: item.path))


DOCUMENTS = PageSpec("/documents", _documents, "Documents")
