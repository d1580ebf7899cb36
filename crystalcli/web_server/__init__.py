"""Web server: pages of this machine alone, to ask a crystal, search it, and read what it holds.

The question it answers: what does a browser see of a crystal?

The order of its folders is handling, views, pages; the files beside them come last.

http_server.py     The server: the socket, the address with its token, and the loop until Ctrl-C.
page_list.py       The pages of the site, in the order of the navigation.
web_app.py         The application: pages, files of its own, access, and errors as pages.

handling/
    access.py          Access: which requests are let in, and what browsers may do with the answers.
    answer_stream.py   Stream of an answer: what comes while a question is answered in the crystal's
                       thread.
    ledger_cache.py    Rows of the ledger as filters count them, read once for each state of the
                       crystal.
    page_request.py    Request of a page: its parameters, the crystal, and the templates to answer
                       with.
    page_templates.py  Templates of the pages: everything that they are given is escaped.

pages/
    ask_page.py        The page of a question: the evidence at once, then the answer as it is said.
    document_page.py   The page of a document: a window of its text with the passage marked, or a
                       page of a PDF.
    documents_page.py  The page of documents: what the crystal holds, in which state, and why files
                       were left out.
    home_page.py       The first page: the question, and what the crystal holds.
    layers_page.py     The page of layers: a picture of the crystal, a folder, a document or a span,
                       to walk through.
    search_page.py     The page of a search: passages by exact words while one types, by meaning
                       when one has typed.

views/
    answer_text.py     Text of an answer in parts: words, links to its citations, and what the
                       sources do not bear out.
    code_lines.py      Lines of source code, with the class of each word for its colour, and a part
                       marked.
    editor_link.py     Link that opens a file in an editor of this machine, at a line.
    facets.py          Facets of documents: folders, kinds and years, each with its count and its
                       address.
    filter_choice.py   Filter that the parameters of an address choose: a folder, a kind, days.
    layer_drawing.py   Drawing of layers: a view of layers as rows of shapes, one below the other.
    layer_list.py      List of layers: the cells of a view that have words, as entries inside of one
                       another.
    snippets.py        Snippets of passages: the part around what answers, with words or a sentence
                       marked.
    text_blocks.py     Blocks of a text as a page shows them: headings, paragraphs, lines, messages,
                       with a part marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.web_server.http_server import ServeOptions, program_address, serve_pages
else:
    __getattr__ = lazy_names(__name__, {"http_server": ("ServeOptions", "program_address", "serve_pages")})

__all__ = ["ServeOptions", "program_address", "serve_pages"]
