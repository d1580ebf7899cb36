"""The pages of the site, in the order of the navigation.

A page is a file in `pages/` with its `PageSpec`s, and its templates in `templates/`.
"""

from __future__ import annotations

from crystalcli.web_server.handling.page_request import PageSpec
from crystalcli.web_server.pages.documents_page import DOCUMENTS
from crystalcli.web_server.pages.home_page import HOME

PAGES: tuple[PageSpec, ...] = (HOME, DOCUMENTS)
