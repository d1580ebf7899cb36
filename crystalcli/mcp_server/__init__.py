"""MCP server: the tools by which assistants search and read a crystal.

The question it answers: what can a client of the Model Context Protocol ask of a crystal?

client_setup.py    Setup of clients: what to paste into each, with absolute paths, and the skill for
                   agents.
crystal_thread.py  The thread that owns a server's crystal: opened at the first call, anew where it
                   was replaced.
document_tools.py  The tools `read`, `outline`, `list` and `mentions`: what stands in documents, and
                   where.
instructions.py    Instructions of a server for the model: what the crystal holds, and when to use
                   the tools.
listener.py        Socket that a server listens on.
note_tool.py       The tool `remember`: a note becomes a memory, a dated document of its own.
place_line.py      Places and texts as a model reads them: one line of place, then the text.
search_tool.py     The tool `search`: passages that answer a question, and whether they seem to
                   answer it.
service.py         The server: tools over the Model Context Protocol, by standard input and output
                   or by HTTP.
tool_spec.py       Specification of a tool: its name, its parameters as a JSON schema, and checks of
                   arguments.
toolbox.py         The tools of a server, by name, and calls of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.mcp_server.client_setup import CLIENTS, make_client_setup, skill_text
    from crystalcli.mcp_server.crystal_thread import CrystalThread
    from crystalcli.mcp_server.listener import listen_on
    from crystalcli.mcp_server.service import make_http_app, serve_http, serve_stdio
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "client_setup": ("CLIENTS", "make_client_setup", "skill_text"),
            "crystal_thread": ("CrystalThread",),
            "listener": ("listen_on",),
            "service": ("make_http_app", "serve_http", "serve_stdio"),
        },
    )

__all__ = [
    "CLIENTS",
    "CrystalThread",
    "listen_on",
    "make_client_setup",
    "make_http_app",
    "serve_http",
    "serve_stdio",
    "skill_text",
]
