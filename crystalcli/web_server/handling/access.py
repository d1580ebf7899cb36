"""Access: which requests are let in, and what browsers may do with the answers.

A request needs the token of this run, and the names in its Host and Origin have to be this
server's, so that no page of another site can ask, also not by a name that it points to this machine
(DNS rebinding). The token comes in the address once, and is a cookie from then on, or in the
header Authorization of programs.

Knows: headers of HTTP. Does not know: pages.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_PARAMETER = "token"
PROGRAM_PATH = "/mcp"  # is asked by programs, which have no use for cookies
# Nothing is loaded but from this server, no script or style stands in a page, and no other page may
# show this one in a frame.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_LOCAL_NAMES = frozenset(("127.0.0.1", "localhost", "::1"))
_COOKIE_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The rules by which requests are let in.

    Attributes:
        token: The token; None: none is needed.
        host: The address that the server listens on.
        port: The port of the server, which its cookie is named by.
    """

    token: str | None
    host: str
    port: int

    @property
    def cookie(self) -> str:
        """The name of the cookie: browsers share cookies between the ports of a machine."""
        return f"crystal-{self.port}"

    @property
    def is_local(self) -> bool:
        """True if only programs of this machine reach the server."""
        return self.host in _LOCAL_NAMES

    def allows_host(self, host: str) -> bool:
        """Tell whether a value of Host, or the host of an Origin, names this server.

        A name that is an address cannot be pointed elsewhere; of names only this machine's count.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in _LOCAL_NAMES:
            return True
        if self.is_local:
            return False
        own = socket.gethostname().lower()
        return name in (self.host.lower(), own, f"{own.partition('.')[0]}.local") or _is_address(name)

    def is_token(self, value: str) -> bool:
        """Compare a token with the right one, in a time that tells nothing about it."""
        return self.token is not None and secrets.compare_digest(value.encode(), self.token.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class AccessGuard:
    """ASGI application that lets requests through to another one, and adds headers to its answers.

    Args:
        app: The other application.
        policy: The rules.
        refuse: Makes the page that says why a request is refused, from the reason.
        land: Makes the page that leads to an address, for the first request with the token.
    """

    def __init__(
        self,
        app: ASGIApp,
        policy: AccessPolicy,
        refuse: Callable[[str], Response],
        land: Callable[[str], Response],
    ) -> None:
        self._app, self._policy, self._refuse, self._land = app, policy, refuse, land

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no sockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        from starlette.requests import Request

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                if b"cache-control" not in present:
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *added]
            await send(message)

        response = self._examine(Request(scope))
        await (self._app if response is None else response)(scope, receive, send_guarded)

    def _examine(self, request: Request) -> Response | None:
        """Refuse a request, or answer the first with the token; None: it is let through."""
        policy, headers = self._policy, request.headers
        if not policy.allows_host(headers.get("host", "")):
            return self._refuse("The address is not one of this server's.")
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            return self._refuse("Another site has asked for this page.")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and (
            headers.get("sec-fetch-mode") != "navigate" or headers.get("sec-fetch-dest") != "document"
        ):
            return self._refuse("Another site has asked for this page.")
        if policy.token is None:
            return None
        scheme, _, key = headers.get("authorization", "").partition(" ")
        given = request.query_params.get(TOKEN_PARAMETER)
        if scheme.lower() == "bearer" and policy.is_token(key.strip()):
            return None
        if given is not None and policy.is_token(given):
            return None if request.url.path.startswith(PROGRAM_PATH) else self._let_in(request)
        if policy.is_token(request.cookies.get(policy.cookie, "")):
            return None
        return self._refuse("This address needs its token: open the one that crystal serve has printed.")

    def _let_in(self, request: Request) -> Response:
        """Keep the token in a cookie, and lead to the same address without it."""
        rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != TOKEN_PARAMETER]
        path = "/" + request.url.path.lstrip("/")  # never the beginning of another host's name
        response = self._land(path + (f"?{urlencode(rest)}" if rest else ""))
        response.set_cookie(
            self._policy.cookie,
            self._policy.token or "",
            max_age=_COOKIE_SECONDS,
            httponly=True,
            samesite="strict",
        )
        return response
