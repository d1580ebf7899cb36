"""Request of a page: its parameters, the crystal, and the templates to answer with.

Knows: the crystal's threads, the templates. Does not know: any page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from crystalcli.web_server.handling.answer_stream import AnswerSource
from crystalcli.web_server.handling.ledger_cache import LedgerCache

if TYPE_CHECKING:
    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.responses import Response

    from crystalcli.library import Crystal
    from crystalcli.mcp_server import CrystalThread

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class SiteState:
    """The state that all pages share.

    Attributes:
        path: The crystal.
        reader: The crystal for what is quick: a page opens while a model speaks.
        answerer: The same once more, for answers.
        templates: The templates.
        answers: The answers to questions.
        ledger: The rows of the ledger.
        editor: The program that links to source code open; "" for no links.
    """

    path: Path
    reader: CrystalThread
    answerer: CrystalThread
    templates: Environment
    answers: AnswerSource
    ledger: LedgerCache
    editor: str = ""


class PageRequest:
    """A request of a page.

    Args:
        request: The request.
        site: The state that all pages share.
    """

    def __init__(self, request: Request, site: SiteState) -> None:
        self.request, self.site = request, site

    @property
    def is_fragment(self) -> bool:
        """True if a script asks for a part of a page, to put it into the page that is shown."""
        return "hx-request" in self.request.headers

    def text(self, name: str, default: str = "") -> str:
        """Give a parameter of the address, without white space around it."""
        return self.request.query_params.get(name, default).strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """Give the values of a parameter that may stand several times; empty ones are left out."""
        return tuple(dict.fromkeys(value for value in self.request.query_params.getlist(name) if value))

    def number(self, name: str, default: int = 0) -> int:
        """Give a parameter as a number, from 0; the default where it is none."""
        value = self.text(name)
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 16 else default

    async def read(self, work: Callable[[Crystal], _Result]) -> _Result:
        """Do quick work on the crystal, after other work of that kind.

        Raises:
            CrystalError: The crystal cannot be opened, or the work fails.
        """
        return await self.site.reader.run(work)

    def fill(self, template: str, **values: Any) -> str:
        """Fill a template."""
        return self.site.templates.get_template(template).render(page=self, **values)

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Answer with a template."""
        return html_response(self.fill(template, **values), status)


def html_response(text: str, status: int = 200) -> Response:
    """Make the response of a page; lone surrogates, which UTF-8 lacks, become question marks."""
    from starlette.responses import HTMLResponse

    return HTMLResponse(text.encode("utf-8", "replace"), status)


PageHandler: TypeAlias = Callable[[PageRequest], Awaitable["Response"]]


@dataclass(frozen=True, slots=True)
class PageSpec:
    """A page of the site.

    Attributes:
        path: Its path, such as "/documents"; addresses differ in their parameters alone, so that
            no name of a document is ever part of a path.
        respond: Answers a request.
        label: Its name in the navigation; "": it is not there.
    """

    path: str
    respond: PageHandler
    label: str = ""
