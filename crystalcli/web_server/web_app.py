"""The application: pages, files of its own, access, and errors as pages.

Knows: Starlette. Does not know: what is on a page.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, MissingFileError, NotFoundError, UsageError
from crystalcli.mcp_server import CrystalThread, make_http_app
from crystalcli.web_server.handling.access import AccessGuard, AccessPolicy
from crystalcli.web_server.handling.answer_stream import AnswerSource
from crystalcli.web_server.handling.ledger_cache import LedgerCache
from crystalcli.web_server.handling.page_request import PageRequest, PageSpec, SiteState, html_response
from crystalcli.web_server.handling.page_templates import make_templates
from crystalcli.web_server.page_list import PAGES

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from crystalcli.datatypes import ChatModel

_STATUS = ((NotFoundError, 404), (MissingFileError, 404), (UsageError, 400), (CrystalError, 503))


def make_web_app(
    path: Path,
    policy: AccessPolicy,
    *,
    model: str | Path | ChatModel | None = None,
    editor: str = "",
    mcp: bool = False,
) -> ASGIApp:
    """Make the application.

    Args:
        path: The crystal, which may be made, grow or be replaced at any time.
        policy: The rules by which requests are let in.
        model: The language model by its name, or open; None: the usual one, if it is here.
        editor: The program that links to source code open; "" for no links.
        mcp: Whether assistants are served too, at `/mcp`.

    Raises:
        CrystalError: A library of the extra is not installed.
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    navigation = [(page.path, page.label) for page in PAGES if page.label]
    templates = make_templates({"crystal_name": path.stem, "navigation": navigation})
    reader, answerer = CrystalThread(path), CrystalThread(path)
    site = SiteState(path, reader, answerer, templates, AnswerSource(answerer, path, model), LedgerCache(), editor)
    assistants = make_http_app(path, policy.host) if mcp else None

    def refuse(reason: str) -> Response:
        return html_response(templates.get_template("refused.html").render(reason=reason), 403)

    def land(address: str) -> Response:
        return html_response(templates.get_template("landing.html").render(target=address))

    async def show_error(request: Request, error: Exception) -> Response:
        return error_page(PageRequest(request, site), error)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(site.reader.close)
            stack.callback(site.answerer.close)
            if assistants is not None:
                await stack.enter_async_context(assistants.router.lifespan_context(assistants))
            yield

    static = resources.files("crystalcli.web_server") / "static"
    routes: list[BaseRoute] = [Route(spec.path, _endpoint(spec, site)) for spec in PAGES]
    routes.append(Mount("/static", StaticFiles(directory=str(static))))
    routes += assistants.routes if assistants is not None else []
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={CrystalError: show_error, HTTPException: show_error, Exception: show_error},
    )
    return AccessGuard(app, policy, refuse, land)


def _endpoint(spec: PageSpec, site: SiteState) -> Callable[[Request], Awaitable[Response]]:
    """Make Starlette's endpoint of a page."""

    async def respond(request: Request) -> Response:
        return await spec.respond(PageRequest(request, site))

    return respond


def error_page(page: PageRequest, error: Exception) -> Response:
    """Show an error in a sentence: as a page, or in the place of the part that was asked for."""
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), getattr(error, "status_code", 500))
    if isinstance(error, CrystalError):
        message = str(error)
    elif status == 404:
        message = "There is no such page."
    elif status < 500:
        message = str(getattr(error, "detail", error))
    else:
        logging.getLogger(__name__).error("page %s", page.request.url.path, exc_info=error)
        message = f"unexpected {type(error).__name__}: {error}"
    heading = "Not found" if status == 404 else "That did not work"
    if page.is_fragment:  # which is put in its place with status 200 alone
        return page.render("part_problem.html", message=message)
    return page.render("problem.html", status, message=message, heading=heading)
