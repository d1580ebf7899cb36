"""The pages of the site, in the order of the navigation.

A page is a file in `pages/` with its `PageSpec`s, and its templates in `templates/`.
"""

from __future__ import annotations

from crystalcli.web_server.handling.page_request import PageSpec
from crystalcli.web_server.pages.ask_page import ASK, ASK_EVENTS
from crystalcli.web_server.pages.document_page import DOCUMENT, MARK_PLACE, PICTURE
from crystalcli.web_server.pages.documents_page import DOCUMENTS
from crystalcli.web_server.pages.home_page import HOME
from crystalcli.web_server.pages.layers_page import LAYERS
from crystalcli.web_server.pages.search_page import SEARCH, WORDS

PAGES: tuple[PageSpec, ...] = (
    HOME,
    ASK,
    ASK_EVENTS,
    SEARCH,
    WORDS,
    DOCUMENTS,
    LAYERS,
    DOCUMENT,
    PICTURE,
    MARK_PLACE,
)
