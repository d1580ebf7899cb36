"""Where a model server is: a URL taken apart, and whether it is on this machine.

Knows: URLs, names of hosts, loopback addresses. Opens no connection; only a name that is no address is looked up.
Does not know: HTTP, models.

What a name means is asked once. Connections go to the addresses found then, so that a name cannot be on this machine when
it is looked at and elsewhere when it is used.
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

_SCHEMES = {"http": 80, "https": 443}
_ASKED = ("/chat/completions", "/models")  # below a server's URL, and often copied with it
_BARE = re.compile(r"(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\])(:\d+)?(/[^\s]*)?", re.IGNORECASE)
_LOOKUP = 5.0  # seconds that the look-up of a name may take


@dataclass(frozen=True, slots=True)
class Address:
    """secure: by TLS. host: as it was written. path: without a slash at its end. model: what stands behind `#`, or "".

    numbers: the IP addresses of the host, in the order in which they are to be tried; all of them of this machine when `local`.
    """

    secure: bool
    host: str
    port: int
    path: str
    model: str
    numbers: tuple[str, ...]
    local: bool

    @property
    def authority(self) -> str:
        """Host and port, as they stand in a URL and in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def url(self, path: str = "") -> str:
        """What is asked, for messages; path: below the server's own."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}{path}"


def looks_like(text: str) -> bool:
    """Whether it is a server's URL but for the scheme: `localhost:8080`, `127.0.0.1:11434/v1`."""
    return _BARE.fullmatch(text) is not None


def parse(url: str, *, allow_remote: bool = False) -> Address:
    """The server's address. Without a path it is `/v1`, as it is for every server of this kind.

    Raises UsageError for what is no such URL, and for a host that is not this machine unless `allow_remote`; CrystalError for
    a name that means nothing here.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is no URL of a server: {error}") from None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise UsageError(f"{url!r} is no URL of a server: it looks like http://127.0.0.1:11434/v1")
    if "@" in parts.netloc:
        raise UsageError("a server's URL cannot carry a login: put the key into $CRYSTAL_API_KEY")
    if parts.query or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"{url!r} is no URL of a server: a scheme, a host, a path and #MODEL are all it may have")
    host, secure = parts.hostname, parts.scheme == "https"
    numbers = _numbers(host)
    local = all(map(_is_loopback, numbers))
    if not local:
        if not allow_remote:
            found = "" if host in numbers else f" ({numbers[0]})"
            raise UsageError(
                f"{host}{found} is not this machine, and questions and passages would be sent there: "
                "--allow-remote if that is meant"
            )
        if os.environ.get("CRYSTAL_OFFLINE", "0") not in ("", "0"):
            raise CrystalError(f"{host} is not this machine, and CRYSTAL_OFFLINE forbids the network")
    path = parts.path.rstrip("/")
    for asked in _ASKED:
        path = path.removesuffix(asked)
    path = path or "/v1"
    return Address(
        secure,
        host,
        port if port is not None else _SCHEMES[parts.scheme],
        path,
        unquote(parts.fragment),
        numbers,
        local,
    )


def _numbers(host: str) -> tuple[str, ...]:
    """The IP addresses that a host stands for."""
    try:
        return (str(ip_address(host)),)
    except ValueError:
        pass
    found: list[str] = []
    reasons: list[str] = []

    def look_up() -> None:
        try:
            # An address with a zone (fe80::1%2) is of another machine; what stands first is all that is needed.
            found.extend(str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            reasons.append(getattr(error, "strerror", None) or str(error))

    # The system's resolver takes as long as it likes and cannot be told otherwise.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(_LOOKUP)
    if thread.is_alive():
        raise CrystalError(f"no answer within {_LOOKUP:.0f} s to where {host} is")
    if not found:
        raise CrystalError(f"no host is called {host}: {reasons[0] if reasons else 'it has no address'}")
    return tuple(dict.fromkeys(found))


def _is_loopback(number: str) -> bool:
    try:
        address = ip_address(number)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
