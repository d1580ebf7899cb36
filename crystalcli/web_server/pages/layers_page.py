"""The page of layers: a picture of the crystal, a folder, a document or a span, to walk through.

Knows: scopes as addresses, views of layers. Does not know: how a picture is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from crystalcli.errors import UsageError
from crystalcli.overview import LayerCell, LayerScope, LitPassage
from crystalcli.web_server.handling.page_request import PageRequest, PageSpec
from crystalcli.web_server.handling.page_templates import page_address
from crystalcli.web_server.views.filter_choice import filter_choice
from crystalcli.web_server.views.layer_drawing import draw_layer_view, light_step
from crystalcli.web_server.views.layer_list import list_layers

if TYPE_CHECKING:
    from starlette.responses import Response

PATH = "/layers"
_LONGEST = 2000  # characters of a question


def scope_address(scope: LayerScope, asked: Mapping[str, str] = MappingProxyType({})) -> str:
    """Write the address of a scope.

    Args:
        scope: The scope.
        asked: The parameters of the question that lights it, with its filter.
    """
    return page_address(
        PATH,
        folder=scope.folder,
        files=_range_text(scope.files),
        name=scope.document,
        span=_range_text(scope.span),
        **asked,
    )


def _range_text(numbers: tuple[int, int] | None) -> str | None:
    return None if numbers is None else f"{numbers[0]}-{numbers[1]}"


def _range_of(page: PageRequest, name: str) -> tuple[int, int] | None:
    """Read two numbers from the address; None without them.

    Raises:
        UsageError: It is something else.
    """
    value = page.text(name)
    first, _, end = value.partition("-")
    if not value:
        return None
    if not (first.isascii() and first.isdecimal() and end.isascii() and end.isdecimal() and len(value) < 32):
        raise UsageError(f"invalid {name} in the address: expected two numbers such as 120-480, got {value}")
    return int(first), int(end)


def _scope_of(page: PageRequest) -> LayerScope:
    """Read the scope from the address."""
    if name := page.text("name"):
        return LayerScope(document=name, span=_range_of(page, "span"))
    return LayerScope(page.text("folder").strip("/"), _range_of(page, "files"))


def _text_address(name: str | None, span: tuple[int, int]) -> str:
    return page_address("/document", name=name, at=span[0], to=span[1]) + "#here"


def _cell_link(asked: Mapping[str, str], document: str | None, cell: LayerCell) -> str:
    """Give where a cell leads: a level down, or at last to the text."""
    if cell.scope is not None:
        return scope_address(cell.scope, asked)
    return _text_address(document, cell.span) if cell.span else ""


def _passage_link(asked: Mapping[str, str], atom_of: str | None, lit: LitPassage) -> str:
    """Give where a passage leads: to its atom, and from there to the text.

    Args:
        asked: The parameters of the question.
        atom_of: The document that the view shows one atom of; None for other views.
        lit: The passage.
    """
    if atom_of == lit.passage.path and lit.tokens is not None:
        return _text_address(atom_of, (lit.passage.start, lit.passage.end))
    return scope_address(lit.scope, asked)


async def _layers(page: PageRequest) -> Response:
    """Show the layers of a scope, lit by a question where one is asked."""
    scope, question, choice = _scope_of(page), page.text("q")[:_LONGEST].strip(), filter_choice(page)
    where = choice.recall_filter() if question else None
    view = await page.read(lambda crystal: crystal.layers(scope, question, where=where))
    bands = {band.name: band for band in view.bands}
    is_atom = "atoms" in bands and bands["atoms"].nodes == 1
    asked = {"q": question, **choice.parameters} if question else {}
    return page.render(
        "layers.html",
        view=view,
        choice=choice,
        drawing=draw_layer_view(view),
        entries=list_layers(view),
        compared=dict(view.compared),
        link=partial(_cell_link, asked, scope.document),
        link_passage=partial(_passage_link, asked, scope.document if is_atom else None),
        link_scope=partial(scope_address, asked=asked),
        plain_address=scope_address(scope),
        step=light_step,
    )


LAYERS = PageSpec(PATH, _layers, "Layers")
