"""The address of a model server: a URL taken apart, and whether it is on this machine.

Knows: URLs, host names, loopback addresses. Opens no connection; only a host name is looked up.
Does not know: HTTP, models.

A host name is looked up once. Connections go to the IP addresses found then, so that a name cannot
be on this machine when it is checked and elsewhere when it is used.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote, urlsplit

from crystalcli.errors import CrystalError, UsageError

_PORTS = {"http": 80, "https": 443}
_ENDPOINTS = ("/chat/completions", "/models")  # below a server's URL, and often copied with it
_WITHOUT_SCHEME = re.compile(r"(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\])(:\d+)?(/[^\s]*)?", re.IGNORECASE)
_LOOKUP_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server's URL, taken apart.

    Attributes:
        secure: Whether it is reached by TLS.
        host: The host as it was written.
        port: The port.
        path: The path, without a slash at its end.
        model: The model behind `#`, or "".
        addresses: IP addresses of the host, in the order in which to try them.
        local: Whether all of them are of this machine.
    """

    secure: bool
    host: str
    port: int
    path: str
    model: str
    addresses: tuple[str, ...]
    local: bool

    @property
    def authority(self) -> str:
        """Host and port, as in a URL and in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def url(self, path: str = "") -> str:
        """Write the URL of a path below the server's own, for messages."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}{path}"


def lacks_scheme(text: str) -> bool:
    """Tell whether a text is a server's URL without its scheme.

    Such as `localhost:8080` or `127.0.0.1:11434/v1`.
    """
    return _WITHOUT_SCHEME.fullmatch(text) is not None


def parse_url(url: str, *, allow_remote: bool = False) -> ServerAddress:
    """Parse a server's URL and look its host up.

    Args:
        url: The URL; an empty path stands for `/v1`, where all servers of this kind answer.
        allow_remote: Whether the host may be another machine.

    Raises:
        UsageError: The URL is invalid, or the host is another machine and `allow_remote` is false.
        CrystalError: The host is unknown, or CRYSTAL_OFFLINE forbids it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"invalid server URL {url!r}: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise UsageError(f"invalid server URL {url!r}: it looks like http://127.0.0.1:11434/v1")
    if "@" in parts.netloc:
        raise UsageError("a server's URL cannot carry a login: put the key into $CRYSTAL_API_KEY")
    if parts.query or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"invalid server URL {url!r}: it may have a scheme, a host, a path and #MODEL, nothing else")
    host, secure = parts.hostname, parts.scheme == "https"
    addresses = _look_up(host)
    local = all(map(_is_loopback, addresses))
    if not local:
        if not allow_remote:
            address = "" if host in addresses else f" ({addresses[0]})"
            raise UsageError(
                f"{host}{address} is not this machine, and questions and passages would be sent there: "
                "--allow-remote if that is meant"
            )
        if os.environ.get("CRYSTAL_OFFLINE", "0") not in ("", "0"):
            raise CrystalError(f"{host} is not this machine, and CRYSTAL_OFFLINE forbids the network")
    path = parts.path.rstrip("/")
    for endpoint in _ENDPOINTS:
        path = path.removesuffix(endpoint)
    return ServerAddress(
        secure,
        host,
        port if port is not None else _PORTS[parts.scheme],
        path or "/v1",
        unquote(parts.fragment),
        addresses,
        local,
    )


def _look_up(host: str) -> tuple[str, ...]:
    """Find the IP addresses of a host."""
    try:
        return (str(ip_address(host)),)
    except ValueError:
        pass
    addresses: list[str] = []
    reasons: list[str] = []

    def look_up() -> None:
        try:
            # An address with a zone (fe80::1%2) is of another machine; its first part is enough.
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            addresses.extend(str(info[4][0]) for info in infos)
        except (OSError, UnicodeError) as error:
            reasons.append(getattr(error, "strerror", None) or str(error))

    # The system's resolver has no timeout that a caller can set.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(_LOOKUP_TIMEOUT)
    if thread.is_alive():
        raise CrystalError(f"the look-up of {host} took more than {_LOOKUP_TIMEOUT:.0f} s; given up")
    if not addresses:
        raise CrystalError(f"unknown host {host}: {reasons[0] if reasons else 'it has no address'}")
    return tuple(dict.fromkeys(addresses))


def _is_loopback(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
