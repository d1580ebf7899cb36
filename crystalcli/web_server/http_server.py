"""The server: the socket, the address with its token, and the loop until Ctrl-C.

Knows: sockets, tokens, the browser of this machine. Does not know: pages.
"""

from __future__ import annotations

import os
import secrets
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, UsageError
from crystalcli.mcp_server import listen_on
from crystalcli.web_server.handling.access import PROGRAM_PATH, TOKEN_PARAMETER, AccessPolicy

if TYPE_CHECKING:
    from crystalcli.datatypes import ChatModel

DEFAULT_HOST = "127.0.0.1"
_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The options of a server of pages.

    Attributes:
        host: The address to listen on.
        port: The port; 0: a free one.
        token: Whether requests need a token.
        mcp: Whether assistants are served too.
        open_browser: Whether a browser is opened.
        model: The language model by its name, or open; None: the usual one, if it is here.
        editor: The editor that links to source code open; "": that of $VISUAL or $EDITOR.
    """

    host: str = DEFAULT_HOST
    port: int = 8322
    token: bool = True
    mcp: bool = False
    open_browser: bool = False
    model: str | Path | ChatModel | None = None
    editor: str = ""


def serve_pages(path: Path, options: ServeOptions, *, on_ready: Callable[[str, str | None], None]) -> None:
    """Serve pages of a crystal, until Ctrl-C.

    Args:
        path: The crystal.
        options: The options.
        on_ready: Called with the address and the token when pages can be asked for.

    Raises:
        UsageError: Other machines are served without a token, or $CRYSTAL_TOKEN is too short.
        CrystalError: A library of the extra is not installed, or the port is taken.
    """
    policy = AccessPolicy(_choose_token(options), options.host, options.port)
    if policy.token is None and not policy.is_local:
        raise UsageError("--no-token is for this machine alone: leave out --host, or the option")
    try:
        import uvicorn

        from crystalcli.web_server.web_app import make_web_app
    except ModuleNotFoundError as error:
        raise CrystalError(f"{error.name} is not installed: pip install 'crystalcli[serve]'") from None
    listener = listen_on(options.host, options.port, "--port")
    policy = AccessPolicy(policy.token, options.host, listener.getsockname()[1])
    app = make_web_app(
        path,
        policy,
        model=options.model,
        editor=options.editor or _editor_name() if policy.is_local else "",  # it is on the machine of the browser
        mcp=options.mcp,
    )
    address = server_address(policy)
    on_ready(address, policy.token)
    if options.open_browser and _has_display():
        webbrowser.open(address if policy.token is None else f"{address}?{TOKEN_PARAMETER}={policy.token}")
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listener])


def server_address(policy: AccessPolicy) -> str:
    """Write the address of the first page, as this machine can open it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(policy.host, policy.host)
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{policy.port}/"


def program_address(address: str) -> str:
    """Write the address for assistants."""
    return address.rstrip("/") + PROGRAM_PATH


def _choose_token(options: ServeOptions) -> str | None:
    """Take the token of $CRYSTAL_TOKEN, else a new one; None without a token."""
    if not options.token:
        return None
    chosen = os.environ.get("CRYSTAL_TOKEN", "")
    if not chosen:
        return secrets.token_urlsafe(24)
    if len(chosen) < _SHORTEST_TOKEN or not chosen.isascii() or not chosen.isprintable() or " " in chosen:
        raise UsageError(f"$CRYSTAL_TOKEN is too weak: expected {_SHORTEST_TOKEN} letters and digits or more")
    return chosen


def _has_display() -> bool:
    """Tell whether a browser would have a window; one in the terminal would take it over."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _editor_name() -> str:
    """Name the editor that the user has chosen, by the variables of the shell."""
    words = (os.environ.get("VISUAL") or os.environ.get("EDITOR") or "").split()
    return Path(words[0]).stem if words else ""
