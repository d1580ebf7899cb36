"""Web server: pages of this machine alone, to ask a crystal, search it, and read what it holds.

The question it answers: what does a browser see of a crystal?

The order of its folders is handling, pages; the files beside them come last.

http_server.py     The server: the socket, the address with its token, and the loop until Ctrl-C.
page_list.py       The pages of the site, in the order of the navigation.
web_app.py         The application: pages, files of its own, access, and errors as pages.

handling/
    access.py          Access: which requests are let in, and what browsers may do with the answers.
    page_request.py    Request of a page: its parameters, the crystal, and the templates to answer
                       with.
    page_templates.py  Templates of the pages: everything that they are given is escaped.

pages/
    documents_page.py  The page of documents: what the crystal holds, in which state, and why files
                       were left out.
    home_page.py       The first page: the question, and what the crystal holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.web_server.http_server import ServeOptions, program_address, serve_pages
else:
    __getattr__ = lazy_names(__name__, {"http_server": ("ServeOptions", "program_address", "serve_pages")})

__all__ = ["ServeOptions", "program_address", "serve_pages"]
